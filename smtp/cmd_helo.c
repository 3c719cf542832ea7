// SPDX-License-Identifier: BSD-2-Clause
#include "base/mem.h"
#include "smtp/verb.h"

enum { NAME_MAX_LEN = 255, LINES_MAX = 2048 };

// Free text: what greets us is another MTA's business, and it goes nowhere unescaped.
static int
take_name(struct smtp_session *session, struct span args, bool esmtp, struct smtp_reply *reply)
{
    struct smtp_envelope *envelope = &session->envelope;

    if (args.len == 0 || args.len > NAME_MAX_LEN) {
        reply_set(reply, 501, "5.5.4", "Syntax: hostname expected");
        return -1;
    }
    for (size_t i = 0; i < args.len; i++) {
        if (args.data[i] == '\t') {
            reply_set(reply, 501, "5.5.4", "Bad hostname");
            return -1;
        }
    }
    session_reset(session);
    mem_free(&envelope->helo);
    envelope->helo = mem_strndup(args.data, args.len);
    envelope->esmtp = esmtp;
    session_set_state(session, SESSION_GREETED);
    return 0;
}

void
cmd_helo(struct smtp_session *session, struct span args, struct smtp_reply *reply)
{
    if (take_name(session, args, false, reply) == 0)
        reply_set(reply, 250, NULL, "%s", session->envelope.hostname);
}

static void
add_size(const struct smtp_session *session, struct buf *lines)
{
    uint64_t max_size = session->config->settings->max_size;

    if (max_size == 0)
        buf_add_text(lines, "250-SIZE\r\n");
    else
        buf_printf(lines, "250-SIZE %llu\r\n", (unsigned long long)max_size);
}

static void
add_offers(const struct smtp_session *session, struct buf *lines)
{
    static const struct {
        unsigned offer;
        const char *line;
    } rows[] = {
        {SMTP_OFFER_8BITMIME, "250-8BITMIME\r\n"},
        {SMTP_OFFER_SMTPUTF8, "250-SMTPUTF8\r\n"},
        {SMTP_OFFER_DSN,      "250-DSN\r\n"     },
        {SMTP_OFFER_CHUNKING, "250-CHUNKING\r\n"},
        {SMTP_OFFER_STARTTLS, "250-STARTTLS\r\n"},
    };

    unsigned offers = session_offers(session);

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if ((offers & rows[i].offer) != 0)
            buf_add_text(lines, rows[i].line);
    }
}

static void
add_xforward(const struct smtp_session *session, struct buf *lines)
{
    if (!session->xforward_allowed)
        return;
    buf_add_text(lines, "250-XFORWARD");
    for (int i = 0; i < XFORWARD_COUNT; i++)
        buf_printf(lines, " %s", smtp_xforward_name((enum smtp_xforward)i));
    buf_add_text(lines, "\r\n");
}

void
cmd_ehlo(struct smtp_session *session, struct span args, struct smtp_reply *reply)
{
    struct buf lines;

    if (take_name(session, args, true, reply) != 0)
        return;
    buf_init(&lines, LINES_MAX);
    buf_printf(&lines, "250-%s\r\n250-PIPELINING\r\n", session->envelope.hostname);
    add_size(session, &lines);
    add_offers(session, &lines);
    add_xforward(session, &lines);
    buf_add_text(&lines, "250 ENHANCEDSTATUSCODES\r\n");
    conn_write(session->conn, lines.data, lines.len);
    buf_clear(&lines);
}
