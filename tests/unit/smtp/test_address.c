// SPDX-License-Identifier: BSD-2-Clause
#include "smtp/address.h"

#include "tests/unit/harness.h"

struct row {
    const char *args;
    bool is_reverse;
    int code; // 0: good
    const char *enhanced, *text, *rest;
};

static const struct row rows[] = {
    {"FROM:<a@b>",        true,  0,   NULL,    "a@b",        ""    },
    {"from: \t<a@b> X=1", true,  0,   NULL,    "a@b",        " X=1"},
    {"FROM:<>",           true,  0,   NULL,    "",           ""    },
    {"TO:<a@b>",          false, 0,   NULL,    "a@b",        ""    },
    {"To:  <postmaster>", false, 0,   NULL,    "postmaster", ""    },
    {"TO:<a@b>",          true,  501, "5.5.4", NULL,         NULL  },
    {"FROM:<a@b>",        false, 501, "5.5.4", NULL,         NULL  },
    {"FROM <a@b>",        true,  501, "5.5.4", NULL,         NULL  },
    {"FROM :<a@b>",       true,  501, "5.5.4", NULL,         NULL  },
    {"<a@b>",             true,  501, "5.5.4", NULL,         NULL  },
    {"",                  true,  501, "5.5.4", NULL,         NULL  },
    {"FROM:",             true,  501, "5.1.7", NULL,         NULL  },
    {"FROM:a@b",          true,  501, "5.1.7", NULL,         NULL  },
    {"TO:a@b",            false, 501, "5.1.3", NULL,         NULL  },
    {"TO:<>",             false, 501, "5.1.3", NULL,         NULL  },
    {"FROM:<@x:a@b>",     true,  501, "5.1.7", NULL,         NULL  },
    {"TO:<@x:a@b>",       false, 501, "5.1.3", NULL,         NULL  },
    {"FROM:<a@\xc3\xbc>", true,  550, "5.6.7", NULL,         NULL  },
    {"TO:<a@\xc3\xbc>",   false, 553, "5.6.7", NULL,         NULL  },
};

static void
test_rows(void)
{
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        const struct row *row = &rows[i];
        struct path_rules rules = {.is_reverse = row->is_reverse};
        struct smtp_reply reply = {.code = 0};
        struct path path;
        int result = address_read(span_of(row->args), &rules, &path, &reply);

        UNIT_CHECK_ROW(row->args, (result == 0) == (row->code == 0));
        UNIT_CHECK_ROW(row->args, reply.code == row->code);
        UNIT_CHECK_ROW(row->args, result == 0 || strcmp(reply.enhanced, row->enhanced) == 0);
        UNIT_CHECK_ROW(row->args, result != 0 || span_is(path.text, row->text));
        UNIT_CHECK_ROW(row->args, result != 0 || span_is(path.rest, row->rest));
    }
}

static void
test_too_long(void)
{
    struct path_rules rules = {.strict = true};
    struct smtp_reply reply;
    struct path path;
    char args[100] = "TO:<";

    memset(args + 4, 'a', 65);
    memcpy(args + 69, "@b>", 4);
    CU_ASSERT(address_read(span_of(args), &rules, &path, &reply) == -1);
    CU_ASSERT(reply.code == 501 && strcmp(reply.text, "Address is too long") == 0);
}

struct log_row {
    const char *args, *expected;
};

static const struct log_row log_rows[] = {
    {"FROM:<a@b> SIZE=1",   "a@b"      },
    {"TO: <\"a>b\"@c> X=1", "\"a>b\"@c"},
    {"FROM:<>",             ""         },
    {"TO:a@b",              "a@b"      },
    {"TO:<a@b",             "<a@b"     },
    {"x",                   "x"        },
    {"",                    ""         },
    {"FROM:",               ""         },
    {"TO:<",                "<"        },
};

static void
test_for_log(void)
{
    for (size_t i = 0; i < UNIT_COUNT(log_rows); i++)
        UNIT_CHECK_ROW(log_rows[i].args,
                       span_is(address_for_log(span_of(log_rows[i].args)), log_rows[i].expected));
}

static const struct unit_test tests[] = {
    {"rows",     test_rows    },
    {"too long", test_too_long},
    {"for log",  test_for_log },
};

UNIT_MAIN("smtp/address", tests)
