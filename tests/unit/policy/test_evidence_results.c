// SPDX-License-Identifier: BSD-2-Clause
#include "policy/evidence.h"

#include "tests/unit/policy/answer.h"

static const struct answer_row rows[] = {
    {"virus=*",               "",                                 "no"           },
    {"virus=*",               "virus@clamav=Eicar",               "yes"          },
    {"virus=eicar*",          "virus@clamav=Eicar.Test",          "yes"          },
    {"virus=Other",           "virus@clamav=Eicar",               "no"           },
    {"virus=!*",              "",                                 "yes"          },
    {"virus=!*",              "virus@clamav=Eicar",               "no"           },
    {"virus=*",               "clamav!failed",                    "clamav"       },
    {"virus=*",               "clamav!failed second!unscannable", "clamav second"},
    {"virus=*",               "clamav!failed virus@second=Eicar", "yes"          },
    {"virus=*",               "rspamd!failed",                    "no"           },
    {"virus=*",               "clamav!skipped second!skipped",    "no"           },
    {"virus=second:*",        "clamav!failed",                    "no"           },
    {"virus=second:*",        "second!failed",                    "second"       },
    {"virus=second:*",        "virus@clamav=Eicar",               "no"           },
    {"virus=*:Eicar",         "virus@second=Eicar",               "yes"          },
    {"virus=!second:*",       "second!failed",                    "second"       },
    {"virus=GTUBE",           "symbol=GTUBE",                     "no"           },
    {"symbol=GTUBE",          "symbol=GTUBE",                     "yes"          },
    {"symbol=rspamd:GT*",     "symbol=GTUBE",                     "yes"          },
    {"symbol=GTUBE",          "",                                 "no"           },
    {"symbol=GTUBE",          "rspamd!failed",                    "rspamd"       },
    {"symbol=GTUBE",          "clamav!failed",                    "no"           },
    {"symbol=Eicar",          "virus@clamav=Eicar",               "no"           },
    {"score=6..15",           "score=6",                          "yes"          },
    {"score=6..15",           "score=15",                         "no"           },
    {"score=6..15",           "",                                 "no"           },
    {"score=!6..15",          "",                                 "yes"          },
    {"score=rspamd:6..",      "score=7",                          "yes"          },
    {"score=rspamd:6..",      "rspamd!failed",                    "rspamd"       },
    {"score=6..",             "rspamd!failed",                    "rspamd"       },
    {"score=6..",             "clamav!failed score=1",            "no"           },
    {"score=5",               "score=5",                          "yes"          },
    {"result=rspamd:reject",  "wish=reject",                      "yes"          },
    {"result=rspamd:re*",     "wish=reject",                      "yes"          },
    {"result=reject",         "wish=reject",                      "yes"          },
    {"result=clamav:reject",  "wish=reject",                      "no"           },
    {"result=clamav:hit",     "virus@clamav=Eicar",               "yes"          },
    {"result=clamav:clean",   "",                                 "yes"          },
    {"result=clamav:clean",   "clamav!failed",                    "clamav"       },
    {"result=clamav:failed",  "clamav!failed",                    "yes"          },
    {"result=clamav:failed",  "clamav!unscannable",               "no"           },
    {"result=*:unscannable",  "second!unscannable",               "yes"          },
    {"result=*:unscannable",  "second!failed",                    "no"           },
    {"result=clamav:skipped", "clamav!skipped",                   "yes"          },
    {"result=clamav:skipped", "clamav!failed",                    "no"           },
    {"result=!clamav:hit",    "clamav!unscannable",               "clamav"       },
    {"failed=*",              "",                                 "no"           },
    {"failed=*",              "second!failed",                    "yes"          },
    {"failed=clamav",         "second!failed",                    "no"           },
    {"failed=!clamav",        "second!failed",                    "yes"          },
    {"failed=*",              "second!unscannable",               "no"           },
    {"failed=clamav",         "clamav!pending",                   "yes"          },
    {"failed=clamav",         "unasked",                          "yes"          },
    {"unscannable=*",         "rspamd!unscannable",               "yes"          },
    {"unscannable=clamav",    "rspamd!unscannable",               "no"           },
    {"unscannable=dissect",   "limit=5",                          "yes"          },
    {"unscannable=*",         "limit=5",                          "yes"          },
    {"unscannable=clamav",    "limit=5",                          "no"           },
    {"unscannable=dissect",   "",                                 "no"           },
    {"unscannable=dissect",   "nolook",                           "dissect"      },
    {"unscannable=*",         "nolook",                           "no"           },
};

static const struct answer_row settling_rows[] = {
    {"virus=*",              "clamav!pending",                    "clamav"       },
    {"virus=*",              "unasked",                           "clamav second"},
    {"virus=*",              "clamav!pending virus@second=Eicar", "yes"          },
    {"failed=clamav",        "clamav!pending",                    "clamav"       },
    {"failed=*",             "clamav!pending second!failed",      "yes"          },
    {"unscannable=*",        "clamav!pending",                    "clamav"       },
    {"result=clamav:clean",  "clamav!pending",                    "clamav"       },
    {"result=clamav:failed", "clamav!pending",                    "clamav"       },
    {"result=clamav:*",      "clamav!pending",                    "clamav"       },
    {"score=6..",            "rspamd!pending",                    "rspamd"       },
};

static void
test_rows(void)
{
    answer_check_all(rows, UNIT_COUNT(rows), false);
}

static void
test_settling(void)
{
    answer_check_all(settling_rows, UNIT_COUNT(settling_rows), true);
}

struct highest_row {
    const char *condition;
    double first, second; // NAN: failed
    const char *expected;
};

static const struct highest_row highest_rows[] = {
    {"score=6..",        7,   3,   "yes"   },
    {"score=6..",        3,   7,   "yes"   },
    {"score=..6",        3,   7,   "no"    },
    {"score=6..",        7,   NAN, "yes"   },
    {"score=6..",        3,   NAN, "second"},
    {"score=6..15",      7,   NAN, "second"},
    {"score=6..15",      15,  NAN, "no"    },
    {"score=..6",        3,   NAN, "second"},
    {"score=..6",        6,   NAN, "no"    },
    {"score=5",          5,   NAN, "second"},
    {"score=5",          5.5, NAN, "no"    },
    {"score=5",          4,   NAN, "second"},
    {"score=!6..",       7,   NAN, "no"    },
    {"score=second:6..", 7,   3,   "no"    },
};

// Two that give scores: who is silent can only raise the highest.
static void
test_highest(void)
{
    for (size_t i = 0; i < UNIT_COUNT(highest_rows); i++) {
        const struct highest_row *row = &highest_rows[i];
        struct answer_row asked = {row->condition, "", row->expected};
        struct err err;
        struct kit kit;
        size_t rule;
        char *rules = mem_printf("x: action=hold; %s", row->condition);

        kit_begin(&kit);
        kit.filters[KIT_SECOND].type = FILTER_RSPAMD;
        kit_read(&kit, rules);
        CU_ASSERT_FATAL(kit_compile(&kit, &rule, &err) == 0);
        kit_rcpt(&kit, "a@example.com");
        kit_score(&kit, row->first);
        kit.results[KIT_SECOND].has_score = !isnan(row->second);
        kit.results[KIT_SECOND].score = row->second;
        if (isnan(row->second))
            kit.results[KIT_SECOND].kind = RESULT_FAILED;
        answer_check(&kit, &asked, false);
        kit_clear(&kit);
        mem_free(&rules);
    }
}

static void
test_nameless(void)
{
    static const struct answer_row asked[] = {
        {"virus=*",     "", "yes"},
        {"virus=!*",    "", "no" },
        {"virus=Eicar", "", "no" },
    };

    for (size_t i = 0; i < UNIT_COUNT(asked); i++) {
        struct kit kit;

        answer_begin(&kit, &asked[i]);
        kit.results[KIT_CLAMAV].kind = RESULT_HIT;
        kit.results[KIT_CLAMAV].is_virus = true;
        answer_check(&kit, &asked[i], false);
        kit_clear(&kit);
    }
}

static const struct unit_test tests[] = {
    {"rows",     test_rows    },
    {"settling", test_settling},
    {"highest",  test_highest },
    {"nameless", test_nameless},
};

UNIT_MAIN("policy/evidence_results", tests)
