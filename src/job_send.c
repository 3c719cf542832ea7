// SPDX-License-Identifier: BSD-2-Clause
#include "src/job_state.h"

#include <string.h>
#include <sys/random.h>

#include "base/log.h"
#include "base/mem.h"
#include "reinject/body.h"
#include "src/outcome.h"

static bool
is_due(const struct rcpt_state *rcpt, int64_t now)
{
    return rcpt->status == RCPT_OPEN || (rcpt->status == RCPT_DEFERRED && rcpt->until_ms <= now);
}

int
job_due_group(const struct job *job)
{
    const struct spool_state *state = job_spool_state(job);
    int64_t now = job_now_ms(job);

    if (job->retry_ms > now)
        return -1;
    for (size_t i = 0; i < state->rcpt_count; i++) {
        if (state->rcpts[i].group >= 0 && is_due(&state->rcpts[i], now))
            return state->rcpts[i].group;
    }
    return -1;
}

static void
list_recipients(struct job *job, int group, struct ranges *set)
{
    const struct smtp_envelope *envelope = spool_file_envelope(job->file);
    const struct spool_state *state = job_spool_state(job);
    struct delivery *delivery = &job->delivery;
    int64_t now = job_now_ms(job);

    delivery->rcpts = mem_zarray(state->rcpt_count, sizeof *delivery->rcpts);
    for (size_t i = 0; i < state->rcpt_count; i++) {
        if (state->rcpts[i].group != group || !is_due(&state->rcpts[i], now))
            continue;
        delivery->rcpts[delivery->rcpt_count++] =
            (struct delivery_rcpt){.path = envelope->rcpts[i].path,
                                   .params = envelope->rcpts[i].params,
                                   .number = (uint32_t)i};
        ranges_add(set, i);
    }
}

static void
note_attempt(struct job *job, int group, const struct ranges *set)
{
    struct journal_writer writer;
    struct buf text;

    buf_init(&text, JOURNAL_LINE_MAX);
    ranges_format(set, &text);
    spool_note_begin(job->file, &writer, "attempt");
    journal_field_number(&writer, "g", group);
    journal_field(&writer, "r", buf_span(&text));
    journal_field_text(&writer, "hop", spool_file_envelope(job->file)->next_hop);
    if (job->is_suspect)
        journal_field_number(&writer, "alone", 1);
    spool_note_end(job->file, &writer);
    buf_clear(&text);
}

static void
read_message(void *arg, uint64_t offset, char *data, size_t len, body_read_done *done,
             void *done_arg)
{
    struct job *job = arg;

    spool_file_read(job->file, offset, data, len, done, done_arg);
}

static struct body *
make_body(struct job *job, int group)
{
    struct body_source source = {.memory = spool_file_memory(job->file),
                                 .len = spool_file_len(job->file),
                                 .read = read_message,
                                 .arg = job,
                                 .digest = spool_file_digest(job->file)};
    struct body_piece pieces[] = {
        {.literal = span_of(job_spool_state(job)->groups[group].received)}, {.len = source.len}};

    return body_new(&source, pieces, 2);
}

static void
on_delivered(void *arg, struct delivery *delivery)
{
    struct job *job = arg;
    struct outcome_count count = outcome_of(delivery);
    struct counter_worker *counters = job->jobs->config.counters;
    bool is_lmtp = spool_file_envelope(job->file)->protocol == SMTP_PROTOCOL_LMTP;
    struct outcome_context context = {.settings = job->jobs->config.settings,
                                      .now_ms = job_now_ms(job),
                                      .received_us = job->received_us};

    if (getrandom(&context.random, sizeof context.random, GRND_NONBLOCK) < 0)
        context.random = 0;
    job->must_take_over = job_is_relay(job) && !is_lmtp && !job->client_left && count.sent > 0 &&
                          count.sent < delivery->rcpt_count;
    context.may_wait = !job_is_relay(job) || job->must_take_over;
    if (delivery->alarm)
        log_alarm("send", "%s: the next hop cannot take it as it could before",
                  spool_file_id(job->file));
    if (delivery->dot_sent && count.sent == 0)
        log_warning("send", "%s: no reply to the end of data: it may be delivered twice",
                    spool_file_id(job->file));
    outcome_note(job->file, delivery, &context);
    atomic_fetch_add(&counters->sent, count.sent);
    atomic_fetch_add(&counters->deferred, count.temporary);
    job_set_state(job, job_is_relay(job) ? JOB_ANSWER : JOB_RECORD);
}

static void
make_delivery(struct job *job, int group)
{
    const struct smtp_envelope *envelope = spool_file_envelope(job->file);
    uint64_t limit = job->jobs->config.settings->delivery.relay_deadline;
    struct delivery *delivery = &job->delivery;
    struct ranges set;

    memset(delivery, 0, sizeof *delivery);
    ranges_init(&set, envelope->rcpt_count);
    list_recipients(job, group, &set);
    note_attempt(job, group, &set);
    ranges_clear(&set);
    job->body = make_body(job, group);
    delivery->envelope = envelope;
    delivery->from = envelope->from;
    delivery->from_params = envelope->from_params;
    delivery->body = job->body;
    delivery->deadline_ms = job_is_relay(job) ? job->started_ms + limit : 0;
    delivery->on_done = on_delivered;
    delivery->arg = job;
}

void
job_drop_delivery(struct job *job)
{
    delivery_clear(&job->delivery);
    mem_free(&job->delivery.rcpts);
    job->delivery.rcpt_count = 0;
    body_free(&job->body);
}

static void
on_attempt_written(void *arg, const struct err *err)
{
    struct job *job = arg;

    if (job->client_left)
        job_set_state(job, JOB_OVER);
    else if (err != NULL)
        job_later(job, err);
    else
        job_set_state(job, JOB_SEND);
}

void
job_attempt(struct job *job)
{
    make_delivery(job, job_due_group(job));
    spool_file_flush(job->file, false, on_attempt_written, job);
}

void
job_send(struct job *job)
{
    const char *name = spool_file_envelope(job->file)->next_hop;

    job->has_tried = true;
    hop_send(routes_find(job->jobs->config.routes, name), &job->delivery);
}

static void
on_recorded(void *arg, const struct err *err)
{
    struct job *job = arg;

    if (err != NULL)
        job_later(job, err);
    else
        job_set_state(job, job_owes_notice(job) ? JOB_NOTIFY : JOB_SETTLE);
}

// The common end, everybody has it, needs no write of its own: finishing writes what was noted.
void
job_record(struct job *job)
{
    if (state_is_retired(job_spool_state(job)) && !job_owes_notice(job))
        job_set_state(job, JOB_SETTLE);
    else
        spool_file_flush(job->file, false, on_recorded, job);
}
