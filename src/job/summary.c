// SPDX-License-Identifier: BSD-2-Clause
#include "src/job/summary.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "spool/ranges.h"
#include "track/status.h"

// What is repeated in the line; there is room for far more, but people read it.
enum { GROUPS_SHOWN = 5, RCPTS_SHOWN = 10, IDS_SHOWN = 5, NAMES_MAX = 250, CLIENT_MAX = 600 };

static void
log_known(struct log_line *line, const char *key, struct span value)
{
    if (value.len > 0)
        log_value(line, key, value);
}

static void
log_message_id(struct log_line *line, struct span id)
{
    if (id.len >= 2 && id.data[0] == '<' && id.data[id.len - 1] == '>')
        log_path(line, "message_id", span_from(id.data + 1, id.len - 2));
    else
        log_known(line, "message_id", id);
}

static void
log_client(struct log_line *line, const struct record *record)
{
    struct span name = record->client_name;
    char text[CLIENT_MAX];

    if (record->client.len == 0 && name.len == 0)
        return;
    if (name.len == 0)
        name = span_of("unknown");
    (void)snprintf(text, sizeof text, "%.*s[%.*s]", (int)name.len, name.data,
                   (int)record->client.len, record->client.data);
    log_text(line, "client", text);
}

// --- what was decided ---

// An earlier look's is in force for nobody any more.
static void
list_in_force(const struct record *record, struct ranges *groups_out)
{
    ranges_init(groups_out, record->group_count);
    for (size_t i = 0; i < record->rcpt_count; i++) {
        if (record->rcpts[i].group < record->group_count)
            ranges_add(groups_out, record->rcpts[i].group);
    }
}

static void
log_groups(struct log_line *line, const struct record *record)
{
    struct span reason = record->place_reason;
    struct ranges groups;
    size_t shown = 0;

    list_in_force(record, &groups);
    for (size_t i = 0; i < record->group_count && shown < GROUPS_SHOWN; i++) {
        const struct record_group *group = &record->groups[i];

        if (!ranges_has(&groups, i))
            continue;
        if (reason.len == 0)
            reason = group->reason;
        log_text(line, "verdict", verdict_name(group->verdict));
        log_value(line, "rule", group->rule.len > 0 ? group->rule : span_of("-"));
        shown++;
    }
    if (ranges_size(&groups) > shown)
        log_number(line, "groups", ranges_size(&groups));
    log_known(line, "reason", reason);
    ranges_clear(&groups);
}

// --- for whom ---

static void
log_rcpts(struct log_line *line, const struct record *record)
{
    size_t shown = record->rcpt_count < RCPTS_SHOWN ? record->rcpt_count : RCPTS_SHOWN;

    for (size_t i = 0; i < shown; i++)
        log_path(line, "to", record->rcpts[i].to);
    if (record->rcpt_count > shown)
        log_number(line, "more", record->rcpt_count - shown);
    log_number(line, "nrcpt", record->rcpt_count);
}

// Those of a transaction follow each other.
static void
log_reinjected(struct log_line *line, const struct record *record)
{
    struct span last = span_of("");
    size_t shown = 0;

    for (size_t i = 0; i < record->rcpt_count && shown < IDS_SHOWN; i++) {
        struct span queue_id = record->rcpts[i].queue_id;

        if (queue_id.len == 0 || span_equal(queue_id, last))
            continue;
        log_value(line, "reinjected_id", queue_id);
        last = queue_id;
        shown++;
    }
}

static void
log_tries(struct log_line *line, const struct record *record)
{
    uint32_t tries = 0;

    for (size_t i = 0; i < record->rcpt_count; i++)
        tries = record->rcpts[i].tries > tries ? record->rcpts[i].tries : tries;
    if (tries > 0)
        log_number(line, "tries", tries);
}

// --- what was found ---

static void
log_score(struct log_line *line, const char *key, double score)
{
    char text[40];

    (void)snprintf(text, sizeof text, "%.2f", score);
    log_text(line, key, text);
}

static void
log_scores(struct log_line *line, const struct record *record)
{
    if (isnan(record->score))
        return;
    log_score(line, "score", record->score);
    for (size_t i = 0; i < record->result_count; i++) {
        const struct record_result *result = &record->results[i];

        if (result->has_score && result->score >= record->score) {
            log_score(line, "required", result->required_score);
            return;
        }
    }
}

static bool
is_listed(const struct record_result *result, enum result_kind kind, bool is_virus)
{
    return result->kind == kind && (kind != RESULT_HIT || result->is_virus == is_virus);
}

// Names of what hit, parted by blanks since a comma parts fields; of what did not, the filter's.
static void
log_results(struct log_line *line, const struct record *record, const char *key,
            enum result_kind kind)
{
    bool is_virus = strcmp(key, "virus") == 0;
    struct buf names;

    buf_init(&names, NAMES_MAX);
    for (size_t i = 0; i < record->result_count; i++) {
        const struct record_result *result = &record->results[i];
        struct span rest = kind == RESULT_HIT ? result->names : result->filter;

        if (!is_listed(result, kind, is_virus))
            continue;
        while (rest.data != NULL) {
            struct span name = span_trim(span_cut(&rest, ','));

            if (name.len == 0 || names.len + name.len + 1 > NAMES_MAX)
                continue;
            (void)buf_add_text(&names, names.len > 0 ? " " : "");
            (void)buf_add_span(&names, name);
        }
    }
    log_known(line, key, buf_span(&names));
    buf_clear(&names);
}

// --- how long it took ---

static void
log_times(struct log_line *line, const struct record *record)
{
    int64_t delay = record->told_ms - record->arrived_ms;

    log_duration(line, "delay", delay > 0 ? (uint64_t)delay * 1000 : 0);
    for (unsigned stage = 0; stage < STAGE_COUNT; stage++) {
        if (record->stage_us[stage] > 0)
            log_duration(line, record_stage_name((enum record_stage)stage),
                         record->stage_us[stage]);
    }
}

void
summary_log(const struct record *record)
{
    char id[ID_MAX + 1];
    struct log_line line;

    if (!log_is_wanted(LOG_INFO_))
        return;
    (void)snprintf(id, sizeof id, "%.*s", (int)record->id.len, record->id.data);
    log_begin(&line, LOG_INFO_, "done", id);
    log_text(&line, "status", status_name(status_of_message(record)));
    log_text(&line, "class", class_name(class_of(record)));
    log_groups(&line, record);
    log_client(&line, record);
    log_known(&line, "helo", record->helo);
    log_known(&line, "queue_id", record->queue_id);
    log_path(&line, "from", record->from);
    log_rcpts(&line, record);
    log_reinjected(&line, record);
    log_message_id(&line, record->message_id);
    log_number(&line, "size", record->size);
    log_scores(&line, record);
    log_results(&line, record, "virus", RESULT_HIT);
    log_results(&line, record, "hit", RESULT_HIT);
    log_results(&line, record, "unscannable", RESULT_UNSCANNABLE);
    log_results(&line, record, "failed", RESULT_FAILED);
    log_text(&line, "handoff", smtp_handoff_name(record->handoff));
    log_known(&line, "parent", record->parent);
    log_known(&line, "kind", record->kind);
    log_tries(&line, record);
    log_times(&line, record);
    log_end(&line);
}
