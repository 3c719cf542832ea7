// SPDX-License-Identifier: BSD-2-Clause
#include "filters/rspamd.h"

#include <string.h>

#include "base/mem.h"
#include "filters/http.h"
#include "filters/rspamd_wire.h"

enum { PONG_MAX = 256 };

struct filter_shared {
    struct http_multi *http;
};

struct filter_run {
    struct filter_try attempt;
    struct http_call *call;
};

static void
finish(struct filter_run *run, enum filter_end end, struct result *result_take,
       const struct err *err)
{
    struct filter_try attempt = run->attempt;

    mem_free(&run);
    attempt.done(attempt.arg, end, result_take, err);
}

static void
on_reply(void *arg, int status, struct span body, const struct err *err)
{
    struct filter_run *run = arg;
    struct result result;
    struct err trouble;

    result_init(&result);
    if (status == 0) {
        finish(run, FILTER_TROUBLE, NULL, err);
        return;
    }
    // To rspamd an empty message is a good one.
    if (content_len(run->attempt.message->content) == 0)
        result_set(&result, RESULT_UNSCANNABLE, "empty");
    else if (rspamd_wire_read(status, body, &result, &trouble) != 0) {
        result_clear(&result);
        finish(run, FILTER_TROUBLE, NULL, &trouble);
        return;
    }
    finish(run, FILTER_ANSWERED, &result, NULL);
}

static void
on_pong(void *arg, int status, struct span body, const struct err *err)
{
    struct filter_run *run = arg;
    struct err trouble;

    if (status == 200 && span_starts_nocase(body, "pong")) {
        finish(run, FILTER_ANSWERED, NULL, NULL);
        return;
    }
    if (status != 0) {
        err_set(&trouble, ERR_TEMP, "rspamd answered /ping with HTTP %d", status);
        err = &trouble;
    }
    finish(run, FILTER_TROUBLE, NULL, err);
}

static struct filter_run *
ask(const struct filter_try *attempt, struct http_request *request)
{
    struct filter_run *run = mem_zalloc(sizeof(*run));
    uint64_t connect_timeout_ms = attempt->settings->connect_timeout;

    run->attempt = *attempt;
    request->server = attempt->server;
    request->timeout_ms = attempt->timeout_ms;
    request->connect_timeout_ms =
        connect_timeout_ms < attempt->timeout_ms ? connect_timeout_ms : attempt->timeout_ms;
    request->arg = run;
    run->call = http_start(attempt->shared->http, request);
    return run;
}

static struct filter_run *
start(const struct filter_try *attempt)
{
    struct rspamd_headers headers;
    struct http_request request = {.path = "/checkv2",
                                   .content = attempt->message->content,
                                   .reply_max = RSPAMD_REPLY_MAX,
                                   .done = on_reply};
    struct filter_run *run;

    rspamd_wire_headers(attempt->message->envelope, &headers);
    request.headers = (const char *const *)headers.items;
    run = ask(attempt, &request);
    rspamd_wire_headers_clear(&headers);
    return run;
}

static struct filter_run *
probe(const struct filter_try *attempt)
{
    struct http_request request = {.path = "/ping", .reply_max = PONG_MAX, .done = on_pong};

    return ask(attempt, &request);
}

static void
cancel(struct filter_run *run)
{
    http_cancel(&run->call);
    mem_free(&run);
}

static struct filter_shared *
open_shared(struct loop *loop)
{
    struct filter_shared *shared = mem_zalloc(sizeof(*shared));

    shared->http = http_multi_new(loop);
    return shared;
}

static void
close_shared(struct filter_shared *shared)
{
    http_multi_free(&shared->http);
    mem_free(&shared);
}

const struct filter_type rspamd_type = {.name = "rspamd",
                                        .start = start,
                                        .probe = probe,
                                        .cancel = cancel,
                                        .open = open_shared,
                                        .close = close_shared};
