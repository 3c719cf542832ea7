// SPDX-License-Identifier: BSD-2-Clause
#include "track/snapshot.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "policy/origin.h"
#include "smtp/path.h"
#include "smtp/xtext.h"

enum { IDENT_MAX = 255, CODE_MAX = 999 };

struct snapshot {
    const struct smtp_envelope *envelope;
    const struct spool_state *state;
    struct arena *arena;
    struct record *record;
    bool has_failed;
};

static void *
take_array(struct snapshot *snapshot, size_t count, size_t size)
{
    void *array = count == 0 ? NULL : arena_array(snapshot->arena, count, size);

    if (count > 0 && array == NULL)
        snapshot->has_failed = true;
    return array;
}

// A clock may have been wrong, and whoever was taken over writes what he likes.
static int64_t
time_of(int64_t ms)
{
    return ms < RECORD_TIME_MAX ? ms : RECORD_TIME_MAX;
}

static struct span
keep(struct snapshot *snapshot, struct span text)
{
    struct span copy = arena_copy(snapshot->arena, text);

    if (copy.data == NULL) {
        snapshot->has_failed = true;
        return span_of("");
    }
    return copy;
}

// --- who handed it to us ---

static struct span
keep_ident(struct snapshot *snapshot)
{
    const char *ident = snapshot->envelope->xforward[XFORWARD_IDENT];
    struct span kept = span_of("");
    struct buf plain;

    if (ident == NULL || span_is_nocase(span_of(ident), "[UNAVAILABLE]"))
        return kept;
    buf_init(&plain, IDENT_MAX);
    if (xtext_decode(&plain, span_of(ident)) == 0)
        kept = keep(snapshot, buf_span(&plain));
    buf_clear(&plain);
    return kept;
}

static void
take_envelope(struct snapshot *snapshot)
{
    const struct smtp_envelope *envelope = snapshot->envelope;
    struct record *record = snapshot->record;
    struct origin origin;

    origin_init(&origin, envelope);
    record->client = keep(snapshot, span_of(origin.address));
    record->client_name = keep(snapshot, span_of(origin.name));
    record->helo = keep(snapshot, span_of(origin.helo));
    origin_clear(&origin);
    record->queue_id = keep_ident(snapshot);
    record->id = span_of(envelope->id);
    record->parent = span_of(envelope->parent);
    record->kind = span_of(envelope->reason);
    record->arrived_ms = time_of(envelope->arrived_ms);
    record->protocol = envelope->protocol;
    record->handoff = envelope->handoff;
    record->listener = span_of(envelope->listener);
    record->next_hop = span_of(envelope->next_hop);
    record->from = span_of(envelope->from);
}

// --- what was found and decided ---

static struct span
join_names(struct snapshot *snapshot, const struct result *result)
{
    struct buf names;
    struct span kept;

    buf_init(&names, RECORD_NAMES_MAX);
    for (size_t i = 0; i < result->name_count; i++) {
        size_t before = names.len;

        if (buf_add_text(&names, i > 0 ? ", " : "") != 0 ||
            buf_add_text(&names, result->names[i]) != 0) {
            buf_cut(&names, before);
            break;
        }
    }
    kept = keep(snapshot, buf_span(&names));
    buf_clear(&names);
    return kept;
}

static void
take_result(struct snapshot *snapshot, const struct journal_line *line)
{
    struct record *record = snapshot->record;
    struct record_result *to = &record->results[record->result_count];
    struct result result;
    char *filter;

    if (result_read(line, &filter, &result) != 0)
        return;
    *to = (struct record_result){.filter = keep(snapshot, span_of(filter)),
                                 .kind = result.kind,
                                 .is_virus = result.is_virus,
                                 .has_score = result.has_score,
                                 .score = result.score,
                                 .required_score = result.required_score,
                                 .names = join_names(snapshot, &result),
                                 .action = keep(snapshot, span_of(result.action)),
                                 .server = keep(snapshot, span_of(result.server)),
                                 .reason = keep(snapshot, span_of(result.reason)),
                                 .wish = result.wish,
                                 .took_us = result.took_us};
    record->result_count++;
    if (to->has_score && (isnan(record->score) || to->score > record->score))
        record->score = to->score;
    mem_free(&filter);
    result_clear(&result);
}

static void
take_results(struct snapshot *snapshot)
{
    const struct state_told *told = &snapshot->state->told;
    struct journal_line line = {.event = SPAN_LITERAL("result")};
    struct journal_field *fields;

    if (told->result_count == 0)
        return;
    fields = mem_regrow(NULL, JOURNAL_FIELDS_MAX, sizeof *fields); // 35 KB, not to be zeroed
    line.fields = fields;
    snapshot->record->results =
        take_array(snapshot, told->result_count, sizeof *snapshot->record->results);
    for (size_t i = 0; i < told->result_count && !snapshot->has_failed; i++) {
        if (journal_read_fields(span_of(told->results[i]), JOURNAL_FIELDS_MAX, &line) == 0)
            take_result(snapshot, &line);
    }
    mem_free(&fields);
}

static void
take_groups(struct snapshot *snapshot)
{
    const struct spool_state *state = snapshot->state;
    struct record *record = snapshot->record;

    record->groups = take_array(snapshot, state->group_count, sizeof *record->groups);
    for (size_t i = 0; i < state->group_count && !snapshot->has_failed; i++)
        record->groups[i] = (struct record_group){
            .verdict = state->groups[i].verdict,
            .rule = span_of(state->groups[i].rule),
            .reason = span_of(state->groups[i].reason),
            .edits = (uint32_t)state->groups[i].edit_count,
        };
    record->group_count = snapshot->has_failed ? 0 : state->group_count;
}

// --- whom it is for ---

// "<path> params", where the decision gave him another address.
static struct span
redirected_path(const char *to, const char *path)
{
    static const struct path_rules rules = {.smtputf8 = true};
    struct path parsed;

    if (to == NULL || path_parse(span_of(to), &rules, &parsed) != PATH_OK ||
        span_is(parsed.text, path))
        return span_of("");
    return parsed.text;
}

static void
take_rcpts(struct snapshot *snapshot)
{
    const struct spool_state *state = snapshot->state;
    struct record *record = snapshot->record;

    record->rcpts = take_array(snapshot, state->rcpt_count, sizeof *record->rcpts);
    for (size_t i = 0; i < state->rcpt_count && !snapshot->has_failed; i++) {
        const struct rcpt_state *from = &state->rcpts[i];
        const char *path = snapshot->envelope->rcpts[i].path;

        record->rcpts[i] = (struct record_rcpt){
            .to = span_of(path),
            .redirected = redirected_path(from->to, path),
            .status = from->status,
            .at_ms = time_of(from->at_ms),
            .until_ms = time_of(from->until_ms),
            .tries = from->tries,
            .group = from->group < 0 ? (uint32_t)state->group_count : (uint32_t)from->group,
            .code = (uint16_t)(from->code < 0 || from->code > CODE_MAX ? 0 : from->code),
            .reply = span_of(from->reply),
            .relay = span_of(from->relay),
            .queue_id = span_of(from->queue_id),
            .child = span_of(from->child != NULL ? from->child : from->released),
        };
    }
    record->rcpt_count = snapshot->has_failed ? 0 : state->rcpt_count;
}

int
snapshot_of(const struct smtp_envelope *envelope, const struct spool_state *state,
            struct arena *arena, struct record *record_out)
{
    struct snapshot snapshot = {
        .envelope = envelope, .state = state, .arena = arena, .record = record_out};

    *record_out = (struct record){.step = state->next_seq, .score = NAN};
    take_envelope(&snapshot);
    record_out->message_id = span_of(state->told.message_id);
    record_out->subject = span_of(state->told.subject);
    record_out->place_reason = span_of(state->held_reason);
    take_results(&snapshot);
    take_groups(&snapshot);
    take_rcpts(&snapshot);
    return snapshot.has_failed ? -1 : 0;
}
