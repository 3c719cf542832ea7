// SPDX-License-Identifier: BSD-2-Clause
// base/loop.h - the event loop of one process; door to libevent. Single-threaded.
//
// Every callback runs from loop_run, never from within the call that asked for it. What is freed in
// a callback is gone at once for its owner; a struct that may be freed inside its own callback uses
// loop_defer to let its memory go at the end of the turn.
#ifndef POSTERN_BASE_LOOP_H
#define POSTERN_BASE_LOOP_H

#include "base/err.h"
#include <stdbool.h>
#include <stdint.h>

struct loop;
struct loop_io;
struct loop_timer;
struct loop_signal;

typedef void loop_callback(void *arg);
typedef void loop_io_callback(void *arg, bool readable, bool writable);

// Something to be done at the end of this turn of the loop; embedded in its owner. May be re-armed
// from its own callback (it then runs in the next turn).
struct loop_deferred {
    loop_callback *run;
    void *arg;
    struct loop_deferred *next, *prev; // loop's own; NULL, NULL: not queued
};

struct loop *loop_new(struct err *err);
void loop_free(struct loop **loop); // last: what watches, waits or counts on it is freed before
void loop_run(struct loop *loop);   // until loop_stop
void loop_stop(struct loop *loop);  // returns at the end of this turn
void loop_after_fork(struct loop *loop);
void *loop_base(const struct loop *loop); // libevent's struct event_base, for track/web/web alone

uint64_t loop_now_ms(const struct loop *loop);     // monotonic, as of this turn
int64_t loop_realtime_ms(const struct loop *loop); // wall clock, ms since 1970, read at each call

// Watches fd, which stays the caller's. Nothing is wanted at first.
struct loop_io *loop_io_new(struct loop *loop, int fd, loop_io_callback *callback, void *arg);
void loop_io_want(struct loop_io *io, bool readable, bool writable);
void loop_io_free(struct loop_io **io); // before the fd is closed

// One shot. Starting a running timer moves it.
struct loop_timer *loop_timer_new(struct loop *loop, loop_callback *callback, void *arg);
void loop_timer_start(struct loop_timer *timer, uint64_t after_ms);
void loop_timer_stop(struct loop_timer *timer);
bool loop_timer_is_running(const struct loop_timer *timer);
void loop_timer_free(struct loop_timer **timer);

struct loop_signal *loop_signal_new(struct loop *loop, int number, loop_callback *callback,
                                    void *arg);
void loop_signal_free(struct loop_signal **signal);

void loop_defer(struct loop *loop,
                struct loop_deferred *deferred); // queued once, however often asked
void loop_undefer(struct loop *loop, struct loop_deferred *deferred);
// Run by loop_free, for what outlives its owner (a connection that is still writing its last
// reply). loop_undefer takes it back. The same struct is never in both queues.
void loop_at_free(struct loop *loop, struct loop_deferred *deferred);
// Frees memory at the end of this turn.
void loop_free_later(struct loop *loop, void *memory);

#endif
