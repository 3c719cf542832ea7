// SPDX-License-Identifier: BSD-2-Clause
#include "src/job/job_state.h"

#include <string.h>

#include "base/log.h"
#include "src/job/notice.h"

// A notice stays well below its bound of 4 MB; the rest of a larger crowd gets the next one.
enum { NOTICE_RCPTS_MAX = 1000 };

// A next hop's 5xx may be set to hold; a message that has expired is always bounced.
static bool
may_bounce(const struct job *job, size_t number)
{
    bool is_ours = job_verdict_of(job, number) == VERDICT_REJECT;
    bool is_reject = job_spool_state(job)->rcpts[number].code >= 500 && !is_ours;

    return spool_file_envelope(job->file)->from[0] != '\0' &&
           !(is_reject && job->jobs->config.settings->delivery.on_next_hop_reject != 0);
}

static bool
is_wanted(const struct job *job, enum bounce_kind kind, size_t number)
{
    const struct smtp_envelope *envelope = spool_file_envelope(job->file);

    return bounce_is_wanted(kind, envelope->from, envelope->rcpts[number].params);
}

static bool
owes_delay(const struct job *job, size_t number)
{
    const struct rcpt_state *rcpt = &job_spool_state(job)->rcpts[number];
    uint64_t after = job->jobs->config.settings->delivery.delay_warning;
    int64_t age = job_now_ms(job) - spool_file_envelope(job->file)->arrived_ms;

    return after > 0 && rcpt->status == RCPT_DEFERRED && !rcpt->delay_told && age > 0 &&
           (uint64_t)age >= after && is_wanted(job, BOUNCE_DELAYED, number);
}

// Where the next hop takes no DSN, the success notice that was asked for becomes a "relayed" of
// ours.
static bool
owes_relayed(const struct job *job, size_t number)
{
    const struct rcpt_state *rcpt = &job_spool_state(job)->rcpts[number];

    return job->delivery.rcpt_count > 0 && !job->delivery.offers_dsn && rcpt->status == RCPT_SENT &&
           !rcpt->relayed_told && is_wanted(job, BOUNCE_RELAYED, number);
}

static bool
owes(const struct job *job, enum bounce_kind kind, size_t number)
{
    const struct rcpt_state *rcpt = &job_spool_state(job)->rcpts[number];

    switch (kind) {
    case BOUNCE_FAILED:
        return rcpt->status == RCPT_FAILED && may_bounce(job, number);
    case BOUNCE_DELAYED:
        return owes_delay(job, number);
    default:
        return owes_relayed(job, number);
    }
}

static bool
collect(const struct job *job, enum bounce_kind kind, struct ranges *set)
{
    size_t count = job_spool_state(job)->rcpt_count, found = 0;

    ranges_init(set, count);
    for (size_t i = 0; i < count && found < NOTICE_RCPTS_MAX; i++) {
        if (owes(job, kind, i)) {
            ranges_add(set, i);
            found++;
        }
    }
    return found > 0;
}

static bool
next_kind(const struct job *job, enum bounce_kind *kind_out, struct ranges *set_out)
{
    static const enum bounce_kind kinds[] = {BOUNCE_FAILED, BOUNCE_DELAYED, BOUNCE_RELAYED};

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        *kind_out = kinds[i];
        if (collect(job, kinds[i], set_out))
            return true;
        ranges_clear(set_out);
    }
    return false;
}

bool
job_owes_notice(const struct job *job)
{
    enum bounce_kind kind;
    struct ranges set;
    bool is_owed = next_kind(job, &kind, &set);

    if (is_owed)
        ranges_clear(&set);
    return is_owed;
}

bool
job_is_stuck(const struct job *job)
{
    const struct spool_state *state = job_spool_state(job);
    size_t failed = 0;

    for (size_t i = 0; i < state->rcpt_count; i++) {
        if (state->rcpts[i].status == RCPT_FAILED)
            failed++;
    }
    return failed > 0 && failed == state_open_count(state);
}

// NOTIFY without FAILURE: the sender asked not to be told (RFC 3461 4.1).
static void
discard_unwanted(struct job *job)
{
    struct spool_state *state = job_spool_state(job);
    struct ranges set;
    struct log_line line;

    ranges_init(&set, state->rcpt_count);
    for (size_t i = 0; i < state->rcpt_count; i++) {
        if (owes(job, BOUNCE_FAILED, i) && !is_wanted(job, BOUNCE_FAILED, i))
            ranges_add(&set, i);
    }
    if (ranges_size(&set) > 0) {
        log_begin(&line, LOG_NOTICE_, "send", spool_file_id(job->file));
        log_number(&line, "nrcpt", ranges_size(&set));
        log_text(&line, "status", "discarded");
        log_text(&line, "reason", "NOTIFY asks for no failure notice");
        log_end(&line);
        job_note(job, "discarded", &set, "reason", "notify");
    }
    ranges_clear(&set);
}

static const char *
event_of(enum bounce_kind kind)
{
    return kind == BOUNCE_FAILED ? "bounced" : kind == BOUNCE_DELAYED ? "delayed" : "relayed";
}

static void
log_notice(const struct job *job, const char *child_id)
{
    struct log_line line;

    log_begin(&line, LOG_NOTICE_, "send", spool_file_id(job->file));
    log_text(&line, "notice", bounce_kind_name(job->notice_kind));
    log_number(&line, "nrcpt", ranges_size(&job->notice_set));
    log_text(&line, "child", child_id);
    log_path(&line, "to", span_of(spool_file_envelope(job->file)->from));
    log_end(&line);
}

static void
on_noted(void *arg, const struct err *err)
{
    struct job *job = arg;
    struct spool_file *child = job->split.child;

    job->split.child = NULL;
    if (child != NULL)
        job_start(job->jobs, child, JOB_FRESH, NULL);
    if (err != NULL)
        job_later(job, err);
    else
        job_set_state(job, job_owes_notice(job) ? JOB_NOTIFY : JOB_SETTLE);
}

// Once it is sent and gone, only our own line says that it was: without, it would be made again.
static void
on_notice(void *arg, const char *child_id, struct spool_file *file_take, const struct err *err)
{
    struct job *job = arg;

    if (err != NULL) {
        ranges_clear(&job->notice_set);
        job_later(job, err);
        return;
    }
    log_notice(job, child_id);
    job_note(job, event_of(job->notice_kind), &job->notice_set, "child", child_id);
    if (job->notice_kind == BOUNCE_FAILED)
        atomic_fetch_add(&job->jobs->config.counters->bounced, ranges_size(&job->notice_set));
    ranges_clear(&job->notice_set);
    job->split.child = file_take;
    spool_file_flush(job->file, true, on_noted, job);
}

void
job_notify(struct job *job)
{
    const struct settings *settings = job->jobs->config.settings;
    int64_t arrived = spool_file_envelope(job->file)->arrived_ms;
    struct notice_request request = {.file = job->file,
                                     .rcpts = &job->notice_set,
                                     .hostname = settings->smtp.hostname,
                                     .now_ms = job_now_ms(job)};

    discard_unwanted(job);
    if (!next_kind(job, &job->notice_kind, &job->notice_set)) {
        job_set_state(job, JOB_SETTLE);
        return;
    }
    request.kind = job->notice_kind;
    request.relay = job->delivery.relay[0] != '\0' ? job->delivery.relay : NULL;
    request.retry_until_ms = arrived + (int64_t)settings->spool.lifetime;
    notice_start(job->jobs->config.spool, &request, on_notice, job);
}
