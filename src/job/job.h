// SPDX-License-Identifier: BSD-2-Clause
// src/job/job.h - one message's life from "it is kept" to "nobody waits for it any more".
//
// A state table (job.c) drives it: decide, attempt, send, record, notify, settle. Every step is a
// line in the journal before the next acts on it. A decision that the journal holds is carried out,
// never made anew.
// Relay: nothing is durable until the answer needs it (take-over); the client hears the outcome.
// Suspects: a message adopted with an open attempt goes through a lane of its own, one at a time,
// so that an innocent that merely was under way when a worker died is not held.
#ifndef POSTERN_SRC_JOB_H
#define POSTERN_SRC_JOB_H

#include "base/counter.h"
#include "control/settings.h"
#include "policy/trial.h"
#include "smtp/reply.h"
#include "spool/spool.h"
#include "src/job/routes.h"
#include "src/job/teller.h"

struct job;
struct jobs; // all messages under way in one worker

struct jobs_config { // borrowed
    struct loop *loop;
    struct spool *spool;
    struct routes *routes;
    struct trial_parts trial; // what looking and asking need
    const struct settings *settings;
    struct counter_worker *counters;
    struct teller *teller;
};

struct jobs *jobs_new(const struct jobs_config *config);
void jobs_free(struct jobs **jobs); // none may be left
size_t jobs_count(const struct jobs *jobs);
// That they are under way is told of those that were there at the call before already: a timer of
// theirs makes one every 100 ms. What is over sooner is told once, at its rest.
void jobs_tell_begun(struct jobs *jobs);
bool jobs_is_ready(const struct jobs *jobs); // may one more come from the spool?
// How many more there can be of those that come in at the front door: what is acknowledged on top
// waits in the spool. on_room: one of them has gone.
size_t jobs_room(const struct jobs *jobs);
void jobs_watch_room(struct jobs *jobs, loop_callback *on_room, void *arg);

// Draining: a first try is still made, what then cannot go out is left in the spool. on_empty: the
// last one has gone; also called (later) where there was none.
void jobs_drain(struct jobs *jobs, loop_callback *on_empty, void *arg);

enum job_origin {
    JOB_FRESH,   // just acknowledged
    JOB_DUE,     // waited, its time has come
    JOB_ADOPTED, // another process had it before
};

struct job_arrival {              // how it came in at the front door
    bool is_loop;                 // its guard says that the message goes round
    bool has_accepted;            // an earlier try of its client's: some of those who have moved
    uint64_t receive_us, seal_us; // MAIL to where there is room, and on to the disk's word
    uint64_t waited_us;           // for that earlier try
};

// A durable message. arrival NULL: it did not come in just now.
void job_start(struct jobs *jobs, struct spool_file *file_take, enum job_origin origin,
               const struct job_arrival *arrival);

// One reply for all, or one for each recipient in order (it counts for nothing with those who had
// moved before); over SMTP the worst is the client's. Called once. False: neither will he hear it,
// nor will he be told when he comes again.
typedef bool job_answer(void *arg, const struct smtp_reply *replies, size_t count);

struct job *job_start_relay(struct jobs *jobs, struct spool_file *file_take,
                            const struct job_arrival *arrival, job_answer *answer, void *arg);
// The client is gone, and answer tells its memory only. What has not left yet is taken back.
void job_leave(struct job *job);

#endif
