// SPDX-License-Identifier: BSD-2-Clause
// base/idle.h - tells when nothing has happened for a while.
//
// Embedded in its owner. A sign of life only notes the time; the one timer looks at the note when
// it fires, so that a byte costs no timer call.
#ifndef POSTERN_BASE_IDLE_H
#define POSTERN_BASE_IDLE_H

#include "base/loop.h"

struct idle {
    struct loop *loop;
    struct loop_timer *timer;
    loop_callback *callback;
    void *arg;
    uint64_t timeout_ms; // 0: none
    uint64_t stamp_ms;   // last sign of life, or when watching began
    uint64_t due_ms;     // of the running timer
    bool is_watching;
};

void idle_init(struct idle *idle, struct loop *loop, loop_callback *callback, void *arg);
void idle_clear(struct idle *idle);
void idle_set(struct idle *idle, uint64_t timeout_ms); // 0: none. Begins anew.
void idle_touch(struct idle *idle);
// Watching begins anew where it was off; the callback comes once and ends it.
void idle_watch(struct idle *idle, bool is_wanted);

#endif
