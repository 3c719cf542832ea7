// SPDX-License-Identifier: BSD-2-Clause
// Lines of hostile pieces, as Postfix would print them: none becomes another line.
#include "track/maillog/maillog.h"

#include "base/buf.h"
#include "tests/unit/harness.h"
#include "tests/unit/track/draw.h"

#define NOW INT64_C(1793678706000) // 2026-11-03 04:05:06 UTC
#define AT "Nov  3 04:05:06 mx postfix/smtp[812]: "
#define TAIL "relay=127.0.0.1[127.0.0.1]:25, delay=0.02, delays=0/0.01/0/0.01, "
#define SENT TAIL "dsn=2.0.0, status=sent (250 2.0.0 Ok)"
#define FORGED                                                                                     \
    "Nov  3 04:05:06 mx postfix/smtp[1]: 4ABC123DEF: to=<victim@b.example>, relay=x[192.0.2.1]:25" \
    ", delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (ok"

static void
must(int result)
{
    if (result != 0)
        abort();
}

static void
draw_text(uint64_t *seed, struct buf *out)
{
    static const char forged[] = FORGED, forged_whole[] = FORGED ")";
    static const char unquoted[] = "\"@c>, " SENT, escaped[] = "\\\">, " SENT;
    static const char *const pieces[] = {
        "a",
        "victim@b.example",
        "@",
        "\"",
        "\\",
        ">",
        "<",
        ", ",
        " ",
        "(",
        ")",
        ",",
        ":",
        ";",
        ".",
        "..",
        "relay=x",
        "to=<victim@b.example>, ",
        ", orig_to=<victim@b.example>",
        ">, relay=none, ",
        ", delay=0, delays=0/0/0/0, dsn=2.0.0, ",
        "status=sent (",
        "status=sent (ok)",
        "status=deferred (",
        "\xc3\xbc",
        "\xff",
        "?",
        "[",
        "]",
        "[192.0.2.1]:25",
        "4jWwnR349tz1cXgD: ",
        forged,
        forged_whole,
        "postfix/smtp[1]: ",
        unquoted,
        escaped,
    };
    for (uint64_t count = draw(seed, 9); count > 0; count--)
        must(buf_add_text(out, pieces[draw(seed, UNIT_COUNT(pieces))]));
}

static bool
is_dot_string(struct span local)
{
    if (local.len == 0 || local.data[0] == '.' || local.data[local.len - 1] == '.')
        return false;
    for (size_t i = 0; i < local.len; i++) {
        if (local.data[i] == '.' && local.data[i + 1] == '.')
            return false;
        if (strchr(" ()<>@,;:\\\"[]", local.data[i]) != NULL)
            return false;
    }
    return true;
}

// RFC 822's quoting of a local part, and the domain as it is.
static void
print_address(struct span local, struct buf *out)
{
    if (is_dot_string(local)) {
        must(buf_add_span(out, local));
    } else {
        must(buf_add_char(out, '"'));
        for (size_t i = 0; i < local.len; i++) {
            if (local.data[i] == '"' || local.data[i] == '\\')
                must(buf_add_char(out, '\\'));
            must(buf_add_char(out, local.data[i]));
        }
        must(buf_add_char(out, '"'));
    }
    must(buf_add_text(out, "@true.example"));
}

struct drawn {
    struct buf to, orig_to, text, line;
    size_t fields_at, text_at; // in the line
    enum maillog_status status;
};

static void
draw_address(uint64_t *seed, struct buf *out)
{
    struct buf local;

    buf_init(&local, 4096);
    draw_text(seed, &local);
    print_address(buf_span(&local), out);
    buf_clear(&local);
}

static void
draw_line(uint64_t *seed, struct drawn *drawn)
{
    static const struct {
        const char *dsn_and_status;
        enum maillog_status status;
    } kinds[] = {
        {"dsn=4.2.0, status=deferred (", MAILLOG_DEFERRED},
        {"dsn=5.1.1, status=bounced (",  MAILLOG_BOUNCED },
        {"dsn=2.0.0, status=sent (",     MAILLOG_SENT    },
    };

    size_t kind = draw(seed, UNIT_COUNT(kinds));

    *drawn = (struct drawn){.status = kinds[kind].status};
    buf_init(&drawn->to, 4096);
    buf_init(&drawn->orig_to, 4096);
    buf_init(&drawn->text, 4096);
    buf_init(&drawn->line, 16384);
    draw_address(seed, &drawn->to);
    draw_text(seed, &drawn->text);
    must(buf_printf(&drawn->line, "%s4jWwnR349tz1cXgD: to=<%s>", AT, buf_text(&drawn->to)));
    if (draw(seed, 3) == 0) {
        draw_address(seed, &drawn->orig_to);
        must(buf_printf(&drawn->line, ", orig_to=<%s>", buf_text(&drawn->orig_to)));
    }
    drawn->fields_at = drawn->line.len;
    must(buf_printf(&drawn->line, ", %s%s%s", TAIL, draw(seed, 4) == 0 ? "tls=dane, " : "",
                    kinds[kind].dsn_and_status));
    drawn->text_at = drawn->line.len;
    must(buf_printf(&drawn->line, "%s)", buf_text(&drawn->text)));
}

static void
clear_line(struct drawn *drawn)
{
    buf_clear(&drawn->to);
    buf_clear(&drawn->orig_to);
    buf_clear(&drawn->text);
    buf_clear(&drawn->line);
}

static bool
is_same(struct span span, const struct buf *buf)
{
    return span.len == buf->len && (buf->len == 0 || memcmp(span.data, buf->data, buf->len) == 0);
}

enum { ROUNDS = 20000 };

static void
hostile_pieces_stay_what_they_are(void)
{
    uint64_t seed = 0x9e3779b97f4a7c15;

    for (int round = 0; round < ROUNDS; round++) {
        struct maillog_line line;
        struct drawn drawn;

        draw_line(&seed, &drawn);
        CU_ASSERT(maillog_parse(buf_span(&drawn.line), NOW, &line) == MAILLOG_DELIVERY);
        CU_ASSERT(line.status == drawn.status);
        CU_ASSERT(span_is(line.queue_id, "4jWwnR349tz1cXgD"));
        CU_ASSERT(span_is(line.relay, "127.0.0.1[127.0.0.1]:25"));
        CU_ASSERT(is_same(line.to, &drawn.to) && is_same(line.orig_to, &drawn.orig_to));
        CU_ASSERT(is_same(line.text, &drawn.text));
        clear_line(&drawn);
    }
}

// Of a line that does not say "sent" nobody's mail is sent, wherever it is cut off, and whatever
// has become of a few bytes in front of the text.
static void
what_is_not_sent_is_never_sent(void)
{
    uint64_t seed = 0x2545f4914f6cdd1d;

    for (int round = 0; round < ROUNDS; round++) {
        struct maillog_line line;
        struct drawn drawn;

        do {
            draw_line(&seed, &drawn);
            if (drawn.status != MAILLOG_SENT)
                break;
            clear_line(&drawn);
        } while (true);
        if (maillog_parse(span_from(drawn.line.data, draw(&seed, drawn.line.len)), NOW, &line) ==
            MAILLOG_DELIVERY)
            CU_ASSERT(line.status == drawn.status && is_same(line.to, &drawn.to));
        // Within an address a lost quote would be another address: left out.
        for (uint64_t edits = 1 + draw(&seed, 3); edits > 0; edits--) {
            size_t len = drawn.text_at - drawn.fields_at;

            drawn.line.data[drawn.fields_at + draw(&seed, len)] = (char)draw(&seed, 256);
        }
        if (maillog_parse(buf_span(&drawn.line), NOW, &line) == MAILLOG_DELIVERY)
            CU_ASSERT(line.status != MAILLOG_SENT);
        clear_line(&drawn);
    }
}

static const struct unit_test tests[] = {
    {"hostile pieces stay what they are", hostile_pieces_stay_what_they_are},
    {"what is not sent is never sent",    what_is_not_sent_is_never_sent   },
};

UNIT_MAIN("track/maillog_hostile", tests)
