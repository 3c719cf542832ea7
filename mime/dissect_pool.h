// SPDX-License-Identifier: BSD-2-Clause
// mime/dissect_pool.h - a worker's dissectors as processes: made, handed out, watched, let go.
//
// Knows no queue: it tells when one is ready and what became of the message that one had. A
// process whose line ends while it works is judged when the nursery has told how it ended, or has
// not for a while: where it was the nursery that died, all its dissectors died with it, and no
// message is suspect.
#ifndef POSTERN_MIME_DISSECT_POOL_H
#define POSTERN_MIME_DISSECT_POOL_H

#include "mime/dissect.h"

struct dissect_pool;
struct dissect_process;

enum pool_end {
    POOL_FOUND,      // findings_take
    POOL_CRASHED,    // err
    POOL_UNREADABLE, // the bytes could not be read: err
    POOL_INNOCENT    // nobody looked: ask again
};

struct dissect_pool_events {
    void *arg;
    // The process is asked no more, whatever the end.
    void (*on_end)(void *arg, void *job, enum pool_end end, struct findings *findings_take,
                   const struct err *err);
    loop_callback *on_room; // a process became idle, or may be made: see who waits
};

struct dissect_pool *dissect_pool_new(const struct dissect_config *config,
                                      const struct dissect_pool_events *events);
void dissect_pool_free(struct dissect_pool **pool);
void dissect_pool_set_nursery(struct dissect_pool *pool, int fd_take);
bool dissect_pool_has_nursery(const struct dissect_pool *pool);
size_t dissect_pool_count(const struct dissect_pool *pool);

struct dissect_process *dissect_pool_idle(struct dissect_pool *pool); // NULL: none
// Makes as many as are wanted, within bounds, where there are not so many under way already.
void dissect_pool_want(struct dissect_pool *pool, size_t waiting);
// 0: on_end will come for job. -1: TEMP the process was gone, try another; PERM never fits.
int dissect_pool_ask(struct dissect_process *process, const struct dissect_request *request,
                     void *job, struct err *err);
void dissect_pool_kill(struct dissect_process *process); // no on_end

#endif
