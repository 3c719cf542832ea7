// SPDX-License-Identifier: BSD-2-Clause
// tests/unit/reinject/dialogue.h - a scripted server on a loopback port, in the loop of the test.
//
// A script is lines, one for each thing that happens on a connection, in order:
//   S text   the server says it            C text   the client says exactly that line
//   P text   the same, and it came together with what was before it
//   N count  the client sends so many bytes of whatever
//   W ms     the server takes its time     X   the server closes     R   the server resets
//   E        the client closes             Q   the client says QUIT and closes
//   D        whatever the client says is not heard until it closes
//   T        TLS begins; what comes next is asked or said once it is up
// The next script is for the next connection. What does not fit is a failure of the test.
#ifndef POSTERN_TESTS_UNIT_REINJECT_DIALOGUE_H
#define POSTERN_TESTS_UNIT_REINJECT_DIALOGUE_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/conn.h"
#include "base/tls.h"
#include "reinject/hop.h"
#include "tests/unit/harness.h"

enum { DIALOGUE_CONNS = 16, DIALOGUE_RCPTS = 8, DIALOGUE_WATCHDOG_MS = 10000 };

struct dialogue;

struct dialogue_conn {
    struct dialogue *dialogue;
    struct conn *conn;
    struct loop_timer *timer;
    const char *script; // what is left
    size_t skip;        // bytes of N to come
};

struct dialogue {
    const char *name;
    struct loop *loop;
    struct loop_timer *watchdog;
    int fd;
    struct loop_io *io;
    struct addr addr;
    const char *const *scripts; // NULL-terminated
    struct tls_context *tls;    // the server's, for T
    size_t accepted, open;
    struct dialogue_conn conns[DIALOGUE_CONNS];
};

static inline void
dialogue_fail(const struct dialogue *dialogue, const char *what, const char *expected,
              struct span got)
{
    fprintf(stderr, "dialogue \"%s\": %s: expected \"%.*s\", got \"%.*s\"\n", dialogue->name, what,
            (int)strcspn(expected, "\n"), expected, (int)got.len, got.data);
    CU_FAIL("dialogue");
}

static inline void
dialogue_drop(struct dialogue_conn *side)
{
    if (side->conn == NULL)
        return;
    conn_close(&side->conn, 100);
    loop_timer_free(&side->timer);
    side->dialogue->open--;
}

// One line of input that the script names; false: wait for more.
static inline bool
dialogue_hear(struct dialogue_conn *side, const char *expected, bool is_together)
{
    struct span input = conn_input(side->conn);
    const char *end = input.len > 0 ? memmem(input.data, input.len, "\r\n", 2) : NULL;
    size_t len = strcspn(expected, "\n");

    if (end == NULL) {
        if (is_together)
            dialogue_fail(side->dialogue, "came too late", expected, input);
        return false;
    }
    if ((size_t)(end - input.data) != len || memcmp(input.data, expected, len) != 0)
        dialogue_fail(side->dialogue, "heard", expected,
                      span_from(input.data, (size_t)(end - input.data)));
    conn_consume(side->conn, (size_t)(end - input.data) + 2);
    return true;
}

static inline bool
dialogue_skip(struct dialogue_conn *side, const char *count)
{
    struct span input = conn_input(side->conn);
    size_t len;

    if (side->skip == 0)
        side->skip = strtoul(count, NULL, 10);
    len = input.len < side->skip ? input.len : side->skip;
    conn_consume(side->conn, len);
    side->skip -= len;
    return side->skip == 0;
}

// false: nothing more for now.
static inline bool
dialogue_step(struct dialogue_conn *side)
{
    const char *text = side->script + (side->script[0] != '\0' && side->script[1] == ' ' ? 2 : 1);
    bool is_over = true;

    switch (side->script[0]) {
    case 'S':
        conn_write(side->conn, text, strcspn(text, "\n"));
        conn_write(side->conn, "\r\n", 2);
        break;
    case 'C':
    case 'P':
        is_over = dialogue_hear(side, text, side->script[0] == 'P');
        break;
    case 'N':
        is_over = dialogue_skip(side, text);
        break;
    case 'W':
        loop_timer_start(side->timer, strtoul(text, NULL, 10));
        is_over = false;
        break;
    case 'T':
        (void)conn_start_tls(side->conn, side->dialogue->tls, NULL);
        is_over = false;
        break;
    case 'X':
        dialogue_drop(side);
        return false;
    case 'R': {
        struct linger linger = {.l_onoff = 1};

        setsockopt(conn_fd(side->conn), SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
        conn_abort(&side->conn);
        loop_timer_free(&side->timer);
        side->dialogue->open--;
        return false;
    }
    default:
        return false; // D, E, Q, the end
    }
    if (is_over)
        side->script += strcspn(side->script, "\n") + 1;
    return is_over;
}

static inline void
dialogue_go_on(void *arg)
{
    struct dialogue_conn *side = arg;

    while (dialogue_step(side))
        continue;
    if (side->conn != NULL && side->script[0] == 'D')
        conn_consume(side->conn, conn_input(side->conn).len);
    if (side->conn != NULL && (side->script[0] == 'E' || side->script[0] == '\0') &&
        conn_input(side->conn).len > 0)
        dialogue_fail(side->dialogue, "heard", "nothing", conn_input(side->conn));
}

static inline void
dialogue_waited(void *arg)
{
    struct dialogue_conn *side = arg;

    side->script += strcspn(side->script, "\n") + 1;
    dialogue_go_on(side);
}

static inline void
dialogue_ended(void *arg, enum conn_end end, const struct err *err)
{
    struct dialogue_conn *side = arg;
    bool is_quit = span_is(conn_input(side->conn), "QUIT\r\n");

    (void)end;
    (void)err;
    if (side->script[0] == 'T') // it never came up
        side->script += 2;
    if (side->script[0] != '\0' && side->script[0] != 'D' &&
        side->script[0] != (is_quit ? 'Q' : 'E'))
        dialogue_fail(side->dialogue, "the client is gone", side->script, span_of(""));
    dialogue_drop(side);
}

static inline void
dialogue_accept(void *arg, bool readable, bool writable)
{
    static const struct conn_callbacks callbacks = {
        .on_open = dialogue_waited, .on_input = dialogue_go_on, .on_end = dialogue_ended};
    struct dialogue *dialogue = arg;
    struct dialogue_conn *side;
    int fd = accept4(dialogue->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    (void)readable;
    (void)writable;
    if (fd < 0)
        return;
    if (dialogue->scripts[dialogue->accepted] == NULL || dialogue->accepted >= DIALOGUE_CONNS) {
        dialogue_fail(dialogue, "connection", "no more", span_of("one"));
        close(fd);
        return;
    }
    side = &dialogue->conns[dialogue->accepted];
    side->dialogue = dialogue;
    side->script = dialogue->scripts[dialogue->accepted++];
    side->conn = conn_new(dialogue->loop, fd, &callbacks, side);
    side->timer = loop_timer_new(dialogue->loop, dialogue_waited, side);
    dialogue->open++;
    dialogue_go_on(side);
}

static inline void
dialogue_is_stuck(void *arg)
{
    struct dialogue *dialogue = arg;

    for (size_t i = 0; i < dialogue->accepted; i++) {
        if (dialogue->conns[i].conn != NULL)
            dialogue_fail(dialogue, "stuck", dialogue->conns[i].script,
                          conn_input(dialogue->conns[i].conn));
    }
    fprintf(stderr, "dialogue \"%s\" is stuck\n", dialogue->name);
    CU_FAIL("stuck");
    loop_stop(dialogue->loop);
}

// On another dialogue's loop; ended before it, with dialogue_end_at.
static inline void
dialogue_begin_at(struct dialogue *dialogue, const char *name, const char *const *scripts,
                  struct loop *loop)
{
    struct sockaddr_in in = {.sin_family = AF_INET};

    *dialogue = (struct dialogue){.name = name, .scripts = scripts, .loop = loop};
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    dialogue->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    CU_ASSERT_FATAL(bind(dialogue->fd, (struct sockaddr *)&in, sizeof(in)) == 0);
    CU_ASSERT_FATAL(listen(dialogue->fd, 16) == 0);
    dialogue->addr.len = sizeof(dialogue->addr.sa);
    getsockname(dialogue->fd, (struct sockaddr *)&dialogue->addr.sa, &dialogue->addr.len);
    dialogue->io = loop_io_new(dialogue->loop, dialogue->fd, dialogue_accept, dialogue);
    loop_io_want(dialogue->io, true, false);
    dialogue->watchdog = loop_timer_new(dialogue->loop, dialogue_is_stuck, dialogue);
    loop_timer_start(dialogue->watchdog, DIALOGUE_WATCHDOG_MS);
}

static inline void
dialogue_begin(struct dialogue *dialogue, const char *name, const char *const *scripts)
{
    dialogue_begin_at(dialogue, name, scripts, loop_new(NULL));
}

static inline void
dialogue_stop_listening(struct dialogue *dialogue)
{
    loop_io_free(&dialogue->io);
    if (dialogue->fd >= 0)
        close(dialogue->fd);
    dialogue->fd = -1;
}

static inline void
dialogue_end_at(struct dialogue *dialogue)
{
    for (size_t i = 0; i < dialogue->accepted; i++) {
        struct dialogue_conn *side = &dialogue->conns[i];

        // A script must have come to its end; E and Q may be seen after the test looked away.
        if (side->conn != NULL && strchr("DEQ", side->script[0]) == NULL)
            dialogue_fail(dialogue, "at the end", side->script, conn_input(side->conn));
        dialogue_drop(side);
    }
    if (dialogue->scripts[dialogue->accepted] != NULL)
        dialogue_fail(dialogue, "connection", dialogue->scripts[dialogue->accepted],
                      span_of("none"));
    dialogue_stop_listening(dialogue);
    loop_timer_free(&dialogue->watchdog);
}

static inline void
dialogue_end(struct dialogue *dialogue)
{
    dialogue_end_at(dialogue);
    loop_free(&dialogue->loop);
}

// --- what is delivered ---

struct dialogue_mail {
    struct smtp_envelope envelope;
    struct body *body;
    struct delivery_rcpt rcpts[DIALOGUE_RCPTS];
    struct delivery delivery;
    struct loop *loop;
    unsigned done;
};

// Runs for ms: lets what is under way on the wire arrive.
static inline void
dialogue_tick(void *arg)
{
    loop_stop(arg);
}

static inline void
dialogue_linger(struct dialogue *dialogue, uint64_t ms)
{
    struct loop_timer *timer = loop_timer_new(dialogue->loop, dialogue_tick, dialogue->loop);

    loop_timer_start(timer, ms);
    loop_run(dialogue->loop);
    loop_timer_free(&timer);
}

static inline void
dialogue_delivered(void *arg, struct delivery *delivery)
{
    struct dialogue_mail *mail = arg;

    (void)delivery;
    mail->done++;
    loop_stop(mail->loop);
}

// Sets up a delivery of content to recipients separated by blanks.
static inline void
dialogue_mail(struct dialogue_mail *mail, struct loop *loop, const char *from_params,
              const char *rcpts, struct span content)
{
    struct body_source source = {
        .memory = content, .len = content.len, .digest = digest_of(content)};
    struct body_piece whole = {.len = content.len};
    struct span rest = span_of(rcpts);

    memset(mail, 0, sizeof(*mail));
    strcpy(mail->envelope.id, "4X2k9QzT7mB");
    mail->body = body_new(&source, &whole, 1);
    mail->delivery = (struct delivery){.envelope = &mail->envelope,
                                       .from = "from@example.org",
                                       .from_params = from_params,
                                       .rcpts = mail->rcpts,
                                       .body = mail->body,
                                       .on_done = dialogue_delivered,
                                       .arg = mail};
    mail->loop = loop;
    while (rest.len > 0 && mail->delivery.rcpt_count < DIALOGUE_RCPTS) {
        struct span path = span_cut(&rest, ' ');
        struct delivery_rcpt *rcpt = &mail->rcpts[mail->delivery.rcpt_count++];

        rcpt->path = strndup(path.data, path.len);
        rcpt->params = "";
    }
}

static inline void
dialogue_mail_clear(struct dialogue_mail *mail)
{
    for (size_t i = 0; i < mail->delivery.rcpt_count; i++)
        free((void *)(uintptr_t)mail->rcpts[i].path);
    body_free(&mail->body);
}

// "sent 250 2.0.0, temporary 0 ": one for each recipient.
static inline void
dialogue_results(const struct delivery *delivery, char out[256])
{
    size_t used = 0;

    out[0] = '\0';
    for (size_t i = 0; i < delivery->rcpt_count; i++) {
        const struct delivery_rcpt *rcpt = &delivery->rcpts[i];

        used +=
            (size_t)snprintf(out + used, 256 - used, "%s%s %d%s%s", i > 0 ? ", " : "",
                             delivery_result_name(rcpt->result), rcpt->answer.code,
                             rcpt->answer.enhanced[0] != '\0' ? " " : "", rcpt->answer.enhanced);
    }
}

static inline void
dialogue_check_results(const char *name, const struct delivery *delivery, const char *expected)
{
    char results[256];

    dialogue_results(delivery, results);
    if (strcmp(results, expected) != 0)
        fprintf(stderr, "row \"%s\": expected \"%s\", got \"%s\" (%s)\n", name, expected, results,
                delivery->rcpts[0].answer.text);
    CU_ASSERT(strcmp(results, expected) == 0);
}

static inline struct hop_settings
dialogue_settings(const struct dialogue *dialogue)
{
    return (struct hop_settings){.addr = dialogue->addr,
                                 .name = (char *)(uintptr_t) "",
                                 .tls_ca = (char *)(uintptr_t) "",
                                 .connections = 1,
                                 .connect_timeout = 5000,
                                 .timeout = 5000,
                                 .dot_timeout = 5000,
                                 .idle = 5000,
                                 .dead_time = 5000,
                                 .chunking = true};
}

#endif
