// SPDX-License-Identifier: BSD-2-Clause
#include "policy/trial.h"

#include <time.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "filters/skip.h"
#include "mime/parts_file.h"
#include "policy/origin.h"

struct trial {
    struct trial_parts parts;
    struct trial_request request;
    trial_done *done;
    void *arg;
    uint64_t deadline_ms; // loop time
    uint64_t since_us;    // when the present step began
    struct origin origin;
    struct span *rcpts;
    struct content *content;
    struct content *decoded; // NULL: no parts are shown
    int parts_fd;            // for them; -1: not asked for
    struct dissect_request look;
    struct dissect_job *looking;
    struct loop_timer *timer; // of the look; the runner watches the rest
    struct findings *findings;
    unsigned char *memo; // of deciding
    struct runner_request question;
    struct runner *asking;
    struct trial_outcome outcome;
};

static uint64_t
now_us(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static uint64_t
take_time(struct trial *trial)
{
    uint64_t now = now_us();
    uint64_t took = now - trial->since_us;

    trial->since_us = now;
    return took;
}

static struct decide_case
case_of(const struct trial *trial, const struct result *results)
{
    const struct trial_parts *parts = &trial->parts;

    return (struct decide_case){
        .rules = parts->rules,
        .use_rules = trial->request.use_rules,
        .skip_rule = trial->request.envelope->skip_rule,
        .policy = parts->policy,
        .dissect = parts->dissect_settings,
        .filters = filters_count(parts->filters) > 0 ? filters_settings(parts->filters, 0) : NULL,
        .results = results,
        .filter_count = filters_count(parts->filters),
        .findings = trial->findings,
        .envelope = trial->request.envelope,
        .len = content_len(trial->content),
        .hostname = trial->request.hostname,
        .memo = trial->memo,
    };
}

static void
finish(struct trial *trial, const struct decide_case *question)
{
    trial->outcome.findings = trial->findings;
    trial->outcome.results = question->results;
    trial->outcome.result_count = question->results == NULL ? 0 : question->filter_count;
    decide(question, &trial->outcome.decision);
    trial->done(trial->arg, TRIAL_DECIDED, &trial->outcome, NULL);
}

static bool
is_settled(void *arg, const struct result *results, size_t count)
{
    const struct trial *trial = arg;
    struct decide_case question = case_of(trial, results);

    (void)count;
    return decide_is_settled(&question);
}

static void
on_asked(void *arg, struct result *results, size_t count)
{
    struct trial *trial = arg;
    struct decide_case question = case_of(trial, results);

    (void)count;
    trial->outcome.ask_us = take_time(trial);
    finish(trial, &question);
}

static void
ask(struct trial *trial)
{
    trial->question = (struct runner_request){
        .message = {.envelope = trial->request.envelope,
                    .findings = trial->findings,
                    .content = trial->content,
                    .parts = trial->decoded},
        .deadline_ms = trial->deadline_ms,
        .is_settled = is_settled,
        .done = on_asked,
        .arg = trial,
    };
    trial->asking = runner_start(trial->parts.filters, &trial->question);
}

// Filters would be asked in vain: nothing is decided without a look.
static void
give_up(struct trial *trial)
{
    struct decide_case question = case_of(trial, NULL);

    question.look_failed = true;
    finish(trial, &question);
}

// How many bytes of decoded parts a filter would take of such a message; 0: none wants them.
static uint64_t
wanted_parts(const struct trial *trial, const struct findings *findings)
{
    const struct filters *filters = trial->parts.filters;
    const uint64_t limit = trial->parts.dissect_settings->max_unpacked;
    uint64_t most = 0;

    for (size_t i = 0; i < filters_count(filters); i++) {
        const struct filter_settings *settings = filters_settings(filters, i);

        if (!skip_parts(settings, findings) && settings->max_size > most)
            most = settings->max_size;
    }
    return most < limit ? most : limit;
}

// -1: there is no file for them.
static int
ask_for_parts(struct trial *trial, const struct findings *findings)
{
    const uint64_t max = wanted_parts(trial, findings);

    if (max == 0)
        return 0;
    trial->parts_fd = parts_file_new(max, NULL);
    if (trial->parts_fd < 0)
        return -1;
    trial->look.query.parts_max = max;
    trial->look.query.parts_fd = trial->parts_fd;
    return 0;
}

// A description that nobody can write through, for who is not us.
static int
show_parts(struct trial *trial)
{
    struct content_source source = {.len = trial->findings->parts_len,
                                    .dir_fd = trial->request.source.dir_fd,
                                    .is_alone = true};

    if (source.len == 0)
        return 0; // or nobody has asked
    source.fd_take = fs_reopen_read(trial->parts_fd, NULL);
    if (source.fd_take < 0)
        return -1;
    trial->decoded = content_new(trial->parts.loop, trial->parts.pool, &source);
    return 0;
}

static uint64_t
time_left(const struct trial *trial)
{
    uint64_t now = loop_now_ms(trial->parts.loop);

    return trial->deadline_ms > now ? trial->deadline_ms - now : 0;
}

// What is odd is looked at once more, for its parts, unless nobody needs to be asked any more.
static bool
lacks_parts(const struct trial *trial)
{
    const struct decide_case question = case_of(trial, NULL);

    return trial->parts_fd < 0 && wanted_parts(trial, trial->findings) > 0 &&
           !decide_is_settled(&question);
}

static void
look(struct trial *trial, dissect_done *done)
{
    trial->look.wait_ms = time_left(trial);
    trial->looking = dissect_start(trial->parts.dissect, &trial->look, done, trial);
    loop_timer_start(trial->timer, trial->look.wait_ms);
}

static void
on_look(void *arg, enum dissect_end end, struct findings *findings_take, const struct err *err)
{
    struct trial *trial = arg;

    trial->looking = NULL;
    trial->findings = findings_take;
    trial->outcome.look_us += take_time(trial);
    loop_timer_stop(trial->timer);
    if (end == DISSECT_CRASHED) {
        trial->done(trial->arg, TRIAL_CRASHED, &trial->outcome, err);
    } else if (end == DISSECT_FOUND && lacks_parts(trial) &&
               ask_for_parts(trial, trial->findings) == 0) {
        findings_free(&trial->findings);
        look(trial, on_look);
    } else if (end == DISSECT_FOUND && !lacks_parts(trial) && show_parts(trial) == 0) {
        ask(trial);
    } else {
        give_up(trial);
    }
}

static void
on_deadline(void *arg)
{
    struct trial *trial = arg;

    dissect_cancel(&trial->looking);
    trial->outcome.look_us += take_time(trial);
    give_up(trial);
}

static uint64_t
time_for(const struct trial *trial)
{
    uint64_t limit = trial->request.time_ms, deadline = trial->parts.policy->deadline;

    return limit > 0 && limit < deadline ? limit : deadline;
}

static void
fill_query(struct trial *trial)
{
    const struct smtp_envelope *envelope = trial->request.envelope;
    const struct content_source *source = &trial->request.source;
    bool is_in_memory = source->memory.data != NULL;

    trial->rcpts = mem_zarray(envelope->rcpt_count, sizeof(trial->rcpts[0]));
    for (size_t i = 0; i < envelope->rcpt_count; i++)
        trial->rcpts[i] = span_of(envelope->rcpts[i].path);
    trial->look = (struct dissect_request){
        .query = {.id = span_of(envelope->id),
                  .offset = is_in_memory ? 0 : source->offset,
                  .len = is_in_memory ? source->memory.len : source->len,
                  .content = source->memory,
                  .from = span_of(envelope->from),
                  .helo = span_of(trial->origin.helo),
                  .user = span_of(trial->origin.user),
                  .client_name = span_of(trial->origin.name),
                  .rcpts = trial->rcpts,
                  .rcpt_count = envelope->rcpt_count},
        .fd = is_in_memory ? -1 : source->fd_take,
    };
}

struct trial *
trial_start(const struct trial_parts *parts, const struct trial_request *request, trial_done *done,
            void *arg)
{
    static const struct findings good_order;
    struct trial *trial = mem_zalloc(sizeof(*trial));

    trial->parts = *parts;
    trial->request = *request;
    trial->done = done;
    trial->arg = arg;
    trial->parts_fd = -1;
    trial->memo = mem_zarray(parts->rules->memo_count, sizeof(trial->memo[0]));
    trial->since_us = now_us();
    trial->deadline_ms = loop_now_ms(parts->loop) + time_for(trial);
    trial->content = content_new(parts->loop, parts->pool, &request->source);
    trial->timer = loop_timer_new(parts->loop, on_deadline, trial);
    if (parts->dissect == NULL) {
        ask(trial);
        return trial;
    }
    origin_init(&trial->origin, request->envelope);
    fill_query(trial);
    (void)ask_for_parts(trial, &good_order); // where all are wanted; tried again, too
    look(trial, on_look);
    return trial;
}

void
trial_free(struct trial **trial_ptr)
{
    struct trial *trial = *trial_ptr;

    if (trial == NULL)
        return;
    if (trial->looking != NULL)
        dissect_cancel(&trial->looking);
    if (trial->asking != NULL)
        runner_free(&trial->asking);
    loop_timer_free(&trial->timer);
    decision_clear(&trial->outcome.decision);
    findings_free(&trial->findings);
    content_free(&trial->content);
    content_free(&trial->decoded);
    if (trial->parts_fd >= 0)
        (void)close(trial->parts_fd);
    origin_clear(&trial->origin);
    mem_free(&trial->rcpts);
    mem_free(&trial->memo);
    mem_free(trial_ptr);
}
