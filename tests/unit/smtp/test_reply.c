// SPDX-License-Identifier: BSD-2-Clause
#include "smtp/reply.h"

#include "tests/unit/harness.h"

struct row {
    int code;
    const char *enhanced, *text, *expected;
};

static const struct row rows[] = {
    {250, "2.1.0",     "Ok",               "250 2.1.0 Ok\r\n"            },
    {220, NULL,        "mx ESMTP Postern", "220 mx ESMTP Postern\r\n"    },
    {354, NULL,        "End data",         "354 End data\r\n"            },
    {354, "3.0.0",     "End data",         "354 End data\r\n"            },
    {550, "5.7.1",     "No",               "550 5.7.1 No\r\n"            },
    {550, "4.7.1",     "class",            "550 5.0.0 class\r\n"         },
    {451, "5.7.1",     "class",            "451 4.0.0 class\r\n"         },
    {550, "5.7",       "short",            "550 5.0.0 short\r\n"         },
    {550, "5.7.",      "short",            "550 5.0.0 short\r\n"         },
    {550, "5..1",      "short",            "550 5.0.0 short\r\n"         },
    {550, "5.1234.1",  "long",             "550 5.0.0 long\r\n"          },
    {550, "5.123.456", "long",             "550 5.123.456 long\r\n"      },
    {550, "5.1.1x",    "rest",             "550 5.0.0 rest\r\n"          },
    {550, "",          "empty",            "550 5.0.0 empty\r\n"         },
    {550, "5.0.0",     "a\r\n250 2.0.0 b", "550 5.0.0 a??250 2.0.0 b\r\n"},
    {550, "5.0.0",     "\t\x1b[2J\x7f",    "550 5.0.0 ??[2J?\r\n"        },
    {550, "5.0.0",     "\xc3\xbc ok",      "550 5.0.0 \xc3\xbc ok\r\n"   },
    {550, "5.0.0",     "\xc3 \xff",        "550 5.0.0 ? ?\r\n"           },
    {550, "5.0.0",     "a\xc2\x85z",       "550 5.0.0 a??z\r\n"          },
};

static void
test_rows(void)
{
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct smtp_reply reply;
        struct buf out;

        reply_set(&reply, rows[i].code, rows[i].enhanced, "%s", rows[i].text);
        buf_init(&out, 1000);
        reply_write(&reply, &out);
        UNIT_CHECK_ROW(rows[i].expected, span_is(buf_span(&out), rows[i].expected));
        UNIT_CHECK_ROW(rows[i].expected, reply.code == rows[i].code);
        buf_clear(&out);
    }
}

// At most 512 octets with everything (RFC 5321 4.5.3.1.5), and no character cut in two.
static void
test_long(void)
{
    char text[3000];

    for (size_t shift = 0; shift < 3; shift++) {
        struct smtp_reply reply;
        struct buf out;

        memset(text, 'a', shift);
        for (size_t i = shift; i + 1 < sizeof(text) - 1; i += 2)
            memcpy(text + i, "\xc3\xbc", 2);
        text[sizeof(text) - 2] = '\0';
        reply_set(&reply, 550, "5.123.123", "%s", text);
        buf_init(&out, 1000);
        reply_write(&reply, &out);
        CU_ASSERT(out.len <= 512 && out.len > 400);
        CU_ASSERT(str_is_utf8(buf_span(&out)));
        CU_ASSERT(memchr(out.data, '?', out.len) == NULL);
        buf_clear(&out);
    }
}

static void
test_from_itself(void)
{
    struct smtp_reply reply;

    reply_set(&reply, 450, "4.2.0", "busy");
    reply_set(&reply, 450, reply.enhanced, "host said: %s", reply.text);
    CU_ASSERT_STRING_EQUAL(reply.text, "host said: busy");
    CU_ASSERT_STRING_EQUAL(reply.enhanced, "4.2.0");
}

static const struct unit_test tests[] = {
    {"rows",        test_rows       },
    {"long",        test_long       },
    {"from itself", test_from_itself},
};

UNIT_MAIN("smtp/reply", tests)
