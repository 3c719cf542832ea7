// SPDX-License-Identifier: BSD-2-Clause
// A scanner that speaks anything instead of HTTP: who asked is told once, of a reply that is
// bounded, or why there is none.
#include "tests/fuzz/peer.h"

#include "filters/http.h"

enum { REPLY_MAX = 2000, TIMEOUT_MS = 200 };

struct run {
    struct loop *loop;
    unsigned told;
};

static void
on_done(void *arg, int status, struct span body, const struct err *err)
{
    struct run *run = arg;

    FUZZ_CHECK((status == 0) == (err != NULL) && body.len <= REPLY_MAX);
    FUZZ_CHECK(status == 0 || (status >= 100 && status <= 999));
    run->told++;
    loop_stop(run->loop);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const headers[] = {"X-One: 1", NULL};
    struct run run = {.loop = loop_new(NULL)};
    struct http_multi *multi = http_multi_new(run.loop);
    struct addr addr;
    struct peer peer;
    struct http_request request = {.server = &addr,
                                   .path = "/checkv2",
                                   .headers = headers,
                                   .connect_timeout_ms = TIMEOUT_MS,
                                   .timeout_ms = TIMEOUT_MS,
                                   .reply_max = REPLY_MAX,
                                   .done = on_done,
                                   .arg = &run};

    peer_begin(&peer, run.loop, fuzz_span(data, size < 8192 ? size : 8192), &addr);
    http_start(multi, &request);
    loop_run(run.loop);
    FUZZ_CHECK(run.told == 1);
    http_multi_free(&multi);
    peer_clear(&peer);
    loop_free(&run.loop);
    return 0;
}
