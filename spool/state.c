// SPDX-License-Identifier: BSD-2-Clause
#include "spool/state.h"

#include <string.h>

#include "base/mem.h"

static const char *const status_names[] = {
    [RCPT_OPEN] = "open",          [RCPT_DEFERRED] = "deferred", [RCPT_FAILED] = "failed",
    [RCPT_SENT] = "sent",          [RCPT_BOUNCED] = "bounced",   [RCPT_MOVED] = "moved",
    [RCPT_DISCARDED] = "discarded"};

static const char *const verdict_names[] = {[VERDICT_NONE] = "none",
                                            [VERDICT_ACCEPT] = "accept",
                                            [VERDICT_QUARANTINE] = "quarantine",
                                            [VERDICT_REJECT] = "reject",
                                            [VERDICT_DISCARD] = "discard",
                                            [VERDICT_DEFER] = "defer",
                                            [VERDICT_HOLD] = "hold",
                                            [VERDICT_REDIRECT] = "redirect"};

enum { VERDICTS = sizeof(verdict_names) / sizeof(verdict_names[0]) };

const char *
rcpt_status_name(enum rcpt_status status)
{
    return status_names[status];
}

const char *
verdict_name(enum verdict verdict)
{
    return verdict_names[verdict];
}

enum verdict
verdict_find(struct span name)
{
    for (size_t i = 0; i < VERDICTS; i++) {
        if (span_is(name, verdict_names[i]))
            return (enum verdict)i;
    }
    return VERDICT_NONE;
}

void
state_init(struct spool_state *state, size_t rcpt_count)
{
    *state = (struct spool_state){.rcpt_count = rcpt_count, .next_seq = 1, .attempt = 1};
    state->rcpts = mem_zarray(rcpt_count, sizeof(state->rcpts[0]));
    for (size_t i = 0; i < rcpt_count; i++)
        state->rcpts[i].group = -1;
}

static void
clear_texts(char ***texts, size_t *count)
{
    for (size_t i = 0; i < *count; i++)
        mem_free(&(*texts)[i]);
    mem_free(texts);
    *count = 0;
}

static void
clear_group(struct decided_group *group)
{
    mem_free(&group->rule);
    mem_free(&group->reason);
    mem_free(&group->received);
    mem_free(&group->from);
    clear_texts(&group->to, &group->to_count);
    clear_texts(&group->edits, &group->edit_count);
}

void
state_clear(struct spool_state *state)
{
    for (size_t i = 0; i < state->rcpt_count; i++) {
        mem_free(&state->rcpts[i].reply);
        mem_free(&state->rcpts[i].child);
        mem_free(&state->rcpts[i].released);
    }
    for (size_t i = 0; i < state->group_count; i++)
        clear_group(&state->groups[i]);
    mem_free(&state->rcpts);
    mem_free(&state->groups);
    clear_texts(&state->copied, &state->copied_count);
    mem_free(&state->held_reason);
    mem_free(&state->caught_rule);
    state_told_clear(&state->told);
    *state = (struct spool_state){.next_seq = 1, .attempt = 1};
}

bool
state_rcpt_is_retired(const struct rcpt_state *rcpt)
{
    return rcpt->status >= RCPT_SENT;
}

bool
state_is_retired(const struct spool_state *state)
{
    return state->retired_count == state->rcpt_count;
}

size_t
state_open_count(const struct spool_state *state)
{
    return state->rcpt_count - state->retired_count;
}

int64_t
state_next_try_ms(const struct spool_state *state)
{
    int64_t next_ms = INT64_MAX;

    for (size_t i = 0; i < state->rcpt_count; i++) {
        const struct rcpt_state *rcpt = &state->rcpts[i];

        if (rcpt->status == RCPT_OPEN || rcpt->status == RCPT_FAILED)
            return 0;
        if (rcpt->status == RCPT_DEFERRED && rcpt->until_ms < next_ms)
            next_ms = rcpt->until_ms;
    }
    return next_ms < INT64_MAX ? next_ms : 0;
}
