// SPDX-License-Identifier: BSD-2-Clause
#include "spool/state.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "spool/state_decided.h"

static void
leave_attempt(struct spool_state *state, struct rcpt_state *rcpt)
{
    if (rcpt->attempt != state->attempt)
        return;
    rcpt->attempt = 0;
    state->under_way--;
    if (state->under_way == 0)
        state->attempt_open = state->attempt_alone = false;
}

static void
set_status(struct spool_state *state, struct rcpt_state *rcpt, enum rcpt_status status)
{
    assert(!state_rcpt_is_retired(rcpt));
    rcpt->status = status;
    state->retired_count += state_rcpt_is_retired(rcpt) ? 1 : 0;
    leave_attempt(state, rcpt);
}

// With the next number nobody is under way any more.
static void
end_attempts(struct spool_state *state)
{
    state->attempt++;
    state->under_way = 0;
    state->attempt_open = state->attempt_alone = false;
}

static void
replace_text(char **member, const char *text)
{
    if (text == NULL)
        return;
    mem_free(member);
    *member = mem_strdup(text);
}

// The recipients of a line; 0 if it does not say, or not well. Their numbers are plain in xtext.
static size_t
walk_init(struct ranges_walk *walk, const struct spool_state *state,
          const struct journal_line *line)
{
    return ranges_walk_init(walk, journal_get(line, "r"), state->rcpt_count);
}

enum {
    FROM_WAITING = 1 << RCPT_OPEN | 1 << RCPT_DEFERRED,
    FROM_UNRETIRED = FROM_WAITING | 1 << RCPT_FAILED,
};

struct event {
    const char *name;
    // false: it does not fit, or not for all of its recipients.
    bool (*apply)(struct spool_state *state, const struct event *event,
                  const struct journal_line *line);
    unsigned from;       // outcomes: the statuses that it can follow
    enum rcpt_status to; // outcomes
};

struct outcome {
    int64_t until_ms;
    int code; // -1: not said
    char *reply, *child;
    const char *relay, *queue_id;
};

static void
read_outcome(struct spool_state *state, const struct journal_line *line, struct outcome *outcome)
{
    uint64_t number;

    *outcome = (struct outcome){.code = -1,
                                .relay = state_told_keep(&state->told, line, "relay"),
                                .queue_id = state_told_keep(&state->told, line, "qid")};
    if (str_parse_u64(journal_get(line, "until"), INT64_MAX, &number) == 0)
        outcome->until_ms = (int64_t)number;
    if (str_parse_u64(journal_get(line, "code"), 999, &number) == 0)
        outcome->code = (int)number;
    outcome->reply = journal_get_text(line, "reply", STATE_TEXT_MAX);
    if (outcome->reply == NULL)
        outcome->reply = journal_get_text(line, "reason", STATE_TEXT_MAX);
    outcome->child = journal_get_text(line, "child", STATE_TEXT_MAX);
}

static bool
apply_outcome(struct spool_state *state, const struct event *event, const struct journal_line *line)
{
    struct ranges_walk walk;
    struct outcome outcome;
    bool fits = walk_init(&walk, state, line) > 0;

    if (!fits)
        return false;
    read_outcome(state, line, &outcome);
    while (ranges_walk_next(&walk)) {
        struct rcpt_state *rcpt = &state->rcpts[walk.number];

        if ((event->from >> rcpt->status & 1) == 0) {
            fits = false;
            continue;
        }
        set_status(state, rcpt, event->to);
        rcpt->at_ms = line->time_ms;
        rcpt->relay = outcome.relay != NULL ? outcome.relay : rcpt->relay;
        rcpt->queue_id = outcome.queue_id != NULL ? outcome.queue_id : rcpt->queue_id;
        rcpt->until_ms = event->to == RCPT_DEFERRED ? outcome.until_ms : 0;
        rcpt->tries += event->to == RCPT_DEFERRED ? 1 : 0;
        rcpt->failed_seq = event->to == RCPT_FAILED ? line->seq : rcpt->failed_seq;
        rcpt->code = outcome.code >= 0 ? outcome.code : rcpt->code;
        replace_text(&rcpt->reply, outcome.reply);
        replace_text(&rcpt->child, outcome.child);
    }
    mem_free(&outcome.reply);
    mem_free(&outcome.child);
    return fits;
}

// A recipient that is still under way: nobody ended its attempt, so whoever made it has died, and
// with him all else that he had open.
static void
find_dead_attempt(struct spool_state *state, struct ranges_walk walk)
{
    while (state->attempt_open && ranges_walk_next(&walk)) {
        if (state->rcpts[walk.number].attempt != state->attempt)
            continue;
        state->alone_crashes += state->attempt_alone ? 1 : 0;
        end_attempts(state);
    }
}

static bool
apply_attempt(struct spool_state *state, const struct event *event, const struct journal_line *line)
{
    bool is_alone = span_is(journal_get(line, "alone"), "1");
    struct ranges_walk walk;
    bool fits = walk_init(&walk, state, line) > 0;

    if (!fits)
        return false;
    find_dead_attempt(state, walk);
    while (ranges_walk_next(&walk)) {
        struct rcpt_state *rcpt = &state->rcpts[walk.number];

        if ((event->from >> rcpt->status & 1) == 0) {
            fits = false;
            continue;
        }
        rcpt->attempt = state->attempt;
        state->under_way++;
        state->attempt_open = true;
        state->attempt_alone = state->attempt_alone || is_alone;
    }
    return fits;
}

// Notices retire nobody and may be told of those that are retired: `relayed` always is.
static bool
apply_notice(struct spool_state *state, const struct event *event, const struct journal_line *line)
{
    bool is_delay = strcmp(event->name, "delayed") == 0;
    struct ranges_walk walk;

    if (walk_init(&walk, state, line) == 0)
        return false;
    while (ranges_walk_next(&walk)) {
        struct rcpt_state *rcpt = &state->rcpts[walk.number];

        rcpt->delay_told = rcpt->delay_told || is_delay;
        rcpt->relayed_told = rcpt->relayed_told || !is_delay;
    }
    return true;
}

static bool
apply_found(struct spool_state *state, const struct event *event, const struct journal_line *line)
{
    (void)event;
    state_told_found(&state->told, line);
    state->found = true;
    return true;
}

static bool
apply_result(struct spool_state *state, const struct event *event, const struct journal_line *line)
{
    (void)event;
    return state_told_result(&state->told, line);
}

static bool
apply_copied(struct spool_state *state, const struct event *event, const struct journal_line *line)
{
    char *address = journal_get_text(line, "to", JOURNAL_LINE_MAX);

    (void)event;
    if (address == NULL || state->copied_count == STATE_COPIES_MAX) {
        mem_free(&address);
        return false;
    }
    state->copied = mem_regrow(state->copied, state->copied_count + 1, sizeof(state->copied[0]));
    state->copied[state->copied_count++] = address;
    return true;
}

static bool
apply_looking(struct spool_state *state, const struct event *event, const struct journal_line *line)
{
    (void)event;
    (void)line;
    state->looks++;
    return true;
}

static bool
apply_crashed(struct spool_state *state, const struct event *event, const struct journal_line *line)
{
    (void)event;
    (void)line;
    state->crashes++;
    return true;
}

static bool
apply_held(struct spool_state *state, const struct event *event, const struct journal_line *line)
{
    char *reason = journal_get_text(line, "reason", STATE_TEXT_MAX);

    (void)event;
    mem_free(&state->held_reason);
    state->held_reason = reason;
    state->held = true;
    return true;
}

static bool
apply_retry(struct spool_state *state, const struct event *event, const struct journal_line *line)
{
    (void)event;
    (void)line;
    for (size_t i = 0; i < state->rcpt_count; i++)
        state->rcpts[i].until_ms = 0;
    state->crashes = 0;
    state->looks = 0;
    state->alone_crashes = 0;
    end_attempts(state);
    return true;
}

static bool
apply_unheld(struct spool_state *state, const struct event *event, const struct journal_line *line)
{
    for (size_t i = 0; i < state->rcpt_count; i++) {
        if (state->rcpts[i].status != RCPT_FAILED)
            continue;
        set_status(state, &state->rcpts[i], RCPT_OPEN);
        state->rcpts[i].at_ms = line->time_ms;
    }
    mem_free(&state->held_reason);
    state->held = false;
    state->unheld = true;
    return apply_retry(state, event, line);
}

static void
forget_decision(struct spool_state *state, struct rcpt_state *rcpt)
{
    rcpt->group = -1;
    rcpt->to = NULL;
    if (rcpt->status != RCPT_OPEN)
        set_status(state, rcpt, RCPT_OPEN);
    if (rcpt->released == NULL || rcpt->is_releasing)
        return;
    replace_text(&rcpt->child, rcpt->released);
    set_status(state, rcpt, RCPT_MOVED);
}

static bool
apply_rescan(struct spool_state *state, const struct event *event, const struct journal_line *line)
{
    for (size_t i = 0; i < state->rcpt_count; i++) {
        if (state_rcpt_is_retired(&state->rcpts[i]))
            continue;
        forget_decision(state, &state->rcpts[i]);
        state->rcpts[i].at_ms = line->time_ms;
    }
    mem_free(&state->held_reason);
    mem_free(&state->caught_rule);
    state_told_forget(&state->told);
    state->held = state->quarantined = state->unheld = state->found = false;
    state->rescanned = true;
    state->old_groups = state->group_count;
    return apply_retry(state, event, line);
}

static bool
apply_quarantined(struct spool_state *state, const struct event *event,
                  const struct journal_line *line)
{
    (void)event;
    mem_free(&state->held_reason);
    mem_free(&state->caught_rule);
    state->held_reason = journal_get_text(line, "reason", STATE_TEXT_MAX);
    state->caught_rule = journal_get_text(line, "rule", STATE_TEXT_MAX);
    state->quarantined = true;
    return true;
}

static void
set_releasing(struct spool_state *state, struct rcpt_state *rcpt, bool is_releasing)
{
    if (rcpt->is_releasing == is_releasing)
        return;
    rcpt->is_releasing = is_releasing;
    state->releasing += is_releasing ? 1 : (size_t)-1;
}

// Retires nobody: what lies in quarantine stays there until it expires.
static bool
apply_release(struct spool_state *state, const struct event *event, const struct journal_line *line)
{
    bool is_made = strcmp(event->name, "released") == 0;
    struct ranges_walk walk;
    char *child;
    bool fits = walk_init(&walk, state, line) > 0;

    if (!fits)
        return false;
    child = journal_get_text(line, "child", STATE_TEXT_MAX);
    while (ranges_walk_next(&walk)) {
        struct rcpt_state *rcpt = &state->rcpts[walk.number];

        if ((event->from >> rcpt->status & 1) == 0) {
            fits = false;
            continue;
        }
        rcpt->at_ms = line->time_ms;
        set_releasing(state, rcpt, !is_made);
        if (is_made)
            replace_text(&rcpt->released, child == NULL ? "" : child);
    }
    state->releases += is_made ? 0 : 1;
    mem_free(&child);
    return fits;
}

// Only who still has recipients to lose would lose them by believing it.
static bool
apply_done(struct spool_state *state, const struct event *event, const struct journal_line *line)
{
    (void)event;
    (void)line;
    state->done = state_is_retired(state);
    return state->done;
}

static bool
apply_decided(struct spool_state *state, const struct event *event, const struct journal_line *line)
{
    (void)event;
    return state_decided_apply(state, line);
}

static const struct event events[] = {
    {"found",       apply_found,       0,              RCPT_OPEN     },
    {"result",      apply_result,      0,              RCPT_OPEN     },
    {"looking",     apply_looking,     0,              RCPT_OPEN     },
    {"crashed",     apply_crashed,     0,              RCPT_OPEN     },
    {"decided",     apply_decided,     FROM_UNRETIRED, RCPT_OPEN     },
    {"attempt",     apply_attempt,     FROM_WAITING,   RCPT_OPEN     },
    {"sent",        apply_outcome,     FROM_UNRETIRED, RCPT_SENT     },
    {"deferred",    apply_outcome,     FROM_WAITING,   RCPT_DEFERRED },
    {"failed",      apply_outcome,     FROM_WAITING,   RCPT_FAILED   },
    {"bounced",     apply_outcome,     FROM_UNRETIRED, RCPT_BOUNCED  },
    {"moved",       apply_outcome,     FROM_UNRETIRED, RCPT_MOVED    },
    {"discarded",   apply_outcome,     FROM_UNRETIRED, RCPT_DISCARDED},
    {"delayed",     apply_notice,      0,              RCPT_OPEN     },
    {"relayed",     apply_notice,      0,              RCPT_OPEN     },
    {"copied",      apply_copied,      0,              RCPT_OPEN     },
    {"quarantined", apply_quarantined, 0,              RCPT_OPEN     },
    {"release",     apply_release,     FROM_UNRETIRED, RCPT_OPEN     },
    {"released",    apply_release,     FROM_UNRETIRED, RCPT_OPEN     },
    {"rescan",      apply_rescan,      0,              RCPT_OPEN     },
    {"held",        apply_held,        0,              RCPT_OPEN     },
    {"unheld",      apply_unheld,      0,              RCPT_OPEN     },
    {"retry",       apply_retry,       0,              RCPT_OPEN     },
    {"done",        apply_done,        0,              RCPT_OPEN     },
};

static bool
apply(struct spool_state *state, const struct journal_line *line)
{
    if (line->seq < state->next_seq || state->done)
        return false;
    state->next_seq = line->seq + 1;
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        if (span_is(line->event, events[i].name))
            return events[i].apply(state, &events[i], line);
    }
    return false;
}

void
state_apply(struct spool_state *state, const struct journal_line *line)
{
    state->odd += apply(state, line) ? 0 : 1;
}

void
state_apply_all(struct spool_state *state, struct journal_reader *reader)
{
    struct journal_line line;

    while (journal_next(reader, &line))
        state_apply(state, &line);
}
