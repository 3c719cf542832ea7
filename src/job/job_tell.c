// SPDX-License-Identifier: BSD-2-Clause
// Where the message is: for the scribe, and for the log.
#include "src/job/job_state.h"

#include <stdio.h>
#include <string.h>

#include "src/job/summary.h"

// LONG: somebody may ask where it is before it rests.
enum { LONG_LOOK_US = 500000 };

// The client's last word on those who are not retired.
static void
take_answer(const struct job *job, struct record *record, struct arena *arena)
{
    bool is_each = job->said.code == 0;
    char text[sizeof job->said.enhanced + sizeof job->said.text + 1];

    for (size_t i = 0; i < record->rcpt_count; i++) {
        const struct smtp_reply *reply = is_each ? &job->replies[i] : &job->said;
        struct record_rcpt *rcpt = &record->rcpts[i];

        if (rcpt->status >= RCPT_SENT)
            continue;
        (void)snprintf(text, sizeof text, "%s %s", reply->enhanced, reply->text);
        rcpt->code = (uint16_t)reply->code;
        rcpt->reply = arena_copy(arena, span_of(text));
    }
}

static void
tell(struct job *job, enum record_place place, const char *reason, bool is_summed_up)
{
    struct teller *teller = job->jobs->config.teller;
    struct teller_moment moment = {.place = place,
                                   .place_reason = reason,
                                   .now_ms = job_now_ms(job),
                                   .size = spool_file_len(job->file),
                                   .is_looked = job->is_looked,
                                   .is_sent = job->is_sent};
    struct arena arena;
    struct record record;

    if (teller->rings == NULL && !is_summed_up)
        return;
    memcpy(moment.stage_us, job->stage_us, sizeof moment.stage_us);
    arena_init(&arena, TELLER_ARENA_MAX);
    if (teller_describe(spool_file_envelope(job->file), job_spool_state(job), &moment, &arena,
                        &record) == 0) {
        if (place == RECORD_LEFT && job->is_answered)
            take_answer(job, &record, &arena);
        teller_tell(teller, &record);
        if (is_summed_up)
            summary_log(&record);
    }
    arena_clear(&arena);
    job->is_looked = job->is_sent = false;
    job->is_told = true;
}

// Of nearly all messages the scribe would hear in one breath that they came and that they went.
void
jobs_tell_begun(struct jobs *jobs)
{
    for (struct job *job = jobs->first; job != NULL; job = job->next) {
        if (job->is_seen && !job->is_told)
            tell(job, RECORD_ACTIVE, NULL, false);
        job->is_seen = true;
    }
}

void
job_tell_decided(struct job *job)
{
    if (job->stage_us[STAGE_DISSECT] + job->stage_us[STAGE_FILTERS] >= LONG_LOOK_US)
        tell(job, RECORD_ACTIVE, NULL, false);
}

bool
job_has_tries(const struct job *job)
{
    const struct spool_state *state = job_spool_state(job);

    for (size_t i = 0; i < state->rcpt_count; i++) {
        if (state->rcpts[i].tries > 0)
            return true;
    }
    return false;
}

// Of a message that is tried again and again the first time is told.
void
job_tell_waiting(struct job *job)
{
    tell(job, RECORD_WAITING, NULL, !job->had_tries && job_has_tries(job));
}

void
job_tell_rest(struct job *job, enum record_place place, const char *reason)
{
    tell(job, place, reason, true);
}
