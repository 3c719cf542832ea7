// SPDX-License-Identifier: BSD-2-Clause
#include "base/conn.h"

#include <sys/un.h>

#include "tests/unit/base/conn_owner.h"
#include "tests/unit/base/tempdir.h"
#include "tests/unit/harness.h"

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

static void
send_text(struct fixture *f, const char *text)
{
    struct span part = span_of(text);

    conn_send(f->owner.conn, &part, 1);
}

static void
test_send(void)
{
    struct fixture f;

    set_up(&f, CONSUME);
    owner_says(&f, "1");
    f.owner.is_calling = true;
    send_text(&f, "2");
    f.owner.is_calling = false;
    CU_ASSERT_STRING_EQUAL(peer_hears(&f), "12");
    CU_ASSERT_EQUAL(conn_unsent(f.owner.conn), 0);
    run_for(&f, 5);
    CU_ASSERT_STRING_EQUAL(f.owner.trace, "drained;");
    peer_says(&f, "421");
    close(f.peer);
    f.peer = -1;
    f.owner.is_calling = true;
    send_text(&f, "3");
    send_text(&f, "4");
    f.owner.is_calling = false;
    CU_ASSERT_EQUAL(conn_unsent(f.owner.conn), 0);
    run_for(&f, 5);
    CU_ASSERT_STRING_EQUAL(f.owner.trace, "drained;input:421;end:error;");
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

static const struct unit_test tests[] = {
    {"a dialogue, answered in one write",  test_dialogue                                 },
    {"flush",                              test_flush                                    },
    {"sent at once",                       test_send                                     },
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
};

UNIT_MAIN("base/conn", tests)
