// SPDX-License-Identifier: BSD-2-Clause
#include "src/job_state.h"

#include <assert.h>

#include "base/log.h"
#include "base/mem.h"
#include "src/outcome.h"

static void
answer_once(struct job *job, const struct smtp_reply *replies, size_t count)
{
    job_answer *answer = job->answer;

    job->answer = NULL;
    if (answer != NULL)
        answer(job->answer_arg, replies, count);
}

static void
answer_kept(struct job *job)
{
    struct smtp_reply reply;

    reply_set(&reply, 250, "2.0.0", "Ok: queued as %s", spool_file_id(job->file));
    answer_once(job, &reply, 1);
}

static void
on_taken_over(void *arg, const struct err *err)
{
    struct job *job = arg;
    struct smtp_reply reply;

    if (job->client_left) { // it was not told, and will come again with all recipients
        job_set_state(job, JOB_OVER);
        return;
    }
    if (err == NULL) {
        log_info("smtp", "%s: taken over from the client", spool_file_id(job->file));
        answer_kept(job);
        job_set_state(job, job->hold_reason != NULL ? JOB_HOLD : JOB_RECORD);
        return;
    }
    log_error("spool", "%s: cannot be taken over: %s%s", spool_file_id(job->file), err->text,
              job->must_take_over ? "; some recipients will get it twice" : "");
    reply_set(&reply, 451, "4.3.0", "Cannot keep the message now");
    answer_once(job, &reply, 1);
    job_set_state(job, JOB_OVER);
}

static void
answer_each(struct job *job)
{
    const struct delivery *delivery = &job->delivery;
    struct smtp_reply *replies = mem_zarray(delivery->rcpt_count, sizeof *replies);

    assert(delivery->rcpt_count == spool_file_envelope(job->file)->rcpt_count);
    for (size_t i = 0; i < delivery->rcpt_count; i++)
        outcome_reply(&delivery->rcpts[i], &replies[i]);
    answer_once(job, replies, delivery->rcpt_count);
    mem_free(&replies);
}

void
job_answer_client(struct job *job)
{
    struct smtp_reply reply;

    if (job->client_left) {
        job_set_state(job, JOB_OVER);
        return;
    }
    if (job->hold_reason != NULL || job->must_take_over) {
        spool_file_take_over(job->file, on_taken_over, job);
        return;
    }
    if (spool_file_envelope(job->file)->protocol == SMTP_PROTOCOL_LMTP) {
        answer_each(job);
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

    job->answer = NULL;
    job->client_left = true;
    if (job->state != JOB_SEND)
        return;
    if (hop_cancel(routes_find(job->jobs->config.routes, name), &job->delivery) == 0) {
        job_set_state(job, JOB_OVER);
        return;
    }
    log_warning("send", "%s: the client left after the end of data was sent on: it will come again",
                spool_file_id(job->file));
}
