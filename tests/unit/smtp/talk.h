// SPDX-License-Identifier: BSD-2-Clause
// tests/unit/smtp/talk.h - a session with a client's end and a handler that writes down all it
// hears.
//
// Cases are rows: what the client says, what it hears (behind the greeting), what the handler saw.
// talk_check_rows says each one whole, byte by byte and split at each position.
#ifndef POSTERN_TESTS_UNIT_SMTP_TALK_H
#define POSTERN_TESTS_UNIT_SMTP_TALK_H

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "smtp/session.h"
#include "smtp/session_private.h"
#include "tests/unit/harness.h"

enum talk_flag {
    TALK_LMTP = 1,
    TALK_CHUNKING = 2,
    TALK_NO_XFORWARD = 4,
    TALK_REJECT_NEWLINES = 8,
    TALK_STRICT = 16,
    TALK_STRIP = 32,
    TALK_NO_OFFERS = 64,
    TALK_UNLIMITED = 128,   // max_size 0
    TALK_NEEDS_TLS = 256,   // mode require, without a context
    TALK_REFUSE_MAIL = 512, // the handler's part
    TALK_REFUSE_DATA = 1024,
    TALK_HOLD_CONTENT = 2048, // SMTP_WAIT after each block, resumed later
    TALK_FINISH_AT_ONCE = 4096,
    TALK_NEVER_FINISH = 8192,
    TALK_EACH_ITS_REPLY = 16384, // LMTP: 250, 451, 250, ...
    TALK_FEW_ERRORS = 32768,
};

struct talk {
    unsigned flags;
    struct loop *loop;
    struct smtp_settings settings;
    struct smtp_listener_settings listener;
    struct smtp_session_config config;
    struct smtp_session *session; // NULL once closed
    int fd;
    struct buf got;     // what the client heard
    struct buf events;  // "mail<from> data end" ...
    struct buf content; // each message, and "|" behind it
    bool is_eof;        // the client heard that, too
    struct loop_deferred tick, resume, finish;
    int turns_left;
    unsigned mails;
};

static inline int
talk_on_mail(void *arg, struct smtp_transaction *transaction, char id_out[ID_MAX + 1],
             struct smtp_reply *reply_out)
{
    struct talk *talk = arg;

    if ((talk->flags & TALK_REFUSE_MAIL) != 0) {
        reply_set(reply_out, 452, "4.3.1", "No room");
        return -1;
    }
    snprintf(id_out, ID_MAX + 1, "id%u", ++talk->mails);
    buf_printf(&talk->events, "mail<%s>[%s] ", transaction->envelope->from,
               transaction->envelope->from_params);
    return 0;
}

static inline int
talk_on_data(void *arg, struct smtp_transaction *transaction, struct smtp_reply *reply_out)
{
    struct talk *talk = arg;

    if ((talk->flags & TALK_REFUSE_DATA) != 0) {
        reply_set(reply_out, 451, "4.3.0", "Not now");
        return -1;
    }
    for (size_t i = 0; i < transaction->envelope->rcpt_count; i++)
        buf_printf(&talk->events, "rcpt<%s>[%s] ", transaction->envelope->rcpts[i].path,
                   transaction->envelope->rcpts[i].params);
    for (int i = 0; i < XFORWARD_COUNT; i++) {
        if (transaction->envelope->xforward[i] != NULL)
            buf_printf(&talk->events, "%s=%s ", smtp_xforward_name((enum smtp_xforward)i),
                       transaction->envelope->xforward[i]);
    }
    buf_add_text(&talk->events, "data ");
    return 0;
}

static inline enum smtp_go
talk_on_content(void *arg, struct smtp_transaction *transaction, struct span content)
{
    struct talk *talk = arg;

    (void)transaction;
    CU_ASSERT(content.len > 0 && content.len <= 65536);
    CU_ASSERT(buf_add_span(&talk->content, content) == 0);
    if ((talk->flags & TALK_HOLD_CONTENT) == 0)
        return SMTP_GO_ON;
    loop_defer(talk->loop, &talk->resume);
    return SMTP_WAIT;
}

static inline void
talk_resume(void *arg)
{
    struct talk *talk = arg;

    if (talk->session != NULL)
        session_resume(talk->session);
}

static inline void
talk_finish(void *arg)
{
    struct talk *talk = arg;
    struct smtp_reply replies[8];
    size_t count = 1;

    if (talk->session == NULL)
        return;
    if ((talk->flags & TALK_EACH_ITS_REPLY) != 0)
        count = talk->session->envelope.rcpt_count;
    CU_ASSERT_FATAL(count <= UNIT_COUNT(replies));
    for (size_t i = 0; i < count; i++) {
        if (i % 2 == 0)
            reply_set(&replies[i], 250, "2.0.0", "Ok: queued as id%u", talk->mails);
        else
            reply_set(&replies[i], 451, "4.3.0", "Later");
    }
    session_finish(talk->session, replies, count);
}

static inline void
talk_on_end(void *arg, struct smtp_transaction *transaction)
{
    struct talk *talk = arg;

    buf_add_text(&talk->content, "|");
    buf_add_text(&talk->events, transaction->is_loop ? "end(loop) " : "end ");
    if (transaction->bare_newlines > 0)
        buf_printf(&talk->events, "bare=%u ", (unsigned)transaction->bare_newlines);
    if (transaction->odd_paths > 0)
        buf_printf(&talk->events, "odd=%u ", (unsigned)transaction->odd_paths);
    if ((talk->flags & TALK_FINISH_AT_ONCE) != 0)
        talk_finish(talk);
    else if ((talk->flags & TALK_NEVER_FINISH) == 0)
        loop_defer(talk->loop, &talk->finish);
}

static inline void
talk_on_abort(void *arg, struct smtp_transaction *transaction, bool is_gone)
{
    struct talk *talk = arg;

    (void)transaction;
    buf_add_text(&talk->events, is_gone ? "abort(gone) " : "abort ");
    buf_reset(&talk->content);
}

static inline unsigned
talk_offers(void *arg)
{
    struct talk *talk = arg;

    return (talk->flags & TALK_NO_OFFERS) != 0
               ? 0
               : SMTP_OFFER_8BITMIME | SMTP_OFFER_SMTPUTF8 | SMTP_OFFER_DSN;
}

static inline void
talk_on_closed(void *arg, struct smtp_session *session)
{
    struct talk *talk = arg;

    CU_ASSERT(session == talk->session);
    talk->session = NULL;
}

static inline void
talk_tick(void *arg)
{
    struct talk *talk = arg;

    if (--talk->turns_left > 0)
        loop_defer(talk->loop, &talk->tick);
    else
        loop_stop(talk->loop);
}

static inline void
talk_settings(struct talk *talk)
{
    static const struct addr tcp = {.len = 0};
    unsigned flags = talk->flags;

    setting_defaults(smtp_rows, smtp_row_count, &talk->settings);
    smtp_listener_init(&talk->listener, &tcp);
    free(talk->settings.hostname);
    talk->settings.hostname = strdup("mx.test");
    talk->settings.max_size = (flags & TALK_UNLIMITED) != 0 ? 0 : 1000;
    talk->settings.max_recipients = 3;
    talk->settings.max_errors = (flags & TALK_FEW_ERRORS) != 0 ? 2 : 20;
    talk->settings.bare_newlines =
        (flags & TALK_REJECT_NEWLINES) != 0 ? SMTP_NEWLINES_REJECT : SMTP_NEWLINES_NORMALISE;
    talk->settings.strict_paths = (flags & TALK_STRICT) != 0;
    talk->settings.source_routes =
        (flags & TALK_STRIP) != 0 ? SMTP_ROUTES_STRIP : SMTP_ROUTES_REJECT;
    talk->listener.protocol = (flags & TALK_LMTP) != 0 ? SMTP_PROTOCOL_LMTP : SMTP_PROTOCOL_SMTP;
    talk->listener.chunking = (flags & TALK_CHUNKING) != 0;
    talk->listener.tls_mode = (flags & TALK_NEEDS_TLS) != 0 ? SMTP_TLS_REQUIRE : SMTP_TLS_NO;
}

// The refusals that are provoked here would fill the terminal; test_session_log.c reads them.
static inline void
talk_be_quiet(void)
{
    static char empty[] = "", facility[] = "mail", format[] = "text";
    static const struct log_settings settings = {.facility = facility,
                                                 .file = empty,
                                                 .error_file = empty,
                                                 .format = format,
                                                 .syslog_path = empty};
    struct err err;

    CU_ASSERT(log_open("test", &settings, false, 0, &err) == 0);
}

static inline void
talk_init(struct talk *talk, unsigned flags)
{
    static const struct smtp_handler handler = {.on_mail = talk_on_mail,
                                                .on_data = talk_on_data,
                                                .on_content = talk_on_content,
                                                .on_end = talk_on_end,
                                                .on_abort = talk_on_abort,
                                                .offers = talk_offers};

    talk_be_quiet();
    *talk = (struct talk){.flags = flags, .fd = -1};
    talk->loop = loop_new(NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(talk->loop);
    talk_settings(talk);
    talk->config = (struct smtp_session_config){.settings = &talk->settings,
                                                .listener = &talk->listener,
                                                .next_hop = "out",
                                                .handler = &handler,
                                                .handler_arg = talk,
                                                .on_closed = talk_on_closed,
                                                .closed_arg = talk};
    talk->tick = (struct loop_deferred){.run = talk_tick, .arg = talk};
    talk->resume = (struct loop_deferred){.run = talk_resume, .arg = talk};
    talk->finish = (struct loop_deferred){.run = talk_finish, .arg = talk};
    buf_init(&talk->got, 1 << 20);
    buf_init(&talk->events, 1 << 20);
    buf_init(&talk->content, 1 << 26);
}

static inline void
talk_start(struct talk *talk)
{
    int fds[2];

    CU_ASSERT_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    CU_ASSERT_FATAL(fcntl(fds[0], F_SETFL, O_NONBLOCK) == 0);
    talk->fd = fds[0];
    talk->session =
        session_new(talk->loop, fds[1], &talk->config, (talk->flags & TALK_NO_XFORWARD) == 0);
}

static inline bool
talk_read(struct talk *talk)
{
    size_t before = talk->got.len;
    char bytes[4096];
    ssize_t len;

    while (talk->fd >= 0 && (len = read(talk->fd, bytes, sizeof(bytes))) > 0)
        CU_ASSERT(buf_add(&talk->got, bytes, (size_t)len) == 0);
    if (talk->fd >= 0 && len == 0)
        talk->is_eof = true;
    return talk->got.len > before;
}

static inline void
talk_turns(struct talk *talk, int count)
{
    talk->turns_left = count;
    loop_defer(talk->loop, &talk->tick);
    loop_run(talk->loop);
}

// Until nothing happens any more without a clock or a client.
static inline void
talk_settle(struct talk *talk)
{
    size_t seen;

    do {
        seen = talk->events.len + talk->content.len;
        talk_turns(talk, 4);
    } while (talk_read(talk) || talk->events.len + talk->content.len != seen);
}

static inline void
talk_say(struct talk *talk, struct span words)
{
    while (words.len > 0) {
        ssize_t len = send(talk->fd, words.data, words.len, MSG_NOSIGNAL);

        if (len < 0 && errno != EAGAIN)
            return; // closed by the session: what it said before counts
        words = span_skip(words, len > 0 ? (size_t)len : 0);
        if (words.len > 0)
            talk_settle(talk);
    }
}

static inline void
talk_hang_up(struct talk *talk)
{
    if (talk->fd >= 0)
        close(talk->fd);
    talk->fd = -1;
}

static inline void
talk_clear(struct talk *talk)
{
    talk_hang_up(talk);
    if (talk->session != NULL)
        session_abort(talk->session);
    talk_turns(talk, 2);
    loop_free(&talk->loop);
    log_close();
    setting_clear(smtp_rows, smtp_row_count, &talk->settings);
    setting_clear(smtp_listener_rows, smtp_listener_row_count, &talk->listener);
    setting_clear(smtp_listener_tls_rows, smtp_listener_tls_row_count, &talk->listener);
    buf_clear(&talk->got);
    buf_clear(&talk->events);
    buf_clear(&talk->content);
}

// What was heard, without the greeting.
static inline struct span
talk_heard(struct talk *talk)
{
    struct span rest = buf_span(&talk->got);

    span_cut(&rest, '\n');
    return rest.data == NULL ? span_of("") : rest;
}

struct talk_row {
    const char *name;
    unsigned flags;
    struct span says;
    const char *hears;
    const char *events;  // NULL: not looked at
    const char *content; // NULL: not looked at
    bool is_closed;      // by the session, in the end
};

static inline bool
talk_same(const char *row, const char *what, struct span is, const char *expected)
{
    if (expected == NULL || span_is(is, expected))
        return true;
    fprintf(stderr, "row \"%s\", %s: expected\n%s\ngot\n%.*s\n", row, what, expected, (int)is.len,
            is.data);
    return false;
}

// Says first bytes of it, and the rest in pieces of step bytes.
static inline bool
talk_check_pieces(const struct talk_row *row, size_t first, size_t step)
{
    struct talk talk;
    bool is_good;

    talk_init(&talk, row->flags);
    talk_start(&talk);
    talk_settle(&talk);
    for (size_t at = 0, len = first; at < row->says.len; at += len, len = step) {
        if (len > row->says.len - at)
            len = row->says.len - at;
        talk_say(&talk, span_from(row->says.data + at, len));
        talk_settle(&talk);
    }
    is_good = talk_same(row->name, "heard", talk_heard(&talk), row->hears) &&
              talk_same(row->name, "events", buf_span(&talk.events), row->events) &&
              talk_same(row->name, "content", buf_span(&talk.content), row->content);
    if (is_good && row->is_closed != (talk.session == NULL)) {
        fprintf(stderr, "row \"%s\": closed is %d\n", row->name, talk.session == NULL);
        is_good = false;
    }
    talk_clear(&talk);
    return is_good;
}

static inline void
talk_check_row(const struct talk_row *row)
{
    bool is_good = talk_check_pieces(row, row->says.len, 1) && talk_check_pieces(row, 1, 1);

    for (size_t at = 1; is_good && at < row->says.len && row->says.len < 2000; at++)
        is_good = talk_check_pieces(row, at, row->says.len);
    UNIT_CHECK_ROW(row->name, is_good);
}

static inline void
talk_check_rows(const struct talk_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        talk_check_row(&rows[i]);
}

#define TALK_SAYS(text) SPAN_LITERAL(text)
#define TALK_HELLO "HELO me\r\n"
#define TALK_HELLO_OK "250 mx.test\r\n"
#define TALK_MAIL "MAIL FROM:<a@b>\r\n"
#define TALK_MAIL_OK "250 2.1.0 Ok\r\n"
#define TALK_RCPT "RCPT TO:<c@d>\r\n"
#define TALK_RCPT_OK "250 2.1.5 Ok\r\n"
#define TALK_DATA_OK "354 End data with <CR><LF>.<CR><LF>\r\n"
#define TALK_SENT(id) "250 2.0.0 Ok: queued as " id "\r\n"
#define TALK_OK "250 2.0.0 Ok\r\n"
// As far as a recipient.
#define TALK_UP_TO_RCPT TALK_HELLO TALK_MAIL TALK_RCPT
#define TALK_UP_TO_RCPT_OK TALK_HELLO_OK TALK_MAIL_OK TALK_RCPT_OK

#endif
