// SPDX-License-Identifier: BSD-2-Clause
// A whole conversation with a client that says anything: every reply is well-formed, the handler is
// called in the order of its contract, no content holds a bare CR or LF, and where the packets end
// makes no difference.
#include "tests/fuzz/fuzz.h"

#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/loop.h"
#include "smtp/session.h"

enum { BY_BYTES_MAX = 600, HEARD_MAX = 1 << 20 };

enum stage { IDLE, ENVELOPE, CONTENT };

struct talk {
    struct loop *loop;
    enum stage stage;
    char last;      // byte of the content so far
    uint32_t sum;   // of this content
    uint32_t taken; // of all that were taken whole, in order
    int fd;
    struct span rest; // not yet said
    struct loop_deferred more;
    char *heard;
    size_t heard_len;
};

static int
on_mail(void *arg, struct smtp_transaction *transaction, char id_out[ID_MAX + 1],
        struct smtp_reply *reply_out)
{
    struct talk *talk = arg;

    (void)transaction;
    (void)reply_out;
    FUZZ_CHECK(talk->stage == IDLE);
    talk->stage = ENVELOPE;
    strcpy(id_out, "0abcdefghij");
    return 0;
}

static int
on_data(void *arg, struct smtp_transaction *transaction, struct smtp_reply *reply_out)
{
    struct talk *talk = arg;

    (void)reply_out;
    FUZZ_CHECK(talk->stage == ENVELOPE && transaction->envelope->rcpt_count > 0);
    talk->stage = CONTENT;
    talk->last = '\n';
    talk->sum = 1;
    return 0;
}

static enum smtp_go
on_content(void *arg, struct smtp_transaction *transaction, struct span content)
{
    struct talk *talk = arg;

    (void)transaction;
    FUZZ_CHECK(talk->stage == CONTENT);
    for (size_t i = 0; i < content.len; i++) {
        FUZZ_CHECK(talk->last != '\r' || content.data[i] == '\n');
        FUZZ_CHECK(content.data[i] != '\n' || talk->last == '\r');
        talk->last = content.data[i];
        talk->sum = (talk->sum ^ (unsigned char)talk->last) * 16777619u;
    }
    return SMTP_GO_ON;
}

static void
on_end(void *arg, struct smtp_transaction *transaction)
{
    struct talk *talk = arg;
    struct smtp_reply reply;

    FUZZ_CHECK(talk->stage == CONTENT && talk->last == '\n');
    talk->stage = IDLE;
    talk->taken = (talk->taken ^ talk->sum) * 16777619u + 1;
    reply_set(&reply, 250, "2.0.0", "Ok: kept as %s", transaction->envelope->id);
    session_finish(transaction->session, &reply, 1);
}

static void
on_abort(void *arg, struct smtp_transaction *transaction, bool is_gone)
{
    struct talk *talk = arg;

    (void)transaction;
    (void)is_gone;
    FUZZ_CHECK(talk->stage != IDLE);
    talk->stage = IDLE;
}

static unsigned
offers(void *arg)
{
    (void)arg;
    return SMTP_OFFER_8BITMIME | SMTP_OFFER_SMTPUTF8 | SMTP_OFFER_DSN;
}

static void
on_closed(void *arg, struct smtp_session *session)
{
    struct talk *talk = arg;

    (void)session;
    loop_stop(talk->loop);
}

// "250-text", "250 text" and CRLF, nothing else.
static void
check_replies(struct talk *talk)
{
    const char *text = talk->heard;
    size_t len = 0;
    ssize_t got;

    while ((got = read(talk->fd, talk->heard + len, HEARD_MAX - len)) > 0)
        len += (size_t)got;
    FUZZ_CHECK(fuzz_is_wire_clean(span_from(text, len)));
    for (size_t at = 0; at < len;) {
        const char *end = memchr(text + at, '\n', len - at);

        FUZZ_CHECK(end != NULL && end - (text + at) >= 4 && end - (text + at) < 512);
        FUZZ_CHECK(text[at] >= '2' && text[at] <= '5');
        FUZZ_CHECK(text[at + 3] == ' ' || text[at + 3] == '-');
        at = (size_t)(end - text) + 1;
    }
    talk->heard_len = len;
}

// A byte each turn of the loop.
static void
say_more(void *arg)
{
    struct talk *talk = arg;

    if (talk->rest.len > 0 && send(talk->fd, talk->rest.data, 1, MSG_NOSIGNAL) == 1) {
        talk->rest = span_skip(talk->rest, 1);
        loop_defer(talk->loop, &talk->more);
    } else {
        (void)shutdown(talk->fd, SHUT_WR);
    }
}

static void
converse(struct talk *talk, struct span said, bool by_bytes, struct smtp_session_config *config)
{
    static const struct smtp_handler handler = {on_mail, on_data,  on_content,
                                                on_end,  on_abort, offers};
    struct err err;
    int ends[2];

    FUZZ_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    talk->fd = ends[1];
    talk->loop = loop_new(&err);
    config->handler = &handler;
    config->handler_arg = config->closed_arg = talk;
    session_new(talk->loop, ends[0], config, true);
    if (by_bytes) {
        talk->rest = said;
        talk->more = (struct loop_deferred){.run = say_more, .arg = talk};
        loop_defer(talk->loop, &talk->more);
    } else {
        FUZZ_CHECK(write(ends[1], said.data, said.len) == (ssize_t)said.len);
        FUZZ_CHECK(shutdown(ends[1], SHUT_WR) == 0);
    }
    loop_run(talk->loop);
    FUZZ_CHECK(talk->stage == IDLE);
    loop_undefer(talk->loop, &talk->more);
    loop_free(&talk->loop);
    check_replies(talk);
    close(ends[1]);
}

static void
check(struct span said, const struct smtp_settings *settings,
      const struct smtp_listener_settings *listener)
{
    static char heard[2][HEARD_MAX];
    struct talk whole = {.heard = heard[0]}, bytes = {.heard = heard[1]};
    struct smtp_session_config config = {
        .settings = settings, .listener = listener, .next_hop = "reinject", .on_closed = on_closed};

    converse(&whole, said, false, &config);
    if (said.len > BY_BYTES_MAX)
        return;
    converse(&bytes, said, true, &config);
    FUZZ_CHECK(bytes.taken == whole.taken);
    FUZZ_CHECK(fuzz_equal(span_from(bytes.heard, bytes.heard_len),
                          span_from(whole.heard, whole.heard_len)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct smtp_listener_settings listener;
    struct smtp_settings settings;

    if (size == 0 || size > 16384)
        return 0;
    fuzz_keep_silent();
    setting_defaults(smtp_rows, smtp_row_count, &settings);
    setting_defaults(smtp_listener_rows, smtp_listener_row_count, &listener);
    setting_defaults(smtp_listener_tls_rows, smtp_listener_tls_row_count, &listener);
    listener.protocol = data[0] & 1 ? SMTP_PROTOCOL_LMTP : SMTP_PROTOCOL_SMTP;
    listener.chunking = data[0] & 2;
    settings.bare_newlines = data[0] & 4 ? 1 : 0;
    settings.strict_paths = data[0] & 8;
    check(fuzz_span(data + 1, size - 1), &settings, &listener);
    setting_clear(smtp_rows, smtp_row_count, &settings);
    setting_clear(smtp_listener_rows, smtp_listener_row_count, &listener);
    setting_clear(smtp_listener_tls_rows, smtp_listener_tls_row_count, &listener);
    return 0;
}
