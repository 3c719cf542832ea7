// SPDX-License-Identifier: BSD-2-Clause
#include "filters/runner.h"

#include <stdio.h>

#include "base/log.h"
#include "base/mem.h"
#include "filters/filters_private.h"
#include "filters/question.h"
#include "filters/skip.h"

enum { NAMES_LOGGED_MAX = 300 };

struct runner {
    struct filters *filters;
    struct runner_request request;
    struct result *results;
    struct question **questions; // NULL: not under way
    size_t count;
    struct loop_deferred begin;
    struct loop *loop;
};

static enum log_level
level_of(enum result_kind kind)
{
    if (kind == RESULT_SKIPPED || kind == RESULT_CLEAN)
        return LOG_DEBUG_;
    return kind == RESULT_FAILED ? LOG_NOTICE_ : LOG_INFO_;
}

static void
log_names(struct log_line *line, const struct result *result)
{
    struct buf names;

    if (result->name_count == 0)
        return;
    buf_init(&names, NAMES_LOGGED_MAX + RESULT_NAME_MAX + 1);
    for (size_t i = 0; i < result->name_count && names.len < NAMES_LOGGED_MAX; i++) {
        if (i > 0)
            buf_add_char(&names, ' ');
        buf_add_text(&names, result->names[i]);
    }
    log_value(line, "name", buf_span(&names));
    buf_clear(&names);
}

static void
log_score(struct log_line *line, const char *key, double score)
{
    char text[32];

    snprintf(text, sizeof(text), "%.2f", score);
    log_text(line, key, text);
}

static void
log_result(const struct runner *runner, size_t index)
{
    const struct result *result = &runner->results[index];
    const enum log_level level = level_of(result->kind);
    struct log_line line;

    if (!log_is_wanted(level))
        return;
    log_begin(&line, level, "scan", runner->request.message.envelope->id);
    log_text(&line, "filter", filters_settings(runner->filters, index)->name);
    log_text(&line, "result", result_kind_name(result->kind));
    log_names(&line, result);
    if (result->has_score) {
        log_score(&line, "score", result->score);
        log_score(&line, "required", result->required_score);
    }
    log_text(&line, "action", result->action);
    log_text(&line, "reason", result->reason);
    log_text(&line, "server", result->server);
    log_duration(&line, "delay", result->took_us);
    log_end(&line);
}

static void
cancel_all(struct runner *runner)
{
    for (size_t i = 0; i < runner->count; i++)
        question_cancel(&runner->questions[i]);
}

static bool
is_pending(const struct runner *runner)
{
    for (size_t i = 0; i < runner->count; i++) {
        if (runner->results[i].kind == RESULT_PENDING)
            return true;
    }
    return false;
}

static bool
is_over(const struct runner *runner)
{
    const struct runner_request *request = &runner->request;

    return !is_pending(runner) || request->is_settled(request->arg, runner->results, runner->count);
}

// The last thing that is done with the runner: it may be freed in done.
static void
finish(struct runner *runner)
{
    cancel_all(runner);
    runner->request.done(runner->request.arg, runner->results, runner->count);
}

static void
on_answer(void *arg, struct result *result)
{
    struct runner *runner = arg;
    size_t index = (size_t)(result - runner->results);

    runner->questions[index] = NULL;
    log_result(runner, index);
    if (is_over(runner))
        finish(runner);
}

// What is known without asking.
static void
answer_at_once(struct runner *runner, size_t index)
{
    const struct filter_settings *settings = filters_settings(runner->filters, index);
    const struct filter_message *message = &runner->request.message;
    struct result *result = &runner->results[index];
    uint64_t len = content_len(message->content);
    const char *skipped = skip_reason(settings, message->envelope);
    char size[32];

    if (skipped != NULL) {
        result_set(result, RESULT_SKIPPED, "%s", skipped);
    } else if (len > settings->max_size) {
        str_format_size(settings->max_size, size);
        result_set(result, RESULT_UNSCANNABLE, "%llu bytes, max_size is %s",
                   (unsigned long long)len, size);
    } else if (runner->request.deadline_ms <= loop_now_ms(runner->loop)) {
        result_set(result, RESULT_FAILED, "no time left");
    } else {
        return;
    }
    log_result(runner, index);
}

static void
on_begin(void *arg)
{
    struct runner *runner = arg;

    for (size_t i = 0; i < runner->count; i++)
        answer_at_once(runner, i);
    if (is_over(runner)) {
        finish(runner);
        return;
    }
    for (size_t i = 0; i < runner->count; i++) {
        struct question_request request = {.one = filters_get(runner->filters, i),
                                           .message = &runner->request.message,
                                           .deadline_ms = runner->request.deadline_ms,
                                           .result = &runner->results[i],
                                           .done = on_answer,
                                           .arg = runner};

        if (runner->results[i].kind == RESULT_PENDING)
            runner->questions[i] = question_start(&request);
    }
}

struct runner *
runner_start(struct filters *filters, const struct runner_request *request)
{
    struct runner *runner = mem_zalloc(sizeof(*runner));

    runner->filters = filters;
    runner->request = *request;
    runner->count = filters_count(filters);
    runner->loop = filters_loop(filters);
    runner->results = mem_zarray(runner->count, sizeof(*runner->results));
    runner->questions = mem_zarray(runner->count, sizeof(struct question *));
    for (size_t i = 0; i < runner->count; i++)
        result_init(&runner->results[i]);
    runner->begin = (struct loop_deferred){.run = on_begin, .arg = runner};
    loop_defer(runner->loop, &runner->begin);
    return runner;
}

void
runner_free(struct runner **runner_in)
{
    struct runner *runner = *runner_in;

    if (runner == NULL)
        return;
    loop_undefer(runner->loop, &runner->begin);
    cancel_all(runner);
    for (size_t i = 0; i < runner->count; i++)
        result_clear(&runner->results[i]);
    mem_free(&runner->results);
    mem_free(&runner->questions);
    mem_free(runner_in);
}
