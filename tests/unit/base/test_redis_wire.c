// SPDX-License-Identifier: BSD-2-Clause
#include "base/redis_wire.h"

#include "base/buf.h"
#include "tests/unit/harness.h"

static void
print(const struct redis_reply *reply, struct buf *out)
{
    static const char *const marks[] = {
        [REDIS_STATUS] = "+", [REDIS_ERROR] = "-", [REDIS_TEXT] = "$"};

    switch (reply->kind) {
    case REDIS_STATUS:
    case REDIS_ERROR:
    case REDIS_TEXT:
        buf_add_text(out, marks[reply->kind]);
        str_escape(out, reply->text, NULL, 1000);
        break;
    case REDIS_NUMBER:
        buf_printf(out, ":%lld", (long long)reply->number);
        break;
    case REDIS_NIL:
        buf_add_text(out, "nil");
        break;
    case REDIS_LIST:
        buf_add_char(out, '[');
        for (size_t i = 0; i < reply->item_count; i++) {
            buf_add_text(out, i > 0 ? " " : "");
            print(&reply->items[i], out);
        }
        buf_add_char(out, ']');
        break;
    }
}

// Everything that is whole by now, each with ";" behind it; "bad" for the end of it.
static void
drain(struct redis_wire *wire, struct buf *out, struct err *err)
{
    const struct redis_reply *reply;
    enum redis_wire_result result;

    while ((result = redis_wire_next(wire, &reply, err)) == REDIS_WIRE_REPLY) {
        print(reply, out);
        buf_add_char(out, ';');
    }
    if (result == REDIS_WIRE_BAD)
        buf_add_text(out, "bad");
}

static bool
reads(struct span bytes, size_t first, size_t bite, const char *expected)
{
    struct redis_wire *wire = redis_wire_new();
    struct buf out;
    struct err err = {.kind = ERR_NONE};
    bool is_same, is_bad = false;

    buf_init(&out, 100000);
    while (bytes.len > 0 && !is_bad) {
        size_t len = first > 0 ? first : bite;

        if (len > bytes.len)
            len = bytes.len;
        redis_wire_feed(wire, span_from(bytes.data, len));
        bytes = span_skip(bytes, len);
        first = 0;
        drain(wire, &out, &err);
        is_bad = err.kind != ERR_NONE;
    }
    is_same = strcmp(buf_text(&out), expected) == 0;
    if (!is_same)
        fprintf(stderr, "got %s\n", buf_text(&out));
    buf_clear(&out);
    redis_wire_free(&wire);
    return is_same;
}

static void
test_replies(void)
{
    static const struct {
        const char *name;
        struct span bytes;
        const char *expected;
    } rows[] = {
        {"status",              SPAN_LITERAL("+OK\r\n"),                                "+OK;"                  },
        {"error",               SPAN_LITERAL("-OOM no memory\r\n"),                     "-OOM no memory;"       },
        {"text",                SPAN_LITERAL("$5\r\na\0\r\nb\r\n"),                     "$a\\x00\\x0D\\x0Ab;"   },
        {"empty text",          SPAN_LITERAL("$0\r\n\r\n"),                             "$;"                    },
        {"numbers",             SPAN_LITERAL(":0\r\n:-12\r\n:9223372036854775807\r\n"),
         ":0;:-12;:9223372036854775807;"                                                                        },
        {"nil text",            SPAN_LITERAL("$-1\r\n"),                                "nil;"                  },
        {"nil list",            SPAN_LITERAL("*-1\r\n"),                                "nil;"                  },
        {"empty list",          SPAN_LITERAL("*0\r\n+OK\r\n"),                          "[];+OK;"               },
        {"EXEC",                SPAN_LITERAL("*3\r\n:1\r\n-WRONGTYPE x\r\n+OK\r\n"),    "[:1 -WRONGTYPE x +OK];"},
        {"lists in a list",     SPAN_LITERAL("*2\r\n*2\r\n:1\r\n*0\r\n$1\r\na\r\n"),    "[[:1 []] $a];"         },
        {"several",             SPAN_LITERAL("+OK\r\n+QUEUED\r\n*1\r\n:1\r\n"),         "+OK;+QUEUED;[:1];"     },
        {"HTTP",                SPAN_LITERAL("HTTP/1.1 400 Bad Request\r\n"),           "bad"                   },
        {"a greeting",          SPAN_LITERAL("220 mx ESMTP\r\n"),                       "bad"                   },
        {"a reply, then not",   SPAN_LITERAL("+OK\r\nx"),                               "+OK;bad"               },
        {"bad within a list",   SPAN_LITERAL("*2\r\n+OK\r\nx"),                         "bad"                   },
        {"negative length",     SPAN_LITERAL("$-2\r\n"),                                "bad"                   },
        {"no number",           SPAN_LITERAL(":abc\r\n"),                               "bad"                   },
        {"too many items",      SPAN_LITERAL("*2000000000\r\n"),                        "bad"                   },
        {"more than all items", SPAN_LITERAL("*99999999999999999999\r\n"),              "bad"                   },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        UNIT_CHECK_ROW(rows[i].name, reads(rows[i].bytes, 0, rows[i].bytes.len, rows[i].expected));
        UNIT_CHECK_ROW(rows[i].name, reads(rows[i].bytes, 0, 1, rows[i].expected));
        for (size_t first = 1; first < rows[i].bytes.len; first++)
            UNIT_CHECK_ROW(rows[i].name,
                           reads(rows[i].bytes, first, rows[i].bytes.len, rows[i].expected));
    }
}

static void
test_depth(void)
{
    UNIT_CHECK_ROW("seven", reads(SPAN_LITERAL("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n"),
                                  0, 1, "[[[[[[[:1]]]]]]];"));
    UNIT_CHECK_ROW("many", reads(SPAN_LITERAL("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1"
                                              "\r\n*1\r\n:1\r\n"),
                                 0, 1, "bad"));
}

// Feeds block until it is too much; how often.
static size_t
feed_until_bad(struct redis_wire *wire, struct span block, size_t most, struct err *err)
{
    const struct redis_reply *reply;
    size_t count = 0;

    do {
        redis_wire_feed(wire, block);
        count++;
    } while (redis_wire_next(wire, &reply, err) == REDIS_WIRE_NEED_MORE && count < most);
    return count;
}

// A text that never ends, and lists that would take far more memory than they have bytes.
static void
test_bounds(void)
{
    static char block[60000];
    const size_t enough = REDIS_REPLY_MAX / sizeof block + 1;
    struct redis_wire *wire = redis_wire_new();
    struct err err;

    redis_wire_feed(wire, SPAN_LITERAL("$400000000\r\n"));
    CU_ASSERT_EQUAL(feed_until_bad(wire, span_from(block, sizeof block), 1000, &err), enough);
    CU_ASSERT_STRING_EQUAL(err.text, "a reply is too large");
    redis_wire_free(&wire);

    wire = redis_wire_new();
    CU_ASSERT_EQUAL(feed_until_bad(wire, SPAN_LITERAL("*200000\r\n"), 1000, &err), 2);
    CU_ASSERT_STRING_EQUAL(err.text, "a reply is too large");
    redis_wire_free(&wire);
    redis_wire_free(&wire);
}

// What was read before does not count: replies never become too large by being many.
static void
test_many_replies(void)
{
    enum { MANY = 300 };

    static char block[60000];
    struct redis_wire *wire = redis_wire_new();
    const struct redis_reply *reply;
    enum redis_wire_result result;
    struct err err;
    size_t count = 0;

    memset(block, 'x', sizeof block);
    block[sizeof block - 3] = '\r';
    block[sizeof block - 2] = '\n';
    block[sizeof block - 1] = '+'; // the next one begins
    redis_wire_feed(wire, SPAN_LITERAL("+"));
    for (unsigned i = 0; i < MANY; i++) {
        redis_wire_feed(wire, span_from(block, sizeof block));
        while ((result = redis_wire_next(wire, &reply, &err)) == REDIS_WIRE_REPLY)
            count++;
        CU_ASSERT_EQUAL(result, REDIS_WIRE_NEED_MORE);
    }
    CU_ASSERT_EQUAL(count, MANY);
    redis_wire_free(&wire);
}

static const struct unit_test tests[] = {
    {"replies",      test_replies     },
    {"depth",        test_depth       },
    {"bounds",       test_bounds      },
    {"many replies", test_many_replies},
};

UNIT_MAIN("base/redis_wire", tests)
