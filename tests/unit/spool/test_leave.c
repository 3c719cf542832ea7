// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/spool/faults.h"
#include "tests/unit/spool/kit.h"

static struct kit kit;
static char folder[64];
static const char id[] = "4X2k9QzT7mB";

static void
begin(void)
{
    memset(faults, 0, sizeof faults);
    kit_folder(folder);
    kit_open(&kit, folder, true);
    kit_run(&kit, kit_is_idle);
}

static void
end(void)
{
    kit_close(&kit);
    kit_remove(folder);
}

static void
open_again(size_t expected)
{
    kit_close(&kit);
    kit_open(&kit, folder, true);
    kit_await_files(&kit, expected);
    kit_run(&kit, kit_is_idle);
    CU_ASSERT_EQUAL_FATAL(kit.file_count, expected);
}

// One job with one write, the slot's first line; nothing is synced by itself.
static void
test_finish_slot(void)
{
    struct spool_file *file;
    struct slot *slot;

    begin();
    file = kit_write(&kit, WRITER_SPOOL, id, 5000);
    slot = file->slot;
    kit_note(file, "sent", "0-1");
    fault_set(FAULT_PWRITE, 0, 0);
    fault_set(FAULT_FDATASYNC, 0, 0);
    spool_file_finish(&file);
    CU_ASSERT_EQUAL(kit.spool->tasks.pending, 1);
    kit_run(&kit, kit_is_idle);
    CU_ASSERT_EQUAL(fault_calls(FAULT_PWRITE), 1);
    CU_ASSERT_EQUAL(fault_calls(FAULT_FDATASYNC), 0);
    CU_ASSERT_EQUAL(slots_idle(kit.spool->slots), SLOTS_FIRST);
    CU_ASSERT_PTR_EQUAL(slots_take(kit.spool->slots), slot);
    slots_give_back(kit.spool->slots, slot);
    open_again(0);
    end();
}

// A journal that outgrew the slot is cut off with it.
static void
test_finish_grown(void)
{
    struct spool_file *file;
    struct slot *slot;
    struct stat info;

    begin();
    file = kit_write(&kit, WRITER_SPOOL, id, 50000);
    slot = file->slot;
    CU_ASSERT_PTR_NOT_NULL_FATAL(slot);
    for (int i = 0; i < 500; i++)
        kit_note(file, "deferred", "0");
    CU_ASSERT_EQUAL(kit_flush(&kit, file, false), 0);
    CU_ASSERT_EQUAL(fstat(slot->fd, &info), 0);
    CU_ASSERT(info.st_size > STORE_SLOT_SIZE);
    spool_file_finish(&file);
    kit_run(&kit, kit_is_idle);
    CU_ASSERT_EQUAL(fstat(slot->fd, &info), 0);
    CU_ASSERT_EQUAL(info.st_size, STORE_SLOT_SIZE);
    // The next one in this slot is not led astray by what is left.
    file = kit_write(&kit, WRITER_SPOOL, "4X2k9QzT7mC", 100);
    CU_ASSERT_PTR_EQUAL(file->slot, slot);
    kit.files[kit.file_count++] = file;
    open_again(1);
    CU_ASSERT_STRING_EQUAL(spool_file_id(kit.files[0]), "4X2k9QzT7mC");
    CU_ASSERT_EQUAL(spool_file_state(kit.files[0])->rcpts[0].status, RCPT_OPEN);
    end();
}

static bool
is_gone(struct kit *it)
{
    return kit_is_idle(it) && kit_count(folder, id) == 0;
}

struct fail_row {
    const char *name;
    size_t len;
    enum fault fault;
    int calls; // that pass before, or in the first test: that fail
};

// The removal itself fails: the message is not forgotten, and goes in the next minute. `done` says
// to the next owner that it is not to be sent, if the process ends before.
static void
test_finish_fails(void)
{
    static const struct fail_row rows[] = {
        {"slot",           5000,   FAULT_PWRITE, 1000},
        {"slot, says so",  5000,   FAULT_PWRITE, 1   },
        {"large",          200000, FAULT_UNLINK, 1000},
        {"large, says so", 200000, FAULT_UNLINK, 1   },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct spool_file *file;

        begin();
        file = kit_write(&kit, WRITER_SPOOL, id, rows[i].len);
        kit_note(file, "sent", "0-1");
        fault_set(rows[i].fault, 0, rows[i].calls);
        spool_file_finish(&file);
        kit_run(&kit, kit_is_idle);
        UNIT_CHECK_ROW(rows[i].name, kit.counters.messages == 1);
        UNIT_CHECK_ROW(rows[i].name, kit.spool->stuck != NULL);
        if (rows[i].calls > 1) {
            leave_retry_stuck(kit.spool);
            kit_run(&kit, kit_is_idle);
            UNIT_CHECK_ROW(rows[i].name, kit.spool->stuck != NULL);
            fault_set(rows[i].fault, 0, 0);
            leave_retry_stuck(kit.spool);
            kit_run(&kit, kit_is_idle);
            UNIT_CHECK_ROW(rows[i].name, kit.counters.messages == 0);
        }
        open_again(0);
        kit_run(&kit, is_gone);
        UNIT_CHECK_ROW(rows[i].name, kit.counters.messages == 0);
        end();
    }
}

static bool
knows_it(struct kit *it)
{
    return it->spool->tasks.pending == 0 && spool_knows(it->spool, id);
}

// Out of the slot by rename, no descriptor, the next try in the file's time; then found again.
static void
test_wait(void)
{
    static const size_t lens[] = {5000, 200000};

    for (size_t i = 0; i < UNIT_COUNT(lens); i++) {
        int64_t until;
        struct spool_file *file;
        struct stat info;
        char path[256];

        begin();
        until = loop_realtime_ms(kit.loop) + 3600000;
        file = kit_write(&kit, WRITER_SPOOL, id, lens[i]);
        kit_note(file, "deferred", "0-1");
        snprintf(path, sizeof path, "%s/active/%s/0001/%s", folder,
                 kit.spool->homes.own->instance.name, id);
        spool_file_wait(&file, until);
        CU_ASSERT_PTR_NULL(file);
        kit_run(&kit, kit_is_idle);
        CU_ASSERT_EQUAL(spool_waiting_count(kit.spool), 1);
        CU_ASSERT_EQUAL(kit.counters.messages, 1);
        CU_ASSERT_EQUAL(stat(path, &info), 0);
        CU_ASSERT_EQUAL(info.st_mtim.tv_sec, until / 1000);
        CU_ASSERT(info.st_size < (off_t)lens[i] + 1500); // what the slot held besides is cut off
        CU_ASSERT(slots_count(kit.spool->slots) >= SLOTS_FIRST - 1);
        kit_close(&kit);
        kit_open(&kit, folder, true);
        kit_run(&kit, knows_it);
        CU_ASSERT_EQUAL(kit.file_count, 0);
        CU_ASSERT_EQUAL(agenda_first(&kit.spool->agenda)->due_ms, until);
        spool_retry_all(kit.spool);
        kit_await_files(&kit, 1);
        CU_ASSERT(kit.adopted[0]);
        CU_ASSERT(kit_is_whole(&kit, kit.files[0]));
        CU_ASSERT_EQUAL(spool_file_state(kit.files[0])->rcpts[1].status, RCPT_DEFERRED);
        // Once more: then it is ours, and no other process had it before.
        spool_file_wait(&kit.files[0], 0);
        kit_await_files(&kit, 2);
        CU_ASSERT(!kit.adopted[1]);
        end();
    }
}

// Each step of waiting may fail: it waits all the same, with its lines, here or at the next owner.
static void
test_wait_fails(void)
{
    static const struct fail_row rows[] = {
        {"slot, write",  5000,   FAULT_PWRITE, 0},
        {"slot, rename", 5000,   FAULT_RENAME, 0},
        {"large, write", 200000, FAULT_PWRITE, 0},
    };

    for (size_t i = 0; i < 2 * UNIT_COUNT(rows); i++) {
        const struct fail_row *row = &rows[i / 2];
        bool for_long = i % 2 == 1;
        struct spool_file *file;

        begin();
        file = kit_write(&kit, WRITER_SPOOL, id, row->len);
        kit_note(file, "deferred", "0");
        CU_ASSERT_EQUAL(kit_flush(&kit, file, true), 0);
        kit_note(file, "sent", "1");
        fault_set(row->fault, 0, for_long ? 1000 : 1);
        spool_file_wait(&file, loop_realtime_ms(kit.loop) + 3600000);
        kit_run(&kit, kit_is_idle);
        UNIT_CHECK_ROW(row->name, (kit.spool->stuck != NULL) == for_long);
        UNIT_CHECK_ROW(row->name, spool_waiting_count(kit.spool) == !for_long);
        UNIT_CHECK_ROW(row->name, kit.counters.messages == 1);
        fault_set(row->fault, 0, 0);
        leave_retry_stuck(kit.spool);
        kit_run(&kit, kit_is_idle);
        UNIT_CHECK_ROW(row->name, spool_waiting_count(kit.spool) == 1);
        UNIT_CHECK_ROW(row->name, kit_count(folder, id) == 1);
        spool_retry_all(kit.spool);
        kit_await_files(&kit, 1);
        UNIT_CHECK_ROW(row->name, kit_is_whole(&kit, kit.files[0]));
        UNIT_CHECK_ROW(row->name, spool_file_state(kit.files[0])->rcpts[0].status == RCPT_DEFERRED);
        UNIT_CHECK_ROW(row->name, spool_file_state(kit.files[0])->rcpts[1].status == RCPT_SENT);
        end();
    }
}

static void
test_hold(void)
{
    static const size_t lens[] = {5000, 200000};

    for (size_t i = 0; i < UNIT_COUNT(lens); i++) {
        struct spool_file *file;
        struct reader_message message;
        int fd;

        begin();
        file = kit_write(&kit, WRITER_SPOOL, id, lens[i]);
        fault_set(FAULT_FDATASYNC, 0, 0);
        fault_set(FAULT_FSYNC, 0, 0);
        spool_file_hold(&file, "too odd");
        kit_run(&kit, kit_is_idle);
        CU_ASSERT_EQUAL(fault_calls(FAULT_FDATASYNC), 1);
        CU_ASSERT(fault_calls(FAULT_FSYNC) >= 2); // both folders
        CU_ASSERT_EQUAL(kit.counters.messages, 0);
        fd = fs_open_read(kit.spool->root.hold_fd, id, NULL);
        CU_ASSERT_EQUAL(reader_load(fd, &message, NULL), READER_OK);
        CU_ASSERT(message.state.held);
        CU_ASSERT_STRING_EQUAL(message.state.held_reason, "too odd");
        CU_ASSERT_EQUAL(message.file_size, message.journal_end);
        reader_message_clear(&message);
        close(fd);
        open_again(0);
        end();
    }
}

// As the syncer says it, which may be at what it wrote before.
static void
fail_sync(struct spool_file *file)
{
    struct syncer_item *item = file_sync_item(file);
    struct err err;

    err_set(&err, ERR_TEMP, "the disk is gone");
    item->failed(item->arg, &err);
}

// What waits for the next minute begins nothing meanwhile, and waits once.
static void
test_stuck(void)
{
    struct spool_file *file;

    begin();
    file = kit_write(&kit, WRITER_SPOOL, id, 5000);
    fault_set(FAULT_RENAME, 0, 1000);
    spool_file_hold(&file, "too odd");
    kit_run(&kit, kit_is_idle);
    CU_ASSERT_PTR_NOT_NULL_FATAL(kit.spool->stuck);
    fail_sync(kit.spool->stuck);
    kit_run(&kit, kit_is_idle);
    CU_ASSERT_PTR_NULL_FATAL(kit.spool->stuck->next);
    fault_set(FAULT_RENAME, 0, 0);
    leave_retry_stuck(kit.spool);
    kit_run(&kit, kit_is_idle);
    CU_ASSERT_PTR_NULL(kit.spool->stuck);
    CU_ASSERT_EQUAL(faccessat(kit.spool->root.hold_fd, id, F_OK, 0), 0);
    end();
}

static void
test_hold_fails(void)
{
    struct spool_file *file;

    begin();
    file = kit_write(&kit, WRITER_SPOOL, id, 5000);
    fault_set(FAULT_RENAME, 0, 1000);
    spool_file_hold(&file, "too odd");
    kit_run(&kit, kit_is_idle);
    CU_ASSERT_PTR_NOT_NULL(kit.spool->stuck);
    CU_ASSERT_EQUAL(kit.counters.messages, 1);
    fault_set(FAULT_RENAME, 0, 0);
    // The process ends before it works: the next owner finds that it is held, and moves it.
    open_again(0);
    kit_run(&kit, kit_is_idle);
    CU_ASSERT_EQUAL(kit_count(folder, id), 1);
    CU_ASSERT_EQUAL(faccessat(kit.spool->root.hold_fd, id, F_OK, 0), 0);
    CU_ASSERT_EQUAL(kit.counters.messages, 0);
    end();
}

static void
find_quarantined(struct reader_message *message_out)
{
    int day = place_find_quarantined(&kit.spool->root, id, NULL);
    int fd = fs_open_read(day, id, NULL);

    CU_ASSERT_FATAL(reader_load(fd, message_out, NULL) == READER_OK);
    close(fd);
    close(day);
}

static void
test_quarantine(void)
{
    static const size_t lens[] = {5000, 200000};

    for (size_t i = 0; i < UNIT_COUNT(lens); i++) {
        struct spool_file *file;
        struct reader_message message;

        begin();
        file = kit_write(&kit, WRITER_SPOOL, id, lens[i]);
        kit_note(file, "deferred", "0");
        fault_set(FAULT_FDATASYNC, 0, 0);
        fault_set(FAULT_FSYNC, 0, 0);
        spool_file_quarantine(&file, "virus", "Eicar");
        CU_ASSERT_PTR_NULL(file);
        kit_run(&kit, kit_is_idle);
        CU_ASSERT_EQUAL(fault_calls(FAULT_FDATASYNC), 1);
        CU_ASSERT(fault_calls(FAULT_FSYNC) >= 3); // the day is new
        CU_ASSERT_EQUAL(kit.counters.messages, 0);
        find_quarantined(&message);
        CU_ASSERT(message.state.quarantined && !message.state.held);
        CU_ASSERT_STRING_EQUAL(message.state.caught_rule, "virus");
        CU_ASSERT_STRING_EQUAL(message.state.held_reason, "Eicar");
        CU_ASSERT_EQUAL(message.state.rcpts[0].status, RCPT_DEFERRED);
        CU_ASSERT_EQUAL(message.file_size, message.journal_end);
        reader_message_clear(&message);
        // It is nobody's to adopt.
        open_again(0);
        kit_run(&kit, kit_is_idle);
        CU_ASSERT_EQUAL(kit_count(folder, id), 1);
        end();
    }
}

static void
test_quarantine_fails(void)
{
    static const struct fail_row rows[] = {
        {"slot, write",   5000,   FAULT_PWRITE,    0},
        {"slot, sync",    5000,   FAULT_FDATASYNC, 0},
        {"slot, day",     5000,   FAULT_FSYNC,     0},
        {"slot, rename",  5000,   FAULT_RENAME,    0},
        {"large, write",  200000, FAULT_PWRITE,    0},
        {"large, rename", 200000, FAULT_RENAME,    0},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct spool_file *file;
        struct reader_message message;

        begin();
        file = kit_write(&kit, WRITER_SPOOL, id, rows[i].len);
        fault_set(rows[i].fault, rows[i].calls, 1);
        spool_file_quarantine(&file, "virus", NULL);
        kit_run(&kit, kit_is_idle);
        UNIT_CHECK_ROW(rows[i].name, kit.spool->stuck == NULL);
        UNIT_CHECK_ROW(rows[i].name, kit.counters.messages == 0);
        UNIT_CHECK_ROW(rows[i].name, kit_count(folder, id) == 1);
        find_quarantined(&message);
        UNIT_CHECK_ROW(rows[i].name, message.state.quarantined);
        reader_message_clear(&message);
        open_again(0);
        end();
    }
}

// The process ends before the rename works: the next owner finds what it says, and moves it.
static void
test_quarantine_late(void)
{
    struct spool_file *file;
    struct reader_message message;

    begin();
    file = kit_write(&kit, WRITER_SPOOL, id, 5000);
    fault_set(FAULT_RENAME, 0, 1000);
    spool_file_quarantine(&file, "virus", "Eicar");
    kit_run(&kit, kit_is_idle);
    CU_ASSERT_PTR_NOT_NULL(kit.spool->stuck);
    fault_set(FAULT_RENAME, 0, 0);
    open_again(0);
    kit_run(&kit, kit_is_idle);
    CU_ASSERT_EQUAL(kit_count(folder, id), 1);
    find_quarantined(&message);
    CU_ASSERT(message.state.quarantined);
    reader_message_clear(&message);
    CU_ASSERT_EQUAL(kit.counters.messages, 0);
    end();
}

static void
test_release(void)
{
    static const size_t lens[] = {5000, 200000};

    for (size_t i = 0; i < UNIT_COUNT(lens); i++) {
        struct spool_file *file;

        begin();
        file = kit_write(&kit, WRITER_SPOOL, id, lens[i]);
        kit_note(file, "sent", "0");
        spool_file_release(&file);
        kit_run(&kit, kit_is_idle);
        // Others go on beside it: its slot is not used again.
        for (int n = 0; n < 40; n++) {
            file = kit_write(&kit, WRITER_SPOOL, "4X2k9QzT7mC", 100);
            spool_file_discard(&file);
        }
        open_again(1);
        CU_ASSERT(kit_is_whole(&kit, kit.files[0]));
        CU_ASSERT_EQUAL(spool_file_state(kit.files[0])->rcpts[0].status, RCPT_SENT);
        end();
    }
}

// Adopted ones leave as well as our own do.
static void
test_adopted(void)
{
    static const size_t lens[] = {5000, 200000};

    for (size_t i = 0; i < 2 * UNIT_COUNT(lens); i++) {
        struct spool_file *file;

        begin();
        kit.files[kit.file_count++] = kit_write(&kit, WRITER_SPOOL, id, lens[i / 2]);
        open_again(1);
        file = kit.files[0];
        kit.files[0] = NULL;
        kit_note(file, "deferred", "0");
        CU_ASSERT_EQUAL(kit_flush(&kit, file, false), 0);
        if (i % 2 == 0)
            spool_file_wait(&file, loop_realtime_ms(kit.loop));
        else
            spool_file_hold(&file, "because");
        kit_await_files(&kit, i % 2 == 0 ? 2 : 1);
        kit_run(&kit, kit_is_idle);
        CU_ASSERT_EQUAL(kit.counters.messages, i % 2 == 0);
        // A slot went into our own instance, and nothing is left of the other's but a large file.
        CU_ASSERT_EQUAL(kit.spool->homes.adopted != NULL, i == 2);
        if (i % 2 == 0) {
            CU_ASSERT(kit_is_whole(&kit, kit.files[1]));
            spool_file_finish(&kit.files[1]);
            kit_run(&kit, kit_is_idle);
        }
        CU_ASSERT_EQUAL(kit_count(folder, id), i % 2);
        CU_ASSERT_PTR_NULL(kit.spool->homes.adopted);
        end();
    }
}

static const struct unit_test tests[] = {
    {"finish frees a slot",      test_finish_slot     },
    {"finish cuts a grown slot", test_finish_grown    },
    {"finish fails",             test_finish_fails    },
    {"wait",                     test_wait            },
    {"wait fails",               test_wait_fails      },
    {"hold",                     test_hold            },
    {"hold fails",               test_hold_fails      },
    {"stuck",                    test_stuck           },
    {"quarantine",               test_quarantine      },
    {"quarantine fails",         test_quarantine_fails},
    {"quarantine after a crash", test_quarantine_late },
    {"release",                  test_release         },
    {"adopted ones",             test_adopted         },
};

UNIT_MAIN("spool/leave", tests)
