// SPDX-License-Identifier: BSD-2-Clause
#include "filters/upstream.h"

#include "tests/unit/filters/configure.h"
#include "tests/unit/harness.h"

#include "base/buf.h"

// What is done, a word each: p pick for a new message, n next for the same, fN server N fails, sN
// it answers, +MS time goes by, P the next probe, w how long to wait for it. Expected: a word for
// each that has an answer; "-" for none.
struct row {
    const char *name, *settings, *script, *expected;
};

struct run {
    struct filter_settings settings;
    struct upstream *upstream;
    uint64_t now_ms, tried;
    struct buf out;
};

static void
put(struct run *run, uint64_t value, uint64_t none)
{
    if (run->out.len > 0)
        buf_add_char(&run->out, ' ');
    if (value == none)
        buf_add_char(&run->out, '-');
    else
        buf_printf(&run->out, "%llu", (unsigned long long)value);
}

static void
pick(struct run *run)
{
    size_t server = upstream_pick(run->upstream, run->now_ms, run->tried);

    put(run, server, SIZE_MAX);
    if (server != SIZE_MAX)
        run->tried |= UINT64_C(1) << server;
}

static void
step(struct run *run, const char *word)
{
    uint64_t number = strtoull(word + 1, NULL, 10);

    switch (word[0]) {
    case 'p':
        run->tried = 0;
        pick(run);
        break;
    case 'n':
        pick(run);
        break;
    case 'f':
        if (upstream_failed(run->upstream, number, run->now_ms))
            buf_add_text(&run->out, run->out.len > 0 ? " dead" : "dead");
        break;
    case 's':
        if (upstream_succeeded(run->upstream, number, run->now_ms))
            buf_add_text(&run->out, run->out.len > 0 ? " back" : "back");
        break;
    case '+':
        run->now_ms += number;
        break;
    case 'P':
        put(run, upstream_probe_due(run->upstream, run->now_ms), SIZE_MAX);
        break;
    case 'w':
        put(run, upstream_probe_wait(run->upstream, run->now_ms), UINT64_MAX);
        break;
    case 'd':
        put(run, upstream_is_dead(run->upstream, number, run->now_ms), 2);
        break;
    default:
        CU_FAIL("unknown word");
    }
}

static void
check(const struct row *row)
{
    struct run run = {.now_ms = 1000000};
    char script[400];
    char *rest = NULL;

    buf_init(&run.out, 4000);
    configure(&run.settings, "test", row->settings);
    run.upstream = upstream_new(&run.settings);
    snprintf(script, sizeof(script), "%s", row->script);
    for (char *word = strtok_r(script, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest))
        step(&run, word);
    UNIT_CHECK_ROW(row->name, strcmp(buf_text(&run.out), row->expected) == 0);
    if (strcmp(buf_text(&run.out), row->expected) != 0)
        fprintf(stderr, "  got \"%s\"\n", buf_text(&run.out));
    upstream_free(&run.upstream);
    CU_ASSERT_PTR_NULL(run.upstream);
    filter_settings_clear(&run.settings);
    buf_clear(&run.out);
}

#define ONE_ERROR "; max_errors=1; dead_time=100s; probe_interval=10s"

static void
test_rows(void)
{
    static const struct row rows[] = {
        {"one server",                   "servers=1",                                 "p p n",                             "0 0 -"            },
        {"in turn",                      "servers=1 2 3",                             "p p p p p p p",                     "0 1 2 0 1 2 0"    },
        {"for one message",              "servers=1 2 3",                             "p n n n",                           "0 1 2 -"          },
        {"by weight",                    "servers=1 2; weights=3 1",                  "p p p p p p p p",                   "0 0 1 0 0 0 1 0"  },
        {"by weight, the second",        "servers=1 2 3; weights=1 1 2",              "p p p p",                           "2 0 1 2"          },
        {"retries do not unbalance",     "servers=1 2",                               "p n p n p n p n",                   "0 1 1 0 0 1 1 0"  },
        {"backups are last",             "servers=1; backup=2 3",                     "p p p n n n",                       "0 0 0 1 2 -"      },
        {"backups while none lives",     "servers=1 2; backup=3" ONE_ERROR,           "f0 p f1 p p n",
         "dead 1 dead 2 2 -"                                                                                                                  },
        {"dead after max_errors",        "servers=1 2; max_errors=3",                 "f0 f0 p p f0 p p",                  "0 1 dead 1 1"     },
        {"errors go by",                 "servers=1; max_errors=3; error_time=10s",   "f0 +6000 f0 +5000 f0 d0 f0 d0",
         "0 dead 1"                                                                                                                           },
        {"errors at the edge",           "servers=1; max_errors=2; error_time=10s",   "f0 +10000 f0 d0",
         "dead 1"                                                                                                                             },
        {"errors beyond it",             "servers=1; max_errors=2; error_time=10s",   "f0 +10001 f0 d0",                   "0"                },
        {"dead_time",                    "servers=1 2" ONE_ERROR,                     "f0 +99999 d0 +1 d0",                "dead 1 0"         },
        {"asked again after it",         "servers=1 2" ONE_ERROR,                     "f0 p p +100000 p p",                "dead 1 1 0 1"     },
        {"and told once it answers",     "servers=1 2" ONE_ERROR,                     "f0 +100000 s0 s0",                  "dead back"        },
        {"and can die again",            "servers=1 2" ONE_ERROR,                     "f0 +100000 f0 d0",                  "dead dead 1"      },
        {"all dead: the oldest",         "servers=1 2" ONE_ERROR,                     "f1 +1 f0 p p n n",                  "dead dead 1 1 0 -"},
        {"all dead: then the others",    "servers=1 2" ONE_ERROR,                     "f1 +1 f0 p +1 f1 p +1 f0 p",
         "dead dead 1 0 1"                                                                                                                    },
        {"all dead: backups too",        "servers=1; backup=2" ONE_ERROR,             "f1 +1 f0 p n n",
         "dead dead 1 0 -"                                                                                                                    },
        {"one lives, but was tried",     "servers=1 2" ONE_ERROR,                     "f0 p n",                            "dead 1 -"         },
        {"an answer revives it",         "servers=1" ONE_ERROR,                       "f0 p s0 d0",                        "dead 0 back 0"    },
        {"not one to a former question", "servers=1 2" ONE_ERROR,                     "f0 s0 d0",                          "dead 1"           },
        {"no errors are left over",      "servers=1; max_errors=2",                   "f0 f0 p s0 f0 d0 f0 d0",
         "dead 0 back 0 dead 1"                                                                                                               },
        {"an answer of a living one",    "servers=1",                                 "s0 f0 s0 d0",                       "0"                },
        {"no probe of the living",       "servers=1",                                 "P w +100000 P",                     "- - -"            },
        {"probe",                        "servers=1 2" ONE_ERROR,                     "f1 P w +9999 P w +1 w P P w",
         "dead - 10000 - 1 0 1 - 10000"                                                                                                       },
        {"probe of each",                "servers=1 2" ONE_ERROR,                     "f1 +4000 f0 w +6000 P P +4000 P P",
         "dead dead 6000 1 - 0 -"                                                                                                             },
        {"probe that answers",           "servers=1 2" ONE_ERROR,                     "f0 +10000 P s0 d0 w p p",
         "dead 0 back 0 - 0 1"                                                                                                                },
        {"no probe after dead_time",     "servers=1 2" ONE_ERROR,                     "f0 +100000 P w",                    "dead - -"         },
        {"probes are off",               "servers=1; max_errors=1; probe_interval=0", "f0 +20000 P w",
         "dead - -"                                                                                                                           },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++)
        check(&rows[i]);
}

static void
test_many(void)
{
    struct filter_settings settings;
    struct upstream *upstream;
    uint64_t tried = 0;

    configure(&settings, "test",
              "servers=1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 "
              "29 30 31 32; backup=33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 "
              "54 55 56 57 58 59 60 61 62 63 64");
    upstream = upstream_new(&settings);
    CU_ASSERT_EQUAL(upstream_count(upstream), 64);
    for (size_t i = 0; i < 64; i++) {
        size_t server = upstream_pick(upstream, 0, tried);

        CU_ASSERT_EQUAL_FATAL(server, i);
        CU_ASSERT_EQUAL(addr_port(upstream_addr(upstream, server)), i + 1);
        tried |= UINT64_C(1) << server;
    }
    CU_ASSERT_EQUAL(upstream_pick(upstream, 0, tried), SIZE_MAX);
    upstream_free(&upstream);
    upstream_free(&upstream);
    filter_settings_clear(&settings);
}

static const struct unit_test tests[] = {
    {"rows",       test_rows},
    {"sixty-four", test_many},
};

UNIT_MAIN("filters/upstream", tests)
