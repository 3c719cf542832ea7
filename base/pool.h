// SPDX-License-Identifier: BSD-2-Clause
// base/pool.h - a few threads for disk calls that can block, answering on the loop.
//
// A job is embedded in its owner, who keeps it alive until done. work runs in a thread and touches
// only what the job owns; done runs on the loop, exactly once, never from within pool_submit. A job
// that was submitted cannot be cancelled. Jobs start in order of submission, from the end of the
// loop's turn on, all of a turn being handed over together; several run at once.
// Quick: a job that writes to the page cache and waits for no disk. A thread is woken for each of
// the others, but only one for all that are quick: a wake-up costs more than they do.
#ifndef POSTERN_BASE_POOL_H
#define POSTERN_BASE_POOL_H

#include "base/loop.h"

struct pool;

struct pool_job {
    void (*work)(struct pool_job *job); // in a thread
    void (*done)(struct pool_job *job); // on the loop; may free or submit the job again
    bool is_quick;
    struct pool_job *next; // pool's own
};

// threads 1..64. All signals are blocked in them.
struct pool *pool_new(struct loop *loop, unsigned threads, struct err *err);
void pool_submit(struct pool *pool, struct pool_job *job);
unsigned pool_pending(const struct pool *pool); // submitted, done not yet called
void pool_free(struct pool **pool); // works off what was submitted (and calls done), then joins

#endif
