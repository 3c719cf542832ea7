// SPDX-License-Identifier: BSD-2-Clause
// Records of a worker that was taken over: bounded, and what is read can be written again, and
// means the same.
#include "tests/fuzz/fuzz.h"

#include "track/record.h"
#include "track/status.h"

enum { ARENA_MAX = 64 << 20 };

static bool
is_inside(struct span span, const uint8_t *data, size_t size)
{
    return span.len == 0 ||
           (span.data >= (const char *)data && span.data + span.len <= (const char *)data + size);
}

static void
check_lists(const struct record *record, const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < record->rcpt_count; i++) {
        const struct record_rcpt *rcpt = &record->rcpts[i];

        FUZZ_CHECK(rcpt->group <= record->group_count && rcpt->final_count == 0);
        FUZZ_CHECK(is_inside(rcpt->to, data, size) && is_inside(rcpt->child, data, size));
        FUZZ_CHECK(status_of_rcpt(record, rcpt) < STATUS_PARTIAL);
        (void)rcpt_status_name(rcpt->status);
    }
    for (size_t i = 0; i < record->result_count; i++) {
        FUZZ_CHECK(is_inside(record->results[i].names, data, size));
        (void)result_kind_name(record->results[i].kind);
        (void)result_wish_name(record->results[i].wish);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct record record, again;
    struct arena arena;
    struct buf first, second;

    arena_init(&arena, ARENA_MAX);
    if (record_read(fuzz_span(data, size), &arena, &record) != 0) {
        FUZZ_CHECK(record.id.len == 0 && record.rcpts == NULL);
        arena_clear(&arena);
        return 0;
    }
    FUZZ_CHECK(record.id.len > 0 && is_inside(record.subject, data, size));
    check_lists(&record, data, size);
    FUZZ_CHECK(status_of_message(&record) < STATUS_COUNT);
    FUZZ_CHECK(class_of(&record) <= CLASS_VIRUS);
    buf_init(&first, RECORD_SIZE_MAX);
    buf_init(&second, RECORD_SIZE_MAX);
    FUZZ_CHECK(record_write(&record, &first) == 0 && first.len <= size);
    FUZZ_CHECK(record_read(buf_span(&first), &arena, &again) == 0);
    FUZZ_CHECK(record_write(&again, &second) == 0);
    FUZZ_CHECK(fuzz_equal(buf_span(&first), buf_span(&second)));
    buf_clear(&first);
    buf_clear(&second);
    arena_clear(&arena);
    return 0;
}
