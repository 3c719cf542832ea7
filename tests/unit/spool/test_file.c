// SPDX-License-Identifier: BSD-2-Clause
#include "spool/file.h"

#include "tests/unit/spool/faults.h"
#include "tests/unit/spool/kit.h"

static struct kit kit;
static char folder[64];

static void
begin(bool sync)
{
    memset(faults, 0, sizeof faults);
    kit_folder(folder);
    kit_open(&kit, folder, sync);
    kit_run(&kit, kit_is_idle);
}

static void
end(void)
{
    kit_close(&kit);
    kit_remove(folder);
}

// The journal as it stands on the disk.
static unsigned
status_on_disk(struct spool_file *file)
{
    struct reader_message message;
    unsigned status = 99;
    int fd = fs_open_read(file->bucket->fd, file->name, NULL);

    if (reader_load(fd, &message, NULL) == READER_OK)
        status = message.state.rcpts[0].status;
    reader_message_clear(&message);
    close(fd);
    return status;
}

// A note counts at once, is on disk after its flush, and an fsync is made only where it is asked.
static void
test_notes(void)
{
    static const struct {
        const char *name;
        size_t len;
        bool durable;
        int syncs;
    } rows[] = {
        {"slot",          500,    false, 0},
        {"slot, durable", 500,    true,  1},
        {"file",          200000, false, 0},
        {"file, durable", 200000, true,  1},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct spool_file *file;

        begin(true);
        file = kit_write(&kit, WRITER_SPOOL, "4X2k9QzT7mB", rows[i].len);
        fault_set(FAULT_FDATASYNC, 0, 0);
        fault_set(FAULT_PWRITE, 0, 0);
        kit_note(file, "attempt", "0-1");
        kit_note(file, "deferred", "0");
        UNIT_CHECK_ROW(rows[i].name, spool_file_state(file)->rcpts[0].status == RCPT_DEFERRED);
        UNIT_CHECK_ROW(rows[i].name, status_on_disk(file) == RCPT_OPEN);
        UNIT_CHECK_ROW(rows[i].name, kit_flush(&kit, file, rows[i].durable) == 0);
        UNIT_CHECK_ROW(rows[i].name, fault_calls(FAULT_FDATASYNC) == rows[i].syncs);
        UNIT_CHECK_ROW(rows[i].name, fault_calls(FAULT_PWRITE) == 1);
        UNIT_CHECK_ROW(rows[i].name, status_on_disk(file) == RCPT_DEFERRED);
        kit_note(file, "sent", "0");
        UNIT_CHECK_ROW(rows[i].name, kit_flush(&kit, file, false) == 0);
        UNIT_CHECK_ROW(rows[i].name, status_on_disk(file) == RCPT_SENT);
        kit.files[kit.file_count++] = file;
        end();
    }
}

static bool
is_synced(struct kit *it)
{
    return fault_calls(FAULT_FDATASYNC) > 0 && it->spool->tasks.pending == 0;
}

// Lines that were flushed without an fsync get one, shared, within 100 ms.
static void
test_shared_sync(void)
{
    struct spool_file *file;

    begin(true);
    file = kit_write(&kit, WRITER_SPOOL, "4X2k9QzT7mB", 500);
    fault_set(FAULT_FDATASYNC, 0, 0);
    kit_note(file, "attempt", "0");
    CU_ASSERT_EQUAL(kit_flush(&kit, file, false), 0);
    CU_ASSERT_EQUAL(fault_calls(FAULT_FDATASYNC), 0);
    kit_run(&kit, is_synced);
    CU_ASSERT(kit.waited_ms <= 100);
    CU_ASSERT_EQUAL(fault_calls(FAULT_FDATASYNC), 1);
    // Nothing is left to be done for one that asks afterwards.
    CU_ASSERT_EQUAL(kit_flush(&kit, file, true), 0);
    CU_ASSERT_EQUAL(fault_calls(FAULT_FDATASYNC), 1);
    kit.files[kit.file_count++] = file;
    end();
}

static void
test_no_sync(void)
{
    struct spool_file *file;

    begin(false);
    fault_set(FAULT_FSYNC, 0, 0);
    file = kit_write(&kit, WRITER_SPOOL, "4X2k9QzT7mB", 500);
    kit_note(file, "deferred", "0");
    CU_ASSERT_EQUAL(kit_flush(&kit, file, true), 0);
    CU_ASSERT_EQUAL(status_on_disk(file), RCPT_DEFERRED);
    spool_file_wait(&file, loop_realtime_ms(kit.loop) + 100000);
    kit_run(&kit, kit_is_idle);
    file = kit_write(&kit, WRITER_SPOOL, "4X2k9QzT7mC", 200000);
    spool_file_hold(&file, "because");
    kit_run(&kit, kit_is_idle);
    CU_ASSERT_EQUAL(fault_calls(FAULT_FDATASYNC) + fault_calls(FAULT_FSYNC), 0);
    end();
}

// A relay message keeps its notes to itself.
static void
test_relay(void)
{
    struct spool_file *file;

    begin(true);
    file = kit_write(&kit, WRITER_RELAY, "4X2k9QzT7mB", 500);
    fault_set(FAULT_PWRITE, 0, 0);
    kit_note(file, "deferred", "0");
    CU_ASSERT_EQUAL(kit_flush(&kit, file, true), 0);
    CU_ASSERT_EQUAL(spool_file_state(file)->rcpts[0].status, RCPT_DEFERRED);
    CU_ASSERT_EQUAL(fault_calls(FAULT_PWRITE), 0);
    spool_file_finish(&file);
    end();
}

// What is noted counts before it is written: a decision that is too large is told at once.
static void
test_crowded(void)
{
    static char reason[100000];
    struct spool_file *file;
    struct journal_writer writer;

    memset(reason, 'a', sizeof reason - 1);
    begin(true);
    file = kit_write(&kit, WRITER_RELAY, "4X2k9QzT7mB", 500);
    CU_ASSERT_FALSE(spool_file_is_crowded(file));
    for (size_t i = 0; i < READER_JOURNAL_MAX / 2 / sizeof reason; i++) {
        CU_ASSERT_FALSE(spool_file_is_crowded(file));
        spool_note_begin(file, &writer, "result");
        journal_field_text(&writer, "text", reason);
        spool_note_end(file, &writer);
    }
    kit_note(file, "deferred", "0");
    spool_note_begin(file, &writer, "result");
    journal_field_text(&writer, "text", reason);
    spool_note_end(file, &writer);
    CU_ASSERT_TRUE(spool_file_is_crowded(file));
    spool_file_discard(&file);
    end();
}

static unsigned answers;

static void
on_answer(void *arg, const struct err *err)
{
    (void)arg;
    CU_ASSERT_PTR_NULL(err);
    answers++;
}

static bool
has_two(struct kit *it)
{
    return answers == 2 && it->spool->tasks.pending == 0;
}

// Given up while a flush and a read are under way: both are answered, then the file goes.
static void
check_given_up(size_t len, enum writer_kind kind)
{
    static char data[1000];
    struct spool_file *file;

    begin(true);
    file = kit_write(&kit, kind, "4X2k9QzT7mB", len);
    kit_note(file, "sent", "0-1");
    answers = 0;
    spool_file_flush(file, false, on_answer, NULL);
    spool_file_read(file, 1, data, sizeof data, on_answer, NULL);
    spool_file_finish(&file);
    CU_ASSERT_PTR_NULL(file);
    CU_ASSERT_EQUAL(answers, 0);
    kit_run(&kit, has_two);
    CU_ASSERT_EQUAL(data[0], kit_byte("4X2k9QzT7mB", 1));
    CU_ASSERT_EQUAL(data[999], kit_byte("4X2k9QzT7mB", 1000));
    CU_ASSERT_EQUAL(kit.counters.messages, 0);
    CU_ASSERT_EQUAL(kit_count(folder, "4X"), 0);
    end();
}

static void
test_given_up(void)
{
    check_given_up(5000, WRITER_SPOOL);
    check_given_up(200000, WRITER_SPOOL);
    check_given_up(5000, WRITER_RELAY);
    check_given_up(200000, WRITER_RELAY);
}

static void
test_read(void)
{
    struct spool_file *file;
    char byte;

    begin(true);
    file = kit_write(&kit, WRITER_SPOOL, "4X2k9QzT7mB", 200000);
    kit.is_done = false;
    spool_file_read(file, 200000, &byte, 0, kit_on_done, &kit); // at the end: nothing, and no error
    kit_run(&kit, kit_is_done);
    CU_ASSERT(!kit.has_err);
    CU_ASSERT_EQUAL(ftruncate(file->fd, 100000), 0);
    kit.is_done = false;
    spool_file_read(file, 199999, &byte, 1, kit_on_done, &kit);
    kit_run(&kit, kit_is_done);
    CU_ASSERT(kit.has_err);
    CU_ASSERT_EQUAL(kit.done_err.kind, ERR_TEMP);
    spool_file_discard(&file);
    kit_run(&kit, kit_is_idle);
    end();
}

// A line that is longer than a line may be is left out, and changes nothing.
// Whoever reads by himself has an offset of his own and can change nothing.
static void
test_open_read(void)
{
    static const struct {
        const char *name;
        enum writer_kind kind;
        size_t len;
        bool is_there;
    } rows[] = {
        {"slot",         WRITER_SPOOL, 5000,   true },
        {"file",         WRITER_SPOOL, 200000, true },
        {"child",        WRITER_CHILD, 5000,   true },
        {"relay, small", WRITER_RELAY, 5000,   false},
        {"relay, large", WRITER_RELAY, 200000, true },
    };

    const char *id = "4X2k9QzT7mB";
    char byte = 0;

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct spool_file *file;
        struct err err = {.kind = ERR_NONE};
        uint64_t offset = 0;
        int fd;

        begin(true);
        file = kit_write(&kit, rows[i].kind, id, rows[i].len);
        fd = spool_file_open_read(file, &offset, &err);
        UNIT_CHECK_ROW(rows[i].name, (fd >= 0) == rows[i].is_there);
        UNIT_CHECK_ROW(rows[i].name, err.kind == (rows[i].is_there ? ERR_NONE : ERR_PERM));
        for (size_t at = 0; fd >= 0 && at < rows[i].len; at += 777) {
            CU_ASSERT_EQUAL(pread(fd, &byte, 1, (off_t)(offset + at)), 1);
            UNIT_CHECK_ROW(rows[i].name, byte == kit_byte(id, at));
        }
        UNIT_CHECK_ROW(rows[i].name, pwrite(fd, "x", 1, 0) == -1);
        if (fd >= 0)
            close(fd);
        spool_file_discard(&file);
        kit_run(&kit, kit_is_idle);
        end();
    }
}

static void
test_long_note(void)
{
    struct spool_file *file;
    struct journal_writer writer;
    char *text = mem_zalloc(JOURNAL_LINE_MAX + 1);

    memset(text, 'x', JOURNAL_LINE_MAX);
    begin(true);
    file = kit_write(&kit, WRITER_SPOOL, "4X2k9QzT7mB", 500);
    spool_note_begin(file, &writer, "sent");
    journal_field_text(&writer, "r", "0-1");
    journal_field_text(&writer, "reply", text);
    spool_note_end(file, &writer);
    CU_ASSERT_EQUAL(spool_file_state(file)->rcpts[0].status, RCPT_OPEN);
    kit_note(file, "deferred", "0");
    CU_ASSERT_EQUAL(kit_flush(&kit, file, false), 0);
    CU_ASSERT_EQUAL(status_on_disk(file), RCPT_DEFERRED);
    kit.files[kit.file_count++] = file;
    mem_free(&text);
    end();
}

static const struct unit_test tests[] = {
    {"notes and flushes",    test_notes      },
    {"the shared fsync",     test_shared_sync},
    {"sync = no",            test_no_sync    },
    {"a crowded journal",    test_crowded    },
    {"relay",                test_relay      },
    {"given up under way",   test_given_up   },
    {"reads",                test_read       },
    {"a descriptor to read", test_open_read  },
    {"a line too long",      test_long_note  },
};

UNIT_MAIN("spool/file", tests)
