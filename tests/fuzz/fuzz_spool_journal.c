// SPDX-License-Identifier: BSD-2-Clause
// Lines with a right checksum among any bytes: the state that they amount to never opens again what
// is retired, and its counts are those of its recipients. The input's lines get their checksums
// here, else hardly one would be believed.
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "base/digest.h"
#include "base/mem.h"
#include "spool/journal.h"
#include "spool/state.h"

enum { RCPTS = 5 };

static const uint64_t key = 7;

static void
sign_lines(struct span in, struct buf *out)
{
    while (in.len > 0) {
        struct span line = span_cut(&in, '\n');

        if (line.len > 0 && line.data[0] == '!') { // as it is: not to be believed
            FUZZ_CHECK(buf_add_span(out, line) == 0 && buf_add_char(out, '\n') == 0);
            continue;
        }
        FUZZ_CHECK(buf_add_span(out, line) == 0);
        FUZZ_CHECK(buf_printf(out, " #%016llx\n", (unsigned long long)digest_sum64(line, key)) ==
                   0);
    }
}

static void
check_counts(const struct spool_state *state)
{
    size_t retired = 0, under_way = 0, releasing = 0;

    for (size_t i = 0; i < state->rcpt_count; i++) {
        const struct rcpt_state *rcpt = &state->rcpts[i];

        retired += state_rcpt_is_retired(rcpt) ? 1 : 0;
        under_way += rcpt->attempt == state->attempt ? 1 : 0;
        releasing += rcpt->is_releasing ? 1 : 0;
        FUZZ_CHECK(rcpt->group < (int)state->group_count);
        FUZZ_CHECK(rcpt->group < 0 || state->groups[rcpt->group].verdict != VERDICT_NONE);
        FUZZ_CHECK(rcpt->until_ms == 0 || rcpt->status == RCPT_DEFERRED);
        FUZZ_CHECK(rcpt->reply == NULL || strlen(rcpt->reply) <= STATE_TEXT_MAX);
    }
    FUZZ_CHECK(retired == state->retired_count && under_way == state->under_way);
    FUZZ_CHECK(releasing == state->releasing);
    FUZZ_CHECK(state->attempt_open == (under_way > 0));
    FUZZ_CHECK(state->attempt_open || !state->attempt_alone);
    FUZZ_CHECK(!state->done || state_is_retired(state));
    FUZZ_CHECK(state_next_try_ms(state) >= 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct journal_reader *reader = mem_zalloc(sizeof *reader);
    bool was_retired[RCPTS] = {false};
    struct spool_state state;
    struct journal_line line;
    struct buf journal;

    buf_init(&journal, size * 21 + 32);
    sign_lines(fuzz_span(data, size), &journal);
    state_init(&state, RCPTS);
    journal_reader_init(reader, buf_span(&journal), key);
    while (journal_next(reader, &line)) {
        FUZZ_CHECK(line.text.data + line.text.len == journal.data + reader->good_end);
        state_apply(&state, &line);
        check_counts(&state);
        for (size_t i = 0; i < RCPTS; i++) {
            bool is_retired = state_rcpt_is_retired(&state.rcpts[i]);

            FUZZ_CHECK(is_retired || !was_retired[i]);
            was_retired[i] = is_retired;
        }
    }
    FUZZ_CHECK(reader->good_end <= journal.len);
    state_clear(&state);
    buf_clear(&journal);
    mem_free(&reader);
    return 0;
}
