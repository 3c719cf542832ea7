// SPDX-License-Identifier: BSD-2-Clause
// tests/unit/base/conn_owner.h - an owner of connections that writes down all it is told.
#ifndef POSTERN_TESTS_UNIT_BASE_CONN_OWNER_H
#define POSTERN_TESTS_UNIT_BASE_CONN_OWNER_H

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/conn.h"
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

static inline void
note(struct owner *owner, const char *what, struct span text)
{
    size_t len = strlen(owner->trace);

    CU_ASSERT_FALSE(owner->is_calling);
    snprintf(owner->trace + len, sizeof owner->trace - len, "%s%.*s;", what, (int)text.len,
             text.data);
}

static inline void
on_open(void *arg)
{
    note(arg, "open", SPAN_LITERAL(""));
}

static inline void
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

static inline void
on_drained(void *arg)
{
    struct owner *owner = arg;

    note(owner, "drained", SPAN_LITERAL(""));
    CU_ASSERT_EQUAL(conn_unsent(owner->conn), 0);
    if (owner->habit == ABORT_ON_DRAINED)
        conn_abort(&owner->conn);
}

static inline void
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

static inline void
on_stop(void *arg)
{
    loop_stop(((struct fixture *)arg)->loop);
}

static inline void
set_up_alone(struct fixture *f)
{
    struct err err;

    memset(f, 0, sizeof *f);
    f->loop = loop_new(&err);
    f->owner.loop = f->other.loop = f->loop;
    f->stopper = loop_timer_new(f->loop, on_stop, f);
    f->peer = -1;
}

static inline void
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

static inline void
tear_down(struct fixture *f)
{
    conn_abort(&f->owner.conn);
    conn_abort(&f->other.conn);
    loop_timer_free(&f->stopper);
    loop_free(&f->loop);
    if (f->peer >= 0)
        close(f->peer);
}

static inline size_t
progress(const struct fixture *f)
{
    return strlen(f->owner.trace) + strlen(f->other.trace) + f->owner.got + f->other.got;
}

// So long, and again as long as anything happens: a busy machine may have stopped us in between.
static inline void
run_for(struct fixture *f, uint64_t ms)
{
    size_t before;

    do {
        before = progress(f);
        loop_timer_start(f->stopper, ms);
        loop_run(f->loop);
    } while (progress(f) != before);
}

static inline void
peer_says(struct fixture *f, const char *text)
{
    CU_ASSERT_EQUAL(write(f->peer, text, strlen(text)), (ssize_t)strlen(text));
}

static inline void
owner_says(struct fixture *f, const char *text)
{
    f->owner.is_calling = true;
    conn_write(f->owner.conn, text, strlen(text));
    f->owner.is_calling = false;
}

// One read, so that a batch that came in several writes would show; "EOF", or "" for nothing.
static inline const char *
peer_hears(struct fixture *f)
{
    static char bytes[1000];
    ssize_t len = recv(f->peer, bytes, sizeof bytes - 1, 0);

    if (len == 0)
        return "EOF";
    bytes[len < 0 ? 0 : len] = '\0';
    return bytes;
}

#endif
