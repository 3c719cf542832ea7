// SPDX-License-Identifier: BSD-2-Clause
#include "filters/rspamd_wire.h"

#include "base/mem.h"
#include "tests/unit/harness.h"

struct header_row {
    const char *name;
    const char *addr, *helo, *host, *ident; // XFORWARD; NULL: not sent
    const char *from, *params, *rcpt;
    const char *expected;
};

#define REST "Queue-Id: own\nMTA-Tag: mx\n"

// One row a place: aligned as an array it would fill pages.
// clang-format off
static const struct header_row header_rows[] = {
    {"no XFORWARD", NULL, NULL, NULL, NULL, "a@b", "", "c@d",
     "IP: 127.0.0.1\nHelo: postfix\n" REST "From: a@b\nRcpt: c@d\n"},
    {"all", "192.0.2.7", "client.example", "host.example", "4ABC", "a@b", "AUTH=joe+40b", "c@d",
     "IP: 192.0.2.7\nHelo: client.example\nHostname: host.example\nQueue-Id: 4ABC\nMTA-Tag: mx\nUs"
     "er: joe@b\nFrom: a@b\nRcpt: c@d\n"},
    {"IPv6", "IPv6:2001:db8::7", NULL, NULL, "4ABC", "a@b", "", "c@d",
     "IP: 2001:db8::7\nQueue-Id: 4ABC\nMTA-Tag: mx\nFrom: a@b\nRcpt: c@d\n"},
    {"unavailable", "[UNAVAILABLE]", "[unavailable]", "[UNAVAILABLE]", "4ABC", "a@b", "", "c@d",
     "Queue-Id: 4ABC\nMTA-Tag: mx\nFrom: a@b\nRcpt: c@d\n"},
    {"xtext", "192.0.2.7", "a+20b", "h+C3+BC", "4+2B", "a@b", "", "c@d",
     "IP: 192.0.2.7\nHelo: a b\nHostname: h\xc3\xbc\nQueue-Id: 4+\nMTA-Tag: mx\nFrom: a@b\nRcpt: c"
     "@d\n"},
    {"no header from a value", "192.0.2.7", "a+0D+0AX-Evil:+20b", "a+00b", "+20x", "a@b",
     "AUTH=joe+0D+0AIP:+2010.0.0.1", "c@d", "IP: 192.0.2.7\nMTA-Tag: mx\nFrom: a@b\nRcpt: c@d\n"},
    {"no address", "192.0.2", "+XX", "+", "", "a@b", "AUTH=+X", "c@d",
     "MTA-Tag: mx\nFrom: a@b\nRcpt: c@d\n"},
    {"null sender", NULL, NULL, NULL, NULL, "", "AUTH=<>", "postmaster",
     "IP: 127.0.0.1\nHelo: postfix\n" REST "From: <>\nRcpt: postmaster\n"},
    {"UTF-8", NULL, NULL, NULL, NULL, "j\xc3\xb6rg@b", "SMTPUTF8 AUTH=", "\"c,c\"@d",
     "IP: 127.0.0.1\nHelo: postfix\n" REST "From: j\xc3\xb6rg@b\nRcpt: \"c,c\"@d\n"},
    {"controls", NULL, NULL, NULL, NULL, "a\n@b", "", "c\x7f@d",
     "IP: 127.0.0.1\nHelo: postfix\n" REST},
};

// clang-format on

static void
set(char **member, const char *value)
{
    mem_free(member);
    *member = mem_strdup(value);
}

static void
make_envelope(struct smtp_envelope *envelope, const struct header_row *row)
{
    envelope_init(envelope);
    snprintf(envelope->id, sizeof(envelope->id), "own");
    set(&envelope->hostname, "mx");
    set(&envelope->client, "127.0.0.1");
    set(&envelope->helo, "postfix");
    set(&envelope->xforward[XFORWARD_ADDR], row->addr);
    set(&envelope->xforward[XFORWARD_HELO], row->helo);
    set(&envelope->xforward[XFORWARD_NAME], row->host);
    set(&envelope->xforward[XFORWARD_IDENT], row->ident);
    set(&envelope->from, row->from);
    set(&envelope->from_params, row->params);
    envelope_add_rcpt(envelope, span_of(row->rcpt), span_of(""));
}

static void
test_headers(void)
{
    for (size_t i = 0; i < UNIT_COUNT(header_rows); i++) {
        const struct header_row *row = &header_rows[i];
        struct smtp_envelope envelope;
        struct rspamd_headers headers;
        struct buf text;

        make_envelope(&envelope, row);
        rspamd_wire_headers(&envelope, &headers);
        buf_init(&text, 10000);
        for (size_t k = 0; k < headers.count; k++)
            buf_printf(&text, "%s\n", headers.items[k]);
        UNIT_CHECK_ROW(row->name, headers.items[headers.count] == NULL);
        UNIT_CHECK_ROW(row->name, strcmp(buf_text(&text), row->expected) == 0);
        buf_clear(&text);
        rspamd_wire_headers_clear(&headers);
        CU_ASSERT_PTR_NULL(headers.items);
        envelope_clear(&envelope);
    }
}

// rspamd takes some 80 KB of header, then hangs up.
static void
test_many_recipients(void)
{
    struct smtp_envelope envelope;
    struct rspamd_headers headers;
    size_t len = 0;
    char path[64];

    make_envelope(&envelope, &header_rows[0]);
    for (unsigned i = 0; i < 100000; i++) {
        snprintf(path, sizeof(path), "user%u@some.domain.example", i);
        envelope_add_rcpt(&envelope, span_of(path), span_of(""));
    }
    rspamd_wire_headers(&envelope, &headers);
    for (size_t i = 0; i < headers.count; i++)
        len += strlen(headers.items[i]) + 2;
    CU_ASSERT(len > 59000 && len <= 60000);
    rspamd_wire_headers_clear(&headers);
    envelope_clear(&envelope);
}

static void
test_nothing_to_tell(void)
{
    struct smtp_envelope envelope;
    struct rspamd_headers headers;

    envelope_init(&envelope);
    set(&envelope.from, "\x01");
    set(&envelope.client, "local");
    rspamd_wire_headers(&envelope, &headers);
    CU_ASSERT_EQUAL(headers.count, 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(headers.items);
    CU_ASSERT_PTR_NULL(headers.items[0]);
    rspamd_wire_headers_clear(&headers);
    envelope_clear(&envelope);
}

// What rspamd 3.4 says, but for what stands in front of the symbols.
#define HEAD(action)                                                                               \
    "{\"is_skipped\":false,\"score\":4.25,\"required_score\":15.0,\"action\":\"" action "\","
#define SYMBOLS                                                                                    \
    "\"symbols\":{\"R_DKIM_NA\":{\"name\":\"R_DKIM_NA\",\"score\":0.0,\"options\":[\"a\"]},"       \
    "\"MIME_GOOD\":{\"name\":\"MIME_GOOD\",\"score\":-0.1}}"
#define REPLY(action, more) HEAD(action) SYMBOLS ",\"messages\":{},\"message-id\":\"x@y\"" more "}"

struct reply_row {
    const char *name, *body;
    enum result_kind kind;
    enum result_wish wish;
    const char *edits; // a line each
};

// One row a place: aligned as an array it would fill pages.
// clang-format off
static const struct reply_row reply_rows[] = {
    {"no action", REPLY("no action", ""), RESULT_CLEAN, WISH_ACCEPT, ""},
    {"greylist", REPLY("greylist", ""), RESULT_CLEAN, WISH_ACCEPT, ""},
    {"add header", REPLY("add header", ""), RESULT_HIT, WISH_ACCEPT,
     "remove 0 X-Spam\nadd -1 X-Spam: Yes\n"},
    {"another header", REPLY("add header", ",\"milter\":{\"spam_header\":\"very\"}"), RESULT_HIT,
     WISH_ACCEPT, "remove 0 X-Spam\nadd -1 X-Spam: very\n"},
    {"other headers",
     REPLY("add header", ",\"milter\":{\"spam_header\":{\"X-A\":\"1\",\"X-B\":\"2\"}}"), RESULT_HIT,
     WISH_ACCEPT, "remove 0 X-Spam\nadd -1 X-A: 1\nadd -1 X-B: 2\n"},
    {"rewrite subject", REPLY("rewrite subject", ",\"subject\":\"[SPAM] \\u00fc\""), RESULT_HIT,
     WISH_ACCEPT, "set 0 Subject: [SPAM] \xc3\xbc\n"},
    {"a subject of two lines", REPLY("rewrite subject", ",\"subject\":\"[SPAM] a\\r\\nX-B: c\""),
     RESULT_HIT, WISH_ACCEPT, "set 0 Subject: [SPAM] a  X-B: c\n"},
    {"no subject", REPLY("rewrite subject", ""), RESULT_HIT, WISH_ACCEPT, ""},
    {"a subject of nothing", REPLY("no action", ",\"subject\":\"x\""), RESULT_CLEAN, WISH_ACCEPT,
     ""},
    {"soft reject", REPLY("soft reject", ""), RESULT_HIT, WISH_DEFER, ""},
    {"reject", REPLY("reject", ""), RESULT_HIT, WISH_REJECT, ""},
    {"quarantine", REPLY("quarantine", ""), RESULT_HIT, WISH_QUARANTINE, ""},
    {"discard", REPLY("discard", ""), RESULT_HIT, WISH_DISCARD, ""},
    {"a custom one", REPLY("teergrube", ""), RESULT_HIT, WISH_NONE, ""},
    {"another case", REPLY("Reject", ""), RESULT_HIT, WISH_NONE, ""},
    {"discard instead", REPLY("reject", ",\"milter\":{\"reject\":\"discard\"}"), RESULT_HIT,
     WISH_DISCARD, ""},
    {"quarantine instead", REPLY("reject", ",\"milter\":{\"reject\":\"quarantine\"}"), RESULT_HIT,
     WISH_QUARANTINE, ""},
    {"something instead", REPLY("reject", ",\"milter\":{\"reject\":\"x\"}"), RESULT_HIT,
     WISH_REJECT, ""},
    {"instead of nothing", REPLY("no action", ",\"milter\":{\"reject\":\"discard\"}"), RESULT_CLEAN,
     WISH_ACCEPT, ""},
    {"headers only",
     REPLY("add header", ",\"milter\":{\"no_action\":true,\"add_headers\":{\"X-A\":\"1\"}}"),
     RESULT_HIT, WISH_NONE, "add -1 X-A: 1\n"},
    {"no subject either",
     REPLY("rewrite subject", ",\"subject\":\"x\",\"milter\":{\"no_action\":true}"), RESULT_HIT,
     WISH_NONE, ""},
    {"each form of a header",
     REPLY("no action", ",\"milter\":{\"add_headers\":{\"X-D\":[{\"value\":\"p\",\"order\":1},{\"v"
           "alue\":\"q\",\"order\":-1},\"r\",7],\"X-B\":{\"value\":\"v\",\"order\":0},\"X-C\":[\"a"
           "\",\"b\"],\"X-A\":\"one\",\"X-N\":null,\"X-E\":{\"order\":1},\"X-F\":{\"value\":\"f\","
           "\"order\":-3},\"X-G\":{\"value\":\"g\",\"order\":1e12}}}"), RESULT_CLEAN, WISH_ACCEPT,
     "add 1 X-D: p\nadd -1 X-D: q\nadd -1 X-D: r\nadd 0 X-B: v\nadd -1 X-C: a\nadd -1 X-C: b\nadd "
     "-1 X-A: one\nadd -1 X-F: f\nadd 2147483647 X-G: g\n"},
    {"removed before added",
     REPLY("no action", ",\"milter\":{\"add_headers\":{\"X-A\":\"1\"},\"remove_headers\":{\"X-Two"
           "\":-1,\"X-Old\":0,\"X-One\":1.0,\"X-N\":\"1\",\"X-M\":-1e12}}"), RESULT_CLEAN,
     WISH_ACCEPT,
     "remove -1 X-Two\nremove 0 X-Old\nremove 1 X-One\nremove -2147483647 X-M\nadd -1 X-A: 1\n"},
    {"folded", REPLY("no action", ",\"milter\":{\"add_headers\":{\"X-A\":\"1;\\n\\t2;\\r\\n 3\"}}"),
     RESULT_CLEAN, WISH_ACCEPT, "add -1 X-A: 1;\r\n\t2;\r\n 3\n"},
    {"not a field",
     REPLY("no action", ",\"milter\":{\"add_headers\":{\"X A\":\"1\",\"X-B\":\"1\\nX-C: 2\",\"\":"
           "\"1\",\"X-D\\r\\nX-E\":\"1\",\"X-F\":\"1\"},\"remove_headers\":{\"a b\":0}}"),
     RESULT_CLEAN, WISH_ACCEPT, "add -1 X-F: 1\n"},
    {"a signature", REPLY("no action", ",\"dkim-signature\":\"v=1; a=b\""), RESULT_CLEAN,
     WISH_ACCEPT, "add 0 DKIM-Signature: v=1; a=b\n"},
    {"signatures", REPLY("no action", ",\"dkim-signature\":[\"v=1\",\"v=2\",3]"), RESULT_CLEAN,
     WISH_ACCEPT, "add 0 DKIM-Signature: v=1\nadd 0 DKIM-Signature: v=2\n"},
    {"bytes that are no text",
     REPLY("no action", ",\"milter\":{\"add_headers\":{\"X-A\":\"a\xff\xc3\\u0000\\\\u0000\"}}"),
     RESULT_CLEAN, WISH_ACCEPT, "add -1 X-A: a??\?\\u0000\n"},
    {"odd kinds", REPLY("no action", ",\"milter\":[],\"subject\":1,\"dkim-signature\":{}"),
     RESULT_CLEAN, WISH_ACCEPT, ""},
    {"GTUBE",
     "{\"is_skipped\":true,\"score\":4.25,\"required_score\":15.0,\"action\":\"reject\",\"symbols"
     "\":{\"R_DKIM_NA\":{},\"MIME_GOOD\":{}}}", RESULT_HIT, WISH_REJECT, ""},
};

// clang-format on

static void
format_edits(const struct edit_list *edits, struct buf *out)
{
    for (size_t i = 0; i < edits->count; i++) {
        const struct edit *edit = &edits->items[i];

        buf_printf(out, "%s %d %s", edit_op_name(edit->op), edit->position, edit->name);
        if (edit->value != NULL)
            buf_printf(out, ": %s", edit->value);
        buf_add_char(out, '\n');
    }
}

static void
test_replies(void)
{
    for (size_t i = 0; i < UNIT_COUNT(reply_rows); i++) {
        const struct reply_row *row = &reply_rows[i];
        struct result result;
        struct err err;
        struct buf edits;

        result_init(&result);
        buf_init(&edits, 10000);
        UNIT_CHECK_ROW(row->name, rspamd_wire_read(200, span_of(row->body), &result, &err) == 0);
        UNIT_CHECK_ROW(row->name, result.kind == row->kind && result.wish == row->wish);
        UNIT_CHECK_ROW(row->name, result.has_score && result.score == 4.25);
        UNIT_CHECK_ROW(row->name, result.required_score == 15);
        UNIT_CHECK_ROW(row->name, !result.is_virus && result.name_count == 2);
        UNIT_CHECK_ROW(row->name, result.name_count == 2 &&
                                      strcmp(result.names[0], "R_DKIM_NA") == 0 &&
                                      strcmp(result.names[1], "MIME_GOOD") == 0);
        UNIT_CHECK_ROW(row->name,
                       result.action != NULL && strstr(row->body, result.action) != NULL);
        format_edits(&result.edits, &edits);
        UNIT_CHECK_ROW(row->name, strcmp(buf_text(&edits), row->edits) == 0);
        buf_clear(&edits);
        result_clear(&result);
    }
}

#define SAYS(action, rest) HEAD(action) rest
#define WITH_SYMBOLS(head) head SYMBOLS "}"

struct bad_row {
    const char *name;
    int status;
    const char *body;
    const char *expected; // part of the error
};

// One row a place: aligned as an array it would fill pages.
// clang-format off
static const struct bad_row bad_rows[] = {
    {"another status", 503, REPLY("no action", ""), "HTTP 503"},
    {"no content", 204, "", "HTTP 204"},
    {"a status with words", 500, "{\"error\":\"invalid command\",\"error_domain\":\"x\"}",
     "HTTP 500: invalid command"},
    {"nothing", 200, "", "rspamd's reply: no JSON"},
    {"no JSON", 200, "<html>", "rspamd's reply: no JSON"},
    {"no object", 200, "[]", "expected a JSON object"},
    {"an empty object", 200, "{}", "no action"},
    {"no action", 200, WITH_SYMBOLS("{\"is_skipped\":false,\"score\":0,"), "no action"},
    {"an empty action", 200, REPLY("", ""), "no action"},
    {"an action that is a number", 200,
     WITH_SYMBOLS("{\"is_skipped\":false,\"score\":0,\"action\":1,"), "no action"},
    {"no symbols", 200, SAYS("no action", "\"messages\":{}}"), "no symbols"},
    {"symbols that are none", 200, SAYS("no action", "\"symbols\":[]}"), "no symbols"},
    {"an empty message", 200, SAYS("no action", "\"symbols\":{}}"), "no symbols"},
    {"a custom action of nothing", 200, SAYS("custom", "\"symbols\":{}}"), "no symbols"},
    {"a reject without symbols", 200, SAYS("reject", "\"a\":1}"), "no symbols"},
    {"skipped", 200, WITH_SYMBOLS("{\"is_skipped\":true,\"score\":0,\"action\":\"no action\","),
     "skipped"},
    {"skipped or not", 200, WITH_SYMBOLS("{\"score\":0,\"action\":\"no action\","), "skipped"},
    {"skipped in words", 200,
     WITH_SYMBOLS("{\"is_skipped\":\"no\",\"score\":0,\"action\":\"greylist\","), "skipped"},
    {"no score", 200, WITH_SYMBOLS("{\"is_skipped\":false,\"action\":\"no action\","), "no score"},
    {"a score that is none", 200,
     WITH_SYMBOLS("{\"is_skipped\":false,\"score\":\"0\",\"action\":\"no action\","), "no score"},
    {"the old shape", 200, WITH_SYMBOLS("{\"default\":{},"), "no action"},
    {"two replies", 200, REPLY("no action", "}{\"a\":0"), "no JSON"},
    {"an action twice", 200, REPLY("reject", ",\"action\":\"no action\""), "no JSON"},
};

// clang-format on

// clang-format on

static void
test_bad(void)
{
    for (size_t i = 0; i < UNIT_COUNT(bad_rows); i++) {
        struct result result;
        struct err err = {.kind = ERR_NONE};

        result_init(&result);
        UNIT_CHECK_ROW(
            bad_rows[i].name,
            rspamd_wire_read(bad_rows[i].status, span_of(bad_rows[i].body), &result, &err) == -1);
        UNIT_CHECK_ROW(bad_rows[i].name, result.kind == RESULT_PENDING && result.action == NULL);
        UNIT_CHECK_ROW(bad_rows[i].name, err.kind == ERR_TEMP);
        UNIT_CHECK_ROW(bad_rows[i].name, strstr(err.text, bad_rows[i].expected) != NULL);
        result_clear(&result);
    }
}

// Some bytes each on the wire, and a hundred times that in memory.
static void
test_many_values(void)
{
    static const struct {
        const char *name, *value;
        int result;
    } rows[] = {
        {"arrays",           "[],",       -1},
        {"objects",          "{},",       -1},
        {"numbers",          "1,",        -1},
        {"texts",            "\"\",",     -1},
        {"commas in a text", "\",[\\\"{", 0 },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        bool is_text = rows[i].result == 0;
        struct result result;
        struct buf body;
        struct err err;

        buf_init(&body, RSPAMD_REPLY_MAX);
        result_init(&result);
        buf_add_text(&body, HEAD("no action") SYMBOLS ",\"urls\":[");
        for (size_t k = 0; k < 500001; k++)
            buf_add_text(&body, is_text ? rows[i].value + (k > 0) : rows[i].value);
        buf_add_text(&body, is_text ? "\"]}" : "1]}");
        UNIT_CHECK_ROW(rows[i].name,
                       rspamd_wire_read(200, buf_span(&body), &result, &err) == rows[i].result);
        UNIT_CHECK_ROW(rows[i].name, is_text || strstr(err.text, "values") != NULL);
        result_clear(&result);
        buf_clear(&body);
    }
}

static void
test_smtp_message(void)
{
    static const char body[] =
        HEAD("soft reject") SYMBOLS ",\"messages\":{\"smtp_message\":\"come\\r\\nagain\"}}";
    struct result result;
    struct err err;

    result_init(&result);
    CU_ASSERT_EQUAL(rspamd_wire_read(200, SPAN_LITERAL(body), &result, &err), 0);
    CU_ASSERT_STRING_EQUAL(result.reply, "come again");
    CU_ASSERT_STRING_EQUAL(result.action, "soft reject");
    result_clear(&result);
}

// A reply cut anywhere is none.
static void
test_each_length(void)
{
    for (size_t i = 0; i < UNIT_COUNT(reply_rows); i++) {
        const char *body = reply_rows[i].body;
        unsigned answers = 0;

        for (size_t len = 0; len < strlen(body); len++) {
            char *copy = mem_strndup(body, len);
            struct result result;
            struct err err;

            result_init(&result);
            answers += rspamd_wire_read(200, span_from(copy, len), &result, &err) == 0;
            result_clear(&result);
            mem_free(&copy);
        }
        UNIT_CHECK_ROW(reply_rows[i].name, answers == 0);
    }
}

// No byte of a hit, changed, makes it clean.
static void
test_each_byte(void)
{
    static const char bytes[] = {'\0', '"', '\\', '}', '{', ',', '0', 'n', ' ', '\xff', '\xc3'};

    for (size_t i = 0; i < UNIT_COUNT(reply_rows); i++) {
        const struct reply_row *row = &reply_rows[i];
        size_t len = strlen(row->body);
        char *copy = mem_strndup(row->body, len);
        unsigned clean = 0;

        for (size_t at = 0; at < len * sizeof(bytes); at++) {
            struct result result;
            struct err err;

            result_init(&result);
            copy[at / sizeof(bytes)] = bytes[at % sizeof(bytes)];
            clean += rspamd_wire_read(200, span_from(copy, len), &result, &err) == 0 &&
                     result.kind == RESULT_CLEAN;
            copy[at / sizeof(bytes)] = row->body[at / sizeof(bytes)];
            result_clear(&result);
        }
        UNIT_CHECK_ROW(row->name, row->kind == RESULT_CLEAN || clean == 0);
        mem_free(&copy);
    }
}

static void
test_bounds(void)
{
    struct buf body;
    struct result result;
    struct err err;

    buf_init(&body, 2 * RSPAMD_REPLY_MAX);
    buf_add_text(&body, HEAD("no action") "\"symbols\":{");
    for (unsigned i = 0; i < 5000; i++)
        buf_printf(&body, "%s\"S%u\":{}", i > 0 ? "," : "", i);
    buf_add_text(&body, "},\"milter\":{\"add_headers\":{\"X-A\":[\"0\"");
    for (unsigned i = 1; i < 5000; i++)
        buf_printf(&body, ",\"%u\"", i);
    buf_add_text(&body, "]},\"remove_headers\":{\"X0\":0");
    for (unsigned i = 1; i < 300; i++)
        buf_printf(&body, ",\"X%u\":0", i);
    buf_add_text(&body, "}}}");
    result_init(&result);
    CU_ASSERT_EQUAL(rspamd_wire_read(200, buf_span(&body), &result, &err), 0);
    CU_ASSERT_EQUAL(result.name_count, RESULT_NAMES_MAX);
    CU_ASSERT_EQUAL(result.edits.count, 500);
    result_clear(&result);
    while (body.len < RSPAMD_REPLY_MAX)
        buf_add_char(&body, ' ');
    CU_ASSERT_EQUAL(rspamd_wire_read(200, buf_span(&body), &result, &err), 0);
    result_clear(&result);
    buf_add_char(&body, ' ');
    CU_ASSERT_EQUAL(rspamd_wire_read(200, buf_span(&body), &result, &err), -1);
    buf_clear(&body);
}

static const struct unit_test tests[] = {
    {"headers",         test_headers        },
    {"many recipients", test_many_recipients},
    {"nothing to tell", test_nothing_to_tell},
    {"replies",         test_replies        },
    {"bad",             test_bad            },
    {"many values",     test_many_values    },
    {"smtp_message",    test_smtp_message   },
    {"each length",     test_each_length    },
    {"each byte",       test_each_byte      },
    {"bounds",          test_bounds         },
};

UNIT_MAIN("filters/rspamd_wire", tests)
