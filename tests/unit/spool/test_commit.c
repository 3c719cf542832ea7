// SPDX-License-Identifier: BSD-2-Clause
#include "spool/commit.h"

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

// The costs of one message: the calls that a commit makes.
static void
test_costs(void)
{
    static const struct {
        const char *name;
        enum writer_kind kind;
        size_t len;
        int writes, file_syncs, syncs;
    } rows[] = {
        {"slot, one page", WRITER_SPOOL, 2000,  1, 1, 0},
        {"slot",           WRITER_SPOOL, 20000, 2, 1, 0}, // the page with the seal comes last
        {"child",          WRITER_CHILD, 2000,  1, 0, 2}, // itself, its folder
        {"relay",          WRITER_RELAY, 2000,  0, 0, 0},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct spool_file *file;

        begin();
        memset(faults, 0, sizeof faults);
        file = kit_write(&kit, rows[i].kind, id, rows[i].len);
        UNIT_CHECK_ROW(rows[i].name, fault_calls(FAULT_PWRITE) == rows[i].writes);
        UNIT_CHECK_ROW(rows[i].name, fault_calls(FAULT_FDATASYNC) == rows[i].file_syncs);
        UNIT_CHECK_ROW(rows[i].name, fault_calls(FAULT_FSYNC) == rows[i].syncs);
        spool_file_discard(&file);
        kit_run(&kit, kit_is_idle);
        end();
    }
}

// A client that stands still in the middle of a large message costs what it has sent last.
static void
test_stands_still(void)
{
    static const char block[70000];
    struct smtp_envelope envelope;
    struct writer *writer;

    begin();
    kit_envelope(&envelope, id, 1);
    writer = writer_new(kit.spool, WRITER_SPOOL, &envelope, NULL, NULL);
    envelope_clear(&envelope);
    (void)writer_add(writer, span_from(block, sizeof block));
    CU_ASSERT_TRUE(writer->is_busy);
    (void)writer_add(writer, span_from(block, 1000));
    kit_run(&kit, kit_is_idle);
    CU_ASSERT_FALSE(writer->is_busy);
    CU_ASSERT_TRUE(writer->fill.size + writer->writing.flight.size <= 2048);
    writer_discard(&writer);
    kit_run(&kit, kit_is_idle);
    end();
}

struct fail_row {
    const char *name;
    enum writer_kind kind;
    size_t len;
    enum fault fault;
    int skip;
};

static const struct fail_row fail_rows[] = {
    {"slot, write",              WRITER_SPOOL, 2000,   FAULT_PWRITE,    0},
    {"slot, second write",       WRITER_SPOOL, 20000,  FAULT_PWRITE,    1},
    {"slot, fdatasync",          WRITER_SPOOL, 2000,   FAULT_FDATASYNC, 0},
    {"child, write",             WRITER_CHILD, 2000,   FAULT_PWRITE,    0},
    {"child, fsync",             WRITER_CHILD, 2000,   FAULT_FSYNC,     0},
    {"child, folder's fsync",    WRITER_CHILD, 2000,   FAULT_FSYNC,     1},
    {"large, first block",       WRITER_SPOOL, 500000, FAULT_PWRITE,    0},
    {"large, a later block",     WRITER_SPOOL, 500000, FAULT_PWRITE,    3},
    {"large, fsync",             WRITER_SPOOL, 500000, FAULT_FSYNC,     0},
    {"large, folder's fsync",    WRITER_SPOOL, 500000, FAULT_FSYNC,     1},
    {"large relay, first block", WRITER_RELAY, 500000, FAULT_PWRITE,    0},
    {"large relay, later block", WRITER_RELAY, 500000, FAULT_PWRITE,    4},
};

// TEMP, and nothing is left behind: not now, and not for the next owner.
static void
test_fails(void)
{
    for (size_t i = 0; i < 2 * UNIT_COUNT(fail_rows); i++) {
        const struct fail_row *row = &fail_rows[i / 2];
        size_t slots = SLOTS_FIRST;

        begin();
        fault_set(row->fault, row->skip, i % 2 == 0 ? 1 : 1000);
        UNIT_CHECK_ROW(row->name, kit_write(&kit, row->kind, id, row->len) == NULL);
        UNIT_CHECK_ROW(row->name, kit.has_err);
        UNIT_CHECK_ROW(row->name, kit.done_err.kind == ERR_TEMP);
        fault_set(row->fault, 0, 0);
        kit_run(&kit, kit_is_idle);
        UNIT_CHECK_ROW(row->name, kit_count(folder, id) == 0);
        UNIT_CHECK_ROW(row->name, kit_count(folder, ".") == 0);
        UNIT_CHECK_ROW(row->name, kit.counters.messages == 0);
        // A slot that failed is not used again.
        if (strncmp(row->name, "slot", 4) == 0)
            slots--;
        UNIT_CHECK_ROW(row->name, slots_count(kit.spool->slots) == slots);
        kit_close(&kit);
        kit_open(&kit, folder, true);
        kit_run(&kit, kit_is_idle);
        UNIT_CHECK_ROW(row->name, kit.file_count == 0);
        UNIT_CHECK_ROW(row->name, kit_count(folder, "") == SLOTS_FIRST);
        end();
    }
}

// Nobody listens any more when it fails: it fails all the same, in silence.
static void
test_fails_discarded(void)
{
    for (size_t i = 0; i < UNIT_COUNT(fail_rows); i++) {
        const struct fail_row *row = &fail_rows[i];
        struct writer *writer;

        begin();
        fault_set(row->fault, row->skip, 1);
        writer = kit_begin(&kit, row->kind, id, row->len);
        kit.is_done = false;
        writer_commit(writer, kit_on_written, &kit);
        writer_discard(&writer);
        kit_run(&kit, kit_is_idle);
        UNIT_CHECK_ROW(row->name, !kit.is_done);
        UNIT_CHECK_ROW(row->name, kit_count(folder, id) == 0);
        end();
    }
}

// An envelope so large that it may not be sealed is refused for now.
static void
test_envelope(void)
{
    struct smtp_envelope envelope;
    struct writer *writer;
    char *params = mem_zalloc(FORMAT_ENVELOPE_MAX + 1);

    memset(params, 'x', FORMAT_ENVELOPE_MAX);
    begin();
    kit_envelope(&envelope, id, 1);
    envelope_add_rcpt(&envelope, span_of("to@example.org"), span_of(params));
    writer = writer_new(kit.spool, WRITER_SPOOL, &envelope, NULL, NULL);
    CU_ASSERT_EQUAL(writer_add(writer, span_of("test")), WRITER_GO_ON);
    kit.is_done = false;
    writer_commit(writer, kit_on_written, &kit);
    CU_ASSERT(!kit.is_done);
    kit_run(&kit, kit_is_done);
    CU_ASSERT(kit.has_err);
    CU_ASSERT_EQUAL(kit.done_err.kind, ERR_TEMP);
    envelope_clear(&envelope);
    mem_free(&params);
    end();
}

static const struct unit_test tests[] = {
    {"stands still",           test_stands_still   },
    {"what it costs",          test_costs          },
    {"a disk that refuses",    test_fails          },
    {"and nobody who listens", test_fails_discarded},
    {"an envelope too large",  test_envelope       },
};

UNIT_MAIN("spool/commit", tests)
