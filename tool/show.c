// SPDX-License-Identifier: BSD-2-Clause
#include <getopt.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "smtp/xtext.h"
#include "tool/find.h"
#include "tool/print.h"
#include "tool/tool.h"

enum { VALUE_MAX = 1 << 20 };

struct shown {
    struct tool *tool;
    const struct find_place *place;
    const struct reader_message *message;
};

static void
print_field(FILE *out, const char *name, const char *value)
{
    if (value == NULL || value[0] == '\0')
        return;
    (void)fprintf(out, "%-12s ", name);
    print_text(out, value);
    (void)fputc('\n', out);
}

static void
print_path(FILE *out, const char *path, const char *params)
{
    (void)fputc('<', out);
    print_text(out, path);
    (void)fputc('>', out);
    if (params[0] == '\0')
        return;
    (void)fputc(' ', out);
    print_text(out, params);
}

// "" is decoded to "", what is no xtext to itself.
static char *
decode(struct span text)
{
    struct buf plain;
    char *result;

    buf_init(&plain, VALUE_MAX);
    if (xtext_decode(&plain, text) == 0)
        result = mem_strndup(plain.len == 0 ? "" : plain.data, plain.len);
    else
        result = mem_strndup(text.len == 0 ? "" : text.data, text.len);
    buf_clear(&plain);
    return result;
}

static void
print_place(FILE *out, const struct find_place *place)
{
    (void)fprintf(out, "%-12s %s", "file", spool_place_name(place->place));
    if (place->instance[0] != '\0') {
        (void)fputc('/', out);
        print_text(out, place->instance);
    }
    if (place->folder[0] != '\0') {
        (void)fputc('/', out);
        print_text(out, place->folder);
    }
    (void)fputc('/', out);
    print_text(out, place->name);
    (void)fputc('\n', out);
}

static void
print_envelope(FILE *out, const struct smtp_envelope *envelope)
{
    (void)fprintf(out, "%-12s ", "arrived");
    print_time(out, envelope->arrived_ms);
    (void)fprintf(out, " over %s%s, hand-off %s\n", smtp_protocol_name(envelope->protocol),
                  envelope->tls ? " with TLS" : "", smtp_handoff_name(envelope->handoff));
    print_field(out, "listener", envelope->listener);
    print_field(out, "next hop", envelope->next_hop);
    print_field(out, "hostname", envelope->hostname);
    print_field(out, "client", envelope->client);
    print_field(out, "helo", envelope->helo);
    for (int i = 0; i < XFORWARD_COUNT; i++) {
        char name[32], *value;

        if (envelope->xforward[i] == NULL)
            continue;
        (void)snprintf(name, sizeof name, "xf-%s", smtp_xforward_name((enum smtp_xforward)i));
        value = decode(span_of(envelope->xforward[i]));
        print_field(out, name, value);
        mem_free(&value);
    }
    print_field(out, "parent", envelope->parent);
    print_field(out, "stands for", envelope->group);
    print_field(out, "made for", envelope->reason);
    (void)fprintf(out, "%-12s ", "from");
    print_path(out, envelope->from, envelope->from_params);
    (void)fputc('\n', out);
}

static void
print_rcpt(const struct shown *shown, size_t index)
{
    const struct smtp_rcpt *rcpt = &shown->message->envelope.rcpts[index];
    const struct rcpt_state *state = &shown->message->state.rcpts[index];
    FILE *out = shown->tool->out;

    (void)fprintf(out, "to %-9zu ", index);
    print_path(out, rcpt->path, rcpt->params);
    (void)fprintf(out, "  %s", rcpt_status_name(state->status));
    if (state->tries > 0)
        (void)fprintf(out, ", tries %u", state->tries);
    if (state->status == RCPT_DEFERRED) {
        char wait[32];

        print_wait(wait, state->until_ms - shown->tool->now_ms);
        (void)fprintf(out, ", next %s", wait);
    }
    if (state->group >= 0)
        (void)fprintf(out, ", group %d", state->group);
    if (state->child != NULL) {
        (void)fputs(", child ", out);
        print_text(out, state->child);
    }
    if (state->reply != NULL) {
        (void)fputs(" (", out);
        print_text(out, state->reply);
        (void)fputc(')', out);
    }
    (void)fputc('\n', out);
}

static void
print_group(FILE *out, size_t index, const struct decided_group *group)
{
    (void)fprintf(out, "group %-6zu %s", index, verdict_name(group->verdict));
    if (group->rule != NULL) {
        (void)fputs(", rule ", out);
        print_text(out, group->rule);
    }
    if (group->reason != NULL) {
        (void)fputs(", reason ", out);
        print_text(out, group->reason);
    }
    if (group->from != NULL) {
        (void)fputs(", from ", out);
        print_text(out, group->from);
    }
    (void)fprintf(out, ", %zu edits\n", group->edit_count);
    print_field(out, "", group->received);
    for (size_t i = 0; i < group->to_count; i++)
        print_field(out, "", group->to[i]);
    for (size_t i = 0; i < group->edit_count; i++)
        print_field(out, "", group->edits[i]);
}

static void
print_line(FILE *out, const struct journal_line *line)
{
    print_time(out, line->time_ms);
    (void)fputc(' ', out);
    print_escaped(out, line->event);
    for (size_t i = 0; i < line->field_count; i++) {
        char *value = decode(line->fields[i].value);

        (void)fputs(i == 0 ? " " : ", ", out);
        print_escaped(out, line->fields[i].key);
        (void)fputc('=', out);
        print_text(out, value);
        mem_free(&value);
    }
    (void)fputc('\n', out);
}

static void
each_line(const struct reader_message *message,
          void (*take)(void *arg, const struct journal_line *line), void *arg)
{
    struct journal_reader *reader = mem_zalloc(sizeof *reader);
    struct journal_line line;

    journal_reader_init(reader, buf_span(&message->journal), reader_journal_key(message));
    while (journal_next(reader, &line))
        take(arg, &line);
    mem_free(&reader);
}

static void
take_line(void *arg, const struct journal_line *line)
{
    print_line(arg, line);
}

static void
print_all(const struct shown *shown)
{
    const struct reader_message *message = shown->message;
    FILE *out = shown->tool->out;
    char digest[DIGEST_TEXT_LEN + 1];

    print_field(out, "id", message->envelope.id);
    print_place(out, shown->place);
    digest_format(message->digest, digest);
    (void)fprintf(out, "%-12s %llu, digest %s\n", "size", (unsigned long long)message->seal.len,
                  digest);
    print_envelope(out, &message->envelope);
    for (size_t i = 0; i < message->envelope.rcpt_count; i++)
        print_rcpt(shown, i);
    if (message->state.held)
        print_field(out, "held",
                    message->state.held_reason == NULL ? "yes" : message->state.held_reason);
    for (size_t i = 0; i < message->state.group_count; i++)
        print_group(out, i, &message->state.groups[i]);
    if (message->state.crashes + message->state.alone_crashes > 0)
        (void)fprintf(out, "%-12s %u, alone %u\n", "crashes", message->state.crashes,
                      message->state.alone_crashes);
    if (message->bad_lines > 0)
        (void)fprintf(out, "%-12s %zu\n", "bad lines", message->bad_lines);
    each_line(message, take_line, out);
}

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
        char *value = decode(line->fields[i].value);

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
        value = decode(span_of(envelope->xforward[i]));
        json_set_text(forward, smtp_xforward_name((enum smtp_xforward)i), span_of(value));
        mem_free(&value);
    }
    json_set_take(object, "xforward", &forward);
    set_text(object, "parent", envelope->parent);
    set_text(object, "parent_recipients", envelope->group);
    set_text(object, "made_for", envelope->reason);
    json_set_text(object, "sender", span_of(envelope->from));
    set_text(object, "sender_parameters", envelope->from_params);
}

static void
print_object(const struct shown *shown)
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
    set_text(object, "hold_reason", message->state.held_reason);
    each_line(message, add_line, journal);
    json_set_take(object, "journal", &journal);
    print_json(shown->tool, &object);
}

static enum tool_exit
show_one(struct tool *tool, struct place_root *root, const char *id)
{
    struct find_found found;
    struct shown shown = {.tool = tool, .place = &found.place, .message = &found.message};
    enum tool_exit result = find_message(tool, root, id, &found);

    if (result != TOOL_DONE)
        return result;
    if (tool->as_json)
        print_object(&shown);
    else
        print_all(&shown);
    find_close(&found);
    return TOOL_DONE;
}

enum tool_exit
show_run(struct tool *tool, int argc, char **argv)
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'},
        {NULL,   0,           NULL, 0  }
    };
    struct place_root root;
    enum tool_exit result;
    int option;

    optind = 0;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option != 'j')
            return print_usage(tool, "show ID...");
        tool->as_json = true;
    }
    if (optind == argc)
        return print_usage(tool, "show ID...");
    result = find_open_spool(tool, &root);
    if (result != TOOL_DONE)
        return result;
    for (int i = optind; i < argc; i++) {
        if (i > optind && !tool->as_json)
            (void)fputc('\n', tool->out);
        result = print_worse(result, show_one(tool, &root, argv[i]));
    }
    place_root_close(&root);
    return result;
}
