// SPDX-License-Identifier: BSD-2-Clause
#include "tool/show.h"

#include "base/mem.h"

static void
set_text(struct json *object, const char *key, const char *value)
{
    if (value != NULL && value[0] != '\0')
        json_set_text(object, key, span_of(value));
}

static struct json *
json_of_rcpt(const struct smtp_rcpt *rcpt, const struct rcpt_state *state)
{
    struct json *object = json_object_new();

    json_set_text(object, "address", span_of(rcpt->path));
    set_text(object, "parameters", rcpt->params);
    json_set_text(object, "status", span_of(rcpt_status_name(state->status)));
    json_set_number(object, "tries", state->tries);
    if (state->status == RCPT_DEFERRED)
        json_set_number(object, "next_try", state->until_ms / 1000);
    if (state->group >= 0)
        json_set_number(object, "group", state->group);
    set_text(object, "child", state->child);
    set_text(object, "released", state->released);
    if (state->is_releasing)
        json_set_bool(object, "release_cut_short", true);
    if (state->code != 0)
        json_set_number(object, "code", state->code);
    set_text(object, "reply", state->reply);
    return object;
}

static struct json *
json_of_group(const struct decided_group *group)
{
    struct json *object = json_object_new(), *edits = json_array_new();

    json_set_text(object, "verdict", span_of(verdict_name(group->verdict)));
    set_text(object, "rule", group->rule);
    set_text(object, "reason", group->reason);
    set_text(object, "received", group->received);
    set_text(object, "from", group->from);
    for (size_t i = 0; i < group->edit_count; i++)
        json_add_text(edits, span_of(group->edits[i]));
    json_set_take(object, "edits", &edits);
    if (group->to != NULL) {
        struct json *list = json_array_new();

        for (size_t i = 0; i < group->to_count; i++)
            json_add_text(list, span_of(group->to[i]));
        json_set_take(object, "to", &list);
    }
    return object;
}

// Fields are pairs, since a key may stand there more than once.
static void
add_line(void *arg, const struct journal_line *line)
{
    struct json *object = json_object_new(), *fields = json_array_new();

    json_set_number(object, "seq", (int64_t)line->seq);
    json_set_number(object, "time_ms", line->time_ms);
    json_set_text(object, "event", line->event);
    for (size_t i = 0; i < line->field_count; i++) {
        struct json *field = json_object_new();
        char *value = show_decode(line->fields[i].value);

        json_set_text(field, "key", line->fields[i].key);
        json_set_text(field, "value", span_of(value));
        json_add_take(fields, &field);
        mem_free(&value);
    }
    json_set_take(object, "fields", &fields);
    json_add_take(arg, &object);
}

static void
set_envelope(struct json *object, const struct smtp_envelope *envelope)
{
    struct json *forward = json_object_new();

    json_set_number(object, "arrival_time", envelope->arrived_ms / 1000);
    json_set_text(object, "protocol", span_of(smtp_protocol_name(envelope->protocol)));
    json_set_bool(object, "tls", envelope->tls);
    json_set_text(object, "handoff", span_of(smtp_handoff_name(envelope->handoff)));
    set_text(object, "listener", envelope->listener);
    set_text(object, "next_hop", envelope->next_hop);
    set_text(object, "hostname", envelope->hostname);
    set_text(object, "client", envelope->client);
    set_text(object, "helo", envelope->helo);
    for (int i = 0; i < XFORWARD_COUNT; i++) {
        char *value;

        if (envelope->xforward[i] == NULL)
            continue;
        value = show_decode(span_of(envelope->xforward[i]));
        json_set_text(forward, smtp_xforward_name((enum smtp_xforward)i), span_of(value));
        mem_free(&value);
    }
    json_set_take(object, "xforward", &forward);
    set_text(object, "parent", envelope->parent);
    set_text(object, "parent_recipients", envelope->group);
    set_text(object, "made_for", envelope->reason);
    set_text(object, "rule", envelope->rule);
    set_text(object, "why", envelope->why);
    set_text(object, "skip_rule", envelope->skip_rule);
    json_set_text(object, "sender", span_of(envelope->from));
    set_text(object, "sender_parameters", envelope->from_params);
}

void
show_json(const struct shown *shown)
{
    const struct reader_message *message = shown->message;
    struct json *object = json_object_new(), *rcpts = json_array_new();
    struct json *groups = json_array_new(), *journal = json_array_new();
    char digest[DIGEST_TEXT_LEN + 1];

    digest_format(message->digest, digest);
    json_set_text(object, "queue_name", span_of(spool_place_name(shown->place->place)));
    json_set_text(object, "queue_id", span_of(message->envelope.id));
    json_set_number(object, "message_size", (int64_t)message->seal.len);
    json_set_text(object, "digest", span_of(digest));
    if (shown->sha256[0] != '\0')
        json_set_text(object, "sha256", span_of(shown->sha256));
    set_envelope(object, &message->envelope);
    for (size_t i = 0; i < message->envelope.rcpt_count; i++) {
        struct json *rcpt = json_of_rcpt(&message->envelope.rcpts[i], &message->state.rcpts[i]);

        json_add_take(rcpts, &rcpt);
    }
    json_set_take(object, "recipients", &rcpts);
    for (size_t i = 0; i < message->state.group_count; i++) {
        struct json *group = json_of_group(&message->state.groups[i]);

        json_add_take(groups, &group);
    }
    json_set_take(object, "groups", &groups);
    json_set_bool(object, "held", message->state.held);
    json_set_bool(object, "quarantined", message->state.quarantined);
    set_text(object, message->state.quarantined ? "quarantine_reason" : "hold_reason",
             message->state.held_reason);
    set_text(object, "quarantine_rule", message->state.caught_rule);
    show_scan_object(shown, object);
    show_each_line(message, add_line, journal);
    json_set_take(object, "journal", &journal);
    print_json(shown->tool, &object);
}
