// SPDX-License-Identifier: BSD-2-Clause
#include "src/job/job_state.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "policy/trial.h"

enum {
    CONTENT_MAX = 65536
}; // read into memory: a slot's descriptor would show later messages, too

// Whom a look could give a verdict now.
static bool
wants_verdict(const struct job *job, const struct rcpt_state *rcpt, int64_t now_ms)
{
    const struct spool_state *state = job_spool_state(job);

    if ((rcpt->status != RCPT_OPEN && rcpt->status != RCPT_DEFERRED) || rcpt->until_ms > now_ms)
        return false;
    return rcpt->group < 0 || state->groups[rcpt->group].verdict == VERDICT_DEFER;
}

bool
job_is_undecided(const struct job *job)
{
    const struct spool_state *state = job_spool_state(job);
    int64_t now_ms = job_now_ms(job);

    if (job->retry_ms > now_ms)
        return false;
    for (size_t i = 0; i < state->rcpt_count; i++) {
        if (wants_verdict(job, &state->rcpts[i], now_ms))
            return true;
    }
    return false;
}

void
job_list_undecided(const struct job *job, struct ranges *set_out)
{
    const struct spool_state *state = job_spool_state(job);
    int64_t now_ms = job_now_ms(job);

    ranges_init(set_out, state->rcpt_count);
    for (size_t i = 0; i < state->rcpt_count; i++) {
        if (wants_verdict(job, &state->rcpts[i], now_ms))
            ranges_add(set_out, i);
    }
}

bool
job_is_born_decided(const struct job *job, enum verdict *verdict_out)
{
    const struct smtp_envelope *envelope = spool_file_envelope(job->file);
    bool is_child = envelope->parent != NULL && strcmp(envelope->reason, "release") != 0;
    bool is_hold = is_child && strcmp(envelope->reason, "hold") == 0;
    bool is_quarantine = is_child && strcmp(envelope->reason, "quarantine") == 0;

    *verdict_out = job->is_loop || is_hold ? VERDICT_HOLD
                   : is_quarantine         ? VERDICT_QUARANTINE
                                           : VERDICT_ACCEPT;
    if ((is_hold || is_quarantine) && job_spool_state(job)->rescanned)
        return false;
    return is_child || job->is_loop;
}

void
job_drop_look(struct job *job)
{
    struct job_look *look = &job->look;
    size_t copies = look->outcome != NULL ? look->copied : 0;

    // Not told in the journal: whoever looks again makes them again.
    for (size_t i = 0; i < copies; i++) {
        if (look->copies[i] != NULL)
            spool_file_discard(&look->copies[i]);
    }
    mem_free(&look->copies);
    trial_free(&look->trial);
    mem_free(&look->content);
    *look = (struct job_look){0};
}

static void
on_trial(void *arg, enum trial_end end, struct trial_outcome *outcome, const struct err *err)
{
    struct job *job = arg;

    if (end == TRIAL_DECIDED) {
        job->look.outcome = outcome;
        job->stage_us[STAGE_DISSECT] += outcome->look_us;
        job->stage_us[STAGE_FILTERS] += outcome->ask_us;
        job->is_looked = true;
        job->look.copies =
            mem_zarray(outcome->decision.copy_count + 1, sizeof(struct spool_file *));
        job_set_state(job, JOB_COPY);
        return;
    }
    atomic_fetch_add(&job->jobs->config.counters->dissector_crashes, 1);
    log_alarm("scan", "%s: a dissector died on it: %s", spool_file_id(job->file), err->text);
    job_drop_look(job);
    job_set_state(job, JOB_CRASHED);
}

static const struct setting_list *
rules_of(const struct settings *settings, const char *listener)
{
    for (size_t i = 0; i < settings->listener_count; i++) {
        if (strcmp(settings->listeners[i].name, listener) == 0)
            return &settings->listeners[i].rules;
    }
    return NULL;
}

// Over relay the client waits: what is left of his time.
static uint64_t
time_left(const struct job *job)
{
    uint64_t limit = job->jobs->config.settings->delivery.relay_deadline;
    uint64_t spent = loop_now_ms(job->jobs->config.loop) - job->started_ms;

    if (!job_is_relay(job))
        return 0;
    return spent < limit ? limit - spent : 1;
}

static void
start_trial(struct job *job, const struct content_source *source)
{
    const struct settings *settings = job->jobs->config.settings;
    const struct smtp_envelope *envelope = spool_file_envelope(job->file);
    struct trial_request request = {.envelope = envelope,
                                    .use_rules = rules_of(settings, envelope->listener),
                                    .hostname = settings->smtp.hostname,
                                    .time_ms = time_left(job),
                                    .source = *source};

    job->look.trial = trial_start(&job->jobs->config.trial, &request, on_trial, job);
}

static void
on_content(void *arg, const struct err *err)
{
    struct job *job = arg;
    uint64_t len = spool_file_len(job->file);
    struct content_source source = {.fd_take = -1, .len = len};

    if (job->client_left) {
        job_set_state(job, JOB_OVER);
        return;
    }
    if (err != NULL) {
        job_later(job, err);
        return;
    }
    source.memory = span_from(job->look.content, (size_t)len);
    start_trial(job, &source);
}

static void
on_closed_file(void *arg, const struct err *err)
{
    struct job *job = arg;
    struct err why = err != NULL ? *err : job->look.err;

    if (job->client_left)
        job_set_state(job, JOB_OVER);
    else
        job_later(job, &why);
}

// A client that relays has to be told from the loop: he is still handing over.
static void
look_at_file(struct job *job)
{
    struct content_source source = {.len = spool_file_len(job->file),
                                    .dir_fd = spool_dir_fd(job->jobs->config.spool)};

    source.fd_take = spool_file_open_read(job->file, &source.offset, &job->look.err);
    if (source.fd_take < 0)
        spool_file_flush(job->file, false, on_closed_file, job);
    else
        start_trial(job, &source);
}

void
job_look(struct job *job)
{
    uint64_t len = spool_file_len(job->file);
    struct content_source source = {.memory = spool_file_memory(job->file),
                                    .fd_take = -1,
                                    .len = len,
                                    .dir_fd = spool_dir_fd(job->jobs->config.spool)};

    if (source.memory.data != NULL) {
        start_trial(job, &source);
    } else if (len <= CONTENT_MAX) {
        job->look.content = mem_zalloc((size_t)len + 1);
        spool_file_read(job->file, 0, job->look.content, (size_t)len, on_content, job);
    } else {
        look_at_file(job);
    }
}

static void
on_looking_written(void *arg, const struct err *err)
{
    job_go_on(arg, err, JOB_LOOK);
}

// Whoever had it before may have died on its findings or on a filter's answer.
void
job_looking(struct job *job)
{
    struct journal_writer writer;

    spool_note_begin(job->file, &writer, "looking");
    spool_note_end(job->file, &writer);
    spool_file_flush(job->file, false, on_looking_written, job);
}

static void
on_crash_written(void *arg, const struct err *err)
{
    job_go_on(arg, err, JOB_DECIDE);
}

void
job_crashed(struct job *job)
{
    struct journal_writer writer;

    spool_note_begin(job->file, &writer, "crashed");
    journal_field_number(&writer, "n", job_spool_state(job)->crashes + 1);
    spool_note_end(job->file, &writer);
    spool_file_flush(job->file, false, on_crash_written, job);
}
