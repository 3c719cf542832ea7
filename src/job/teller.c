// SPDX-License-Identifier: BSD-2-Clause
#include "src/job/teller.h"

#include <string.h>

#include "base/log.h"
#include "track/snapshot.h"

enum { PAYLOAD_KEPT_MAX = 64 << 10 };

void
teller_init(struct teller *teller, struct rings *rings, size_t row)
{
    *teller = (struct teller){.rings = rings, .row = row};
    buf_init(&teller->payload, RECORD_SIZE_MAX + 1);
}

void
teller_clear(struct teller *teller)
{
    buf_clear(&teller->payload);
}

int
teller_describe(const struct smtp_envelope *envelope, const struct spool_state *state,
                const struct teller_moment *moment, struct arena *arena, struct record *record_out)
{
    if (snapshot_of(envelope, state, arena, record_out) != 0)
        return -1;
    record_out->step = record_step(state->next_seq, moment->place);
    record_out->place = moment->place;
    if (moment->place_reason != NULL)
        record_out->place_reason = span_of(moment->place_reason);
    record_out->told_ms = moment->now_ms;
    record_out->size = moment->size;
    memcpy(record_out->stage_us, moment->stage_us, sizeof record_out->stage_us);
    record_out->is_looked = moment->is_looked;
    record_out->is_sent = moment->is_sent;
    return 0;
}

static void
begin(struct teller *teller, enum record_kind kind)
{
    buf_reset(&teller->payload);
    (void)buf_add_char(&teller->payload, (char)kind);
}

static void
put(struct teller *teller)
{
    (void)ring_put(teller->rings, teller->row, buf_span(&teller->payload));
    if (teller->payload.size > PAYLOAD_KEPT_MAX)
        buf_clear(&teller->payload);
}

void
teller_tell(struct teller *teller, const struct record *record)
{
    if (teller->rings == NULL)
        return;
    begin(teller, RECORD_MESSAGE);
    if (record_write(record, &teller->payload) == 0)
        put(teller);
    else
        log_warning("worker", "%.*s: too large to be told", (int)record->id.len, record->id.data);
}

void
teller_tell_left(struct teller *teller, const struct reader_message *message,
                 enum record_place place, int64_t now_ms)
{
    struct teller_moment moment = {.place = place, .now_ms = now_ms, .size = message->seal.len};
    struct arena arena;
    struct record record;

    arena_init(&arena, TELLER_ARENA_MAX);
    if (teller_describe(&message->envelope, &message->state, &moment, &arena, &record) == 0)
        teller_tell(teller, &record);
    arena_clear(&arena);
}

void
teller_tell_vitals(struct teller *teller, const struct vitals *vitals)
{
    if (teller->rings == NULL)
        return;
    begin(teller, RECORD_VITALS);
    if (vitals_write(vitals, &teller->payload) == 0)
        put(teller);
}
