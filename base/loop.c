// SPDX-License-Identifier: BSD-2-Clause
#include "base/loop.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "base/log.h"
#include "base/mem.h"

struct loop {
    struct event_base *base;
    struct loop_deferred queue;   // end of this turn; a ring, this is its head
    struct loop_deferred at_free; // the same, run by loop_free
    void **later;                 // memory to be freed at the end of this turn
    size_t later_count, later_size;
    uint64_t now_ms;
    bool now_is_known; // for this turn
    bool is_stopping;
};

struct loop_io {
    struct event event;
    struct loop *loop;
    loop_io_callback *callback;
    void *arg;
    short wanted; // EV_READ, EV_WRITE
};

struct loop_timer {
    struct event event;
    struct loop *loop;
    loop_callback *callback;
    void *arg;
};

struct loop_signal {
    struct event event;
    struct loop *loop;
    loop_callback *callback;
    void *arg;
};

static uint64_t
clock_ms(clockid_t clock)
{
    struct timespec now;
    int failed = clock_gettime(clock, &now);

    assert(failed == 0);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

// The clock is read once a turn, by whichever callback comes first after the wait.
static void
know_time(struct loop *loop)
{
    if (loop->now_is_known)
        return;
    loop->now_ms = clock_ms(CLOCK_MONOTONIC);
    loop->now_is_known = true;
}

static void
ring_init(struct loop_deferred *head)
{
    head->next = head;
    head->prev = head;
}

static void
ring_add(struct loop_deferred *head, struct loop_deferred *item)
{
    item->prev = head->prev;
    item->next = head;
    head->prev->next = item;
    head->prev = item;
}

static void
ring_remove(struct loop_deferred *item)
{
    item->prev->next = item->next;
    item->next->prev = item->prev;
    item->next = NULL;
    item->prev = NULL;
}

// Only what is queued now: what a callback queues anew waits for the next turn, so that two that
// keep asking for each other do not keep descriptors and timers waiting.
static void
run_ring(struct loop_deferred *ring)
{
    struct loop_deferred batch;

    if (ring->next == ring)
        return;
    batch.next = ring->next;
    batch.prev = ring->prev;
    batch.next->prev = &batch;
    batch.prev->next = &batch;
    ring_init(ring);
    while (batch.next != &batch) {
        struct loop_deferred *first = batch.next;

        ring_remove(first);
        first->run(first->arg);
    }
}

static void
forget_ring(struct loop_deferred *ring)
{
    struct loop_deferred *next;

    for (struct loop_deferred *item = ring->next; item != ring; item = next) {
        next = item->next;
        item->next = NULL;
        item->prev = NULL;
    }
}

static void
free_later_now(struct loop *loop)
{
    for (size_t i = 0; i < loop->later_count; i++)
        free(loop->later[i]);
    loop->later_count = 0;
}

static void
on_library_message(int severity, const char *message)
{
    if (severity >= EVENT_LOG_WARN)
        log_warning("loop", "libevent: %s", message);
}

// The change list saves system calls where interest is taken back and forth within a turn. It may
// be confused by duplicated descriptors; nothing here watches one file through two of them.
static struct event_base *
new_base(void)
{
    struct event_config *config = event_config_new();
    struct event_base *base = NULL;

    if (config == NULL)
        return NULL;
    if (event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST |
                                          EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV) == 0)
        base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

struct loop *
loop_new(struct err *err)
{
    struct loop *loop;
    struct event_base *base;

    event_set_log_callback(on_library_message);
    base = new_base();
    if (base == NULL) {
        err_set(err, ERR_TEMP, "cannot make an event loop");
        return NULL;
    }
    loop = mem_zalloc(sizeof *loop);
    loop->base = base;
    ring_init(&loop->queue);
    ring_init(&loop->at_free);
    return loop;
}

void
loop_free(struct loop **loop_in)
{
    struct loop *loop = *loop_in;

    if (loop == NULL)
        return;
    know_time(loop);
    run_ring(&loop->at_free);
    assert(loop->at_free.next == &loop->at_free);
    forget_ring(&loop->queue);
    free_later_now(loop);
    free(loop->later);
    event_base_free(loop->base);
    mem_free(loop_in);
}

void
loop_run(struct loop *loop)
{
    while (!loop->is_stopping) {
        int flags = EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY;
        int result;

        if (loop->queue.next != &loop->queue)
            flags |= EVLOOP_NONBLOCK;
        log_flush();
        result = event_base_loop(loop->base, flags);
        assert(result >= 0);
        know_time(loop);
        run_ring(&loop->queue);
        free_later_now(loop);
        loop->now_is_known = false;
    }
    loop->is_stopping = false;
}

void
loop_stop(struct loop *loop)
{
    loop->is_stopping = true;
}

void
loop_after_fork(struct loop *loop)
{
    int failed = event_reinit(loop->base);

    assert(failed == 0);
}

void *
loop_base(const struct loop *loop)
{
    return loop->base;
}

uint64_t
loop_now_ms(const struct loop *loop)
{
    return loop->now_is_known ? loop->now_ms : clock_ms(CLOCK_MONOTONIC);
}

int64_t
loop_realtime_ms(const struct loop *loop)
{
    (void)loop;
    return (int64_t)clock_ms(CLOCK_REALTIME);
}

static void
on_io_event(evutil_socket_t fd, short what, void *arg)
{
    struct loop_io *io = arg;

    (void)fd;
    know_time(io->loop);
    io->callback(io->arg, (what & EV_READ) != 0, (what & EV_WRITE) != 0);
}

struct loop_io *
loop_io_new(struct loop *loop, int fd, loop_io_callback *callback, void *arg)
{
    struct loop_io *io = mem_zalloc(sizeof *io);
    int failed = event_assign(&io->event, loop->base, fd, EV_PERSIST, on_io_event, io);

    assert(failed == 0);
    io->loop = loop;
    io->callback = callback;
    io->arg = arg;
    return io;
}

void
loop_io_want(struct loop_io *io, bool readable, bool writable)
{
    short wanted = (short)((readable ? EV_READ : 0) | (writable ? EV_WRITE : 0));
    int failed = 0;

    if (wanted == io->wanted)
        return;
    if (io->wanted != 0)
        failed = event_del(&io->event);
    assert(failed == 0);
    io->wanted = wanted;
    if (wanted == 0)
        return;
    failed = event_assign(&io->event, io->loop->base, event_get_fd(&io->event),
                          (short)(wanted | EV_PERSIST), on_io_event, io);
    assert(failed == 0);
    failed = event_add(&io->event, NULL);
    assert(failed == 0);
}

void
loop_io_free(struct loop_io **io)
{
    if (*io == NULL)
        return;
    loop_io_want(*io, false, false);
    mem_free(io);
}

static void
on_timer_event(evutil_socket_t fd, short what, void *arg)
{
    struct loop_timer *timer = arg;

    (void)fd;
    (void)what;
    know_time(timer->loop);
    timer->callback(timer->arg);
}

struct loop_timer *
loop_timer_new(struct loop *loop, loop_callback *callback, void *arg)
{
    struct loop_timer *timer = mem_zalloc(sizeof *timer);
    int failed = evtimer_assign(&timer->event, loop->base, on_timer_event, timer);

    assert(failed == 0);
    timer->loop = loop;
    timer->callback = callback;
    timer->arg = arg;
    return timer;
}

void
loop_timer_start(struct loop_timer *timer, uint64_t after_ms)
{
    enum { LONGEST_S = 10 * 365 * 86400 };
    struct timeval after = {LONGEST_S, 0};
    int failed;

    if (after_ms / 1000 < LONGEST_S) {
        after.tv_sec = (time_t)(after_ms / 1000);
        after.tv_usec = (suseconds_t)(after_ms % 1000 * 1000);
    }
    failed = evtimer_add(&timer->event, &after);
    assert(failed == 0);
}

void
loop_timer_stop(struct loop_timer *timer)
{
    int failed = evtimer_del(&timer->event);

    assert(failed == 0);
}

bool
loop_timer_is_running(const struct loop_timer *timer)
{
    return evtimer_pending(&timer->event, NULL) != 0;
}

void
loop_timer_free(struct loop_timer **timer)
{
    if (*timer == NULL)
        return;
    loop_timer_stop(*timer);
    mem_free(timer);
}

static void
on_signal_event(evutil_socket_t number, short what, void *arg)
{
    struct loop_signal *signal = arg;

    (void)number;
    (void)what;
    know_time(signal->loop);
    signal->callback(signal->arg);
}

struct loop_signal *
loop_signal_new(struct loop *loop, int number, loop_callback *callback, void *arg)
{
    struct loop_signal *signal = mem_zalloc(sizeof *signal);
    int failed = evsignal_assign(&signal->event, loop->base, number, on_signal_event, signal);

    assert(failed == 0);
    signal->loop = loop;
    signal->callback = callback;
    signal->arg = arg;
    failed = evsignal_add(&signal->event, NULL);
    assert(failed == 0);
    return signal;
}

void
loop_signal_free(struct loop_signal **signal)
{
    int failed;

    if (*signal == NULL)
        return;
    failed = evsignal_del(&(*signal)->event);
    assert(failed == 0);
    mem_free(signal);
}

void
loop_defer(struct loop *loop, struct loop_deferred *deferred)
{
    if (deferred->next == NULL)
        ring_add(&loop->queue, deferred);
}

void
loop_at_free(struct loop *loop, struct loop_deferred *deferred)
{
    if (deferred->next == NULL)
        ring_add(&loop->at_free, deferred);
}

void
loop_undefer(struct loop *loop, struct loop_deferred *deferred)
{
    (void)loop;
    if (deferred->next != NULL)
        ring_remove(deferred);
}

void
loop_free_later(struct loop *loop, void *memory)
{
    if (loop->later_count == loop->later_size) {
        loop->later_size = loop->later_size == 0 ? 64 : loop->later_size * 2;
        loop->later = mem_regrow(loop->later, loop->later_size, sizeof *loop->later);
    }
    loop->later[loop->later_count++] = memory;
}
