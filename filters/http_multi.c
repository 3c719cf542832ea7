// SPDX-License-Identifier: BSD-2-Clause
#include "filters/http_multi.h"

#include <assert.h>

#include <curl/curl.h>

#include "base/mem.h"

enum { SPARE_MAX = 16 };

struct http_multi {
    struct loop *loop;
    CURLM *multi;
    struct loop_timer *timer;  // curl's, and
    struct loop_deferred soon; // where it wants to go on at once: no turn of the loop is lost
    struct loop_deferred ends; // to be told; curl's wishes, which come and go, leave it alone
    CURL *spare[SPARE_MAX];
    size_t spare_count, started_count;
};

struct watch { // of one socket
    struct http_multi *multi;
    curl_socket_t socket;
    struct loop_io *io;
};

// Behind each call of curl's that can move transfers on.
static void
look_for_ends(struct http_multi *multi)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(multi->multi, &left)) != NULL) {
        CURLcode code = message->data.result;
        char *private;
        struct http_transfer *transfer;

        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
        transfer = (struct http_transfer *)(void *)private;
        transfer->done(transfer->arg, (int)code);
    }
}

static void
on_ends(void *arg)
{
    look_for_ends(arg);
}

// The watch may be gone behind the call of curl's.
static void
on_io(void *arg, bool readable, bool writable)
{
    const struct watch *watch = arg;
    struct http_multi *multi = watch->multi;
    int mask = (readable ? CURL_CSELECT_IN : 0) | (writable ? CURL_CSELECT_OUT : 0);
    int running;

    curl_multi_socket_action(multi->multi, watch->socket, mask, &running);
    look_for_ends(multi);
}

static void
on_time(void *arg)
{
    struct http_multi *multi = arg;
    int running;

    curl_multi_socket_action(multi->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    look_for_ends(multi);
}

static int
on_timer_wish(CURLM *unused, long timeout_ms, void *arg)
{
    struct http_multi *multi = arg;

    (void)unused;
    loop_timer_stop(multi->timer);
    loop_undefer(multi->loop, &multi->soon);
    if (timeout_ms == 0)
        loop_defer(multi->loop, &multi->soon);
    else if (timeout_ms > 0)
        loop_timer_start(multi->timer, (uint64_t)timeout_ms);
    return 0;
}

static struct watch *
watch_new(struct http_multi *multi, curl_socket_t socket)
{
    struct watch *watch = mem_zalloc(sizeof(*watch));

    watch->multi = multi;
    watch->socket = socket;
    watch->io = loop_io_new(multi->loop, socket, on_io, watch);
    curl_multi_assign(multi->multi, socket, watch);
    return watch;
}

static int
on_socket_wish(CURL *easy, curl_socket_t socket, int what, void *arg, void *assigned)
{
    struct http_multi *multi = arg;
    struct watch *watch = assigned;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (watch != NULL) {
            loop_io_free(&watch->io);
            loop_free_later(multi->loop, watch);
        }
        return 0;
    }
    if (watch == NULL)
        watch = watch_new(multi, socket);
    loop_io_want(watch->io, (what & CURL_POLL_IN) != 0, (what & CURL_POLL_OUT) != 0);
    return 0;
}

struct http_multi *
http_multi_new(struct loop *loop)
{
    struct http_multi *multi = mem_zalloc(sizeof(*multi));

    multi->loop = loop;
    multi->timer = loop_timer_new(loop, on_time, multi);
    multi->soon = (struct loop_deferred){.run = on_time, .arg = multi};
    multi->ends = (struct loop_deferred){.run = on_ends, .arg = multi};
    multi->multi = curl_multi_init();
    assert(multi->multi != NULL);
    curl_multi_setopt(multi->multi, CURLMOPT_SOCKETFUNCTION, on_socket_wish);
    curl_multi_setopt(multi->multi, CURLMOPT_SOCKETDATA, multi);
    curl_multi_setopt(multi->multi, CURLMOPT_TIMERFUNCTION, on_timer_wish);
    curl_multi_setopt(multi->multi, CURLMOPT_TIMERDATA, multi);
    return multi;
}

void
http_multi_free(struct http_multi **multi_in)
{
    struct http_multi *multi = *multi_in;

    if (multi == NULL)
        return;
    assert(multi->started_count == 0);
    while (multi->spare_count > 0)
        curl_easy_cleanup(multi->spare[--multi->spare_count]);
    curl_multi_cleanup(multi->multi);
    loop_undefer(multi->loop, &multi->soon);
    loop_undefer(multi->loop, &multi->ends);
    loop_timer_free(&multi->timer);
    mem_free(multi_in);
}

struct loop *
http_multi_loop(const struct http_multi *multi)
{
    return multi->loop;
}

void
http_multi_take(struct http_multi *multi, struct http_transfer *transfer)
{
    CURL *easy = multi->spare_count > 0 ? multi->spare[--multi->spare_count] : curl_easy_init();

    assert(easy != NULL);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    transfer->easy = easy;
}

// On its way at once, which saves a turn of the loop; who has come to an end by it is told later.
void
http_multi_start(struct http_multi *multi, struct http_transfer *transfer)
{
    CURLMcode code = curl_multi_add_handle(multi->multi, transfer->easy);
    int running;

    assert(code == CURLM_OK);
    multi->started_count++;
    curl_multi_socket_action(multi->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    if ((size_t)running < multi->started_count)
        loop_defer(multi->loop, &multi->ends);
}

// What was cut short takes its handle along, and with it whatever state it was left in.
void
http_multi_end(struct http_multi *multi, struct http_transfer *transfer, bool is_good)
{
    curl_multi_remove_handle(multi->multi, transfer->easy);
    if (is_good && multi->spare_count < SPARE_MAX)
        multi->spare[multi->spare_count++] = transfer->easy;
    else
        curl_easy_cleanup(transfer->easy);
    transfer->easy = NULL;
    multi->started_count--;
}
