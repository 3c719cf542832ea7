// SPDX-License-Identifier: BSD-2-Clause
#include <getopt.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "smtp/xtext.h"
#include "tool/show.h"

enum { VALUE_MAX = 1 << 20 };

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
char *
show_decode(struct span text)
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
        value = show_decode(span_of(envelope->xforward[i]));
        print_field(out, name, value);
        mem_free(&value);
    }
    print_field(out, "parent", envelope->parent);
    print_field(out, "stands for", envelope->group);
    print_field(out, "made for", envelope->reason);
    print_field(out, "by rule", envelope->rule);
    print_field(out, "since", envelope->why);
    print_field(out, "skips rule", envelope->skip_rule);
    (void)fprintf(out, "%-12s ", "from");
    print_path(out, envelope->from, envelope->from_params);
    (void)fputc('\n', out);
}

static void
print_named(FILE *out, const char *name, const char *value)
{
    if (value == NULL)
        return;
    (void)fputs(name, out);
    print_text(out, value);
}

static void
print_verdict(FILE *out, int number, const struct decided_group *group)
{
    (void)fprintf(out, ", group %d: %s", number, verdict_name(group->verdict));
    print_named(out, ", rule ", group->rule);
    print_named(out, ", reason ", group->reason);
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
        print_verdict(out, state->group, &shown->message->state.groups[state->group]);
    print_named(out, ", child ", state->child);
    print_named(out, ", released as ", state->released);
    if (state->is_releasing)
        (void)fputs(", a release was cut short", out);
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
    if (group->verdict == VERDICT_NONE)
        return; // of a line that is damaged
    (void)fprintf(out, "group %-6zu %s", index, verdict_name(group->verdict));
    print_named(out, ", rule ", group->rule);
    print_named(out, ", reason ", group->reason);
    print_named(out, ", from ", group->from);
    (void)fprintf(out, ", %zu edits\n", group->edit_count);
    print_field(out, "", group->received);
    for (size_t i = 0; i < group->to_count; i++)
        print_field(out, "", group->to[i]);
    for (size_t i = 0; i < group->edit_count; i++)
        print_field(out, "", group->edits[i]);
}

// Edits, texts and findings are shown above; here they would hide the rest.
static bool
is_shown(const struct journal_line *line, struct span key)
{
    static const char *const hidden[][2] = {
        {"decided", "edit"    },
        {"decided", "received"},
        {"found",   "part"    },
        {"found",   "member"  },
        {"found",   "defect"  },
        {"found",   "limit"   },
        {"result",  "edit"    },
        {"result",  "name"    },
    };

    for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++) {
        if (span_is(line->event, hidden[i][0]) && span_is(key, hidden[i][1]))
            return false;
    }
    return true;
}

static void
print_line(FILE *out, const struct journal_line *line)
{
    const char *before = " ";

    print_time(out, line->time_ms);
    (void)fputc(' ', out);
    print_escaped(out, line->event);
    for (size_t i = 0; i < line->field_count; i++) {
        char *value;

        if (!is_shown(line, line->fields[i].key))
            continue;
        value = show_decode(line->fields[i].value);
        (void)fputs(before, out);
        before = ", ";
        print_escaped(out, line->fields[i].key);
        (void)fputc('=', out);
        print_text(out, value);
        mem_free(&value);
    }
    (void)fputc('\n', out);
}

void
show_each_line(const struct reader_message *message,
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
print_caught(FILE *out, const struct spool_state *state)
{
    (void)fprintf(out, "%-12s rule ", "quarantined");
    print_text(out, state->caught_rule == NULL ? "-" : state->caught_rule);
    print_named(out, ", reason ", state->held_reason);
    (void)fputc('\n', out);
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
    if (shown->sha256[0] != '\0')
        print_field(out, "sha256", shown->sha256);
    print_envelope(out, &message->envelope);
    for (size_t i = 0; i < message->envelope.rcpt_count; i++)
        print_rcpt(shown, i);
    if (message->state.held)
        print_field(out, "held",
                    message->state.held_reason == NULL ? "yes" : message->state.held_reason);
    if (message->state.quarantined)
        print_caught(out, &message->state);
    show_scan(shown);
    for (size_t i = 0; i < message->state.group_count; i++)
        print_group(out, i, &message->state.groups[i]);
    if (message->state.crashes + message->state.alone_crashes > 0)
        (void)fprintf(out, "%-12s %u, alone %u\n", "crashes", message->state.crashes,
                      message->state.alone_crashes);
    if (message->bad_lines > 0)
        (void)fprintf(out, "%-12s %zu\n", "bad lines", message->bad_lines);
    show_each_line(message, take_line, out);
}

static enum tool_exit
show_one(struct tool *tool, struct place_root *root, const char *id)
{
    char sha256[SHA256_TEXT_LEN + 1];
    struct find_found found;
    struct shown shown = {
        .tool = tool, .place = &found.place, .message = &found.message, .sha256 = sha256};
    enum tool_exit result = find_message(tool, root, id, &found);

    if (result != TOOL_DONE)
        return result;
    find_sha256(&found, sha256);
    if (tool->as_json)
        show_json(&shown);
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
