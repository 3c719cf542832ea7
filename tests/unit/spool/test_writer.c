// SPDX-License-Identifier: BSD-2-Clause
#include "spool/writer.h"

#include "tests/unit/spool/kit.h"

static char folder[64];
static struct kit kit;

static void
begin(bool sync)
{
    kit_folder(folder);
    kit_open(&kit, folder, sync);
}

static void
end(void)
{
    kit_close(&kit);
    kit_remove(folder);
}

static bool
has_digest_of(const struct spool_file *file, const char *id, size_t len)
{
    char *content = mem_zalloc(len + 1);
    bool is_equal;

    kit_content(id, len, content);
    is_equal = digest_equal(spool_file_digest(file), digest_of(span_from(content, len)));
    mem_free(&content);
    return is_equal;
}

struct size_row {
    const char *name;
    enum writer_kind kind;
    size_t len;
    bool is_durable, is_memory, is_slot;
};

static const struct size_row sizes[] = {
    {"empty",             WRITER_SPOOL, 0,       true,  true,  true },
    {"small",             WRITER_SPOOL, 5000,    true,  true,  true },
    {"one page",          WRITER_SPOOL, 3600,    true,  true,  true },
    {"largest in a slot", WRITER_SPOOL, 59000,   true,  true,  true },
    {"a little larger",   WRITER_SPOOL, 62000,   true,  false, false},
    {"some blocks",       WRITER_SPOOL, 1000000, true,  false, false},
    {"relay, small",      WRITER_RELAY, 5000,    false, true,  false},
    {"relay, large",      WRITER_RELAY, 1000000, false, false, false},
    {"child, small",      WRITER_CHILD, 5000,    true,  true,  false},
    {"child, large",      WRITER_CHILD, 300000,  true,  false, false},
};

static void
check_sizes(bool sync)
{
    begin(sync);
    for (size_t i = 0; i < UNIT_COUNT(sizes); i++) {
        const struct size_row *row = &sizes[i];
        char id[] = "4X2k9QzT7m0";
        struct spool_file *file;

        id[10] = (char)('0' + i);
        file = kit_write(&kit, row->kind, id, row->len);
        CU_ASSERT_PTR_NOT_NULL_FATAL(file);
        UNIT_CHECK_ROW(row->name, !kit.has_err);
        UNIT_CHECK_ROW(row->name, spool_file_len(file) == row->len);
        UNIT_CHECK_ROW(row->name, has_digest_of(file, id, row->len));
        UNIT_CHECK_ROW(row->name, strcmp(spool_file_id(file), id) == 0);
        UNIT_CHECK_ROW(row->name, spool_file_is_durable(file) == row->is_durable);
        UNIT_CHECK_ROW(row->name, (spool_file_memory(file).data != NULL) == row->is_memory);
        UNIT_CHECK_ROW(row->name, (file->slot != NULL) == row->is_slot);
        UNIT_CHECK_ROW(row->name, kit_is_whole(&kit, file));
        UNIT_CHECK_ROW(row->name, kit_count(folder, id) == (row->is_durable && !row->is_slot));
        UNIT_CHECK_ROW(row->name, kit.counters.messages == row->is_durable);
        kit_note(file, "sent", "0-1");
        spool_file_finish(&file);
        CU_ASSERT_PTR_NULL(file);
        kit_run(&kit, kit_is_idle);
        UNIT_CHECK_ROW(row->name, kit_count(folder, id) == 0);
        UNIT_CHECK_ROW(row->name, kit.counters.messages == 0);
    }
    end();
}

static void
test_sizes(void)
{
    check_sizes(true);
    check_sizes(false);
}

static void
test_child_exists(void)
{
    struct spool_file *child, *again;

    begin(true);
    child = kit_write(&kit, WRITER_CHILD, "4X2k9QzT7mB.0", 100);
    CU_ASSERT_PTR_NOT_NULL_FATAL(child);
    again = kit_write(&kit, WRITER_CHILD, "4X2k9QzT7mB.0", 100);
    CU_ASSERT_PTR_NULL(again);
    CU_ASSERT_FALSE(kit.has_err);
    spool_file_wait(&child, loop_realtime_ms(kit.loop) + 1000000);
    kit_run(&kit, kit_is_idle);
    again = kit_write(&kit, WRITER_CHILD, "4X2k9QzT7mB.0", 300000);
    CU_ASSERT_PTR_NULL(again);
    CU_ASSERT_FALSE(kit.has_err);
    CU_ASSERT_EQUAL(kit_count(folder, "4X2k9QzT7mB.0"), 1);
    end();
}

static void
test_child_held(void)
{
    struct spool_file *child;

    begin(true);
    child = kit_write(&kit, WRITER_CHILD, "4X2k9QzT7mB.0", 100);
    CU_ASSERT_PTR_NOT_NULL_FATAL(child);
    spool_file_hold(&child, "undeliverable");
    kit_run(&kit, kit_is_idle);
    CU_ASSERT_PTR_NULL(kit_write(&kit, WRITER_CHILD, "4X2k9QzT7mB.0", 100));
    CU_ASSERT_FALSE(kit.has_err);
    CU_ASSERT_PTR_NULL(kit_write(&kit, WRITER_CHILD, "4X2k9QzT7mB.0", 300000));
    CU_ASSERT_FALSE(kit.has_err);
    CU_ASSERT_EQUAL(kit_count(folder, "4X2k9QzT7mB"), 1);
    CU_ASSERT_EQUAL(kit_count(folder, "."), 0);
    end();
}

// Discarded at each point: nothing is left, done does not come.
static void
test_discard(void)
{
    static const struct {
        const char *name;
        enum writer_kind kind;
        size_t len;
        bool commit, later;
    } rows[] = {
        {"small",                  WRITER_SPOOL, 500,    false, false},
        {"small, committing",      WRITER_SPOOL, 500,    true,  false},
        {"large",                  WRITER_SPOOL, 500000, false, false},
        {"large, idle",            WRITER_SPOOL, 500000, false, true },
        {"large, committing",      WRITER_SPOOL, 500000, true,  false},
        {"child, committing",      WRITER_CHILD, 500,    true,  false},
        {"relay",                  WRITER_RELAY, 500,    false, false},
        {"relay, committing",      WRITER_RELAY, 500,    true,  false},
        {"large relay",            WRITER_RELAY, 500000, false, true },
        {"large relay committing", WRITER_RELAY, 500000, true,  false},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct writer *writer;

        begin(true);
        writer = kit_begin(&kit, rows[i].kind, "4X2k9QzT7mB", rows[i].len);
        kit.is_done = false;
        if (rows[i].later)
            kit_run(&kit, kit_is_idle);
        if (rows[i].commit)
            writer_commit(writer, kit_on_written, &kit);
        writer_discard(&writer);
        CU_ASSERT_PTR_NULL(writer);
        kit_run(&kit, kit_is_idle);
        UNIT_CHECK_ROW(rows[i].name, !kit.is_done);
        UNIT_CHECK_ROW(rows[i].name, kit_count(folder, "4X") == 0);
        UNIT_CHECK_ROW(rows[i].name, kit.counters.messages == 0);
        kit_close(&kit);
        kit_open(&kit, folder, true);
        kit_run(&kit, kit_is_idle);
        UNIT_CHECK_ROW(rows[i].name, kit.file_count == 0);
        end();
    }
}

// Without a file that has no name yet (O_TMPFILE), a hidden one does the same.
static void
test_hidden(void)
{
    static const enum writer_kind kinds[] = {WRITER_SPOOL, WRITER_CHILD, WRITER_RELAY};

    for (size_t i = 0; i < UNIT_COUNT(kinds); i++) {
        struct spool_file *file;
        struct writer *writer;

        begin(true);
        kit.spool->unnamed = false;
        writer = kit_begin(&kit, kinds[i], "4X2k9QzT7mB", 200000);
        kit_run(&kit, kit_is_idle);
        CU_ASSERT_EQUAL(kit_count(folder, ".4X2k9QzT7mB.new"), 1);
        writer_discard(&writer);
        kit_run(&kit, kit_is_idle);
        CU_ASSERT_EQUAL(kit_count(folder, "."), 0);
        file = kit_write(&kit, kinds[i], "4X2k9QzT7mB", 200000);
        CU_ASSERT_PTR_NOT_NULL_FATAL(file);
        CU_ASSERT(kit_is_whole(&kit, file));
        CU_ASSERT_EQUAL(kit_count(folder, "."), kinds[i] == WRITER_RELAY);
        spool_file_discard(&file);
        kit_run(&kit, kit_is_idle);
        CU_ASSERT_EQUAL(kit_count(folder, "."), 0);
        CU_ASSERT_EQUAL(kit_count(folder, "4"), 0);
        end();
    }
}

// A slow disk: no more than two blocks are under way, then the writer says so, once.
static void
test_wait(void)
{
    struct smtp_envelope envelope;
    struct writer *writer;
    static char block[100000];
    unsigned waits = 0;

    begin(true);
    kit_envelope(&envelope, "4X2k9QzT7mB", 1);
    writer = writer_new(kit.spool, WRITER_SPOOL, &envelope, kit_on_ready, &kit);
    envelope_clear(&envelope);
    CU_ASSERT_EQUAL(writer_add(writer, span_from(block, sizeof block)), WRITER_GO_ON);
    for (int i = 0; i < 20; i++) {
        kit.is_done = false;
        if (writer_add(writer, span_from(block, sizeof block)) == WRITER_GO_ON)
            continue;
        waits++;
        CU_ASSERT_EQUAL(kit.ready_count, waits - 1);
        kit_run(&kit, kit_is_done);
        CU_ASSERT_EQUAL(kit.ready_count, waits);
    }
    CU_ASSERT(waits >= 10);
    CU_ASSERT_EQUAL(writer_len(writer), 21 * sizeof block);
    writer_discard(&writer);
    kit_run(&kit, kit_is_idle);
    end();
}

// More messages at once than there are slots: the rest goes into files.
static void
test_burst(void)
{
    enum { COUNT = 60 };
    static struct spool_file *files[COUNT];
    struct writer *writers[COUNT];
    char id[16];
    size_t in_slots = 0;

    begin(true);
    for (int i = 0; i < COUNT; i++) {
        snprintf(id, sizeof id, "4X2k9QzT7%02d", i);
        writers[i] = kit_begin(&kit, WRITER_SPOOL, id, 1000);
    }
    for (int i = 0; i < COUNT; i++) {
        writer_commit(writers[i], kit_on_kept, &kit);
    }
    kit_run(&kit, kit_is_idle);
    CU_ASSERT_EQUAL(kit.file_count, COUNT);
    CU_ASSERT_EQUAL(kit.counters.messages, COUNT);
    CU_ASSERT(slots_count(kit.spool->slots) > SLOTS_FIRST);
    kit_close(&kit); // releases them: they lie where they lie
    kit_open(&kit, folder, true);
    kit_await_files(&kit, COUNT);
    for (size_t i = 0; i < kit.file_count; i++) {
        files[i] = kit.files[i];
        kit.files[i] = NULL;
        in_slots += place_is_slot_name(files[i]->name) ? 1U : 0U;
        CU_ASSERT(kit_is_whole(&kit, files[i]));
        spool_file_finish(&files[i]);
    }
    CU_ASSERT(in_slots >= SLOTS_FIRST && in_slots < COUNT);
    kit_run(&kit, kit_is_idle);
    CU_ASSERT_EQUAL(kit.counters.messages, 0);
    end();
}

static struct spool_file *
write_moved(enum writer_kind kind, const char *id, size_t len)
{
    struct writer *writer = kit_begin(&kit, kind, id, len);
    struct ranges set;

    ranges_init(&set, 2);
    ranges_add(&set, 1);
    writer_move(writer, &set, "4X2k9QzT7mZ");
    ranges_clear(&set);
    kit.is_done = false;
    writer_commit(writer, kit_on_written, &kit);
    kit_run(&kit, kit_is_done);
    CU_ASSERT_PTR_NOT_NULL_FATAL(kit.file);
    return kit.file;
}

static bool
has_moved(struct spool_file *file)
{
    const struct rcpt_state *rcpts = spool_file_state(file)->rcpts;

    return rcpts[1].status == RCPT_MOVED && strcmp(rcpts[1].child, "4X2k9QzT7mZ") == 0 &&
           spool_file_state(file)->odd == 0;
}

static void
take_over(struct spool_file *file)
{
    kit.is_done = false;
    spool_file_take_over(file, kit_on_done, &kit);
    kit_run(&kit, kit_is_done);
}

// As soon as there is a message its journal says so: to whoever adopts it, too.
static void
test_moved(void)
{
    static const struct {
        const char *name;
        enum writer_kind kind;
        size_t len;
    } rows[] = {
        {"slot",              WRITER_SPOOL, 5000  },
        {"largest in a slot", WRITER_SPOOL, 59000 },
        {"file",              WRITER_SPOOL, 62000 },
        {"blocks",            WRITER_SPOOL, 300000},
        {"relay, small",      WRITER_RELAY, 5000  },
        {"relay, large",      WRITER_RELAY, 300000},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows) * 2; i++) {
        size_t row = i / 2;
        bool goes_on = i % 2 == 1; // more is noted before it is adopted
        struct spool_file *file;

        begin(true);
        file = write_moved(rows[row].kind, "4X2k9QzT7mB", rows[row].len);
        UNIT_CHECK_ROW(rows[row].name, has_moved(file));
        UNIT_CHECK_ROW(rows[row].name, spool_file_memory(file).data == NULL ||
                                           spool_file_memory(file).len == rows[row].len);
        if (rows[row].kind == WRITER_RELAY)
            take_over(file);
        if (goes_on) {
            kit_note(file, "deferred", "0");
            UNIT_CHECK_ROW(rows[row].name, kit_flush(&kit, file, false) == 0);
        }
        spool_file_release(&file);
        kit_close(&kit);
        kit_open(&kit, folder, true);
        kit_await_files(&kit, 1);
        UNIT_CHECK_ROW(rows[row].name, has_moved(kit.files[0]));
        UNIT_CHECK_ROW(rows[row].name, (spool_file_state(kit.files[0])->rcpts[0].status ==
                                        RCPT_DEFERRED) == goes_on);
        UNIT_CHECK_ROW(rows[row].name, kit_is_whole(&kit, kit.files[0]));
        end();
    }
}

static const struct unit_test tests[] = {
    {"each size and kind",      test_sizes       },
    {"a child is made once",    test_child_exists},
    {"a held child exists too", test_child_held  },
    {"discard at each point",   test_discard     },
    {"no files without a name", test_hidden      },
    {"waiting for the disk",    test_wait        },
    {"a burst",                 test_burst       },
    {"some have moved",         test_moved       },
};

UNIT_MAIN("spool/writer", tests)
