// SPDX-License-Identifier: BSD-2-Clause
#include "src/job/job_state.h"

#include <sys/random.h>

#include "base/mem.h"
#include "reinject/retry.h"

enum { REPLY_REJECT = 550, REPLY_DEFER = 451 }; // RFC 3463 3.8: refused by policy

struct act {
    struct ranges set;
    const struct decided_group *group;
};

static void
note_deferred(struct job *job, const struct act *act)
{
    const struct settings *settings = job->jobs->config.settings;
    struct journal_writer writer;
    struct buf text;
    uint32_t random = 0, tries = 0;

    for (size_t i = 0; i < act->set.count && tries == 0; i++)
        tries = ranges_has(&act->set, i) ? job_spool_state(job)->rcpts[i].tries + 1 : 0;
    if (getrandom(&random, sizeof random, GRND_NONBLOCK) < 0)
        random = 0;
    buf_init(&text, JOURNAL_LINE_MAX);
    ranges_format(&act->set, &text);
    spool_note_begin(job->file, &writer, "deferred");
    journal_field(&writer, "r", buf_span(&text));
    journal_field_number(&writer, "code", REPLY_DEFER);
    journal_field_text(&writer, "reply", act->group->reason);
    journal_field_number(&writer, "until",
                         retry_next_ms(&settings->spool.retry, tries, job_now_ms(job), random));
    spool_note_end(job->file, &writer);
    buf_clear(&text);
    atomic_fetch_add(&job->jobs->config.counters->deferred, ranges_size(&act->set));
}

static void
note_rejected(struct job *job, const struct act *act)
{
    const char *reason = act->group->reason;
    struct journal_writer writer;
    struct buf text;
    char *reply = mem_printf("5.7.1 %s", reason != NULL ? reason : "Message rejected");

    buf_init(&text, JOURNAL_LINE_MAX);
    ranges_format(&act->set, &text);
    spool_note_begin(job->file, &writer, "failed");
    journal_field(&writer, "r", buf_span(&text));
    journal_field_number(&writer, "code", REPLY_REJECT);
    journal_field_text(&writer, "reply", reply);
    spool_note_end(job->file, &writer);
    buf_clear(&text);
    mem_free(&reply);
    atomic_fetch_add(&job->jobs->config.counters->rejected, ranges_size(&act->set));
}

static bool
is_due(const struct job *job, const struct rcpt_state *rcpt)
{
    return !state_rcpt_is_retired(rcpt) && rcpt->status != RCPT_FAILED &&
           rcpt->until_ms <= job_now_ms(job);
}

// Whoever decided may have died before he told what came of it. (A deferral is decided anew.)
bool
job_must_act(const struct job *job)
{
    const struct spool_state *state = job_spool_state(job);

    for (size_t i = 0; i < state->rcpt_count; i++) {
        const struct rcpt_state *rcpt = &state->rcpts[i];
        enum verdict verdict = job_verdict_of(job, i);

        if ((verdict == VERDICT_REJECT || verdict == VERDICT_DISCARD) && is_due(job, rcpt))
            return true;
    }
    return false;
}

static void
act_on_group(struct job *job, int number)
{
    const struct spool_state *state = job_spool_state(job);
    struct act act = {.group = &state->groups[number]};

    ranges_init(&act.set, state->rcpt_count);
    for (size_t i = 0; i < state->rcpt_count; i++) {
        if (state->rcpts[i].group == number && is_due(job, &state->rcpts[i]))
            ranges_add(&act.set, i);
    }
    if (ranges_size(&act.set) > 0 && act.group->verdict == VERDICT_DISCARD) {
        job_note(job, "discarded", &act.set, "reason", act.group->reason);
        atomic_fetch_add(&job->jobs->config.counters->discarded, ranges_size(&act.set));
    } else if (ranges_size(&act.set) > 0 && act.group->verdict == VERDICT_REJECT) {
        note_rejected(job, &act);
    } else if (ranges_size(&act.set) > 0 && act.group->verdict == VERDICT_DEFER) {
        note_deferred(job, &act);
    }
    ranges_clear(&act.set);
}

void
job_act(struct job *job)
{
    int count = (int)job_spool_state(job)->group_count;

    for (int i = 0; i < count; i++)
        act_on_group(job, i);
    job_set_state(job, JOB_DECIDE);
}
