// SPDX-License-Identifier: BSD-2-Clause
#include "reinject/bounce.h"

#include "tests/unit/harness.h"

enum { NOTICE_MAX = 1 << 20 };

static const struct {
    const char *name;
    enum bounce_kind kind;
    const char *from, *params;
    bool is_wanted;
} wanted_rows[] = {
    {"failure by default",  BOUNCE_FAILED,  "a@b", "",                                true },
    {"delay by default",    BOUNCE_DELAYED, "a@b", "ORCPT=rfc822;x@y",                true },
    {"success not",         BOUNCE_RELAYED, "a@b", "",                                false},
    {"never",               BOUNCE_FAILED,  "a@b", "NOTIFY=NEVER",                    false},
    {"never a delay",       BOUNCE_DELAYED, "a@b", "NOTIFY=NEVER",                    false},
    {"failure",             BOUNCE_FAILED,  "a@b", "NOTIFY=FAILURE",                  true },
    {"failure, no delay",   BOUNCE_DELAYED, "a@b", "NOTIFY=FAILURE",                  false},
    {"success, no failure", BOUNCE_FAILED,  "a@b", "NOTIFY=SUCCESS",                  false},
    {"success",             BOUNCE_RELAYED, "a@b", "ORCPT=rfc822;x@y NOTIFY=SUCCESS", true },
    {"all",                 BOUNCE_DELAYED, "a@b", "NOTIFY=SUCCESS,DELAY,FAILURE",    true },
    {"any case",            BOUNCE_FAILED,  "a@b", "notify=success,failure",          true },
    {"null sender",         BOUNCE_FAILED,  "",    "",                                false},
    {"null sender, asked",  BOUNCE_RELAYED, "",    "NOTIFY=SUCCESS",                  false},
};

static void
test_wanted(void)
{
    for (size_t i = 0; i < UNIT_COUNT(wanted_rows); i++)
        UNIT_CHECK_ROW(wanted_rows[i].name,
                       bounce_is_wanted(wanted_rows[i].kind, wanted_rows[i].from,
                                        wanted_rows[i].params) == wanted_rows[i].is_wanted);
}

static void
test_names(void)
{
    CU_ASSERT_STRING_EQUAL(bounce_kind_name(BOUNCE_FAILED), "bounce");
    CU_ASSERT_STRING_EQUAL(bounce_kind_name(BOUNCE_DELAYED), "delay");
    CU_ASSERT_STRING_EQUAL(bounce_kind_name(BOUNCE_RELAYED), "relayed");
}

struct fixture {
    struct smtp_envelope original;
    struct bounce_rcpt rcpts[2];
    struct bounce bounce;
    struct buf out;
};

static void
begin(struct fixture *f, enum bounce_kind kind, const char *from, const char *from_params)
{
    *f = (struct fixture){
        .original = {.id = "4X2k9QzT7mB", .arrived_ms = 1700000000000}
    };
    f->original.from = (char *)(uintptr_t)from;
    f->original.from_params = (char *)(uintptr_t)from_params;
    f->original.listener = (char *)(uintptr_t) "front";
    f->original.next_hop = (char *)(uintptr_t) "reinject";
    f->original.hostname = (char *)(uintptr_t) "mx1.example.com";
    f->rcpts[0] = (struct bounce_rcpt){.path = "b@example.com",
                                       .params = "ORCPT=rfc822;B+2Bx@example.com",
                                       .code = 550,
                                       .enhanced = "5.1.1",
                                       .reply = "5.1.1 no such user",
                                       .relay = "127.0.0.1:10025"};
    f->rcpts[1] = (struct bounce_rcpt){.path = "c@example.com", .params = "", .reply = ""};
    f->bounce = (struct bounce){.kind = kind,
                                .original = &f->original,
                                .rcpts = f->rcpts,
                                .rcpt_count = 2,
                                .hostname = "mx1.example.com",
                                .now_ms = 1700000600000,
                                .original_head = SPAN_LITERAL("Subject: x\r\nFrom: a@b\r\n")};
    buf_init(&f->out, NOTICE_MAX);
}

static const char *
write_notice(struct fixture *f)
{
    bounce_write(&f->bounce, &f->out);
    CU_ASSERT(strlen(buf_text(&f->out)) == f->out.len); // no NUL
    return buf_text(&f->out);
}

// Is there this whole line?
static bool
has_line(const char *text, const char *line)
{
    const char *at = text;
    size_t len = strlen(line);

    while ((at = strstr(at, line)) != NULL) {
        if ((at == text || at[-1] == '\n') && strncmp(at + len, "\r\n", 2) == 0)
            return true;
        at++;
    }
    return false;
}

static unsigned
count(const char *text, const char *part)
{
    unsigned found = 0;

    for (text = strstr(text, part); text != NULL; text = strstr(text + 1, part))
        found++;
    return found;
}

// CRLF only, no line over 998, 7-bit unless it may be more.
static void
check_form(const struct buf *out, bool may_be_8bit)
{
    size_t column = 0;

    for (size_t i = 0; i < out->len; i++) {
        char byte = out->data[i];

        CU_ASSERT_FATAL(byte != '\n' || (i > 0 && out->data[i - 1] == '\r'));
        CU_ASSERT_FATAL(byte != '\r' || (i + 1 < out->len && out->data[i + 1] == '\n'));
        CU_ASSERT_FATAL(may_be_8bit || (byte & 0x80) == 0);
        CU_ASSERT_FATAL(byte == '\r' || byte == '\n' || byte == '\t' || (unsigned char)byte >= ' ');
        column = byte == '\n' ? 0 : column + 1;
        CU_ASSERT_FATAL(column <= 999);
    }
    CU_ASSERT(out->len > 2 && out->data[out->len - 1] == '\n');
}

static void
test_failed(void)
{
    static const char *const lines[] = {
        "From: \"Mail Delivery System\" <MAILER-DAEMON@mx1.example.com>",
        "To: <a@example.org>",
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        "Content-Type: multipart/report; report-type=delivery-status;",
        "Content-Type: text/plain; charset=us-ascii",
        "<b@example.com>",
        "    550 5.1.1 no such user",
        "Content-Type: message/delivery-status",
        "Original-Envelope-Id: id-1",
        "Reporting-MTA: dns; mx1.example.com",
        "X-Postern-ID: 4X2k9QzT7mB",
        "Original-Recipient: rfc822; B+x@example.com",
        "Final-Recipient: rfc822; b@example.com",
        "Action: failed",
        "Status: 5.1.1",
        "Remote-MTA: dns; [127.0.0.1]",
        "Diagnostic-Code: smtp; 550 5.1.1 no such user",
        "Final-Recipient: rfc822; c@example.com",
        "Status: 4.4.7",
        "Content-Type: text/rfc822-headers",
        "Subject: x",
    };
    struct fixture f;
    const char *text;

    begin(&f, BOUNCE_FAILED, "a@example.org", "RET=HDRS ENVID=id+2D1");
    text = write_notice(&f);
    for (size_t i = 0; i < UNIT_COUNT(lines); i++)
        UNIT_CHECK_ROW(lines[i], has_line(text, lines[i]));
    CU_ASSERT(count(text, "\r\nDate: ") == 1 && count(text, "\r\nMessage-ID: <") == 1);
    CU_ASSERT(count(text, "\r\nArrival-Date: ") == 1);
    CU_ASSERT(count(text, "\r\nLast-Attempt-Date: ") == 2);
    CU_ASSERT(count(text, "\r\nRemote-MTA: ") == 1); // the second got no reply
    CU_ASSERT(count(text, "Original-Recipient: ") == 1);
    CU_ASSERT(count(text, "Will-Retry-Until") == 0);
    check_form(&f.out, false);
    buf_clear(&f.out);
}

static void
test_parts(void)
{
    struct fixture f;
    const char *text, *boundary;
    char mark[100], end[104];

    begin(&f, BOUNCE_FAILED, "a@example.org", "");
    text = write_notice(&f);
    boundary = strstr(text, "boundary=\"") + strlen("boundary=\"");
    snprintf(mark, sizeof(mark), "\r\n--%.*s\r\n", (int)strcspn(boundary, "\""), boundary);
    snprintf(end, sizeof(end), "\r\n--%.*s--\r\n", (int)strcspn(boundary, "\""), boundary);
    CU_ASSERT(count(text, mark) == 3);
    CU_ASSERT(count(text, end) == 1);
    CU_ASSERT(strcmp(text + f.out.len - strlen(end), end) == 0);
    CU_ASSERT(count(text, "Original-Envelope-Id") == 0);
    buf_clear(&f.out);
}

static void
test_boundary_in_the_original(void)
{
    struct fixture f;
    char head[200];
    const char *text, *boundary;

    // Whoever guessed the boundary gains nothing.
    begin(&f, BOUNCE_FAILED, "a@example.org", "");
    text = write_notice(&f);
    boundary = strstr(text, "boundary=\"") + strlen("boundary=\"");
    snprintf(head, sizeof(head), "Subject: x\r\n--%.*s--\r\n", (int)strcspn(boundary, "\""),
             boundary);
    buf_reset(&f.out);
    f.bounce.original_head = span_of(head);
    text = write_notice(&f);
    boundary = strstr(text, "boundary=\"") + strlen("boundary=\"");
    CU_ASSERT(strncmp(boundary, head + 14, strcspn(boundary, "\"")) != 0);
    CU_ASSERT(strstr(text, head) != NULL);
    buf_clear(&f.out);
}

static void
test_delayed(void)
{
    struct fixture f;
    const char *text;

    begin(&f, BOUNCE_DELAYED, "a@example.org", "");
    f.bounce.will_retry_until_ms = 1700400000000;
    f.rcpts[0].code = 451;
    f.rcpts[0].enhanced = "";
    f.rcpts[0].reply = "later";
    f.rcpts[0].relay = "/run/lmtp.sock";
    text = write_notice(&f);
    CU_ASSERT(has_line(text, "Action: delayed"));
    CU_ASSERT(count(text, "\r\nStatus: 4.0.0\r\n") == 2);
    CU_ASSERT(has_line(text, "Diagnostic-Code: smtp; 451 later"));
    CU_ASSERT(has_line(text, "Diagnostic-Code: x-postern; "));
    CU_ASSERT(count(text, "\r\nWill-Retry-Until: ") == 2);
    CU_ASSERT(count(text, "Remote-MTA") == 0); // a path is no host
    check_form(&f.out, false);
    buf_clear(&f.out);
}

static void
test_relayed(void)
{
    struct fixture f;
    const char *text;

    begin(&f, BOUNCE_RELAYED, "a@example.org", "");
    f.rcpts[0].code = 250;
    f.rcpts[0].enhanced = NULL;
    f.rcpts[0].reply = "Ok: queued as 4F1A22C0D7";
    f.rcpts[0].relay = "[::1]:10025";
    f.bounce.rcpt_count = 1;
    text = write_notice(&f);
    CU_ASSERT(has_line(text, "Action: relayed"));
    CU_ASSERT(has_line(text, "Status: 2.0.0"));
    CU_ASSERT(has_line(text, "Remote-MTA: dns; [IPv6:::1]"));
    check_form(&f.out, false);
    buf_clear(&f.out);
}

static void
test_nothing_breaks_out(void)
{
    char huge[5000];
    struct fixture f;
    const char *text;

    memset(huge, 'x', sizeof(huge) - 1);
    huge[sizeof(huge) - 1] = '\0';
    begin(&f, BOUNCE_FAILED, "a\r\nBcc: evil@x", "ENVID=a+0D+0AAction:+20delivered");
    f.rcpts[0].path = "b\r\nAction: delivered";
    f.rcpts[0].params = "ORCPT=rfc822;c+0D+0AAction:+20delivered";
    f.rcpts[0].enhanced = "5.1.1\r\nAction: delivered";
    f.rcpts[0].reply = "no\r\n\r\nAction: delivered\x1b[2J";
    f.rcpts[0].relay = "1\r\nAction: delivered:25";
    f.rcpts[1].path = huge;
    f.rcpts[1].reply = "\xe9t\xe9";
    text = write_notice(&f);
    CU_ASSERT(count(text, "\nBcc:") == 0);
    CU_ASSERT(count(text, "\nAction: delivered") == 0);
    CU_ASSERT(count(text, "\nAction: failed") == 2);
    CU_ASSERT(count(text, "\nAction:") == 2);
    check_form(&f.out, false);
    buf_clear(&f.out);
}

static void
test_odd_headers(void)
{
    static const struct {
        const char *name;
        struct span head;
        const char *expected;
    } rows[] = {
        {"8-bit",       SPAN_LITERAL("Subject: \xe9\r\n"), "\r\nSubject: =E9\r\n"           },
        {"nul",         SPAN_LITERAL("Subject: \0\r\n"),   "\r\nSubject: =00\r\n"           },
        {"no line end", SPAN_LITERAL("Subject: x"),        "\r\nSubject: x\r\n"             },
        {"nothing",     SPAN_LITERAL(""),                  "text/rfc822-headers\r\n\r\n\r\n"},
        {"a separator", SPAN_LITERAL("--\r\n"),            "\r\n--\r\n"                     },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct fixture f;

        begin(&f, BOUNCE_FAILED, "a@example.org", "");
        f.bounce.original_head = rows[i].head;
        UNIT_CHECK_ROW(rows[i].name, strstr(write_notice(&f), rows[i].expected) != NULL);
        check_form(&f.out, false);
        buf_clear(&f.out);
    }
}

static void
test_utf8(void)
{
    struct fixture f;
    const char *text;

    begin(&f, BOUNCE_FAILED, "\xc3\xa9@example.org", "BODY=8BITMIME SMTPUTF8");
    f.rcpts[0].path = "\xc3\xbc@example.com";
    f.rcpts[0].params = "ORCPT=utf-8;\\x{FC}@example.com";
    f.bounce.original_head = SPAN_LITERAL("Subject: \xc3\xa9\r\n");
    text = write_notice(&f);
    CU_ASSERT(has_line(text, "To: <\xc3\xa9@example.org>"));
    CU_ASSERT(
        has_line(text, "Content-Type: multipart/report; report-type=global-delivery-status;"));
    CU_ASSERT(has_line(text, "Content-Type: text/plain; charset=utf-8"));
    CU_ASSERT(has_line(text, "Content-Type: message/global-delivery-status"));
    CU_ASSERT(has_line(text, "Content-Type: message/global-headers"));
    CU_ASSERT(has_line(text, "Original-Recipient: utf-8; \\x{FC}@example.com"));
    CU_ASSERT(has_line(text, "Final-Recipient: utf-8; \xc3\xbc@example.com"));
    CU_ASSERT(has_line(text, "Final-Recipient: rfc822; c@example.com"));
    CU_ASSERT(has_line(text, "Subject: \xc3\xa9"));
    CU_ASSERT(str_is_utf8(buf_span(&f.out)));
    check_form(&f.out, true);
    // Not UTF-8 in a header of such a message: encoded, and the notice stays valid.
    buf_reset(&f.out);
    f.bounce.original_head = SPAN_LITERAL("Subject: \xe9\r\n");
    text = write_notice(&f);
    CU_ASSERT(has_line(text, "Subject: =E9"));
    CU_ASSERT(str_is_utf8(buf_span(&f.out)));
    buf_clear(&f.out);
}

static void
test_8bit_address_without_smtputf8(void)
{
    struct fixture f;
    const char *text;

    begin(&f, BOUNCE_FAILED, "\xe9@example.org", "");
    f.rcpts[0].path = "\xc3\xbc@example.com";
    text = write_notice(&f);
    CU_ASSERT(has_line(text, "To: <?@example.org>"));
    CU_ASSERT(has_line(text, "Final-Recipient: rfc822; ?"
                             "?@example.com"));
    check_form(&f.out, false);
    buf_clear(&f.out);
}

static void
test_envelope(void)
{
    struct smtp_envelope envelope;
    struct fixture f;

    begin(&f, BOUNCE_FAILED, "a@example.org", "RET=HDRS");
    f.original.handoff = SMTP_HANDOFF_RELAY;
    f.original.protocol = SMTP_PROTOCOL_LMTP;
    bounce_envelope(&f.bounce, "0-1,7", &envelope);
    CU_ASSERT_STRING_EQUAL(envelope.from, "");
    CU_ASSERT_STRING_EQUAL(envelope.from_params, "");
    CU_ASSERT(envelope.rcpt_count == 1);
    CU_ASSERT_STRING_EQUAL(envelope.rcpts[0].path, "a@example.org");
    CU_ASSERT_STRING_EQUAL(envelope.rcpts[0].params, "NOTIFY=NEVER");
    CU_ASSERT(envelope.handoff == SMTP_HANDOFF_SPOOL);
    CU_ASSERT_STRING_EQUAL(envelope.listener, "front");
    CU_ASSERT_STRING_EQUAL(envelope.next_hop, "reinject");
    CU_ASSERT_STRING_EQUAL(envelope.hostname, "mx1.example.com");
    CU_ASSERT_STRING_EQUAL(envelope.parent, "4X2k9QzT7mB");
    CU_ASSERT_STRING_EQUAL(envelope.group, "0-1,7");
    CU_ASSERT_STRING_EQUAL(envelope.reason, "bounce");
    CU_ASSERT(envelope.arrived_ms == 1700000600000);
    // A notice is never answered by another.
    CU_ASSERT(!bounce_is_wanted(BOUNCE_FAILED, envelope.from, envelope.rcpts[0].params));
    envelope_clear(&envelope);
    f.original.from_params = (char *)(uintptr_t) "SMTPUTF8";
    bounce_envelope(&f.bounce, "0", &envelope);
    CU_ASSERT(envelope_needs_smtputf8(&envelope) && envelope_needs_8bitmime(&envelope));
    envelope_clear(&envelope);
    buf_clear(&f.out);
}

static const struct unit_test tests[] = {
    {"who wants one",                  test_wanted                       },
    {"names",                          test_names                        },
    {"failed",                         test_failed                       },
    {"parts",                          test_parts                        },
    {"the boundary in the original",   test_boundary_in_the_original     },
    {"delayed",                        test_delayed                      },
    {"relayed",                        test_relayed                      },
    {"nothing breaks out",             test_nothing_breaks_out           },
    {"odd headers",                    test_odd_headers                  },
    {"utf-8",                          test_utf8                         },
    {"8-bit address without SMTPUTF8", test_8bit_address_without_smtputf8},
    {"envelope",                       test_envelope                     },
};

UNIT_MAIN("reinject/bounce", tests)
