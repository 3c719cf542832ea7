// SPDX-License-Identifier: BSD-2-Clause
#include "base/conn.h"

#include <sys/un.h>

#include "base/tls.h"
#include "tests/unit/base/certs.h"
#include "tests/unit/base/tempdir.h"
#include "tests/unit/harness.h"

// What an owner does in its callbacks beside writing them down.
enum habit {
    CONSUME,        // takes all input
    LEAVE,          // takes none
    CONSUME_ONE,    // takes one byte
    PAUSE,          // pauses, takes none
    CLOSE_ON_INPUT, // answers and closes
    ABORT_ON_INPUT,
    ABORT_ON_DRAINED,
};

struct owner {
    struct loop *loop;
    struct conn *conn;
    enum habit habit;
    char trace[2000];
    size_t got;
    bool is_calling;  // a call on conn is under way: no callback may come
    const char *last; // said in on_end, before conn_close
    struct err err;
};

struct fixture {
    struct loop *loop;
    struct loop_timer *stopper;
    struct owner owner, other;
    int peer;
};

static void
note(struct owner *owner, const char *what, struct span text)
{
    size_t len = strlen(owner->trace);

    CU_ASSERT_FALSE(owner->is_calling);
    snprintf(owner->trace + len, sizeof owner->trace - len, "%s%.*s;", what, (int)text.len,
             text.data);
}

static void
on_open(void *arg)
{
    note(arg, "open", SPAN_LITERAL(""));
}

static void
on_input(void *arg)
{
    struct owner *owner = arg;
    struct span input = conn_input(owner->conn);

    owner->got += input.len;
    if (input.len < 100)
        note(owner, conn_input_is_ended(owner->conn) ? "last:" : "input:", input);
    if (owner->habit == CONSUME)
        conn_consume(owner->conn, input.len);
    else if (owner->habit == CONSUME_ONE)
        conn_consume(owner->conn, 1);
    else if (owner->habit == PAUSE)
        conn_pause(owner->conn);
    else if (owner->habit == CLOSE_ON_INPUT) {
        conn_write(owner->conn, "bye", 3);
        conn_close(&owner->conn, 1000);
    } else if (owner->habit == ABORT_ON_INPUT) {
        conn_abort(&owner->conn);
    }
}

static void
on_drained(void *arg)
{
    struct owner *owner = arg;

    note(owner, "drained", SPAN_LITERAL(""));
    CU_ASSERT_EQUAL(conn_unsent(owner->conn), 0);
    if (owner->habit == ABORT_ON_DRAINED)
        conn_abort(&owner->conn);
}

static void
on_end(void *arg, enum conn_end end, const struct err *err)
{
    struct owner *owner = arg;

    note(owner, "end:", span_of(conn_end_name(end)));
    owner->err = *err;
    if (owner->last != NULL)
        conn_write(owner->conn, owner->last, strlen(owner->last));
    conn_close(&owner->conn, 1000);
}

static const struct conn_callbacks callbacks = {on_open, on_input, on_drained, on_end};

static void
on_stop(void *arg)
{
    loop_stop(((struct fixture *)arg)->loop);
}

static void
set_up_alone(struct fixture *f)
{
    struct err err;

    memset(f, 0, sizeof *f);
    f->loop = loop_new(&err);
    f->owner.loop = f->other.loop = f->loop;
    f->stopper = loop_timer_new(f->loop, on_stop, f);
    f->peer = -1;
}

static void
set_up(struct fixture *f, enum habit habit)
{
    int pair[2];

    set_up_alone(f);
    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    f->peer = pair[1];
    fcntl(f->peer, F_SETFL, O_NONBLOCK);
    f->owner.habit = habit;
    f->owner.is_calling = true;
    f->owner.conn = conn_new(f->loop, pair[0], &callbacks, &f->owner);
    f->owner.is_calling = false;
}

static void
tear_down(struct fixture *f)
{
    conn_abort(&f->owner.conn);
    conn_abort(&f->other.conn);
    loop_timer_free(&f->stopper);
    loop_free(&f->loop);
    if (f->peer >= 0)
        close(f->peer);
}

static size_t
progress(const struct fixture *f)
{
    return strlen(f->owner.trace) + strlen(f->other.trace) + f->owner.got + f->other.got;
}

// So long, and again as long as anything happens: a busy machine may have stopped us in between.
static void
run_for(struct fixture *f, uint64_t ms)
{
    size_t before;

    do {
        before = progress(f);
        loop_timer_start(f->stopper, ms);
        loop_run(f->loop);
    } while (progress(f) != before);
}

static void
peer_says(struct fixture *f, const char *text)
{
    CU_ASSERT_EQUAL(write(f->peer, text, strlen(text)), (ssize_t)strlen(text));
}

static void
owner_says(struct fixture *f, const char *text)
{
    f->owner.is_calling = true;
    conn_write(f->owner.conn, text, strlen(text));
    f->owner.is_calling = false;
}

// One read, so that a batch that came in several writes would show; "EOF", or "" for nothing.
static const char *
peer_hears(struct fixture *f)
{
    static char bytes[1000];
    ssize_t len = recv(f->peer, bytes, sizeof bytes - 1, 0);

    if (len == 0)
        return "EOF";
    bytes[len < 0 ? 0 : len] = '\0';
    return bytes;
}

static void
test_dialogue(void)
{
    struct fixture f;

    set_up(&f, CONSUME);
    CU_ASSERT_EQUAL(fcntl(conn_fd(f.owner.conn), F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    CU_ASSERT_TRUE(addr_is_unix(conn_peer(f.owner.conn)));
    peer_says(&f, "a");
    run_for(&f, 5);
    peer_says(&f, "b");
    run_for(&f, 5);
    owner_says(&f, "1");
    owner_says(&f, "2");
    CU_ASSERT_STRING_EQUAL(peer_hears(&f), "");
    CU_ASSERT_EQUAL(conn_unsent(f.owner.conn), 2);
    run_for(&f, 5);
    CU_ASSERT_STRING_EQUAL(peer_hears(&f), "12");
    CU_ASSERT_STRING_EQUAL(f.owner.trace, "input:a;input:b;drained;");
    tear_down(&f);
}

static void
test_flush(void)
{
    struct fixture f;

    set_up(&f, CONSUME);
    owner_says(&f, "1");
    CU_ASSERT_EQUAL(conn_flush(f.owner.conn), 0);
    CU_ASSERT_STRING_EQUAL(peer_hears(&f), "1");
    CU_ASSERT_STRING_EQUAL(f.owner.trace, "");
    run_for(&f, 5);
    CU_ASSERT_STRING_EQUAL(f.owner.trace, "drained;");
    close(f.peer);
    f.peer = -1;
    owner_says(&f, "2");
    f.owner.is_calling = true;
    CU_ASSERT_EQUAL(conn_flush(f.owner.conn), -1);
    CU_ASSERT_EQUAL(conn_unsent(f.owner.conn), 0);
    owner_says(&f, "3");
    CU_ASSERT_EQUAL(conn_unsent(f.owner.conn), 0);
    run_for(&f, 5);
    CU_ASSERT_STRING_EQUAL(f.owner.trace, "drained;end:error;");
    CU_ASSERT_PTR_NULL(f.owner.conn);
    tear_down(&f);
}

// What the peer says and does, the owner's habit, and what must be told.
static void
test_ends(void)
{
    static const struct {
        const char *name, *says;
        enum habit habit;
        const char *expected;
    } rows[] = {
        {"nothing",          "",   CONSUME,        "end:eof;"                 },
        {"all consumed",     "ab", CONSUME,        "input:ab;end:eof;"        },
        {"input left",       "ab", LEAVE,          "input:ab;last:ab;end:eof;"},
        {"some left",        "ab", CONSUME_ONE,    "input:ab;last:b;end:eof;" },
        {"closed on input",  "ab", CLOSE_ON_INPUT, "input:ab;"                },
        {"aborted on input", "ab", ABORT_ON_INPUT, "input:ab;"                },
        {"paused",           "ab", PAUSE,          "input:ab;"                },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct fixture f;

        set_up(&f, rows[i].habit);
        peer_says(&f, rows[i].says);
        shutdown(f.peer, SHUT_WR);
        run_for(&f, 10);
        UNIT_CHECK_ROW(rows[i].name, strcmp(f.owner.trace, rows[i].expected) == 0);
        UNIT_CHECK_ROW(rows[i].name, (f.owner.conn == NULL) == (rows[i].habit != PAUSE));
        if (rows[i].habit == CLOSE_ON_INPUT)
            UNIT_CHECK_ROW(rows[i].name, strcmp(peer_hears(&f), "bye") == 0);
        tear_down(&f);
    }
}

static void
test_pause_and_resume(void)
{
    struct fixture f;

    set_up(&f, PAUSE);
    peer_says(&f, "a");
    run_for(&f, 5);
    peer_says(&f, "b");
    shutdown(f.peer, SHUT_WR);
    run_for(&f, 5);
    CU_ASSERT_STRING_EQUAL(f.owner.trace, "input:a;");
    f.owner.habit = CONSUME_ONE;
    f.owner.is_calling = true;
    conn_resume(f.owner.conn);
    f.owner.is_calling = false;
    run_for(&f, 5);
    CU_ASSERT_STRING_EQUAL(f.owner.trace, "input:a;input:ab;last:b;end:eof;");
    tear_down(&f);
}

static void
test_eof_waits_for_resume(void)
{
    struct fixture f;

    set_up(&f, LEAVE);
    peer_says(&f, "a");
    run_for(&f, 5);
    f.owner.habit = PAUSE;
    shutdown(f.peer, SHUT_WR);
    run_for(&f, 5);
    CU_ASSERT_STRING_EQUAL(f.owner.trace, "input:a;last:a;");
    f.owner.habit = CONSUME;
    conn_resume(f.owner.conn);
    run_for(&f, 5);
    CU_ASSERT_STRING_EQUAL(f.owner.trace, "input:a;last:a;last:a;end:eof;");
    tear_down(&f);
}

static void
test_input_max(void)
{
    struct fixture f;

    set_up(&f, LEAVE);
    conn_set_input_max(f.owner.conn, 3);
    peer_says(&f, "abcde");
    run_for(&f, 5);
    CU_ASSERT_STRING_EQUAL(f.owner.trace, "input:abc;");
    f.owner.is_calling = true;
    conn_consume(f.owner.conn, 1);
    f.owner.is_calling = false;
    run_for(&f, 5);
    CU_ASSERT_STRING_EQUAL(f.owner.trace, "input:abc;input:bcd;");
    conn_consume(f.owner.conn, 3);
    run_for(&f, 5);
    CU_ASSERT_STRING_EQUAL(f.owner.trace, "input:abc;input:bcd;input:e;");
    tear_down(&f);
}

static void
test_bulk(void)
{
    enum { TOTAL = 3000000 };

    static char bytes[50000];
    struct fixture f;
    size_t said = 0, heard = 0;

    set_up(&f, CONSUME);
    for (unsigned i = 0; i < TOTAL / sizeof bytes; i++)
        conn_write(f.owner.conn, bytes, sizeof bytes);
    for (unsigned turn = 0; turn < 10000 && (said < TOTAL || heard < TOTAL); turn++) {
        ssize_t len = said < TOTAL ? write(f.peer, bytes, sizeof bytes) : 0;

        said += len > 0 ? (size_t)len : 0;
        len = read(f.peer, bytes, sizeof bytes);
        heard += len > 0 ? (size_t)len : 0;
        run_for(&f, 0);
    }
    run_for(&f, 10);
    CU_ASSERT_EQUAL(heard, TOTAL);
    CU_ASSERT_EQUAL(f.owner.got, said);
    CU_ASSERT_STRING_EQUAL(f.owner.trace, "drained;"); // once
    tear_down(&f);
}

static void
test_close_writes_what_is_queued(void)
{
    struct fixture f;

    set_up(&f, CONSUME);
    owner_says(&f, "221 bye");
    conn_close(&f.owner.conn, 1000);
    CU_ASSERT_PTR_NULL(f.owner.conn);
    conn_close(&f.owner.conn, 1000);
    CU_ASSERT_STRING_EQUAL(peer_hears(&f), "221 bye");
    CU_ASSERT_STRING_EQUAL(peer_hears(&f), "EOF");
    run_for(&f, 5);
    CU_ASSERT_STRING_EQUAL(f.owner.trace, "");
    tear_down(&f);
}

static void
test_abort_writes_nothing(void)
{
    struct fixture f;

    set_up(&f, CONSUME);
    owner_says(&f, "221 bye");
    conn_abort(&f.owner.conn);
    CU_ASSERT_PTR_NULL(f.owner.conn);
    CU_ASSERT_STRING_EQUAL(peer_hears(&f), "EOF");
    run_for(&f, 5);
    CU_ASSERT_STRING_EQUAL(f.owner.trace, "");
    tear_down(&f);
    set_up(&f, ABORT_ON_DRAINED);
    peer_says(&f, "a");
    owner_says(&f, "1");
    run_for(&f, 5);
    CU_ASSERT_PTR_NOT_NULL(strstr(f.owner.trace, "drained;"));
    CU_ASSERT_STRING_EQUAL(peer_hears(&f), "1");
    CU_ASSERT_STRING_EQUAL(peer_hears(&f), "EOF");
    tear_down(&f);
}

static void
test_close_with_much_queued_and_the_loop_freed(void)
{
    static char bytes[1000000];
    struct fixture f;

    set_up(&f, CONSUME);
    conn_write(f.owner.conn, bytes, sizeof bytes);
    conn_close(&f.owner.conn, 10000);
    run_for(&f, 5);
    CU_ASSERT_EQUAL(strlen(f.owner.trace), 0);
    tear_down(&f);
}

static void
test_half_closed_peer_gets_its_answer(void)
{
    struct fixture f;

    set_up(&f, CONSUME);
    f.owner.last = "250 done";
    peer_says(&f, "DATA");
    shutdown(f.peer, SHUT_WR);
    run_for(&f, 10);
    CU_ASSERT_STRING_EQUAL(f.owner.trace, "input:DATA;end:eof;");
    CU_ASSERT_STRING_EQUAL(peer_hears(&f), "250 done");
    CU_ASSERT_STRING_EQUAL(peer_hears(&f), "EOF");
    tear_down(&f);
}

// The peer says why it hangs up, and does: our write fails, but the why comes first.
static void
test_last_words_of_a_peer_that_hung_up(void)
{
    struct fixture f;

    set_up(&f, CONSUME);
    peer_says(&f, "421 go away");
    close(f.peer);
    f.peer = -1;
    owner_says(&f, "MAIL FROM");
    CU_ASSERT_EQUAL(conn_flush(f.owner.conn), -1);
    run_for(&f, 5);
    CU_ASSERT_STRING_EQUAL(f.owner.trace, "input:421 go away;end:error;");
    CU_ASSERT_EQUAL(f.owner.err.kind, ERR_TEMP);
    CU_ASSERT_EQUAL(strncmp(f.owner.err.text, "write: ", 7), 0);
    tear_down(&f);
}

static void
test_timeout(void)
{
    struct fixture f;

    set_up(&f, CONSUME);
    f.owner.last = "421 timeout";
    conn_set_timeout(f.owner.conn, 30);
    run_for(&f, 100);
    CU_ASSERT_STRING_EQUAL(f.owner.trace, "end:timeout;");
    CU_ASSERT_STRING_EQUAL(peer_hears(&f), "421 timeout");
    CU_ASSERT_STRING_EQUAL(peer_hears(&f), "EOF");
    tear_down(&f);
}

static void
test_timeout_of_output(void)
{
    static char bytes[1000000];
    struct fixture f;

    set_up(&f, CONSUME);
    conn_pause(f.owner.conn);
    conn_set_timeout(f.owner.conn, 30);
    conn_write(f.owner.conn, bytes, sizeof bytes);
    run_for(&f, 100);
    CU_ASSERT_STRING_EQUAL(f.owner.trace, "end:timeout;");
    tear_down(&f);
}

static void
test_no_timeout_while_paused(void)
{
    struct fixture f;

    set_up(&f, CONSUME);
    conn_set_timeout(f.owner.conn, 30);
    conn_pause(f.owner.conn);
    run_for(&f, 100);
    CU_ASSERT_STRING_EQUAL(f.owner.trace, "");
    conn_resume(f.owner.conn);
    run_for(&f, 100);
    CU_ASSERT_STRING_EQUAL(f.owner.trace, "end:timeout;");
    tear_down(&f);
}

static void
test_idle_holds_no_memory(void)
{
    struct fixture f;

    set_up(&f, CONSUME);
    peer_says(&f, "a");
    run_for(&f, 5);
    CU_ASSERT_PTR_NULL(conn_input(f.owner.conn).data);
    tear_down(&f);
}

static void
listen_at(const struct tempdir *dir, struct addr *addr_out, int *listener_out)
{
    struct sockaddr_un *sa = (struct sockaddr_un *)&addr_out->sa;

    memset(addr_out, 0, sizeof *addr_out);
    sa->sun_family = AF_UNIX;
    snprintf(sa->sun_path, sizeof sa->sun_path, "%s/socket", dir->path);
    addr_out->len = sizeof *sa;
    *listener_out = socket(AF_UNIX, SOCK_STREAM, 0);
    CU_ASSERT_EQUAL_FATAL(bind(*listener_out, (struct sockaddr *)sa, sizeof *sa), 0);
    CU_ASSERT_EQUAL_FATAL(listen(*listener_out, 0), 0);
}

static void
test_connect(void)
{
    struct fixture f;
    struct tempdir dir;
    struct addr addr;
    int listener;

    tempdir_make(&dir);
    set_up_alone(&f);
    listen_at(&dir, &addr, &listener);
    f.owner.is_calling = true;
    f.owner.conn = conn_connect(f.loop, &addr, 1000, &callbacks, &f.owner);
    f.owner.is_calling = false;
    conn_set_timeout(f.owner.conn, 10000);
    owner_says(&f, "early");
    run_for(&f, 5);
    f.peer = accept(listener, NULL, NULL);
    CU_ASSERT_STRING_EQUAL(peer_hears(&f), "early");
    peer_says(&f, "220 hello");
    run_for(&f, 5);
    CU_ASSERT_STRING_EQUAL(f.owner.trace, "open;drained;input:220 hello;");
    CU_ASSERT_TRUE(addr_equal(conn_peer(f.owner.conn), &addr));
    close(listener);
    tear_down(&f);
    tempdir_remove(&dir);
}

static void
test_connect_fails(void)
{
    struct fixture f;
    struct tempdir dir;
    struct addr addr;
    int listener;

    tempdir_make(&dir);
    set_up_alone(&f);
    listen_at(&dir, &addr, &listener);
    // Its backlog has one place; the second one's time runs out.
    f.owner.conn = conn_connect(f.loop, &addr, 1000, &callbacks, &f.owner);
    f.other.conn = conn_connect(f.loop, &addr, 50, &callbacks, &f.other);
    run_for(&f, 150);
    CU_ASSERT_STRING_EQUAL(f.owner.trace, "open;");
    CU_ASSERT_STRING_EQUAL(f.other.trace, "end:timeout;");
    conn_abort(&f.owner.conn);
    close(listener);
    f.owner.trace[0] = '\0';
    f.owner.conn = conn_connect(f.loop, &addr, 1000, &callbacks, &f.owner);
    CU_ASSERT_EQUAL(conn_fd(f.owner.conn), -1);
    run_for(&f, 5);
    CU_ASSERT_STRING_EQUAL(f.owner.trace, "end:error;");
    CU_ASSERT_PTR_NOT_NULL(strstr(f.owner.err.text, "connect to unix:/"));
    CU_ASSERT_PTR_NOT_NULL(strstr(f.owner.err.text, "refused"));
    // Closed and aborted before anything came of it.
    f.owner.trace[0] = '\0';
    f.owner.conn = conn_connect(f.loop, &addr, 1000, &callbacks, &f.owner);
    conn_close(&f.owner.conn, 1000);
    f.owner.conn = conn_connect(f.loop, &addr, 1000, &callbacks, &f.owner);
    conn_abort(&f.owner.conn);
    run_for(&f, 5);
    CU_ASSERT_STRING_EQUAL(f.owner.trace, "");
    tear_down(&f);
    tempdir_remove(&dir);
}

struct tls_fixture {
    struct fixture base;
    struct tempdir dir;
    struct tls_context *server, *client;
};

// owner is the server, other the client.
static void
set_up_tls(struct tls_fixture *t)
{
    struct fixture *f = &t->base;
    char cert[200], key[200];
    struct err err;

    tempdir_make(&t->dir);
    certs_write(&t->dir);
    snprintf(cert, sizeof cert, "%s/server.pem", t->dir.path);
    snprintf(key, sizeof key, "%s/server.key", t->dir.path);
    t->server = tls_server_context_new(cert, key, NULL, &err);
    t->client = tls_client_context_new(NULL, &err);
    set_up(f, CONSUME);
    f->other.conn = conn_new(f->loop, f->peer, &callbacks, &f->other);
    f->peer = -1;
}

static void
tear_down_tls(struct tls_fixture *t)
{
    tear_down(&t->base);
    tls_context_free(&t->server);
    tls_context_free(&t->client);
    tempdir_remove(&t->dir);
}

static void
test_starttls(void)
{
    struct tls_fixture t;
    struct fixture *f = &t.base;

    set_up_tls(&t);
    f->owner.habit = LEAVE;
    conn_write(f->other.conn, "STARTTLS;EVIL", 13);
    run_for(f, 5);
    CU_ASSERT_STRING_EQUAL(f->owner.trace, "input:STARTTLS;EVIL;");
    conn_consume(f->owner.conn, 9);
    conn_write(f->owner.conn, "220 ready", 9);
    f->owner.habit = CONSUME;
    CU_ASSERT_EQUAL(conn_start_tls(f->owner.conn, t.server, NULL), 4);
    CU_ASSERT_EQUAL(conn_input(f->owner.conn).len, 0);
    CU_ASSERT_FALSE(conn_is_tls(f->owner.conn));
    CU_ASSERT_STRING_EQUAL(conn_tls_description(f->owner.conn), "");
    run_for(f, 5);
    CU_ASSERT_STRING_EQUAL(f->other.trace, "drained;input:220 ready;");
    CU_ASSERT_EQUAL(conn_start_tls(f->other.conn, t.client, "mx.example.com"), 0);
    conn_write(f->other.conn, "EHLO", 4);
    f->owner.trace[0] = f->other.trace[0] = '\0';
    run_for(f, 50);
    CU_ASSERT_STRING_EQUAL(f->other.trace, "open;drained;");
    CU_ASSERT_STRING_EQUAL(f->owner.trace, "open;input:EHLO;");
    CU_ASSERT_EQUAL(strncmp(conn_tls_description(f->owner.conn), "TLSv1.3 ", 8), 0);
    conn_write(f->owner.conn, "221", 3);
    conn_close(&f->owner.conn, 1000);
    run_for(f, 10);
    CU_ASSERT_STRING_EQUAL(f->other.trace, "open;drained;last:221;end:eof;");
    tear_down_tls(&t);
}

static void
test_tls_bulk_and_small_input_max(void)
{
    static char bytes[200000];
    struct tls_fixture t;
    struct fixture *f = &t.base;

    set_up_tls(&t);
    conn_start_tls(f->owner.conn, t.server, NULL);
    conn_start_tls(f->other.conn, t.client, NULL);
    conn_set_input_max(f->owner.conn, 1000);
    conn_write(f->other.conn, bytes, sizeof bytes);
    conn_close(&f->other.conn, 5000);
    run_for(f, 20);
    // Before the handshake was done: what was written then is lost with the connection.
    CU_ASSERT_STRING_EQUAL(f->owner.trace, "end:error;");
    tear_down_tls(&t);
    set_up_tls(&t);
    conn_start_tls(f->owner.conn, t.server, NULL);
    conn_start_tls(f->other.conn, t.client, NULL);
    conn_set_input_max(f->owner.conn, 1000);
    run_for(f, 50);
    conn_write(f->other.conn, bytes, sizeof bytes);
    conn_close(&f->other.conn, 5000);
    run_for(f, 100);
    CU_ASSERT_EQUAL(f->owner.got, sizeof bytes);
    CU_ASSERT_STRING_EQUAL(f->owner.trace, "open;end:eof;");
    tear_down_tls(&t);
}

static void
test_tls_handshake_fails(void)
{
    struct tls_fixture t;
    struct fixture *f = &t.base;

    set_up_tls(&t);
    conn_start_tls(f->owner.conn, t.server, NULL);
    conn_write(f->other.conn, "this is no TLS at all\r\n", 23);
    run_for(f, 20);
    CU_ASSERT_STRING_EQUAL(f->owner.trace, "end:error;");
    CU_ASSERT_EQUAL(strncmp(f->owner.err.text, "TLS: ", 5), 0);
    CU_ASSERT_STRING_EQUAL(f->other.trace, "drained;end:eof;");
    tear_down_tls(&t);
}

// The client does not trust the certificate; its alert tells the server why.
static void
test_tls_alert_arrives(void)
{
    struct tls_fixture t;
    struct fixture *f = &t.base;
    char ca[200];

    set_up_tls(&t);
    tls_context_free(&t.client);
    snprintf(ca, sizeof ca, "%s/stranger.pem", t.dir.path);
    t.client = tls_client_context_new(ca, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(t.client);
    conn_start_tls(f->owner.conn, t.server, NULL);
    conn_start_tls(f->other.conn, t.client, "mx.example.com");
    conn_write(f->other.conn, "never seen", 10);
    run_for(f, 50);
    CU_ASSERT_STRING_EQUAL(f->other.trace, "end:error;");
    CU_ASSERT_PTR_NOT_NULL(strstr(f->other.err.text, "certificate verify failed"));
    CU_ASSERT_STRING_EQUAL(f->owner.trace, "end:error;");
    CU_ASSERT_PTR_NOT_NULL(strstr(f->owner.err.text, "alert"));
    CU_ASSERT_EQUAL(f->owner.got, 0);
    tear_down_tls(&t);
}

static const struct unit_test tests[] = {
    {"a dialogue, answered in one write",  test_dialogue                                 },
    {"flush",                              test_flush                                    },
    {"ends",                               test_ends                                     },
    {"pause and resume",                   test_pause_and_resume                         },
    {"EOF waits for resume",               test_eof_waits_for_resume                     },
    {"input max",                          test_input_max                                },
    {"bulk both ways",                     test_bulk                                     },
    {"close writes what is queued",        test_close_writes_what_is_queued              },
    {"abort writes nothing",               test_abort_writes_nothing                     },
    {"close, then the loop is freed",      test_close_with_much_queued_and_the_loop_freed},
    {"a half-closed peer gets its answer", test_half_closed_peer_gets_its_answer         },
    {"last words of a peer that hung up",  test_last_words_of_a_peer_that_hung_up        },
    {"time-out",                           test_timeout                                  },
    {"time-out of output",                 test_timeout_of_output                        },
    {"no time-out while paused",           test_no_timeout_while_paused                  },
    {"idle holds no memory",               test_idle_holds_no_memory                     },
    {"connect",                            test_connect                                  },
    {"connect fails",                      test_connect_fails                            },
    {"STARTTLS",                           test_starttls                                 },
    {"TLS in bulk",                        test_tls_bulk_and_small_input_max             },
    {"TLS handshake fails",                test_tls_handshake_fails                      },
    {"TLS alert arrives",                  test_tls_alert_arrives                        },
};

UNIT_MAIN("base/conn", tests)
