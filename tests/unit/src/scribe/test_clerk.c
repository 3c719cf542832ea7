// SPDX-License-Identifier: BSD-2-Clause
#include "src/scribe/clerk.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "src/scribe/books.h"
#include "tests/unit/harness.h"
#include "tests/unit/src/scribe/telling.h"
#include "track/ledger/ledger.h"
#include "track/ledger/ledger_read.h"

enum { ROWS = 2, SIZE = 1 << 20, PATIENCE_MS = 20000 };

enum { MANY = 1000, BATCHES = 4 };

struct stand { // a scribe without its process
    char folder[64];
    struct settings settings;
    struct loop *loop;
    struct pool *pool;
    struct rings *rings;
    struct counter_page *page;
    struct clerk *clerk;
    struct loop_timer *look;
    bool (*question)(struct stand *stand);
    uint64_t end_ms;
    bool is_answered, is_idle;
};

static void
on_look(void *arg)
{
    struct stand *stand = arg;

    stand->is_answered = stand->question(stand);
    if (stand->is_answered || loop_now_ms(stand->loop) > stand->end_ms)
        loop_stop(stand->loop);
    else
        loop_timer_start(stand->look, 10);
}

// Runs the loop until the answer is true.
static bool
wait_for(struct stand *stand, bool (*question)(struct stand *stand))
{
    stand->question = question;
    stand->end_ms = loop_now_ms(stand->loop) + PATIENCE_MS;
    loop_timer_start(stand->look, 0);
    loop_run(stand->loop);
    return stand->is_answered;
}

static void
begin(struct stand *stand)
{
    struct clerk_config config = {.loop = stand->loop,
                                  .settings = &stand->settings,
                                  .rings = stand->rings,
                                  .page = stand->page};
    struct err err = {0};

    stand->pool = pool_new(stand->loop, 1, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(stand->pool);
    config.pool = stand->pool;
    stand->clerk = clerk_new(&config);
}

static void
end(struct stand *stand)
{
    pool_free(&stand->pool);
    clerk_free(&stand->clerk);
}

static void
stand_init(struct stand *stand)
{
    struct err err = {0};

    memset(stand, 0, sizeof *stand);
    (void)snprintf(stand->folder, sizeof stand->folder, "/tmp/postern-clerk-XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(stand->folder));
    stand->settings.track =
        (struct track_settings){.ledger = mem_printf("%s/ledger.db", stand->folder),
                                .postfix_log = mem_printf("%s/mail.log", stand->folder),
                                .keep = 3650ULL * 86400 * 1000,
                                .max_size = 1 << 30};
    stand->loop = loop_new(&err);
    stand->rings = rings_new(ROWS, SIZE, &err);
    stand->page = counter_page_new(ROWS, &err);
    stand->look = loop_timer_new(stand->loop, on_look, stand);
}

static void
stand_clear(struct stand *stand)
{
    char *command = mem_printf("rm -rf %s", stand->folder);

    loop_timer_free(&stand->look);
    counter_page_free(&stand->page);
    rings_free(&stand->rings);
    loop_free(&stand->loop);
    mem_free(&stand->settings.track.ledger);
    mem_free(&stand->settings.track.postfix_log);
    CU_ASSERT_EQUAL(system(command), 0);
    mem_free(&command);
}

static bool
is_all_written(struct stand *stand)
{
    struct clerk_state state;

    clerk_get(stand->clerk, &state);
    return state.is_ledger_up && ring_used(stand->rings, 0) == 0 && ring_used(stand->rings, 1) == 0;
}

static bool
is_in_trouble(struct stand *stand)
{
    struct clerk_state state;

    clerk_get(stand->clerk, &state);
    return state.trouble[0] != '\0' && state.behind_ms > 0;
}

// The status of the one recipient of that id; STATUS_COUNT: not there.
static enum track_status
status_in_ledger(struct stand *stand, const char *any_id)
{
    struct ledger_reader *reader;
    struct record *records;
    struct arena arena;
    struct err err = {0};
    size_t count = 0;
    enum track_status status = STATUS_COUNT;

    reader = ledger_reader_open(stand->settings.track.ledger, &err);
    if (reader == NULL)
        return STATUS_COUNT;
    arena_init(&arena, 1 << 24);
    if (ledger_find(reader, any_id, &arena, &records, &count, &err) == 0 && count == 1)
        status = status_of_rcpt(&records[0], &records[0].rcpts[0]);
    arena_clear(&arena);
    ledger_reader_close(&reader);
    return status;
}

static void
add_to_log(const struct stand *stand, const char *line)
{
    FILE *file = fopen(stand->settings.track.postfix_log, "a");

    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    (void)fputs(line, file);
    (void)fclose(file);
}

static bool
is_sent(struct stand *stand)
{
    return status_in_ledger(stand, "4Zb1yn0QZrzB") == STATUS_SENT;
}

static const char sent_line[] =
    "2026-11-03T04:05:06.123456+00:00 mx postfix/smtp[12]: 4Zb1yn0QZrzB: to=<bob@example.com>, "
    "relay=mx.example.com[192.0.2.1]:25, delay=0.1, delays=0/0/0/0.1, dsn=2.0.0, "
    "status=sent (250 2.0.0 Ok)\n";

static void
test_a_message_ends_in_the_ledger(void)
{
    struct stand stand;

    stand_init(&stand);
    add_to_log(&stand, "2026-11-03T04:05:05.000000+00:00 mx postfix/qmgr[1]: other\n");
    begin(&stand);
    CU_ASSERT_TRUE(wait_for(&stand, is_all_written));
    (void)tell_message(stand.rings, 0, "0123456789A", 1, NULL);
    CU_ASSERT_TRUE(wait_for(&stand, is_all_written));
    CU_ASSERT_EQUAL(status_in_ledger(&stand, "0123456789A"), STATUS_FILTERING);
    (void)tell_message(stand.rings, 1, "0123456789A", 7, "4Zb1yn0QZrzB");
    CU_ASSERT_TRUE(wait_for(&stand, is_all_written));
    CU_ASSERT_EQUAL(status_in_ledger(&stand, "4Zb1yn0QZrzB"), STATUS_REINJECTED);
    add_to_log(&stand, sent_line);
    CU_ASSERT_TRUE(wait_for(&stand, is_sent));
    end(&stand);
    stand_clear(&stand);
}

// Postfix may be faster than we are.
static void
test_the_log_comes_first(void)
{
    struct stand stand;

    stand_init(&stand);
    add_to_log(&stand, "");
    begin(&stand);
    CU_ASSERT_TRUE(wait_for(&stand, is_all_written));
    add_to_log(&stand, sent_line);
    end(&stand); // with the line read or not
    begin(&stand);
    CU_ASSERT_TRUE(wait_for(&stand, is_all_written));
    (void)tell_message(stand.rings, 0, "0123456789A", 7, "4Zb1yn0QZrzB");
    CU_ASSERT_TRUE(wait_for(&stand, is_sent));
    end(&stand);
    stand_clear(&stand);
}

// A file where the ledger's folder should be.
static void
test_trouble_is_waited_out(void)
{
    struct stand stand;
    char *in_the_way;

    stand_init(&stand);
    in_the_way = mem_printf("%s/books", stand.folder);
    mem_free(&stand.settings.track.ledger);
    stand.settings.track.ledger = mem_printf("%s/ledger.db", in_the_way);
    CU_ASSERT_EQUAL_FATAL(mknod(in_the_way, S_IFREG | 0600, 0), 0);
    begin(&stand);
    (void)tell_message(stand.rings, 0, "0123456789A", 1, NULL);
    CU_ASSERT_TRUE(wait_for(&stand, is_in_trouble));
    CU_ASSERT_TRUE(ring_used(stand.rings, 0) > 0);
    CU_ASSERT_EQUAL_FATAL(unlink(in_the_way), 0);
    CU_ASSERT_TRUE(wait_for(&stand, is_all_written));
    CU_ASSERT_EQUAL(status_in_ledger(&stand, "0123456789A"), STATUS_FILTERING);
    end(&stand);
    mem_free(&in_the_way);
    stand_clear(&stand);
}

static bool
is_there_again(struct stand *stand)
{
    return access(stand->settings.track.ledger, F_OK) == 0;
}

static void
test_a_removed_ledger_is_begun_anew(void)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    struct stand stand;

    stand_init(&stand);
    begin(&stand);
    (void)tell_message(stand.rings, 0, "0123456789A", 1, NULL);
    CU_ASSERT_TRUE(wait_for(&stand, is_all_written));
    for (size_t i = 0; i < UNIT_COUNT(ends); i++) {
        char *path = mem_printf("%s%s", stand.settings.track.ledger, ends[i]);

        (void)unlink(path);
        mem_free(&path);
    }
    CU_ASSERT_TRUE(wait_for(&stand, is_there_again));
    (void)tell_message(stand.rings, 0, "0123456789B", 1, NULL);
    CU_ASSERT_TRUE(wait_for(&stand, is_all_written));
    CU_ASSERT_EQUAL(status_in_ledger(&stand, "0123456789A"), STATUS_COUNT);
    CU_ASSERT_EQUAL(status_in_ledger(&stand, "0123456789B"), STATUS_FILTERING);
    end(&stand);
    stand_clear(&stand);
}

static bool
is_drained(struct stand *stand)
{
    return stand->is_idle;
}

static void
on_idle(void *arg)
{
    struct stand *stand = arg;

    stand->is_idle = true;
}

static void
test_drains_once_nobody_writes(void)
{
    struct stand stand;

    stand_init(&stand);
    begin(&stand);
    atomic_store(&stand.page->worker[0].pid, getpid());
    (void)tell_message(stand.rings, 0, "0123456789A", 1, NULL);
    clerk_drain(stand.clerk, on_idle, &stand);
    CU_ASSERT_TRUE(wait_for(&stand, is_all_written));
    CU_ASSERT_FALSE(stand.is_idle);
    (void)tell_message(stand.rings, 0, "0123456789A", 7, "4Zb1yn0QZrzB");
    atomic_store(&stand.page->worker[0].pid, 0);
    CU_ASSERT_TRUE(wait_for(&stand, is_drained));
    CU_ASSERT_EQUAL(status_in_ledger(&stand, "0123456789A"), STATUS_REINJECTED);
    end(&stand);
    stand_clear(&stand);
}

static void
test_makes_room_for_the_next(void)
{
    struct stand stand;

    stand_init(&stand);
    begin(&stand);
    atomic_store(&stand.page->worker[0].pid, getpid());
    CU_ASSERT_TRUE(wait_for(&stand, is_all_written));
    clerk_drain(stand.clerk, on_idle, &stand);
    CU_ASSERT_FALSE(rings_take_seat(stand.rings, getppid()));
    CU_ASSERT_TRUE(wait_for(&stand, is_drained));
    CU_ASSERT_TRUE(rings_take_seat(stand.rings, getppid()));
    end(&stand);
    CU_ASSERT_TRUE(rings_take_seat(stand.rings, getppid()));
    stand_clear(&stand);
}

// As a scribe leaves it that has told Redis all.
static void
mark_all_published(const struct stand *stand)
{
    char note[LEDGER_NOTE_MAX + 1], number[24];
    struct ledger *ledger;
    struct err err = {0};

    ledger = ledger_open(stand->settings.track.ledger, note, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(ledger);
    CU_ASSERT_TRUE(ledger_last_change(ledger) > 0);
    (void)snprintf(number, sizeof number, "%llu", (unsigned long long)ledger_last_change(ledger));
    CU_ASSERT_EQUAL(ledger_begin(ledger, &err), 0);
    CU_ASSERT_EQUAL(ledger_put_mark(ledger, "redis", span_of(number), &err), 0);
    CU_ASSERT_EQUAL(ledger_commit(ledger, &err), 0);
    ledger_close(&ledger);
}

static void
test_tells_redis_nothing_twice(void)
{
    char *server = "inet:127.0.0.1:1", *hostname = "mx.example.com", *prefix = "postern";
    char nothing[] = "";
    struct clerk_state state;
    struct stand stand;

    stand_init(&stand);
    begin(&stand);
    (void)tell_message(stand.rings, 0, "0123456789A", 1, NULL);
    CU_ASSERT_TRUE(wait_for(&stand, is_all_written));
    end(&stand);
    mark_all_published(&stand);
    stand.settings.smtp.hostname = hostname;
    stand.settings.redis = (struct redis_settings){
        .prefix = prefix, .ttl = 86400000, .user = nothing, .password = nothing, .timeout = 1000};
    stand.settings.redis.servers = (struct setting_list){.items = &server, .count = 1};
    begin(&stand);
    CU_ASSERT_TRUE(wait_for(&stand, is_all_written));
    clerk_get(stand.clerk, &state);
    CU_ASSERT_TRUE(state.has_redis);
    CU_ASSERT_EQUAL(state.redis_behind, 0);
    (void)tell_message(stand.rings, 0, "0123456789A", 7, "4Zb1yn0QZrzB");
    CU_ASSERT_TRUE(wait_for(&stand, is_all_written));
    clerk_get(stand.clerk, &state);
    CU_ASSERT_EQUAL(state.redis_behind, 1);
    end(&stand);
    stand_clear(&stand);
}

static void
write_many(struct books *books, char first, int64_t expire_ms, bool *more_out)
{
    static struct record records[MANY];
    static const struct record *list[MANY];
    static char ids[MANY][ID_MAX + 1];
    struct books_batch batch = {.records = list, .count = MANY, .expire_ms = expire_ms};

    for (size_t i = 0; i < MANY; i++) {
        (void)snprintf(ids[i], sizeof ids[i], "%c%010zu", first, i);
        records[i] = (struct record){.id = span_of(ids[i]), .step = 1, .arrived_ms = 1000};
        list[i] = &records[i];
    }
    books_write(books, &batch);
    CU_ASSERT_TRUE(batch.is_written);
    *more_out = batch.has_more;
}

static void
test_expiry_keeps_up(void)
{
    struct stand stand;
    struct books *books;
    bool has_more;

    stand_init(&stand);
    books = books_new(&stand.settings);
    write_many(books, 'A', 0, &has_more);
    CU_ASSERT_FALSE(has_more);
    // As many come as are too old: a few such batches, and nothing is left of them.
    for (int i = 0; i < BATCHES; i++)
        write_many(books, (char)('B' + i), 2000, &has_more);
    CU_ASSERT_FALSE(has_more);
    books_free(&books);
    stand_clear(&stand);
}

static const struct unit_test tests[] = {
    {"expiry keeps up",                test_expiry_keeps_up               },
    {"a message ends in the ledger",   test_a_message_ends_in_the_ledger  },
    {"the log comes first",            test_the_log_comes_first           },
    {"trouble is waited out",          test_trouble_is_waited_out         },
    {"a removed ledger is begun anew", test_a_removed_ledger_is_begun_anew},
    {"drains once nobody writes",      test_drains_once_nobody_writes     },
    {"makes room for the next",        test_makes_room_for_the_next       },
    {"tells Redis nothing twice",      test_tells_redis_nothing_twice     },
};

UNIT_MAIN("src/scribe/clerk", tests)
