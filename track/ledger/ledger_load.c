// SPDX-License-Identifier: BSD-2-Clause
#include "track/ledger/ledger_load.h"

#include <string.h>

#include "track/ledger/ledger_match.h"
#include "track/ledger/ledger_schema.h"
#include "track/status.h"

static const char *const queries[LEDGER_LISTS] = {
    [LEDGER_MESSAGE] = "SELECT id, parent, kind, step, place, place_reason, arrived_ms, told_ms,"
                       " protocol, handoff, listener, next_hop, queue_id, client_name, client,"
                       " helo, sender, message_id, subject, size, score, receive_us, seal_us,"
                       " dissect_us, filters_us, send_us FROM messages WHERE number = ?1",
    [LEDGER_RECIPIENTS] = "SELECT recipient, redirected, status, at_ms, until_ms, tries, decision,"
                          " code, reply, relay, queue_id, child FROM recipients"
                          " WHERE key BETWEEN ?1 AND ?2 ORDER BY key",
    [LEDGER_DECISIONS] = "SELECT verdict, rule, reason, edits FROM decisions"
                         " WHERE key BETWEEN ?1 AND ?2 ORDER BY key",
    [LEDGER_RESULTS] = "SELECT filter, result, virus, score, required, names, action, wish,"
                       " server, reason, took_us FROM results"
                       " WHERE key BETWEEN ?1 AND ?2 ORDER BY key",
    [LEDGER_DELIVERIES] = "SELECT queue_id, recipient, original, status, at_ms, relay, dsn, reply"
                          " FROM deliveries WHERE message = ?1"};

int
ledger_loader_init(struct ledger_loader *loader, struct sql *sql, struct err *err)
{
    *loader = (struct ledger_loader){{NULL}};
    for (size_t i = 0; i < LEDGER_LISTS; i++) {
        loader->queries[i] = sql_prepare(sql, queries[i], err);
        if (loader->queries[i] == NULL)
            return -1;
    }
    return 0;
}

void
ledger_loader_clear(struct ledger_loader *loader)
{
    for (size_t i = 0; i < LEDGER_LISTS; i++)
        sql_finish(&loader->queries[i]);
}

// --- words ---

// The number of a word among the names of an enum; 0 where it is none of them.
#define FIND_WORD(word, name, last)                                                                \
    do {                                                                                           \
        for (unsigned i_ = 0; i_ <= (last); i_++) {                                                \
            if (span_is((word), name(i_)))                                                         \
                return i_;                                                                         \
        }                                                                                          \
        return 0;                                                                                  \
    } while (0)

static enum rcpt_status
find_rcpt_status(struct span word)
{
    FIND_WORD(word, rcpt_status_name, RCPT_DISCARDED);
}

static enum result_kind
find_result(struct span word)
{
    FIND_WORD(word, result_kind_name, RESULT_SKIPPED);
}

static enum result_wish
find_wish(struct span word)
{
    FIND_WORD(word, result_wish_name, WISH_DISCARD);
}

static enum smtp_protocol
find_protocol(struct span word)
{
    FIND_WORD(word, smtp_protocol_name, SMTP_PROTOCOL_LMTP);
}

static enum smtp_handoff
find_handoff(struct span word)
{
    FIND_WORD(word, smtp_handoff_name, SMTP_HANDOFF_RELAY);
}

static enum record_place
find_place(struct span word)
{
    enum record_place place = record_place_find(word);

    return place == RECORD_PLACE_COUNT ? RECORD_ACTIVE : place;
}

// --- rows ---

struct loading {
    struct ledger_loader *loader;
    int64_t number;
    struct arena *arena;
    struct record *record;
    bool is_full; // the arena
    struct err *err;
};

static struct span
take_text(struct loading *in, struct sql_query *row)
{
    struct span text = sql_take_text(row);

    if (text.len == 0)
        return span_from(NULL, 0);
    text = arena_copy(in->arena, text);
    in->is_full = in->is_full || text.data == NULL;
    return text;
}

static uint64_t
take_number(struct sql_query *row)
{
    int64_t number = sql_take_int(row);

    return number < 0 ? 0 : (uint64_t)number;
}

static uint32_t
take_u32(struct sql_query *row)
{
    uint64_t number = take_number(row);

    return number > UINT32_MAX ? UINT32_MAX : (uint32_t)number;
}

static void
take_message(struct loading *in, struct sql_query *row)
{
    struct record *record = in->record;

    record->id = take_text(in, row);
    record->parent = take_text(in, row);
    record->kind = take_text(in, row);
    record->step = take_number(row);
    record->place = find_place(sql_take_text(row));
    record->place_reason = take_text(in, row);
    record->arrived_ms = sql_take_int(row);
    record->told_ms = sql_take_int(row);
    record->protocol = find_protocol(sql_take_text(row));
    record->handoff = find_handoff(sql_take_text(row));
    record->listener = take_text(in, row);
    record->next_hop = take_text(in, row);
    record->queue_id = take_text(in, row);
    record->client_name = take_text(in, row);
    record->client = take_text(in, row);
    record->helo = take_text(in, row);
    record->from = take_text(in, row);
    record->message_id = take_text(in, row);
    record->subject = take_text(in, row);
    record->size = take_number(row);
    record->score = sql_take_real(row);
    for (size_t i = 0; i < STAGE_COUNT; i++)
        record->stage_us[i] = take_number(row);
}

static void
take_rcpt(struct loading *in, struct sql_query *row, void *item)
{
    struct record_rcpt *rcpt = item;
    bool is_undecided;

    rcpt->to = take_text(in, row);
    rcpt->redirected = take_text(in, row);
    rcpt->status = find_rcpt_status(sql_take_text(row));
    rcpt->at_ms = sql_take_int(row);
    rcpt->until_ms = sql_take_int(row);
    rcpt->tries = take_u32(row);
    is_undecided = sql_take_is_null(row);
    rcpt->group = take_u32(row);
    rcpt->group = is_undecided ? UINT32_MAX : rcpt->group; // cut to group_count with the last row
    rcpt->code = (uint16_t)(take_u32(row) % 1000);
    rcpt->reply = take_text(in, row);
    rcpt->relay = take_text(in, row);
    rcpt->queue_id = take_text(in, row);
    rcpt->child = take_text(in, row);
}

static void
take_decision(struct loading *in, struct sql_query *row, void *item)
{
    struct record_group *group = item;

    group->verdict = verdict_find(sql_take_text(row));
    group->rule = take_text(in, row);
    group->reason = take_text(in, row);
    group->edits = take_u32(row);
}

static void
take_result(struct loading *in, struct sql_query *row, void *item)
{
    struct record_result *result = item;

    result->filter = take_text(in, row);
    result->kind = find_result(sql_take_text(row));
    result->is_virus = sql_take_int(row) != 0;
    result->has_score = !sql_take_is_null(row);
    result->score = sql_take_real(row);
    result->required_score = sql_take_real(row);
    if (!result->has_score)
        result->score = result->required_score = 0;
    result->names = take_text(in, row);
    result->action = take_text(in, row);
    result->wish = find_wish(sql_take_text(row));
    result->server = take_text(in, row);
    result->reason = take_text(in, row);
    result->took_us = take_number(row);
}

static void
take_delivery(struct loading *in, struct sql_query *row, void *item)
{
    struct ledger_delivery *delivery = item;

    delivery->queue_id = take_text(in, row);
    delivery->to = take_text(in, row);
    delivery->original = take_text(in, row);
    delivery->final.status = (uint8_t)status_find(sql_take_text(row));
    delivery->final.at_ms = sql_take_int(row);
    delivery->final.relay = take_text(in, row);
    delivery->final.dsn = take_text(in, row);
    delivery->final.reply = take_text(in, row);
}

// --- lists ---

struct list {
    size_t size; // of an item
    void (*take)(struct loading *in, struct sql_query *row, void *item);
    char *items;
    size_t count, room;
};

static bool
grow(struct loading *in, struct list *list)
{
    size_t room = list->room == 0 ? 1 : list->room * 4;
    char *items = arena_array(in->arena, room, list->size);

    if (items == NULL) {
        in->is_full = true;
        return false;
    }
    if (list->count > 0)
        memcpy(items, list->items, list->count * list->size);
    list->items = items;
    list->room = room;
    return true;
}

// -1: in->err, or the arena is full.
static int
take_list(struct loading *in, enum ledger_list which, struct list *list)
{
    struct sql_query *rows = in->loader->queries[which];
    int answer;

    sql_put_int(rows, which == LEDGER_DELIVERIES ? in->number : ledger_key(in->number, 0));
    if (which != LEDGER_DELIVERIES)
        sql_put_int(rows, ledger_key(in->number + 1, 0) - 1);
    while ((answer = sql_step(rows, in->err)) == 1) {
        if (list->count == list->room && !grow(in, list))
            break;
        list->take(in, rows, list->items + list->count * list->size);
        list->count++;
        if (in->is_full)
            break;
    }
    if (answer == 1)
        sql_reset(rows);
    return answer == 0 ? 0 : -1;
}

static int
take_lists(struct loading *in)
{
    struct record *record = in->record;
    struct list rcpts = {.size = sizeof(struct record_rcpt), .take = take_rcpt};
    struct list groups = {.size = sizeof(struct record_group), .take = take_decision};
    struct list results = {.size = sizeof(struct record_result), .take = take_result};
    struct list deliveries = {.size = sizeof(struct ledger_delivery), .take = take_delivery};

    if (take_list(in, LEDGER_RECIPIENTS, &rcpts) != 0 ||
        take_list(in, LEDGER_DECISIONS, &groups) != 0 ||
        take_list(in, LEDGER_RESULTS, &results) != 0 ||
        take_list(in, LEDGER_DELIVERIES, &deliveries) != 0)
        return -1;
    record->rcpts = (struct record_rcpt *)(void *)rcpts.items;
    record->rcpt_count = rcpts.count;
    record->groups = (struct record_group *)(void *)groups.items;
    record->group_count = groups.count;
    record->results = (struct record_result *)(void *)results.items;
    record->result_count = results.count;
    for (size_t i = 0; i < record->rcpt_count; i++) {
        if (record->rcpts[i].group > record->group_count)
            record->rcpts[i].group = (uint32_t)record->group_count;
    }
    if (ledger_match(record, (struct ledger_delivery *)(void *)deliveries.items, deliveries.count,
                     in->arena) == 0)
        return 0;
    in->is_full = true;
    return -1;
}

enum ledger_answer
ledger_load(struct ledger_loader *loader, int64_t number, struct arena *arena,
            struct record *record_out, struct err *err)
{
    struct loading in = {
        .loader = loader, .number = number, .arena = arena, .record = record_out, .err = err};
    struct sql_query *row = loader->queries[LEDGER_MESSAGE];
    int answer;

    *record_out = (struct record){.score = 0};
    sql_put_int(row, number);
    answer = sql_step(row, err);
    if (answer == 1) {
        take_message(&in, row);
        sql_reset(row);
    }
    if (answer != 1)
        return answer == 0 ? LEDGER_NOT_THERE : LEDGER_FAILED;
    if (!in.is_full && take_lists(&in) == 0)
        return LEDGER_LOADED;
    return in.is_full ? LEDGER_NO_ROOM : LEDGER_FAILED;
}
