// SPDX-License-Identifier: BSD-2-Clause
// What the ledger is told of a spool file: an envelope, then, behind an empty line, its journal.
// Whatever stands in it, the scribe can read it, and reads the same.
#include "tests/fuzz/fuzz.h"

#include "base/digest.h"
#include "base/mem.h"
#include "spool/format.h"
#include "spool/journal.h"
#include "track/snapshot.h"
#include "track/status.h"

enum { ARENA_MAX = 64 << 20 };

static const uint64_t key = 7;

static void
apply(struct span lines, struct spool_state *state)
{
    struct journal_reader *reader = mem_zalloc(sizeof *reader);
    struct journal_line line;
    struct buf journal;

    buf_init(&journal, lines.len * 21 + 32);
    while (lines.len > 0) { // each with its checksum, else hardly one would be believed
        struct span text = span_cut(&lines, '\n');

        FUZZ_CHECK(buf_add_span(&journal, text) == 0);
        FUZZ_CHECK(
            buf_printf(&journal, " #%016llx\n", (unsigned long long)digest_sum64(text, key)) == 0);
    }
    journal_reader_init(reader, buf_span(&journal), key);
    while (journal_next(reader, &line))
        state_apply(state, &line);
    buf_clear(&journal);
    mem_free(&reader);
}

static void
check(const struct smtp_envelope *envelope, const struct spool_state *state)
{
    struct record record, again;
    struct buf first, second;
    struct arena arena;

    arena_init(&arena, ARENA_MAX);
    if (snapshot_of(envelope, state, &arena, &record) == 0) {
        FUZZ_CHECK(record.rcpt_count == envelope->rcpt_count && span_is(record.id, envelope->id));
        FUZZ_CHECK(status_of_message(&record) < STATUS_COUNT && class_of(&record) <= CLASS_VIRUS);
        buf_init(&first, RECORD_SIZE_MAX);
        buf_init(&second, RECORD_SIZE_MAX);
        if (record_write(&record, &first) == 0) {
            FUZZ_CHECK(record_read(buf_span(&first), &arena, &again) == 0);
            FUZZ_CHECK(record_write(&again, &second) == 0);
            FUZZ_CHECK(fuzz_equal(buf_span(&first), buf_span(&second)));
            FUZZ_CHECK(status_of_message(&again) == status_of_message(&record));
        }
        buf_clear(&first);
        buf_clear(&second);
    }
    arena_clear(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span all = fuzz_span(data, size);
    const char *end = size == 0 ? NULL : memmem(data, size, "\n\n", 2);
    size_t head = end == NULL ? size : (size_t)(end - all.data) + 2;
    struct smtp_envelope envelope;
    struct spool_state state;
    struct err err;

    if (format_envelope_read(span_from(all.data, head), &envelope, &err) != 0)
        return 0;
    state_init(&state, envelope.rcpt_count);
    apply(span_skip(all, head), &state);
    check(&envelope, &state);
    state_clear(&state);
    envelope_clear(&envelope);
    return 0;
}
