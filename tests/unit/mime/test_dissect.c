// SPDX-License-Identifier: BSD-2-Clause
// With a nursery of its own and real dissectors in their jails; what they do, fake_look.c says.
#include "mime/dissect.h"

#include <signal.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "mime/parts_file.h"
#include "tests/unit/mime/dissect_kit.h"

static void
check_echo(const char *text)
{
    struct outcome outcome;

    (void)ask("echo", span_of(text), &outcome);
    CU_ASSERT_EQUAL(outcome.count, 0); // never from within start
    run(20000);
    CU_ASSERT_EQUAL(outcome.count, 1);
    CU_ASSERT_EQUAL(outcome.end, DISSECT_FOUND);
    CU_ASSERT_STRING_EQUAL(outcome.text, text);
}

static void
test_content_and_descriptor(void)
{
    struct outcome outcome;
    struct dissect_request request = {
        .query = {.id = {"echo", 4}, .offset = 3, .len = 5},
          .wait_ms = 20000
    };
    struct err err = {0};
    int fd;

    set_up(2, 20000);
    start_nursery();
    check_echo("hello");
    check_echo("");
    fd = fs_memory_file("test", &err);
    CU_ASSERT_EQUAL(fs_write_all_at(fd, "---world---", 11, 0, &err), 0);
    request.fd = fd;
    outcome = (struct outcome){.count = 0};
    fix.open++;
    (void)dissect_start(fix.dissect, &request, on_done, &outcome);
    run(20000);
    CU_ASSERT_EQUAL(outcome.end, DISSECT_FOUND);
    CU_ASSERT_STRING_EQUAL(outcome.text, "world");
    // All by the same one, which keeps no descriptor: its limit would be passed.
    for (unsigned i = 0; i < 40; i++) {
        fix.open++;
        (void)dissect_start(fix.dissect, &request, on_done, &outcome);
        run(20000);
        CU_ASSERT_EQUAL(outcome.end, DISSECT_FOUND);
    }
    CU_ASSERT_EQUAL(dissect_processes(fix.dissect), 1);
    CU_ASSERT_EQUAL(dissect_crashes(fix.dissect), 0);
    (void)close(fd);
    tear_down();
}

// Larger than what a socket holds, both ways.
static void
test_large(void)
{
    enum { LARGE = 3 << 20 };

    char *content = mem_zalloc(LARGE);
    struct outcome outcome;

    memset(content, 'y', LARGE);
    set_up(1, 20000);
    start_nursery();
    (void)ask("echo", span_from(content, LARGE), &outcome);
    run(20000);
    CU_ASSERT_EQUAL(outcome.end, DISSECT_FOUND);
    CU_ASSERT_EQUAL(strlen(outcome.text), 100);
    (void)ask("much", span_from(content, LARGE), &outcome);
    run(20000);
    CU_ASSERT_EQUAL(outcome.end, DISSECT_FOUND);
    CU_ASSERT_EQUAL(outcome.limit, LIMIT_FINDINGS);
    CU_ASSERT_EQUAL(outcome.members, 0);
    mem_free(&content);
    tear_down();
}

static void
test_misdeeds(void)
{
    static const struct {
        const char *id;
        enum dissect_end end;
        const char *says;
    } rows[] = {
        {"crash",      DISSECT_CRASHED,     "was killed by signal 11"     },
        {"exit",       DISSECT_CRASHED,     "exited with status 3"        },
        {"hang",       DISSECT_CRASHED,     "took longer than 2s"         },
        {"nonsense",   DISSECT_CRASHED,     "nonsense"                    },
        {"bad",        DISSECT_CRASHED,     "3 bytes that are no findings"},
        {"open",       DISSECT_CRASHED,     "exited with status 7"        },
        {"socket",     DISSECT_CRASHED,     "was killed by signal 31"     },
        {"memory",     DISSECT_CRASHED,     "was killed by signal 6"      },
        {"unreadable", DISSECT_UNAVAILABLE, "no luck"                     },
    };

    size_t crashes = 0;

    set_up(2, 2000);
    start_nursery();
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct outcome outcome;

        if (strcmp(rows[i].id, "memory") == 0 && !HAS_MEMORY_LIMIT)
            continue; // a sanitizer's process has none
        (void)ask(rows[i].id, span_of("x"), &outcome);
        run(20000);
        UNIT_CHECK_ROW(rows[i].id, outcome.count == 1 && outcome.end == rows[i].end);
        UNIT_CHECK_ROW(rows[i].id, strstr(outcome.err.text, rows[i].says) != NULL);
        UNIT_CHECK_ROW(rows[i].id, outcome.err.kind == ERR_TEMP || i == 3 || i == 4);
        crashes += rows[i].end == DISSECT_CRASHED ? 1 : 0;
        UNIT_CHECK_ROW(rows[i].id, dissect_crashes(fix.dissect) == crashes);
        // The next is none the worse for it.
        check_echo(rows[i].id);
    }
    tear_down();
}

static void
ask_for_parts(const char *id, int fd, uint64_t max, struct outcome *outcome)
{
    struct dissect_request request = {
        .query = {.id = span_of(id),
                  .len = 5,
                  .content = {"hello", 5},
                  .parts_max = max,
                  .parts_fd = fd},
        .fd = -1,
        .wait_ms = 20000
    };

    *outcome = (struct outcome){.count = 0};
    fix.open++;
    (void)dissect_start(fix.dissect, &request, on_done, outcome);
    run(20000);
}

// In a jail, a file of limited size may be filled and nothing else; then it is sealed.
static void
test_parts(void)
{
    static const struct {
        const char *id;
        enum dissect_end end;
        const char *says;
    } rows[] = {
        {"echo",  DISSECT_FOUND,   ""                       },
        {"grow",  DISSECT_CRASHED, "exited with status 7"   },
        {"share", DISSECT_CRASHED, "exited with status 7"   },
        {"lie",   DISSECT_CRASHED, "more parts than"        },
        {"crash", DISSECT_CRASHED, "was killed by signal 11"},
        {"echo",  DISSECT_FOUND,   ""                       },
    };

    set_up(1, 20000);
    start_nursery();
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        int fd = parts_file_new(1000, NULL);
        char bytes[10] = "";
        struct outcome outcome;

        ask_for_parts(rows[i].id, fd, 1000, &outcome);
        UNIT_CHECK_ROW(rows[i].id, outcome.count == 1 && outcome.end == rows[i].end);
        UNIT_CHECK_ROW(rows[i].id, strstr(outcome.err.text, rows[i].says) != NULL);
        if (rows[i].end == DISSECT_FOUND) {
            UNIT_CHECK_ROW(rows[i].id, pread(fd, bytes, 10, 0) == 5);
            UNIT_CHECK_ROW(rows[i].id, strcmp(bytes, "hello") == 0);
            UNIT_CHECK_ROW(rows[i].id, pwrite(fd, "x", 1, 0) == -1);
        }
        (void)close(fd);
    }
    // All by the same one, which keeps no descriptor: its limit would be passed.
    for (unsigned i = 0; i < 40; i++) {
        int fd = parts_file_new(1000, NULL);
        struct outcome outcome;

        ask_for_parts("echo", fd, 1000, &outcome);
        CU_ASSERT_EQUAL(outcome.end, DISSECT_FOUND);
        (void)close(fd);
    }
    tear_down();
}

// Where all are busy the rest waits in order, and nobody waits for one that hangs.
static void
test_many_at_once(void)
{
    enum { MANY = 200 };
    struct outcome outcomes[MANY], hanging;

    set_up(3, 5000);
    start_nursery();
    (void)ask("hang", span_of("x"), &hanging);
    for (size_t i = 0; i < MANY; i++)
        (void)ask("echo", span_of("y"), &outcomes[i]);
    fix.open--;
    run(4000);
    CU_ASSERT_FALSE(fix.is_late);
    for (size_t i = 0; i < MANY; i++)
        CU_ASSERT_TRUE(outcomes[i].count == 1 && outcomes[i].end == DISSECT_FOUND);
    CU_ASSERT_EQUAL(hanging.count, 0);
    CU_ASSERT_EQUAL(dissect_processes(fix.dissect), 3);
    fix.open++;
    run(20000);
    CU_ASSERT_EQUAL(hanging.end, DISSECT_CRASHED);
    tear_down();
}

// Of 3 MB two are looked into; a third waits, but nothing small behind it.
static void
test_few_large_at_once(void)
{
    static char content[3 << 20];
    struct outcome hanging, third, small, more[5];
    struct dissect_job *jobs[2];

    set_up(4, 20000);
    start_nursery();
    for (size_t i = 0; i < 2; i++)
        jobs[i] = ask("hang", span_from(content, sizeof content), &hanging);
    (void)ask("echo", span_from(content, sizeof content), &third);
    (void)ask("echo", span_of("y"), &small);
    fix.open = 1;
    run(20000);
    CU_ASSERT_TRUE(small.count == 1 && third.count == 0);
    dissect_cancel(&jobs[0]);
    fix.open = 1;
    run(20000);
    CU_ASSERT_TRUE(third.count == 1 && third.end == DISSECT_FOUND);
    for (size_t i = 0; i < UNIT_COUNT(more); i++) // one after another, beside the one that hangs
        (void)ask("echo", span_from(content, sizeof content), &more[i]);
    run(20000);
    CU_ASSERT_FALSE(fix.is_late);
    for (size_t i = 0; i < UNIT_COUNT(more); i++)
        CU_ASSERT_TRUE(more[i].count == 1 && more[i].end == DISSECT_FOUND);
    dissect_cancel(&jobs[1]);
    tear_down();
}

// A large message does not overtake a small one.
static void
test_large_in_order(void)
{
    static char content[3 << 20];
    struct outcome small, large;

    set_up(1, 20000);
    start_nursery();
    (void)ask("echo", span_of("y"), &small);
    (void)ask("echo", span_from(content, sizeof content), &large);
    fix.open = 1;
    run(20000);
    CU_ASSERT_TRUE(small.count == 1 && large.count == 0);
    fix.open = 1;
    run(20000);
    CU_ASSERT_TRUE(large.count == 1 && large.end == DISSECT_FOUND);
    tear_down();
}

static void
test_waits_no_longer_than_told(void)
{
    struct dissect_request request = {
        .query = {.id = {"echo", 4}, .content = {"", 0}},
          .fd = -1, .wait_ms = 50
    };
    struct outcome hanging, waiting = {.count = 0};

    set_up(1, 1000);
    start_nursery();
    (void)ask("hang", span_of("x"), &hanging);
    fix.open++;
    (void)dissect_start(fix.dissect, &request, on_done, &waiting);
    fix.open--;
    run(900);
    CU_ASSERT_EQUAL(waiting.count, 1);
    CU_ASSERT_EQUAL(waiting.end, DISSECT_UNAVAILABLE);
    CU_ASSERT_EQUAL(waiting.err.kind, ERR_TEMP);
    CU_ASSERT_EQUAL(hanging.count, 0);
    fix.open++;
    run(20000);
    CU_ASSERT_EQUAL(hanging.end, DISSECT_CRASHED);
    tear_down();
}

static void
test_cancel(void)
{
    struct outcome busy, waiting, last;
    struct dissect_job *busy_job, *waiting_job;

    set_up(1, 20000);
    start_nursery();
    check_echo("up");
    busy_job = ask("hang", span_of("x"), &busy);
    waiting_job = ask("echo", span_of("x"), &waiting);
    (void)ask("echo", span_of("last"), &last);
    dissect_cancel(&waiting_job);
    CU_ASSERT_PTR_NULL(waiting_job);
    dissect_cancel(&busy_job);
    dissect_cancel(&busy_job);
    fix.open -= 2;
    run(10000);
    CU_ASSERT_STRING_EQUAL(last.text, "last");
    CU_ASSERT_EQUAL(busy.count, 0);
    CU_ASSERT_EQUAL(waiting.count, 0);
    CU_ASSERT_EQUAL(dissect_crashes(fix.dissect), 0);
    tear_down();
}

// The old one goes on until another is in its jail, however many messages that takes.
static void
test_replaced_when_old(void)
{
    enum { MESSAGES = 30000 };

    static const char content[MESSAGES]; // an echo counts up to its length
    struct outcome outcome;
    uint64_t most = 0;

    set_up(1, 20000);
    start_nursery();
    do {
        (void)ask("echo", span_from(content, sizeof content), &outcome);
        run(20000);
        CU_ASSERT_EQUAL(outcome.end, DISSECT_FOUND);
        if (outcome.asked > most)
            most = outcome.asked;
    } while (outcome.end == DISSECT_FOUND && outcome.asked == most && most < MESSAGES);
    CU_ASSERT_TRUE(most >= 1000);
    CU_ASSERT_EQUAL(outcome.asked, 1);
    CU_ASSERT_EQUAL(dissect_processes(fix.dissect), 1);
    tear_down();
}

// It takes its dissectors with it; their messages are innocent and are asked again.
static void
test_nursery_dies(void)
{
    struct outcome outcomes[20];

    set_up(2, 20000);
    start_nursery();
    check_echo("up");
    for (unsigned round = 0; round < 3; round++) {
        for (size_t i = 0; i < UNIT_COUNT(outcomes); i++)
            (void)ask("echo", span_of("z"), &outcomes[i]);
        (void)kill(fix.nursery.pid, SIGKILL);
        run(round * 20);
        CU_ASSERT_TRUE(WIFSIGNALED(nursery_stand_stop(&fix.nursery)));
        start_nursery();
        if (fix.open > 0)
            run(20000);
        for (size_t i = 0; i < UNIT_COUNT(outcomes); i++)
            CU_ASSERT_TRUE(outcomes[i].count == 1 && outcomes[i].end == DISSECT_FOUND);
    }
    CU_ASSERT_EQUAL(dissect_crashes(fix.dissect), 0);
    tear_down();
}

static void
test_no_nursery_at_first(void)
{
    struct outcome outcome;

    set_up(2, 20000);
    (void)ask("echo", span_of("early"), &outcome);
    run(50);
    CU_ASSERT_EQUAL(outcome.count, 0);
    CU_ASSERT_FALSE(dissect_has_nursery(fix.dissect));
    start_nursery();
    CU_ASSERT_TRUE(dissect_has_nursery(fix.dissect));
    run(20000);
    CU_ASSERT_STRING_EQUAL(outcome.text, "early");
    tear_down();
}

static void
test_more_than_a_frame(void)
{
    struct dissect_request request = {
        .query = {.id = {"echo", 4}, .content = {"", 0}},
          .fd = -1, .wait_ms = 20000
    };
    struct outcome outcome = {.count = 0};

    set_up(1, 20000);
    start_nursery();
    request.query.rcpt_count = 5 << 20;
    request.query.rcpts = mem_zarray(request.query.rcpt_count, sizeof *request.query.rcpts);
    check_echo("up"); // it would be handed over at once
    fix.open++;
    (void)dissect_start(fix.dissect, &request, on_done, &outcome);
    CU_ASSERT_EQUAL(outcome.count, 0);
    run(20000);
    CU_ASSERT_EQUAL(outcome.end, DISSECT_UNAVAILABLE);
    CU_ASSERT_EQUAL(outcome.err.kind, ERR_PERM);
    mem_free(&request.query.rcpts);
    tear_down();
}

static const struct unit_test tests[] = {
    {"content and descriptor",                test_content_and_descriptor   },
    {"large",                                 test_large                    },
    {"misdeeds",                              test_misdeeds                 },
    {"parts",                                 test_parts                    },
    {"many at once",                          test_many_at_once             },
    {"few large at once",                     test_few_large_at_once        },
    {"a large one in order",                  test_large_in_order           },
    {"a message waits no longer than told",   test_waits_no_longer_than_told},
    {"cancel",                                test_cancel                   },
    {"replaced when old",                     test_replaced_when_old        },
    {"the nursery dies",                      test_nursery_dies             },
    {"no nursery at first",                   test_no_nursery_at_first      },
    {"an envelope that is more than a frame", test_more_than_a_frame        },
};

UNIT_MAIN("mime/dissect", tests)
