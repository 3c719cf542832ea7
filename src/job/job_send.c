// SPDX-License-Identifier: BSD-2-Clause
#include "src/job/job_state.h"

#include <string.h>
#include <sys/random.h>

#include "base/log.h"
#include "base/mem.h"
#include "smtp/path.h"
#include "src/job/outcome.h"

static bool
is_due(const struct rcpt_state *rcpt, int64_t now)
{
    return rcpt->status == RCPT_OPEN || (rcpt->status == RCPT_DEFERRED && rcpt->until_ms <= now);
}

static bool
is_sendable(const struct job *job, size_t number, int64_t now)
{
    enum verdict verdict = job_verdict_of(job, number);

    return is_due(&job_spool_state(job)->rcpts[number], now) &&
           (verdict == VERDICT_ACCEPT || verdict == VERDICT_REDIRECT);
}

int
job_due_group(const struct job *job)
{
    const struct spool_state *state = job_spool_state(job);

    if (job->retry_ms > job->due_ms)
        return -1;
    for (size_t i = 0; i < state->rcpt_count; i++) {
        if (is_sendable(job, i, job->due_ms))
            return state->rcpts[i].group;
    }
    return -1;
}

static bool
is_same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool
job_is_alike(const struct job *job, int group, int other)
{
    const struct decided_group *a = &job_spool_state(job)->groups[group];
    const struct decided_group *b = &job_spool_state(job)->groups[other];

    if (group == other)
        return true;
    if (a->edit_count != b->edit_count || !is_same_text(a->received, b->received) ||
        !is_same_text(a->from, b->from))
        return false;
    for (size_t i = 0; i < a->edit_count; i++) {
        if (!is_same_text(a->edits[i], b->edits[i]))
            return false;
    }
    return true;
}

// "<path> params" of a recipient that was changed.
static void
set_address(struct delivery_rcpt *rcpt, const char *text, char **kept_out)
{
    static const struct path_rules rules = {.smtputf8 = true};
    struct path path;

    if (path_parse(span_of(text), &rules, &path) != PATH_OK)
        return; // the journal is ours: it keeps the address that came
    *kept_out = mem_printf("%.*s%c%.*s", (int)path.text.len, path.text.data, '\0',
                           (int)span_trim(path.rest).len, span_trim(path.rest).data);
    rcpt->path = *kept_out;
    rcpt->params = *kept_out + path.text.len + 1;
}

static void
list_recipients(struct job *job, int group, struct ranges *set)
{
    const struct smtp_envelope *envelope = spool_file_envelope(job->file);
    const struct spool_state *state = job_spool_state(job);
    struct delivery *delivery = &job->delivery;

    delivery->rcpts = mem_zarray(state->rcpt_count, sizeof *delivery->rcpts);
    job->addresses = mem_zarray(state->rcpt_count, sizeof *job->addresses);
    for (size_t i = 0; i < state->rcpt_count; i++) {
        struct delivery_rcpt *rcpt = &delivery->rcpts[delivery->rcpt_count];

        if (!is_sendable(job, i, job->due_ms) || !job_is_alike(job, group, state->rcpts[i].group))
            continue;
        *rcpt = (struct delivery_rcpt){.path = envelope->rcpts[i].path,
                                       .params = envelope->rcpts[i].params,
                                       .number = (uint32_t)i};
        if (state->rcpts[i].to != NULL)
            set_address(rcpt, state->rcpts[i].to, &job->addresses[delivery->rcpt_count]);
        ranges_add(set, i);
        delivery->rcpt_count++;
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
on_delivered(void *arg, struct delivery *delivery)
{
    struct job *job = arg;
    struct outcome_count count = outcome_of(delivery);
    struct counter_worker *counters = job->jobs->config.counters;
    bool is_lmtp = spool_file_envelope(job->file)->protocol == SMTP_PROTOCOL_LMTP;
    struct outcome_context context = {.settings = job->jobs->config.settings,
                                      .now_ms = job_now_ms(job),
                                      .received_us =
                                          job->stage_us[STAGE_RECEIVE] + job->stage_us[STAGE_SEAL]};

    job->stage_us[STAGE_SEND] += delivery_clock_us() - job->send_since_us;
    job->is_sent = true;
    if (count.sent < delivery->rcpt_count &&
        getrandom(&context.random, sizeof context.random, GRND_NONBLOCK) < 0)
        context.random = 0;
    job->must_take_over = job_is_relay(job) && !is_lmtp && !job->client_left &&
                          (count.sent > 0 || job->has_accepted) &&
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
    const char *changed = job_spool_state(job)->groups[group].from;
    struct delivery *delivery = &job->delivery;
    struct ranges set;

    memset(delivery, 0, sizeof *delivery);
    ranges_init(&set, envelope->rcpt_count);
    list_recipients(job, group, &set);
    note_attempt(job, group, &set);
    ranges_clear(&set);
    job->body = job_make_body(job, group);
    delivery->envelope = envelope;
    delivery->from = changed != NULL ? changed : envelope->from;
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
    for (size_t i = 0; i < job->delivery.rcpt_count; i++)
        mem_free(&job->addresses[i]);
    mem_free(&job->addresses);
    mem_free(&job->delivery.rcpts);
    mem_free(&job->head);
    job->delivery.rcpt_count = 0;
    body_free(&job->body);
}

static void
on_attempt_written(void *arg, const struct err *err)
{
    job_go_on(arg, err, JOB_SEND);
}

void
job_attempt(struct job *job)
{
    job->send_since_us = delivery_clock_us();
    make_delivery(job, job_due_group(job));
    if (job_is_relay(job)) // nothing is written yet
        job_set_state(job, JOB_SEND);
    else
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

// The common end, everybody has it, needs no write: that the file is gone says as much.
void
job_record(struct job *job)
{
    if (state_is_retired(job_spool_state(job)) && !job_owes_notice(job))
        job_set_state(job, JOB_SETTLE);
    else
        spool_file_flush(job->file, false, on_recorded, job);
}
