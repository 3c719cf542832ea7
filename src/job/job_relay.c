// SPDX-License-Identifier: BSD-2-Clause
#include "src/job/job_state.h"

#include "base/log.h"
#include "base/mem.h"
#include "src/job/outcome.h"

enum { REASON_MAX = 200 };

static bool
is_lmtp(const struct job *job)
{
    return spool_file_envelope(job->file)->protocol == SMTP_PROTOCOL_LMTP;
}

// --- replies ---

static struct smtp_reply *
replies_of(struct job *job)
{
    if (job->replies == NULL)
        job->replies = mem_zarray(spool_file_envelope(job->file)->rcpt_count, sizeof *job->replies);
    return job->replies;
}

static void
answer_once(struct job *job, const struct smtp_reply *replies, size_t count)
{
    job_answer *answer = job->answer;

    job->answer = NULL;
    if (answer == NULL)
        return;
    if (count == 1)
        job->said = replies[0];
    job->is_answered = answer(job->answer_arg, replies, count);
    for (size_t i = 0; i < count && job->is_answered; i++)
        job->copies.is_wanted =
            job->copies.is_wanted || replies[i].code / 100 == 2 || replies[i].code / 100 == 5;
}

// `reply` for all who have none yet: over SMTP there is one for all anyway.
static void
answer_rest(struct job *job, const struct smtp_reply *reply)
{
    size_t count = spool_file_envelope(job->file)->rcpt_count;
    struct smtp_reply *replies = replies_of(job);

    if (!is_lmtp(job)) {
        answer_once(job, reply, 1);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (replies[i].code == 0)
            replies[i] = *reply;
    }
    answer_once(job, replies, count);
}

// What came of sending; unsent: the reply for those to whom it was not sent, NULL: as it came.
static void
answer_each(struct job *job, const struct smtp_reply *unsent)
{
    const struct delivery *delivery = &job->delivery;
    struct smtp_reply *replies = replies_of(job);

    for (size_t i = 0; i < delivery->rcpt_count; i++) {
        const struct delivery_rcpt *rcpt = &delivery->rcpts[i];

        if (unsent != NULL && rcpt->result != DELIVERY_SENT)
            replies[rcpt->number] = *unsent;
        else
            outcome_reply(rcpt, &replies[rcpt->number]);
    }
    answer_once(job, replies, spool_file_envelope(job->file)->rcpt_count);
}

void
job_answer_trouble(struct job *job)
{
    struct smtp_reply reply;

    reply_set(&reply, 451, "4.3.0", "Cannot handle the message now");
    if (job->answer != NULL)
        answer_rest(job, &reply);
}

// --- take over ---

static void
on_taken_over(void *arg, const struct err *err)
{
    struct job *job = arg;
    struct smtp_reply reply;

    // He was not told, and will come again with all recipients.
    if (job->client_left && !job->must_take_over) {
        job_set_state(job, JOB_OVER);
        return;
    }
    if (err == NULL) {
        log_debug("smtp", "%s: taken over from the client", spool_file_id(job->file));
        reply_set(&reply, 250, "2.0.0", "Ok: queued as %s", spool_file_id(job->file));
        answer_rest(job, &reply);
        job->client_left = job->client_left && !job->is_answered;
        job_set_state(job, job->client_left ? JOB_OVER : job->after);
        return;
    }
    reply_set(&reply, 451, "4.3.0", "Cannot keep the message now");
    if (job->must_take_over)
        answer_each(job, &reply);
    else
        answer_rest(job, &reply);
    log_error("spool", "%s: cannot be taken over: %s%s", spool_file_id(job->file), err->text,
              job->must_take_over ? "; who has got it may get it twice" : "");
    job_set_state(job, JOB_OVER);
}

static void
take_over(struct job *job, enum job_state after)
{
    job->after = after;
    spool_file_take_over(job->file, on_taken_over, job);
}

// --- what the decision alone answers ---

static void
set_verdict_reply(const struct job *job, size_t number, struct smtp_reply *reply)
{
    const struct spool_state *state = job_spool_state(job);
    const char *reason = state->groups[state->rcpts[number].group].reason;
    enum verdict verdict = job_verdict_of(job, number);

    if (verdict == VERDICT_REJECT)
        reply_set(reply, 550, "5.7.1", "%.*s", REASON_MAX,
                  reason != NULL ? reason : "Message rejected");
    else if (verdict == VERDICT_DEFER)
        reply_set(reply, 451, "4.7.1", "%.*s", REASON_MAX, reason != NULL ? reason : "Try again");
    else
        reply_set(reply, 250, "2.0.0", "Ok: %s", spool_file_id(job->file));
}

static void
count_answered(const struct job *job, size_t number)
{
    enum verdict verdict = job_verdict_of(job, number);
    struct counter_worker *counters = job->jobs->config.counters;

    if (verdict == VERDICT_REJECT)
        atomic_fetch_add(&counters->rejected, 1);
    else if (verdict == VERDICT_DISCARD)
        atomic_fetch_add(&counters->discarded, 1);
}

static bool
is_answerable(const struct job *job, size_t number)
{
    enum verdict verdict = job_verdict_of(job, number);

    return verdict == VERDICT_DISCARD ||
           (is_lmtp(job) && (verdict == VERDICT_REJECT || verdict == VERDICT_DEFER));
}

// Recipients that are done with an answer of their own; over SMTP those that are discarded.
static void
peel_off(struct job *job)
{
    const struct spool_state *state = job_spool_state(job);
    struct smtp_reply *replies = replies_of(job);
    struct ranges set;

    ranges_init(&set, state->rcpt_count);
    for (size_t i = 0; i < state->rcpt_count; i++) {
        if (state_rcpt_is_retired(&state->rcpts[i]) || !is_answerable(job, i))
            continue;
        set_verdict_reply(job, i, &replies[i]);
        count_answered(job, i);
        ranges_add(&set, i);
    }
    if (ranges_size(&set) > 0)
        job_note(job, "discarded", &set, "reason", "answered");
    ranges_clear(&set);
}

// The first open recipient, if all that are open have its verdict and what follows from it.
static size_t
common_fate(const struct job *job)
{
    const struct spool_state *state = job_spool_state(job);
    size_t first = SIZE_MAX;

    for (size_t i = 0; i < state->rcpt_count; i++) {
        if (state_rcpt_is_retired(&state->rcpts[i]))
            continue;
        if (first == SIZE_MAX)
            first = i;
        if (job_verdict_of(job, i) != job_verdict_of(job, first) ||
            !job_is_alike(job, state->rcpts[first].group, state->rcpts[i].group))
            return SIZE_MAX;
    }
    return first;
}

static void
answer_verdict(struct job *job, size_t number)
{
    struct smtp_reply reply;

    set_verdict_reply(job, number, &reply);
    count_answered(job, number);
    answer_rest(job, &reply);
    job_set_state(job, JOB_OVER);
}

static size_t
first_decided(const struct job *job)
{
    const struct spool_state *state = job_spool_state(job);
    size_t first = 0;

    while (first + 1 < state->rcpt_count && state->rcpts[first].group < 0)
        first++;
    return first;
}

// A 5xx for all would take back what was accepted for some of them before.
static bool
may_answer(const struct job *job, enum verdict verdict)
{
    return verdict == VERDICT_DEFER ||
           (verdict == VERDICT_REJECT && (is_lmtp(job) || !job->has_accepted));
}

// One outcome for all is the answer; else Postern owns what is left from here.
void
job_weigh(struct job *job)
{
    enum verdict verdict;
    size_t first;

    if (job->client_left) {
        job_set_state(job, JOB_OVER);
        return;
    }
    peel_off(job);
    if (state_is_retired(job_spool_state(job))) {
        answer_verdict(job, first_decided(job));
        return;
    }
    first = common_fate(job);
    verdict = first == SIZE_MAX ? VERDICT_NONE : job_verdict_of(job, first);
    if (verdict == VERDICT_ACCEPT || verdict == VERDICT_REDIRECT)
        job_set_state(job, JOB_DECIDE);
    else if (may_answer(job, verdict))
        answer_verdict(job, first);
    else
        take_over(job, JOB_ACT);
}

// --- what came of sending ---

void
job_answer_client(struct job *job)
{
    struct smtp_reply reply;

    if (job->client_left) {
        if (job->hold_reason == NULL)
            answer_each(job, NULL);
        job_set_state(job, JOB_OVER);
        return;
    }
    if (job->hold_reason != NULL || job->must_take_over) {
        take_over(job, job->hold_reason != NULL ? JOB_HOLD : JOB_RECORD);
        return;
    }
    if (is_lmtp(job)) {
        answer_each(job, NULL);
    } else {
        outcome_worst_reply(&job->delivery, &reply);
        answer_once(job, &reply, 1);
    }
    job_set_state(job, JOB_OVER);
}

void
job_leave(struct job *job)
{
    const char *name = spool_file_envelope(job->file)->next_hop;

    job->client_left = true;
    if (job->state == JOB_LOOK && job->look.trial != NULL) {
        job_set_state(job, JOB_OVER);
        return;
    }
    if (job->state != JOB_SEND)
        return;
    if (hop_cancel(routes_find(job->jobs->config.routes, name), &job->delivery) == 0) {
        job_set_state(job, JOB_OVER);
        return;
    }
    log_warning("send", "%s: the client left after the end of data was sent on",
                spool_file_id(job->file));
}
