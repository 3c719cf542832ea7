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

// Whoever opens the spool next finds it once, whole, with these states.
static void
check_next_owner(const char *row, enum rcpt_status first, enum rcpt_status second)
{
    kit_close(&kit);
    kit_open(&kit, folder, true);
    kit_await_files(&kit, 1);
    kit_run(&kit, kit_is_idle);
    CU_ASSERT_EQUAL_FATAL(kit.file_count, 1);
    UNIT_CHECK_ROW(row, kit.adopted[0]);
    UNIT_CHECK_ROW(row, strcmp(spool_file_id(kit.files[0]), id) == 0);
    UNIT_CHECK_ROW(row, kit_is_whole(&kit, kit.files[0]));
    UNIT_CHECK_ROW(row, spool_file_state(kit.files[0])->rcpts[0].status == first);
    UNIT_CHECK_ROW(row, spool_file_state(kit.files[0])->rcpts[1].status == second);
}

struct copy_row {
    const char *name;
    size_t len;
    enum fault fault;
    bool durable;
};

static const struct copy_row rows[] = {
    {"slot, write",       5000,   FAULT_PWRITE,    false},
    {"slot, fdatasync",   5000,   FAULT_FDATASYNC, true },
    {"large, write",      200000, FAULT_PWRITE,    false},
    {"large, fdatasync",  200000, FAULT_FDATASYNC, true },
    {"slot, shared sync", 5000,   FAULT_FDATASYNC, false},
    {"large, shared",     200000, FAULT_FDATASYNC, false},
};

static const struct copy_row *row;

static bool
has_failed_once(struct kit *it)
{
    return fault_calls(row->fault) > 0 && it->spool->tasks.pending == 0;
}

// A flush that fails: the message goes to a new file, with what it had and what was to be written.
static void
test_broken(void)
{
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct spool_file *file;

        row = &rows[i];
        begin();
        file = kit_write(&kit, WRITER_SPOOL, id, row->len);
        kit_note(file, "deferred", "0");
        CU_ASSERT_EQUAL(kit_flush(&kit, file, true), 0);
        kit_note(file, "sent", "1");
        fault_set(row->fault, 0, 1);
        UNIT_CHECK_ROW(row->name, kit_flush(&kit, file, row->durable) == 0);
        kit_run(&kit, has_failed_once);
        UNIT_CHECK_ROW(row->name, file->slot == NULL);
        UNIT_CHECK_ROW(row->name, !file->is_broken);
        UNIT_CHECK_ROW(row->name, kit_count(folder, id) == 1);
        UNIT_CHECK_ROW(row->name, kit_is_whole(&kit, file));
        UNIT_CHECK_ROW(row->name, kit.counters.messages == 1);
        kit_note(file, "attempt", "0");
        UNIT_CHECK_ROW(row->name, kit_flush(&kit, file, true) == 0);
        kit.files[kit.file_count++] = file;
        check_next_owner(row->name, RCPT_DEFERRED, RCPT_SENT);
        end();
    }
}

// The copy fails too: the flush says so, nothing is lost, and the next one may work.
static void
test_hopeless(void)
{
    static const size_t lens[] = {5000, 200000};

    for (size_t i = 0; i < UNIT_COUNT(lens); i++) {
        struct spool_file *file;

        begin();
        file = kit_write(&kit, WRITER_SPOOL, id, lens[i]);
        kit_note(file, "deferred", "0");
        fault_set(FAULT_PWRITE, 0, 1000);
        CU_ASSERT_EQUAL(kit_flush(&kit, file, false), -1);
        CU_ASSERT_EQUAL(kit.done_err.kind, ERR_TEMP);
        kit_note(file, "sent", "1");
        CU_ASSERT_EQUAL(kit_flush(&kit, file, false), -1);
        CU_ASSERT(kit_is_whole(&kit, file));
        fault_set(FAULT_PWRITE, 0, 0);
        CU_ASSERT_EQUAL(kit_flush(&kit, file, false), 0);
        kit.files[kit.file_count++] = file;
        check_next_owner("hopeless", RCPT_DEFERRED, RCPT_SENT);
        end();
    }
}

// The removal of the old file fails as well: then there are two, never none.
static void
test_old_stays(void)
{
    struct spool_file *file;

    begin();
    file = kit_write(&kit, WRITER_SPOOL, id, 5000);
    kit_note(file, "sent", "0-1");
    fault_set(FAULT_FDATASYNC, 0, 1);
    fault_set(FAULT_UNLINK, 0, 1);
    CU_ASSERT_EQUAL(kit_flush(&kit, file, true), 0);
    // The slot is unsealed at least: what it held is not seen any more.
    spool_file_finish(&file);
    kit_run(&kit, kit_is_idle);
    kit_close(&kit);
    kit_open(&kit, folder, true);
    kit_run(&kit, kit_is_idle);
    CU_ASSERT_EQUAL(kit.file_count, 0);
    CU_ASSERT_EQUAL(kit.counters.messages, 0);
    end();
}

static void
test_take_over(void)
{
    static const struct {
        const char *name;
        size_t len;
        bool unnamed;
    } sizes[] = {
        {"small",         5000,   true },
        {"large",         200000, true },
        {"small, hidden", 5000,   false},
        {"large, hidden", 200000, false},
    };

    for (size_t i = 0; i < UNIT_COUNT(sizes); i++) {
        struct spool_file *file;

        begin();
        kit.spool->unnamed = sizes[i].unnamed;
        file = kit_write(&kit, WRITER_RELAY, id, sizes[i].len);
        kit_note(file, "sent", "0");
        CU_ASSERT_EQUAL(kit_flush(&kit, file, true), 0);
        UNIT_CHECK_ROW(sizes[i].name, kit.counters.messages == 0);
        kit.is_done = false;
        spool_file_take_over(file, kit_on_done, &kit);
        kit_run(&kit, kit_is_done);
        UNIT_CHECK_ROW(sizes[i].name, !kit.has_err);
        UNIT_CHECK_ROW(sizes[i].name, spool_file_is_durable(file));
        UNIT_CHECK_ROW(sizes[i].name, kit.counters.messages == 1);
        UNIT_CHECK_ROW(sizes[i].name, kit_count(folder, id) == 1);
        UNIT_CHECK_ROW(sizes[i].name, kit_count(folder, ".") == 0);
        UNIT_CHECK_ROW(sizes[i].name, kit_is_whole(&kit, file));
        kit_note(file, "deferred", "1");
        CU_ASSERT_EQUAL(kit_flush(&kit, file, true), 0);
        kit.files[kit.file_count++] = file;
        check_next_owner(sizes[i].name, RCPT_SENT, RCPT_DEFERRED);
        end();
    }
}

// It is as before: 451 for the client, and nothing in the spool.
static void
test_take_over_fails(void)
{
    static const enum fault kinds[] = {FAULT_PWRITE, FAULT_FSYNC, FAULT_RENAME};

    for (size_t i = 0; i < 2 * UNIT_COUNT(kinds); i++) {
        struct spool_file *file;

        begin();
        file = kit_write(&kit, WRITER_RELAY, id, i % 2 == 0 ? 5000 : 200000);
        kit_note(file, "sent", "0");
        fault_set(kinds[i / 2], 0, 1000);
        kit.is_done = false;
        spool_file_take_over(file, kit_on_done, &kit);
        kit_run(&kit, kit_is_done);
        CU_ASSERT(kit.has_err);
        fault_set(kinds[i / 2], 0, 0);
        CU_ASSERT(!spool_file_is_durable(file));
        CU_ASSERT(kit_is_whole(&kit, file));
        CU_ASSERT_EQUAL(spool_file_state(file)->rcpts[0].status, RCPT_SENT);
        spool_file_discard(&file);
        kit_run(&kit, kit_is_idle);
        CU_ASSERT_EQUAL(kit_count(folder, id), 0);
        CU_ASSERT_EQUAL(kit_count(folder, "."), 0);
        CU_ASSERT_EQUAL(kit.counters.messages, 0);
        end();
    }
}

static const struct unit_test tests[] = {
    {"a broken file is copied", test_broken         },
    {"and if that fails",       test_hopeless       },
    {"the old one stays",       test_old_stays      },
    {"take over",               test_take_over      },
    {"take over fails",         test_take_over_fails},
};

UNIT_MAIN("spool/copy", tests)
