// SPDX-License-Identifier: BSD-2-Clause
#include "track/record.h"

#include <math.h>

#include "base/pack.h"

// Bytes that one takes at least, so that no count makes room for more than can follow.
enum { RCPT_LEAST = 3, GROUP_LEAST = 4, RESULT_LEAST = 9 };

enum { CODE_MAX = 999 };

#define NUMBER_MAX ((uint64_t)INT64_MAX) // what the ledger can keep

static const char *const place_names[RECORD_PLACE_COUNT] = {
    [RECORD_ACTIVE] = "active",         [RECORD_WAITING] = "waiting", [RECORD_HOLD] = "hold",
    [RECORD_QUARANTINE] = "quarantine", [RECORD_DONE] = "done",       [RECORD_LEFT] = "left"};

static const char *const stage_names[STAGE_COUNT] = {[STAGE_RECEIVE] = "receive",
                                                     [STAGE_SEAL] = "seal",
                                                     [STAGE_DISSECT] = "dissect",
                                                     [STAGE_FILTERS] = "filters",
                                                     [STAGE_SEND] = "send"};

const char *
record_place_name(enum record_place place)
{
    return place_names[place];
}

enum record_place
record_place_find(struct span name)
{
    unsigned place = 0;

    while (place < RECORD_PLACE_COUNT && !span_is(name, place_names[place]))
        place++;
    return (enum record_place)place;
}

const char *
record_stage_name(enum record_stage stage)
{
    return stage_names[stage];
}

// --- writing ---

static void
write_time(struct pack *pack, int64_t ms)
{
    pack_number(pack, ms < 0 ? 0 : (uint64_t)ms);
}

static void
write_double(struct pack *pack, double value)
{
    pack_bytes(pack, &value, sizeof(value));
}

static bool
is_same_fate(const struct record_rcpt *a, const struct record_rcpt *b)
{
    return a->status == b->status && a->at_ms == b->at_ms && a->until_ms == b->until_ms &&
           a->tries == b->tries && a->group == b->group && a->code == b->code &&
           span_equal(a->reply, b->reply) && span_equal(a->relay, b->relay) &&
           span_equal(a->queue_id, b->queue_id) && span_equal(a->child, b->child);
}

// Most share what became of them with the one before: else a large crowd would not fit.
static void
write_rcpts(struct pack *pack, const struct record *record)
{
    pack_number(pack, record->rcpt_count);
    for (size_t i = 0; i < record->rcpt_count && !pack->has_failed; i++) {
        const struct record_rcpt *rcpt = &record->rcpts[i];
        bool is_same = i > 0 && is_same_fate(rcpt - 1, rcpt);

        pack_span(pack, rcpt->to);
        pack_span(pack, rcpt->redirected);
        pack_number(pack, is_same);
        if (is_same)
            continue;
        pack_number(pack, rcpt->status);
        write_time(pack, rcpt->at_ms);
        write_time(pack, rcpt->until_ms);
        pack_number(pack, rcpt->tries);
        pack_number(pack, rcpt->group);
        pack_number(pack, rcpt->code);
        pack_span(pack, rcpt->reply);
        pack_span(pack, rcpt->relay);
        pack_span(pack, rcpt->queue_id);
        pack_span(pack, rcpt->child);
    }
}

static void
write_groups(struct pack *pack, const struct record *record)
{
    pack_number(pack, record->group_count);
    for (size_t i = 0; i < record->group_count && !pack->has_failed; i++) {
        pack_number(pack, record->groups[i].verdict);
        pack_span(pack, record->groups[i].rule);
        pack_span(pack, record->groups[i].reason);
        pack_number(pack, record->groups[i].edits);
    }
}

static void
write_results(struct pack *pack, const struct record *record)
{
    pack_number(pack, record->result_count);
    for (size_t i = 0; i < record->result_count && !pack->has_failed; i++) {
        const struct record_result *result = &record->results[i];

        pack_span(pack, result->filter);
        pack_number(pack, result->kind);
        pack_number(pack, result->is_virus);
        pack_number(pack, result->has_score);
        if (result->has_score) {
            write_double(pack, result->score);
            write_double(pack, result->required_score);
        }
        pack_span(pack, result->names);
        pack_span(pack, result->action);
        pack_span(pack, result->server);
        pack_span(pack, result->reason);
        pack_number(pack, result->wish);
        pack_number(pack, result->took_us);
    }
}

static void
write_head(struct pack *pack, const struct record *record)
{
    pack_span(pack, record->id);
    pack_span(pack, record->parent);
    pack_span(pack, record->kind);
    pack_number(pack, record->step);
    pack_number(pack, record->place);
    pack_span(pack, record->place_reason);
    write_time(pack, record->arrived_ms);
    write_time(pack, record->told_ms);
    pack_number(pack, record->protocol);
    pack_number(pack, record->handoff);
    pack_span(pack, record->listener);
    pack_span(pack, record->next_hop);
    pack_span(pack, record->queue_id);
    pack_span(pack, record->client_name);
    pack_span(pack, record->client);
    pack_span(pack, record->helo);
    pack_span(pack, record->from);
    pack_span(pack, record->message_id);
    pack_span(pack, record->subject);
    pack_number(pack, record->size);
    write_double(pack, record->score);
    for (size_t i = 0; i < STAGE_COUNT; i++)
        pack_number(pack, record->stage_us[i]);
    pack_number(pack, record->is_looked);
    pack_number(pack, record->is_sent);
}

int
record_write(const struct record *record, struct buf *out)
{
    struct pack pack;

    pack_begin(&pack, out);
    write_head(&pack, record);
    write_groups(&pack, record);
    write_rcpts(&pack, record);
    write_results(&pack, record);
    if (out->len - pack.start > RECORD_SIZE_MAX)
        pack.has_failed = true;
    return pack_end(&pack);
}

// --- reading ---

static void
doubt(struct unpack *unpack, bool is_wrong)
{
    if (is_wrong)
        unpack->has_failed = true;
}

static int64_t
read_time(struct unpack *unpack)
{
    return (int64_t)unpack_number(unpack, RECORD_TIME_MAX);
}

static uint32_t
read_u32(struct unpack *unpack, uint32_t max)
{
    return (uint32_t)unpack_number(unpack, max);
}

static double
read_score(struct unpack *unpack)
{
    double value;

    unpack_bytes(unpack, &value, sizeof(value));
    doubt(unpack, isinf(value));
    return value;
}

// NULL only where the count became 0.
static void *
read_array(struct unpack *unpack, struct arena *arena, size_t least, size_t size, size_t *count_out)
{
    size_t count = unpack_count(unpack, least);
    void *array = count == 0 ? NULL : arena_array(arena, count, size);

    doubt(unpack, count > 0 && array == NULL);
    *count_out = array == NULL ? 0 : count;
    return array;
}

static void
read_fate(struct unpack *unpack, const struct record *record, struct record_rcpt *rcpt)
{
    rcpt->status = (enum rcpt_status)unpack_number(unpack, RCPT_DISCARDED);
    rcpt->at_ms = read_time(unpack);
    rcpt->until_ms = read_time(unpack);
    rcpt->tries = read_u32(unpack, UINT32_MAX);
    rcpt->group = (uint32_t)unpack_number(unpack, record->group_count);
    rcpt->code = (uint16_t)unpack_number(unpack, CODE_MAX);
    rcpt->reply = unpack_span(unpack);
    rcpt->relay = unpack_span(unpack);
    rcpt->queue_id = unpack_span(unpack);
    rcpt->child = unpack_span(unpack);
}

static void
read_rcpts(struct unpack *unpack, struct arena *arena, struct record *record)
{
    record->rcpts =
        read_array(unpack, arena, RCPT_LEAST, sizeof(record->rcpts[0]), &record->rcpt_count);
    for (size_t i = 0; i < record->rcpt_count && !unpack->has_failed; i++) {
        struct record_rcpt *rcpt = &record->rcpts[i];
        struct span to = unpack_span(unpack), redirected = unpack_span(unpack);
        bool is_same = unpack_flag(unpack);

        doubt(unpack, is_same && i == 0);
        if (is_same && i > 0)
            *rcpt = rcpt[-1];
        else
            read_fate(unpack, record, rcpt);
        rcpt->to = to;
        rcpt->redirected = redirected;
    }
}

static void
read_groups(struct unpack *unpack, struct arena *arena, struct record *record)
{
    record->groups =
        read_array(unpack, arena, GROUP_LEAST, sizeof(record->groups[0]), &record->group_count);
    doubt(unpack, record->group_count > STATE_GROUPS_MAX);
    for (size_t i = 0; i < record->group_count && !unpack->has_failed; i++) {
        struct record_group *group = &record->groups[i];

        group->verdict = (enum verdict)unpack_number(unpack, VERDICT_REDIRECT);
        group->rule = unpack_span(unpack);
        group->reason = unpack_span(unpack);
        group->edits = read_u32(unpack, UINT32_MAX);
    }
}

static void
read_results(struct unpack *unpack, struct arena *arena, struct record *record)
{
    record->results =
        read_array(unpack, arena, RESULT_LEAST, sizeof(record->results[0]), &record->result_count);
    for (size_t i = 0; i < record->result_count && !unpack->has_failed; i++) {
        struct record_result *result = &record->results[i];

        result->filter = unpack_span(unpack);
        result->kind = (enum result_kind)unpack_number(unpack, RESULT_SKIPPED);
        result->is_virus = unpack_flag(unpack);
        result->has_score = unpack_flag(unpack);
        if (result->has_score) {
            result->score = read_score(unpack);
            result->required_score = read_score(unpack);
        }
        doubt(unpack, isnan(result->score) || isnan(result->required_score));
        result->names = unpack_span(unpack);
        result->action = unpack_span(unpack);
        result->server = unpack_span(unpack);
        result->reason = unpack_span(unpack);
        result->wish = (enum result_wish)unpack_number(unpack, WISH_DISCARD);
        result->took_us = unpack_number(unpack, NUMBER_MAX);
    }
}

static void
read_head(struct unpack *unpack, struct record *record)
{
    record->id = unpack_span(unpack);
    doubt(unpack, record->id.len == 0);
    record->parent = unpack_span(unpack);
    record->kind = unpack_span(unpack);
    record->step = unpack_number(unpack, NUMBER_MAX);
    record->place = (enum record_place)unpack_number(unpack, RECORD_PLACE_COUNT - 1);
    record->place_reason = unpack_span(unpack);
    record->arrived_ms = read_time(unpack);
    record->told_ms = read_time(unpack);
    record->protocol = (enum smtp_protocol)unpack_number(unpack, SMTP_PROTOCOL_LMTP);
    record->handoff = (enum smtp_handoff)unpack_number(unpack, SMTP_HANDOFF_RELAY);
    record->listener = unpack_span(unpack);
    record->next_hop = unpack_span(unpack);
    record->queue_id = unpack_span(unpack);
    record->client_name = unpack_span(unpack);
    record->client = unpack_span(unpack);
    record->helo = unpack_span(unpack);
    record->from = unpack_span(unpack);
    record->message_id = unpack_span(unpack);
    record->subject = unpack_span(unpack);
    record->size = unpack_number(unpack, NUMBER_MAX);
    record->score = read_score(unpack);
    for (size_t i = 0; i < STAGE_COUNT; i++)
        record->stage_us[i] = unpack_number(unpack, NUMBER_MAX);
    record->is_looked = unpack_flag(unpack);
    record->is_sent = unpack_flag(unpack);
}

int
record_read(struct span payload, struct arena *arena, struct record *record_out)
{
    struct unpack unpack = {.rest = payload};
    struct record record = {.score = NAN};

    *record_out = record;
    doubt(&unpack, payload.len > RECORD_SIZE_MAX);
    read_head(&unpack, &record);
    read_groups(&unpack, arena, &record);
    read_rcpts(&unpack, arena, &record);
    read_results(&unpack, arena, &record);
    if (unpack_end(&unpack) != 0)
        return -1;
    *record_out = record;
    return 0;
}
