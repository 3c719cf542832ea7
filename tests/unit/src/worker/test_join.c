// SPDX-License-Identifier: BSD-2-Clause
#include "src/worker/join.h"

#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "tests/unit/base/tempdir.h"
#include "tests/unit/filters/fake_loop.h"
#include "tests/unit/harness.h"

enum { WAIT_MS = 20000, TRIES = 2 };

static struct tempdir dir;
static struct loop *loop;
static struct remember *remembers[TRIES]; // two workers
static struct counter_worker counters;
static uint64_t now_ms; // of the fake loop, since its beginning
static char moved[400];
static int done, late;

int64_t
loop_realtime_ms(const struct loop *given)
{
    return INT64_C(1700000000000) + (int64_t)loop_now_ms(given);
}

// Stands in for spool/writer.c.
void
writer_move(struct writer *writer, const struct ranges *set, const char *child)
{
    struct buf text;

    (void)writer;
    buf_init(&text, sizeof moved);
    ranges_format(set, &text);
    snprintf(moved + strlen(moved), sizeof moved - strlen(moved), "%s %.*s; ", child, (int)text.len,
             text.data);
    buf_clear(&text);
}

static struct remember *
open_one(void)
{
    static const struct spool_settings settings = {.remember = 3600000, .remember_max = 64};
    struct err err;
    struct remember *remember = remember_open(dir.fd, &settings, &err);

    CU_ASSERT_PTR_NOT_NULL_FATAL(remember);
    return remember;
}

static void
begin(void)
{
    tempdir_make(&dir);
    loop = fake_loop_new();
    now_ms = 0;
    for (int i = 0; i < TRIES; i++)
        remembers[i] = open_one();
    atomic_store(&counters.joined, 0);
    done = late = 0;
}

static void
end(void)
{
    for (int i = 0; i < TRIES; i++)
        remember_close(&remembers[i]);
    fake_loop_free(&loop);
    tempdir_remove(&dir);
}

static void
on_done(void *arg, bool is_late)
{
    (void)arg;
    done++;
    late += is_late ? 1 : 0;
}

struct
try {
    struct join *join;
    bool is_ready;
};

// By the worker of that number; recipients are letters.
static struct try
start(int worker, const char *id, const char *recipients, enum smtp_protocol protocol)
{
    struct join_parts parts = {
        .loop = loop, .remember = remembers[worker], .counters = &counters, .wait_ms = WAIT_MS};
    struct smtp_envelope envelope;
    struct try try = {.join = join_new(&parts)};

    envelope_init(&envelope);
    snprintf(envelope.id, sizeof envelope.id, "%s", id);
    envelope.protocol = protocol;
    envelope.from = mem_strdup("a@b");
    for (const char *at = recipients; *at != '\0'; at++)
        envelope_add_rcpt(&envelope, span_from(at, 1), span_of(""));
    try.is_ready =
        join_start(try.join, &envelope, digest_of(span_of("Subject: again\r\n")), on_done, NULL);
    envelope_clear(&envelope);
    return try;
}

static void
go_on(uint64_t ms)
{
    now_ms += ms;
    fake_loop_run_to(loop, now_ms);
}

// '2', '4', '5', or ' ' for none; one for all where codes has one letter only.
static bool
settle(struct try *try, const char *codes)
{
    struct smtp_reply replies[8] = {0};
    size_t count = strlen(codes);
    bool is_remembered;

    for (size_t i = 0; i < count; i++) {
        if (codes[i] != ' ')
            reply_set(&replies[i], (codes[i] - '0') * 100 + 50, NULL, "told");
    }
    is_remembered = join_settle(try->join, replies, count);
    join_free(&try->join);
    return is_remembered;
}

static const char *
moves_of(const struct try *try)
{
    moved[0] = '\0';
    join_move(try->join, NULL);
    return moved;
}

// Each of them once more, by the other worker.
static void
test_again(void)
{
    static const struct {
        const char *name, *first, *codes, *again;
        enum smtp_protocol protocol;
        const char *moves;
        bool has_all, has_accepted;
        uint64_t joined;
    } rows[] = {
        {"accepted",               "x",   "2",   "x",    SMTP_PROTOCOL_SMTP, "first 0; ",          true,  true,  1},
        {"refused",                "x",   "5",   "x",    SMTP_PROTOCOL_SMTP, "first 0; ",          true,  false, 1},
        {"put off",                "x",   "4",   "x",    SMTP_PROTOCOL_SMTP, "",                   false, false, 0},
        {"never answered",         "x",   " ",   "x",    SMTP_PROTOCOL_SMTP, "",                   false, false, 0},
        {"one reply for all",      "xy",  "2",   "yx",   SMTP_PROTOCOL_SMTP, "first 0-1; ",        true,  true,  1},
        {"each his own",           "xyz", "245", "zyx",  SMTP_PROTOCOL_LMTP, "first 0,2; ",        false, true,  1},
        {"one more",               "x",   "2",   "yx",   SMTP_PROTOCOL_SMTP, "first 1; ",          false, true,  1},
        {"one reply, refused",     "x",   "5",   "xy",   SMTP_PROTOCOL_SMTP, "",                   false, false, 0},
        {"refused with accepted",  "xy",  "25",  "xy",   SMTP_PROTOCOL_SMTP, "first 0; ",          false, true,
         1                                                                                                        },
        {"all refused",            "xy",  "55",  "yx",   SMTP_PROTOCOL_SMTP, "first 0-1; ",        true,  false, 1},
        {"lmtp, refused with new", "x",   "5",   "xy",   SMTP_PROTOCOL_LMTP, "first 0; ",          false, false,
         1                                                                                                        },
        {"equal ones",             "x",   "4",   "xxyx", SMTP_PROTOCOL_SMTP, "again 1,3; ",        false, false, 0},
        {"equal ones, told",       "x",   "2",   "yxx",  SMTP_PROTOCOL_SMTP, "first 1; again 2; ", false, true,
         1                                                                                                        },
        {"equal ones only",        "x",   "2",   "xx",   SMTP_PROTOCOL_LMTP, "first 0; again 1; ", true,  true,
         1                                                                                                        },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct try first, again;

        begin();
        first = start(0, "first", rows[i].first, rows[i].protocol);
        UNIT_CHECK_ROW(rows[i].name, first.is_ready && !join_has_all(first.join));
        (void)settle(&first, rows[i].codes);
        again = start(1, "again", rows[i].again, rows[i].protocol);
        UNIT_CHECK_ROW(rows[i].name, again.is_ready);
        UNIT_CHECK_ROW(rows[i].name, strcmp(moves_of(&again), rows[i].moves) == 0);
        UNIT_CHECK_ROW(rows[i].name, join_has_all(again.join) == rows[i].has_all);
        UNIT_CHECK_ROW(rows[i].name, join_has_accepted(again.join) == rows[i].has_accepted);
        UNIT_CHECK_ROW(rows[i].name, atomic_load(&counters.joined) == rows[i].joined);
        join_free(&again.join);
        end();
    }
}

// Without a queue id: who has heard the answer sends another message; who has not comes again.
static void
test_no_name(void)
{
    static const struct {
        const char *name;
        const char *first;  // told before, unheard; "": nobody
        const char *second; // answered 250, of whom "x" is looked at again
        bool is_heard, is_known;
    } rows[] = {
        {"not heard",            "",  "xy", false, true },
        {"heard",                "",  "xy", true,  false},
        {"heard at the second",  "x", "xy", true,  false},
        {"not heard, once more", "x", "x",  false, true },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct try first = {0}, second, third;
        struct smtp_reply reply;
        size_t count = 1;

        begin();
        if (rows[i].first[0] != '\0') {
            first = start(0, "first", rows[i].first, SMTP_PROTOCOL_SMTP);
            (void)settle(&first, "2");
        }
        second = start(0, "second", rows[i].second, SMTP_PROTOCOL_SMTP);
        UNIT_CHECK_ROW(rows[i].name, second.is_ready && !join_is_named(second.join));
        reply_set(&reply, 250, NULL, "told");
        (void)join_replies(second.join, &reply, &count);
        if (rows[i].first[0] == '\0') { // another waits until it is known
            third = start(1, "third", "x", SMTP_PROTOCOL_SMTP);
            UNIT_CHECK_ROW(rows[i].name, !third.is_ready);
            join_free(&third.join);
        }
        join_end(&second.join, rows[i].is_heard);
        third = start(1, "third", "x", SMTP_PROTOCOL_SMTP);
        UNIT_CHECK_ROW(rows[i].name, third.is_ready);
        UNIT_CHECK_ROW(rows[i].name, join_has_all(third.join) == rows[i].is_known);
        join_free(&third.join);
        end();
    }
}

// Replies of those who are processed, of those who were told, and of equal ones.
static void
test_replies(void)
{
    struct smtp_reply mine[4] = {0};
    const struct smtp_reply *replies;
    struct try first, again;
    size_t count = 4;

    begin();
    first = start(0, "first", "xy", SMTP_PROTOCOL_LMTP);
    (void)settle(&first, "25");
    again = start(1, "again", "yzxz", SMTP_PROTOCOL_LMTP);
    reply_set(&mine[1], 450, NULL, "mine");
    replies = join_replies(again.join, mine, &count);
    CU_ASSERT_EQUAL_FATAL(count, 4);
    CU_ASSERT(replies[0].code == 550 && replies[1].code == 450);
    CU_ASSERT(replies[2].code == 250 && replies[3].code == 450);
    count = 1;
    replies = join_replies(again.join, &mine[1], &count);
    CU_ASSERT(count == 4 && replies[3].code == 450 && replies[2].code == 250);
    join_free(&again.join);
    end();
}

// The second waits for as long as the first has anybody whom it wants, and holds nobody meanwhile.
static void
test_wait(void)
{
    struct try first, second, third;

    begin();
    first = start(0, "first", "xy", SMTP_PROTOCOL_SMTP);
    second = start(1, "second", "zy", SMTP_PROTOCOL_SMTP);
    CU_ASSERT(first.is_ready && !second.is_ready);
    go_on(8000);
    CU_ASSERT(done == 0);
    third = start(0, "third", "z", SMTP_PROTOCOL_SMTP);
    CU_ASSERT(third.is_ready);
    (void)settle(&third, "4");
    (void)settle(&first, "2");
    go_on(100);
    CU_ASSERT(done == 1 && late == 0);
    CU_ASSERT_STRING_EQUAL(moves_of(&second), "first 1; ");
    go_on(1000);
    CU_ASSERT(done == 1);
    join_free(&second.join);
    end();
}

static void
start_and_die(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        remembers[0] = open_one();
        _exit(start(0, "first", "x", SMTP_PROTOCOL_SMTP).is_ready ? 0 : 1);
    }
    CU_ASSERT(waitpid(pid, NULL, 0) == pid);
}

static void
test_ends_of_waiting(void)
{
    static const struct {
        const char *name;
        const char *codes; // of the first; "": it goes on; NULL: its worker dies
        uint64_t within_ms, not_before_ms;
        int late;
    } rows[] = {
        {"put off",  "4",  100,           0,             0},
        {"accepted", "2",  100,           0,             0},
        {"too long", "",   WAIT_MS + 100, WAIT_MS - 100, 1},
        {"dead",     NULL, 5100,          4900,          0},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct try first = {0}, second;

        begin();
        if (rows[i].codes == NULL)
            start_and_die();
        else
            first = start(0, "first", "x", SMTP_PROTOCOL_SMTP);
        second = start(1, "second", "x", SMTP_PROTOCOL_SMTP);
        UNIT_CHECK_ROW(rows[i].name, !second.is_ready);
        if (rows[i].codes != NULL && rows[i].codes[0] != '\0')
            (void)settle(&first, rows[i].codes);
        go_on(rows[i].not_before_ms);
        UNIT_CHECK_ROW(rows[i].name, done == 0);
        go_on(rows[i].within_ms - rows[i].not_before_ms);
        UNIT_CHECK_ROW(rows[i].name, done == 1 && late == rows[i].late);
        join_free(&second.join);
        join_free(&first.join);
        end();
    }
}

// Its client leaves: nobody is called, and the other goes on.
static void
test_leaves(void)
{
    struct try first, second;

    begin();
    first = start(0, "first", "x", SMTP_PROTOCOL_SMTP);
    second = start(1, "second", "x", SMTP_PROTOCOL_SMTP);
    join_free(&second.join);
    join_free(&first.join);
    go_on(1000);
    CU_ASSERT(done == 0);
    first = start(0, "first", "x", SMTP_PROTOCOL_SMTP);
    CU_ASSERT(first.is_ready);
    CU_ASSERT(settle(&first, "2"));
    second = start(1, "second", "x", SMTP_PROTOCOL_SMTP);
    CU_ASSERT(second.is_ready && join_has_all(second.join));
    join_free(&second.join);
    end();
}

// Nothing can be remembered: mail goes its way, and who asks is told so.
static void
test_no_memory(void)
{
    struct try first;

    begin();
    remember_close(&remembers[0]);
    first = start(0, "first", "x", SMTP_PROTOCOL_SMTP);
    CU_ASSERT(first.is_ready && !join_has_all(first.join));
    CU_ASSERT_STRING_EQUAL(moves_of(&first), "");
    CU_ASSERT_FALSE(settle(&first, "2"));
    end();
}

static const struct unit_test tests[] = {
    {"once more",          test_again          },
    {"no name",            test_no_name        },
    {"replies",            test_replies        },
    {"it waits",           test_wait           },
    {"how waiting ends",   test_ends_of_waiting},
    {"a client leaves",    test_leaves         },
    {"nothing remembered", test_no_memory      },
};

UNIT_MAIN("src/worker/join", tests)
