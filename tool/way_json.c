// SPDX-License-Identifier: BSD-2-Clause
#include "tool/way.h"

#include <math.h>

static void
set_said(struct json *object, const char *key, struct span text)
{
    if (text.len > 0)
        json_set_text(object, key, text);
}

static void
set_word(struct json *object, const char *key, const char *word)
{
    json_set_text(object, key, span_of(word));
}

static void
set_score(struct json *object, const char *key, double score)
{
    char text[32];

    (void)snprintf(text, sizeof text, "%.3f", score);
    set_word(object, key, text);
}

static struct json *
json_of_final(const struct record_final *final)
{
    struct json *object = json_object_new();

    set_word(object, "status", status_name((enum track_status) final->status));
    json_set_number(object, "at_ms", final->at_ms);
    set_said(object, "to", final->to);
    set_said(object, "relay", final->relay);
    set_said(object, "dsn", final->dsn);
    set_said(object, "reply", final->reply);
    return object;
}

static struct json *
json_of_rcpt(const struct ways *ways, const struct way *way, const struct record_rcpt *rcpt)
{
    struct json *object = json_object_new(), *finals = json_array_new();

    json_set_text(object, "to", rcpt->to);
    set_said(object, "redirected_to", rcpt->redirected);
    set_word(object, "status", status_name(way_rcpt_status(ways, way, rcpt)));
    set_word(object, "state", rcpt_status_name(rcpt->status));
    if (rcpt->at_ms > 0)
        json_set_number(object, "at_ms", rcpt->at_ms);
    if (rcpt->status == RCPT_DEFERRED)
        json_set_number(object, "next_try_ms", rcpt->until_ms);
    json_set_number(object, "tries", rcpt->tries);
    if (rcpt->group < way->record.group_count)
        json_set_number(object, "group", rcpt->group);
    if (rcpt->code != 0)
        json_set_number(object, "code", rcpt->code);
    set_said(object, "reply", rcpt->reply);
    set_said(object, "relay", rcpt->relay);
    set_said(object, "reinjected_id", rcpt->queue_id);
    set_said(object, "child", rcpt->child);
    for (size_t i = 0; i < rcpt->final_count; i++) {
        struct json *final;

        if (rcpt->finals[i].status >= STATUS_COUNT)
            continue;
        final = json_of_final(&rcpt->finals[i]);
        json_add_take(finals, &final);
    }
    json_set_take(object, "finals", &finals);
    return object;
}

static struct json *
json_of_group(const struct record_group *group)
{
    struct json *object = json_object_new();

    set_word(object, "verdict", verdict_name(group->verdict));
    set_said(object, "rule", group->rule);
    set_said(object, "reason", group->reason);
    json_set_number(object, "edits", group->edits);
    return object;
}

static struct json *
json_of_result(const struct record_result *result)
{
    struct json *object = json_object_new();

    json_set_text(object, "filter", result->filter);
    set_word(object, "result", result_kind_name(result->kind));
    if (result->is_virus)
        json_set_bool(object, "virus", true);
    if (result->has_score) {
        set_score(object, "score", result->score);
        set_score(object, "required_score", result->required_score);
    }
    set_said(object, "names", result->names);
    set_said(object, "action", result->action);
    if (result->wish != WISH_NONE)
        set_word(object, "wish", result_wish_name(result->wish));
    set_said(object, "reason", result->reason);
    set_said(object, "server", result->server);
    json_set_number(object, "took_us", (int64_t)result->took_us);
    return object;
}

static void
set_place(struct json *object, const struct ways *ways, const struct way *way)
{
    const struct find_place *place = &way->place;
    char path[512];

    set_word(object, "place", record_place_name(way->record.place));
    set_said(object, "place_reason", way->record.place_reason);
    json_set_bool(object, "in_ledger", way->in_ledger);
    if (ways->has_looked)
        json_set_bool(object, "in_spool", way->in_spool);
    if (!way->in_spool)
        return;
    (void)snprintf(path, sizeof path, "%s/%s%s%s%s%s", spool_place_name(place->place),
                   place->instance, place->instance[0] != '\0' ? "/" : "", place->folder,
                   place->folder[0] != '\0' ? "/" : "", place->name);
    set_word(object, "file", path);
}

static void
set_arrival(struct json *object, const struct record *record)
{
    json_set_number(object, "arrived_ms", record->arrived_ms);
    set_word(object, "protocol", smtp_protocol_name(record->protocol));
    set_word(object, "handoff", smtp_handoff_name(record->handoff));
    set_said(object, "listener", record->listener);
    set_said(object, "next_hop", record->next_hop);
    set_said(object, "postfix_id", record->queue_id);
    set_said(object, "client_name", record->client_name);
    set_said(object, "client", record->client);
    set_said(object, "helo", record->helo);
    json_set_text(object, "from", record->from);
    set_said(object, "message_id", record->message_id);
    set_said(object, "subject", record->subject);
    json_set_number(object, "size", (int64_t)record->size);
    if (!isnan(record->score))
        set_score(object, "score", record->score);
}

static void
set_times(struct json *object, const struct way *way)
{
    struct json *stages = json_object_new();

    json_set_number(object, "told_ms", way->record.told_ms);
    json_set_number(object, "total_ms", way_end_ms(way) - way->record.arrived_ms);
    for (int i = 0; i < STAGE_COUNT; i++) {
        if (way->record.stage_us[i] > 0)
            json_set_number(stages, record_stage_name((enum record_stage)i),
                            (int64_t)way->record.stage_us[i]);
    }
    json_set_take(object, "stage_us", &stages);
}

static void
set_lists(struct json *object, const struct ways *ways, const struct way *way)
{
    struct json *rcpts = json_array_new(), *groups = json_array_new();
    struct json *results = json_array_new(), *item;

    for (size_t i = 0; i < way->record.rcpt_count; i++) {
        item = json_of_rcpt(ways, way, &way->record.rcpts[i]);
        json_add_take(rcpts, &item);
    }
    for (size_t i = 0; i < way->record.group_count; i++) {
        item = json_of_group(&way->record.groups[i]);
        json_add_take(groups, &item);
    }
    for (size_t i = 0; i < way->record.result_count; i++) {
        item = json_of_result(&way->record.results[i]);
        json_add_take(results, &item);
    }
    json_set_take(object, "recipients", &rcpts);
    json_set_take(object, "groups", &groups);
    json_set_take(object, "results", &results);
}

static struct json *
json_of_way(const struct ways *ways, size_t index)
{
    const struct way *way = &ways->items[index];
    struct json *object = json_object_new(), *children = json_array_new();

    json_set_text(object, "postern_id", way->record.id);
    set_said(object, "parent", way->record.parent);
    set_said(object, "kind", way->record.kind);
    set_word(object, "status", status_name(way_status(ways, way)));
    if (way->record.parent.len == 0 || way->record.result_count + way->record.group_count > 0)
        set_word(object, "class", class_name(class_of(&way->record)));
    set_place(object, ways, way);
    set_arrival(object, &way->record);
    set_times(object, way);
    set_lists(object, ways, way);
    for (size_t i = index + 1; i < ways->count; i++) {
        struct json *child;

        if (ways->items[i].parent != (int)index)
            continue;
        child = json_of_way(ways, i);
        json_add_take(children, &child);
    }
    json_set_take(object, "children", &children);
    return object;
}

void
way_json(struct tool *tool, const struct ways *ways, size_t root)
{
    struct json *object = json_of_way(ways, root);

    print_json(tool, &object);
}
