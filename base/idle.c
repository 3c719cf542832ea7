// SPDX-License-Identifier: BSD-2-Clause
#include "base/idle.h"

static void
start_timer(struct idle *idle)
{
    uint64_t now_ms = loop_now_ms(idle->loop);
    uint64_t due_ms = idle->stamp_ms + idle->timeout_ms;

    if (!idle->is_watching || idle->timeout_ms == 0)
        return;
    // One that fires too early finds out by itself; only one that would be too late is moved.
    if (loop_timer_is_running(idle->timer) && idle->due_ms <= due_ms)
        return;
    idle->due_ms = due_ms;
    loop_timer_start(idle->timer, due_ms > now_ms ? due_ms - now_ms : 0);
}

static void
on_timer(void *arg)
{
    struct idle *idle = arg;

    if (!idle->is_watching || idle->timeout_ms == 0)
        return;
    if (loop_now_ms(idle->loop) < idle->stamp_ms + idle->timeout_ms) {
        start_timer(idle);
        return;
    }
    idle->is_watching = false;
    idle->callback(idle->arg);
}

void
idle_init(struct idle *idle, struct loop *loop, loop_callback *callback, void *arg)
{
    *idle = (struct idle){.loop = loop, .callback = callback, .arg = arg};
    idle->timer = loop_timer_new(loop, on_timer, idle);
}

void
idle_clear(struct idle *idle)
{
    loop_timer_free(&idle->timer);
}

void
idle_set(struct idle *idle, uint64_t timeout_ms)
{
    idle->timeout_ms = timeout_ms;
    idle_touch(idle);
    start_timer(idle);
}

void
idle_touch(struct idle *idle)
{
    idle->stamp_ms = loop_now_ms(idle->loop);
}

void
idle_watch(struct idle *idle, bool is_wanted)
{
    if (is_wanted == idle->is_watching)
        return;
    idle->is_watching = is_wanted;
    if (!is_wanted)
        return;
    idle_touch(idle);
    start_timer(idle);
}
