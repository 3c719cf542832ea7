// SPDX-License-Identifier: BSD-2-Clause
#include "reinject/caps.h"

#include "tests/unit/harness.h"

#define ALL_XFORWARD ((1U << XFORWARD_COUNT) - 1)

static const struct {
    const char *name, *line;
    struct caps caps;
} rows[] = {
    {"pipelining",       "PIPELINING",                                      {CAPS_PIPELINING, 0, 0}                           },
    {"any case",         "PipeLining",                                      {CAPS_PIPELINING, 0, 0}                           },
    {"8bitmime",         "8BITMIME",                                        {CAPS_8BITMIME, 0, 0}                             },
    {"smtputf8",         "SMTPUTF8",                                        {CAPS_SMTPUTF8, 0, 0}                             },
    {"dsn",              "DSN",                                             {CAPS_DSN, 0, 0}                                  },
    {"chunking",         "CHUNKING",                                        {CAPS_CHUNKING, 0, 0}                             },
    {"enhanced",         "ENHANCEDSTATUSCODES",                             {CAPS_ENHANCED, 0, 0}                             },
    {"starttls",         "STARTTLS",                                        {CAPS_STARTTLS, 0, 0}                             },
    {"size",             "SIZE",                                            {CAPS_SIZE, 0, 0}                                 },
    {"size with figure", "SIZE 10240000",                                   {CAPS_SIZE, 10240000, 0}                          },
    {"size of nonsense", "SIZE 12Q",                                        {CAPS_SIZE, 0, 0}                                 },
    {"size too large",   "SIZE 99999999999999999999",                       {CAPS_SIZE, 0, 0}                                 },
    {"xforward",         "XFORWARD NAME ADDR PROTO HELO SOURCE PORT IDENT", {0, 0, ALL_XFORWARD}                              },
    {"some xforward",
     "xforward name  foo Ident",                                            {0, 0, 1U << XFORWARD_NAME | 1U << XFORWARD_IDENT}},
    {"blank behind",     "DSN ",                                            {CAPS_DSN, 0, 0}                                  },
    {"unknown",          "VRFY",                                            {0, 0, 0}                                         },
    {"longer",           "DSNX",                                            {0, 0, 0}                                         },
    {"empty",            "",                                                {0, 0, 0}                                         },
};

static void
test_lines(void)
{
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct caps caps = {.flags = 0};

        caps_add_line(&caps, span_of(rows[i].line));
        UNIT_CHECK_ROW(rows[i].name, caps_equal(&caps, &rows[i].caps));
    }
}

static void
test_round_trip(void)
{
    for (unsigned flags = 0; flags < 256; flags++) {
        struct caps caps = {.flags = flags, .xforward = flags & ALL_XFORWARD};
        struct caps again;
        struct buf text;

        caps.size = (flags & CAPS_SIZE) != 0 ? flags : 0;
        buf_init(&text, 4096);
        caps_format(&caps, &text);
        CU_ASSERT(caps_parse(buf_span(&text), &again) == 0);
        CU_ASSERT(caps_equal(&caps, &again));
        buf_clear(&text);
    }
}

static void
test_damage(void)
{
    struct caps caps;

    CU_ASSERT(caps_parse(span_of("DSN\nSIZE 17\n"), &caps) == 0);
    CU_ASSERT(caps.size == 17);
    CU_ASSERT(caps_parse(span_of("DSN\nSIZ"), &caps) == -1);
    CU_ASSERT(caps_parse(span_of("DSN\nFOO\n"), &caps) == -1);
    CU_ASSERT(caps_parse(span_of("DSN\n\n"), &caps) == -1);
    CU_ASSERT(caps_parse(SPAN_LITERAL("\0\0\0\0\n"), &caps) == -1);
}

static const struct unit_test tests[] = {
    {"lines",            test_lines     },
    {"format and parse", test_round_trip},
    {"damage",           test_damage    },
};

UNIT_MAIN("reinject/caps", tests)
