// SPDX-License-Identifier: BSD-2-Clause
#include "src/job/job_state.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "filters/result.h"
#include "policy/trial.h"
#include "smtp/trace.h"

_Static_assert(COUNTER_VERDICTS == VERDICT_REDIRECT + 1, "a counter for each verdict");

enum {
    TO_A_LINE = 500,         // addresses that one line of the journal can take beside all edits
    TO_BYTES_A_LINE = 40000, // of them, before they are encoded
    LOGGED_RCPTS = 20        // by address; the rest by number
};

enum verdict
job_verdict_of(const struct job *job, size_t number)
{
    const struct spool_state *state = job_spool_state(job);
    int group = state->rcpts[number].group;

    if (group < 0)
        return VERDICT_NONE;
    if (state->groups[group].verdict == VERDICT_HOLD && state->unheld)
        return VERDICT_ACCEPT;
    return state->groups[group].verdict;
}

// --- what was found and decided, for the journal ---

static void
note_findings(struct job *job)
{
    const struct trial_outcome *outcome = job->look.outcome;
    const struct settings *settings = job->jobs->config.settings;
    struct journal_writer writer;

    if (outcome->findings != NULL) {
        spool_note_begin(job->file, &writer, "found");
        findings_note(outcome->findings, &writer);
        spool_note_end(job->file, &writer);
    }
    for (size_t i = 0; i < outcome->result_count; i++) {
        spool_note_begin(job->file, &writer, "result");
        result_note(&outcome->results[i], settings->filters[i].name, &writer);
        spool_note_end(job->file, &writer);
    }
}

// It leaves some day; what is held does, when the operator lets it go.
static bool
is_sending(enum verdict verdict)
{
    return verdict == VERDICT_ACCEPT || verdict == VERDICT_REDIRECT || verdict == VERDICT_HOLD;
}

static void
note_edits(const struct edit_list *edits, struct journal_writer *writer)
{
    struct buf text;

    buf_init(&text, EDIT_TEXT_MAX);
    for (size_t i = 0; i < edits->count; i++) {
        buf_reset(&text);
        edit_format(&edits->items[i], &text);
        journal_field(writer, "edit", buf_span(&text));
    }
    buf_clear(&text);
}

// Redirected: the new address in place of the path, with the parameters as they came (ORCPT and
// NOTIFY stay).
static void
note_addresses(const struct job *job, const struct decide_group *group, const struct ranges *set,
               struct journal_writer *writer)
{
    const struct smtp_envelope *envelope = spool_file_envelope(job->file);

    for (size_t i = 0; i < envelope->rcpt_count; i++) {
        char *text;

        if (!ranges_has(set, i))
            continue;
        text = mem_printf("<%s> %s", group->to, envelope->rcpts[i].params);
        journal_field_text(writer, "to", text);
        mem_free(&text);
    }
}

// While a setup is tried out nothing is refused for good.
static enum verdict
verdict_in_force(const struct job *job, const struct decide_group *group)
{
    bool is_soft = job->jobs->config.settings->delivery.soft_bounce;

    return group->verdict == VERDICT_REJECT && is_soft ? VERDICT_HOLD : group->verdict;
}

static void
note_group(struct job *job, const struct decide_group *group, const struct ranges *set)
{
    enum verdict verdict = verdict_in_force(job, group);
    struct journal_writer writer;
    struct buf text;

    if (spool_file_is_crowded(job->file))
        return;
    buf_init(&text, JOURNAL_LINE_MAX);
    spool_note_begin(job->file, &writer, "decided");
    journal_field_number(&writer, "g", (int64_t)job_spool_state(job)->group_count);
    journal_field_text(&writer, "verdict", verdict_name(verdict));
    journal_field_text(&writer, "rule", group->rule);
    ranges_format(set, &text);
    journal_field(&writer, "r", buf_span(&text));
    journal_field_text(&writer, "reason", group->reason);
    buf_reset(&text);
    if (is_sending(verdict) && job->jobs->config.settings->smtp.trace) {
        trace_format(spool_file_envelope(job->file), &text);
        journal_field(&writer, "received", buf_span(&text));
    }
    if (is_sending(verdict))
        note_edits(&group->edits, &writer);
    if (group->verdict == VERDICT_REDIRECT)
        note_addresses(job, group, set, &writer);
    spool_note_end(job->file, &writer);
    buf_clear(&text);
}

// What a recipient's new address takes of a line.
static size_t
address_size(const struct job *job, const struct decide_group *group, size_t number)
{
    const struct smtp_envelope *envelope = spool_file_envelope(job->file);

    if (group->verdict != VERDICT_REDIRECT)
        return 0;
    return TO_BYTES_A_LINE / TO_A_LINE + strlen(group->to) + strlen(envelope->rcpts[number].params);
}

// Those of the group that were undecided, in lines that the journal can take.
static void
note_shares(struct job *job, const struct decide_group *group, const struct ranges *undecided)
{
    struct ranges share;
    size_t size = 0;

    ranges_init(&share, undecided->count);
    for (size_t i = 0; i < undecided->count; i++) {
        if (!ranges_has(undecided, i) || !ranges_has(&group->rcpts, i))
            continue;
        ranges_add(&share, i);
        size += address_size(job, group, i);
        if (size < TO_BYTES_A_LINE)
            continue;
        note_group(job, group, &share);
        ranges_clear(&share);
        ranges_init(&share, undecided->count);
        size = 0;
    }
    if (ranges_size(&share) > 0)
        note_group(job, group, &share);
    ranges_clear(&share);
}

// --- log ---

static void
log_rcpts(struct log_line *line, const struct smtp_envelope *envelope, const struct ranges *set)
{
    size_t shown = 0;

    for (size_t i = 0; i < envelope->rcpt_count && shown < LOGGED_RCPTS; i++) {
        if (!ranges_has(set, i))
            continue;
        log_path(line, "to", span_of(envelope->rcpts[i].path));
        shown++;
    }
    if (ranges_size(set) > shown)
        log_number(line, "more", ranges_size(set) - shown);
}

static void
log_group(const struct job *job, const struct decide_group *group)
{
    struct log_line line;
    char score[32];

    log_begin(&line, LOG_DEBUG_, "verdict", spool_file_id(job->file));
    log_rcpts(&line, spool_file_envelope(job->file), &group->rcpts);
    log_text(&line, "verdict", verdict_name(group->verdict));
    log_text(&line, "rule", group->rule != NULL ? group->rule : "-");
    if (!isnan(group->score)) {
        (void)snprintf(score, sizeof score, "%.2f", group->score);
        log_text(&line, "score", score);
    }
    log_text(&line, "reason", group->reason);
    if (group->edits.count > 0)
        log_number(&line, "edits", group->edits.count);
    log_end(&line);
}

static void
log_decision(const struct job *job, const struct decision *decision)
{
    struct log_line line;

    for (size_t i = 0; i < decision->group_count; i++)
        log_group(job, &decision->groups[i]);
    for (size_t i = 0; i < decision->note_count; i++) {
        log_begin(&line, LOG_INFO_, "verdict", spool_file_id(job->file));
        log_rcpts(&line, spool_file_envelope(job->file), &decision->notes[i].rcpts);
        log_text(&line, "dry_run", decision->notes[i].text);
        log_text(&line, "rule", decision->notes[i].rule);
        log_end(&line);
    }
}

// --- the decision ---

// What the journal could not take is not acted on: a look would follow a look for ever.
static void
act_on_it(struct job *job)
{
    bool is_told = job->hold_reason == NULL;

    job_tell_decided(job);
    job_drop_look(job);
    if (job_is_relay(job))
        job_set_state(job, is_told ? JOB_WEIGH : JOB_ANSWER);
    else
        job_set_state(job, is_told ? JOB_ACT : JOB_HOLD);
}

// Where the disk refused, the file keeps what was noted: the copies have been made all the same.
static void
on_copies_told(void *arg, const struct err *err)
{
    struct job *job = arg;

    job_keep_copies(job);
    if (!job->client_left && err == NULL) {
        act_on_it(job);
        return;
    }
    job_drop_look(job);
    if (job->client_left)
        job_set_state(job, JOB_OVER);
    else
        job_later(job, err);
}

static bool
is_told(const struct job *job, const struct ranges *undecided, size_t old_groups)
{
    const struct spool_state *state = job_spool_state(job);

    for (size_t i = 0; i < state->rcpt_count; i++) {
        if (ranges_has(undecided, i) &&
            (state->rcpts[i].group < 0 || (size_t)state->rcpts[i].group < old_groups))
            return false;
    }
    return true;
}

// A message counts once for each verdict: not again when it is put off again.
static void
count_verdict(struct job *job, enum verdict verdict)
{
    const struct spool_state *state = job_spool_state(job);

    for (size_t i = 0; i < state->group_count; i++) {
        if (state->groups[i].verdict == verdict)
            return;
    }
    atomic_fetch_add(&job->jobs->config.counters->verdicts[verdict], 1);
}

static void
note_decision(struct job *job, const struct decision *decision)
{
    size_t old_groups = job_spool_state(job)->group_count;
    struct ranges undecided;

    job_list_undecided(job, &undecided);
    for (size_t i = 0; i < decision->group_count; i++) {
        count_verdict(job, verdict_in_force(job, &decision->groups[i]));
        note_shares(job, &decision->groups[i], &undecided);
    }
    if (!is_told(job, &undecided, old_groups))
        job->hold_reason = "its journal cannot take what was decided";
    ranges_clear(&undecided);
}

// Without copies nothing acts on it yet: what goes out, or is put away, is told together with it.
void
job_verdict(struct job *job)
{
    const struct decision *decision = &job->look.outcome->decision;

    note_findings(job);
    job_note_copies(job);
    log_decision(job, decision);
    note_decision(job, decision);
    if (job->look.copied > 0) {
        spool_file_flush(job->file, false, on_copies_told, job);
        return;
    }
    act_on_it(job);
}

// To a child that was held: once it is let go, it leaves with the changes that were decided for it.
void
job_pass_on(const struct job *job, struct spool_file *child, int number)
{
    const struct decided_group *group = &job_spool_state(job)->groups[number];
    struct journal_writer writer;
    struct ranges all;
    struct buf text;

    buf_init(&text, JOURNAL_LINE_MAX);
    ranges_init(&all, spool_file_state(child)->rcpt_count);
    ranges_add_all(&all);
    ranges_format(&all, &text);
    spool_note_begin(child, &writer, "decided");
    journal_field_number(&writer, "g", 0);
    journal_field_text(&writer, "verdict", verdict_name(group->verdict));
    journal_field_text(&writer, "rule", group->rule);
    journal_field(&writer, "r", buf_span(&text));
    journal_field_text(&writer, "reason", group->reason);
    journal_field_text(&writer, "received", group->received);
    for (size_t i = 0; i < group->edit_count; i++)
        journal_field_text(&writer, "edit", group->edits[i]);
    spool_note_end(child, &writer);
    ranges_clear(&all);
    buf_clear(&text);
}

// Our own child, or what goes round: there is nothing to look for.
void
job_verdict_unasked(struct job *job, enum verdict verdict)
{
    const struct smtp_envelope *envelope = spool_file_envelope(job->file);
    struct decide_group group = {.verdict = verdict,
                                 .rule = envelope->rule,
                                 .reason = job->is_loop ? "mail loop" : envelope->why,
                                 .score = NAN};
    struct ranges undecided;

    ranges_init(&group.rcpts, envelope->rcpt_count);
    ranges_add_all(&group.rcpts);
    job_list_undecided(job, &undecided);
    if (job->is_loop)
        count_verdict(job, verdict);
    note_shares(job, &group, &undecided);
    ranges_clear(&undecided);
    ranges_clear(&group.rcpts);
}
