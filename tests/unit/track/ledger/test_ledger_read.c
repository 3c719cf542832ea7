// SPDX-License-Identifier: BSD-2-Clause
#include "track/ledger/ledger_read.h"

#include "tests/unit/track/ledger_kit.h"
#include "track/ledger/sql.h"

static const int64_t day_ms = 86400000;

struct stand {
    struct ledger_kit kit;
    struct ledger_reader *reader;
    struct record *found;
    size_t count;
};

static void
put(struct stand *stand, const char *id, const char *parent, int64_t arrived_ms)
{
    struct record record = {.id = span_of(id),
                            .parent = span_of(parent),
                            .kind = span_of(parent[0] != '\0' ? "bounce" : ""),
                            .step = 1,
                            .arrived_ms = arrived_ms};

    kit_put(&stand->kit, &record);
}

// A family (a; its child a.1, whose children are a.1.1 and a.1.2; a.2), and strangers around it.
static void
start(struct stand *stand)
{
    struct record_sample sample;

    *stand = (struct stand){.reader = NULL};
    kit_init(&stand->kit);
    CU_ASSERT_TRUE_FATAL(kit_open(&stand->kit));
    put(stand, "x", "", 1 * day_ms);
    put(stand, "a.1.2", "a.1", 14 * day_ms);
    sample_init(&sample, "a");
    sample.record.arrived_ms = 10 * day_ms;
    sample.rcpts[0].at_ms = sample.rcpts[1].at_ms = 10 * day_ms;
    kit_put(&stand->kit, &sample.record);
    put(stand, "a.1", "a", 12 * day_ms);
    put(stand, "a.1.1", "a.1", 13 * day_ms);
    put(stand, "a.2", "a", 11 * day_ms);
    put(stand, "y", "nobody", 15 * day_ms);
    sample_init(&sample, "b");
    sample.record.arrived_ms = 20 * day_ms;
    sample.record.queue_id = SPAN_LITERAL("4IN2");
    sample.record.message_id = SPAN_LITERAL("2@example.org"); // without its brackets
    sample.rcpts[0].at_ms = 21 * day_ms;
    sample.rcpts[0].queue_id = SPAN_LITERAL("4OUT2");
    sample.rcpts[1].at_ms = 30 * day_ms;
    sample.rcpts[1].queue_id = SPAN_LITERAL("4OUT3");
    kit_put(&stand->kit, &sample.record);
    stand->reader = ledger_reader_open(stand->kit.path, &stand->kit.err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(stand->reader);
}

static void
stop(struct stand *stand)
{
    ledger_reader_close(&stand->reader);
    ledger_reader_close(&stand->reader);
    kit_clear(&stand->kit);
}

static void
find(struct stand *stand, const char *any_id)
{
    arena_clear(&stand->kit.arena);
    CU_ASSERT_EQUAL(ledger_find(stand->reader, any_id, &stand->kit.arena, &stand->found,
                                &stand->count, &stand->kit.err),
                    0);
}

static void
test_find(void)
{
    static const struct {
        const char *any_id;
        const char *found[6];
    } rows[] = {
        {"a",                         {"a", "a.2", "a.1", "a.1.1", "a.1.2"}},
        {"a.1.1",                     {"a", "a.2", "a.1", "a.1.1", "a.1.2"}},
        {"a.2",                       {"a", "a.2", "a.1", "a.1.1", "a.1.2"}},
        {"4IN1",                      {"a", "a.2", "a.1", "a.1.1", "a.1.2"}},
        {"4OUT1",                     {"a", "a.2", "a.1", "a.1.1", "a.1.2"}},
        {"<1@example.org>",           {"a", "a.2", "a.1", "a.1.1", "a.1.2"}},
        {"1@example.org",             {"a", "a.2", "a.1", "a.1.1", "a.1.2"}},
        {"b",                         {"b"}                                },
        {"4IN2",                      {"b"}                                },
        {"4OUT2",                     {"b"}                                },
        {"4OUT3",                     {"b"}                                },
        {"<2@example.org>",           {"b"}                                },
        {"x",                         {"x"}                                },
        {"y",                         {"y"}                                },
        {"nobody",                    {NULL}                               },
        {"A",                         {NULL}                               },
        {"4out1",                     {NULL}                               },
        {"1@EXAMPLE.org",             {NULL}                               },
        {"",                          {NULL}                               },
        {"<>",                        {NULL}                               },
        {"%",                         {NULL}                               },
        {"a'; DROP TABLE messages--", {NULL}                               },
    };
    struct stand stand;

    start(&stand);
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        size_t expected = 0;

        find(&stand, rows[i].any_id);
        while (expected < 6 && rows[i].found[expected] != NULL)
            expected++;
        UNIT_CHECK_ROW(rows[i].any_id, stand.count == expected);
        for (size_t k = 0; k < expected && k < stand.count; k++)
            UNIT_CHECK_ROW(rows[i].any_id, span_is(stand.found[k].id, rows[i].found[k]));
    }
    stop(&stand);
}

static void
test_content(void)
{
    struct maillog_line line = {.at_ms = 10 * day_ms + 50,
                                .queue_id = SPAN_LITERAL("4OUT1"),
                                .to = SPAN_LITERAL("carol@example.com"),
                                .status = MAILLOG_SENT};
    struct record_sample sample;
    struct stand stand;

    start(&stand);
    kit_deliver(&stand.kit, &line);
    find(&stand, "4IN1");
    CU_ASSERT_EQUAL_FATAL(stand.count, 5);
    sample_init(&sample, "a");
    sample.record.arrived_ms = 10 * day_ms;
    sample.record.is_looked = sample.record.is_sent = false;
    sample.rcpts[0].at_ms = sample.rcpts[1].at_ms = 10 * day_ms;
    CU_ASSERT_TRUE(sample_is_same(&stand.found[0], &sample.record));
    CU_ASSERT_EQUAL(stand.found[0].rcpts[0].final_count, 0);
    CU_ASSERT_EQUAL_FATAL(stand.found[0].rcpts[1].final_count, 1);
    CU_ASSERT_EQUAL(stand.found[0].rcpts[1].finals[0].status, STATUS_SENT);
    stop(&stand);
}

// A queue id out is that of two messages, and a Message-ID that of many.
static void
test_several(void)
{
    struct stand stand;

    start(&stand);
    for (int i = 0; i < LEDGER_FOUND_MAX + 5; i++) {
        char id[24];
        struct record record = {.step = 1,
                                .arrived_ms = 100 * day_ms + i,
                                .message_id = SPAN_LITERAL("<many@example.org>")};

        snprintf(id, sizeof(id), "m%05d", i);
        record.id = span_of(id);
        if (i == 0)
            kit_begin(&stand.kit);
        CU_ASSERT_EQUAL(ledger_put_record(stand.kit.ledger, &record, &stand.kit.err), 0);
    }
    kit_commit(&stand.kit);
    find(&stand, "many@example.org");
    CU_ASSERT_EQUAL(stand.count, LEDGER_FOUND_MAX);
    for (size_t i = 1; i < stand.count; i++)
        CU_ASSERT_TRUE(stand.found[i - 1].arrived_ms <= stand.found[i].arrived_ms);
    stop(&stand);
}

// A family that goes round, as no daemon writes it.
static void
test_round_family(void)
{
    struct stand stand;

    start(&stand);
    put(&stand, "r1", "r2", 5);
    put(&stand, "r2", "r1", 6);
    put(&stand, "own", "own", 7);
    find(&stand, "r1");
    CU_ASSERT_EQUAL(stand.count, 2);
    find(&stand, "own");
    CU_ASSERT_EQUAL(stand.count, 1);
    stop(&stand);
}

static void
test_no_room(void)
{
    struct stand stand;
    struct arena arena;

    start(&stand);
    arena_init(&arena, 700);
    CU_ASSERT_EQUAL(
        ledger_find(stand.reader, "a", &arena, &stand.found, &stand.count, &stand.kit.err), -1);
    CU_ASSERT_EQUAL(stand.kit.err.kind, ERR_PERM);
    CU_ASSERT_EQUAL(stand.count, 0);
    arena_clear(&arena);
    find(&stand, "b"); // and goes on
    CU_ASSERT_EQUAL(stand.count, 1);
    stop(&stand);
}

// Neither waits for the other, and the reader has one state as long as it looks.
static void
test_beside_the_writer(void)
{
    struct stand stand;

    start(&stand);
    kit_begin(&stand.kit);
    CU_ASSERT_EQUAL(ledger_put_record(stand.kit.ledger,
                                      &(struct record){.id = SPAN_LITERAL("new"), .step = 1},
                                      &stand.kit.err),
                    0);
    find(&stand, "new");
    CU_ASSERT_EQUAL(stand.count, 0);
    kit_commit(&stand.kit);
    find(&stand, "new");
    CU_ASSERT_EQUAL(stand.count, 1);
    ledger_close(&stand.kit.ledger); // nobody writes any more
    find(&stand, "new");
    CU_ASSERT_EQUAL(stand.count, 1);
    ledger_reader_close(&stand.reader);
    stand.reader = ledger_reader_open(stand.kit.path, &stand.kit.err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(stand.reader);
    find(&stand, "new");
    CU_ASSERT_EQUAL(stand.count, 1);
    CU_ASSERT_TRUE(kit_open(&stand.kit));
    kit_put_bare(&stand.kit, "newer", 5);
    find(&stand, "newer");
    CU_ASSERT_EQUAL(stand.count, 1);
    stop(&stand);
}

static int
find_unprivileged(struct ledger_kit *kit)
{
    struct ledger_reader *reader;
    struct record *found;
    size_t count = 0;

    if (setgid(65534) != 0 || setuid(65534) != 0)
        return 2;
    reader = ledger_reader_open(kit->path, &kit->err);
    if (reader == NULL || ledger_find(reader, "b", &kit->arena, &found, &count, &kit->err) != 0) {
        fprintf(stderr, "%s\n", kit->err.text);
        return 3;
    }
    ledger_reader_close(&reader);
    arena_clear(&kit->arena);
    return count == 1 ? 0 : 4;
}

// Who may only read the files, while it is written and after.
static void
test_rights(void)
{
    struct stand stand;
    char *folder;

    if (geteuid() != 0) {
        CU_PASS("only root can become somebody else");
        return;
    }
    start(&stand);
    folder = mem_printf("%s/sub", stand.kit.folder);
    CU_ASSERT_EQUAL(chmod(stand.kit.folder, 0755), 0);
    CU_ASSERT_EQUAL(chmod(folder, 0750), 0);
    CU_ASSERT_EQUAL(chown(folder, 0, 65534), 0);
    for (int i = 0; i < 3; i++) {
        static const char *const suffixes[] = {"", "-wal", "-shm"};
        char *path = mem_printf("%s%s", stand.kit.path, suffixes[i]);

        CU_ASSERT_EQUAL(chown(path, 0, 65534), 0);
        mem_free(&path);
    }
    ledger_reader_close(&stand.reader);
    CU_ASSERT_EQUAL(kit_in_child(find_unprivileged, &stand.kit), 0);
    ledger_close(&stand.kit.ledger);
    CU_ASSERT_EQUAL(kit_in_child(find_unprivileged, &stand.kit), 0);
    mem_free(&folder);
    stop(&stand);
}

static void
write_file(const char *path, const char *text, size_t size)
{
    FILE *file = fopen(path, "w");

    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    for (size_t i = 0; i < size; i++)
        fputc(text[i % strlen(text)], file);
    fclose(file);
}

static void
check_refused(const char *name, struct ledger_kit *kit, const char *word)
{
    struct ledger_reader *reader = ledger_reader_open(kit->path, &kit->err);

    UNIT_CHECK_ROW(name, reader == NULL);
    UNIT_CHECK_ROW(name, kit->err.kind == ERR_PERM);
    UNIT_CHECK_ROW(name, strstr(kit->err.text, word) != NULL);
    UNIT_CHECK_ROW(name, strstr(kit->err.text, kit->path) != NULL);
    ledger_reader_close(&reader);
}

static void
set_version(struct ledger_kit *kit, const char *pragma)
{
    struct sql *sql = sql_open(kit->path, SQL_WRITE, 1000, &kit->err);

    CU_ASSERT_PTR_NOT_NULL_FATAL(sql);
    CU_ASSERT_EQUAL(sql_run(sql, pragma, &kit->err), 0);
    sql_close(&sql);
}

static void
test_refused(void)
{
    struct ledger_kit kit;
    char *wal;

    kit_init(&kit);
    check_refused("none", &kit, "there is no ledger");
    CU_ASSERT_TRUE_FATAL(kit_open(&kit));
    ledger_close(&kit.ledger);
    set_version(&kit, "PRAGMA user_version = 2");
    check_refused("newer", &kit, "its version is 2");
    set_version(&kit, "PRAGMA user_version = 0");
    check_refused("older", &kit, "its version is 0");
    set_version(&kit, "PRAGMA user_version = 1; PRAGMA application_id = 1");
    check_refused("another's", &kit, "another program's");
    wal = mem_printf("%s-wal", kit.path);
    CU_ASSERT_EQUAL(unlink(wal), 0);
    mem_free(&wal);
    write_file(kit.path, "no database ", 5000);
    check_refused("no database", &kit, "not a database");
    CU_ASSERT_EQUAL(unlink(kit.path), 0);
    CU_ASSERT_EQUAL(mkdir(kit.path, 0750), 0);
    check_refused("a folder", &kit, "no file");
    CU_ASSERT_EQUAL(rmdir(kit.path), 0);
    kit_clear(&kit);
}

static void
test_locked(void)
{
    struct stand stand;
    struct sql *sql;

    start(&stand);
    ledger_reader_close(&stand.reader);
    ledger_close(&stand.kit.ledger);
    sql = sql_open(stand.kit.path, SQL_WRITE, 1000, &stand.kit.err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(sql);
    CU_ASSERT_EQUAL(
        sql_run(sql, "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT", &stand.kit.err),
        0);
    CU_ASSERT_PTR_NULL(ledger_reader_open(stand.kit.path, &stand.kit.err));
    CU_ASSERT_EQUAL(stand.kit.err.kind, ERR_TEMP);
    sql_close(&sql);
    stand.reader = ledger_reader_open(stand.kit.path, &stand.kit.err);
    CU_ASSERT_PTR_NOT_NULL(stand.reader);
    stop(&stand);
}

static const struct unit_test tests[] = {
    {"find",               test_find             },
    {"content",            test_content          },
    {"several",            test_several          },
    {"a family in a ring", test_round_family     },
    {"no room",            test_no_room          },
    {"beside the writer",  test_beside_the_writer},
    {"rights",             test_rights           },
    {"refused",            test_refused          },
    {"locked",             test_locked           },
};

UNIT_MAIN("track/ledger/ledger_read", tests)
