// SPDX-License-Identifier: BSD-2-Clause
// src/job_state.h - what job.c and the job_*.c share: one job's data. Private to them.
//
// Only job_set_state changes a state; the table in job_table.c says what each does and what may
// follow.
#ifndef POSTERN_SRC_JOB_STATE_H
#define POSTERN_SRC_JOB_STATE_H

#include "reinject/bounce.h"
#include "src/job.h"

enum job_state {
    JOB_NEW,
    JOB_DECIDE,  // read the decision, or make it
    JOB_QUEUED,  // a suspect waits for the lane
    JOB_ATTEMPT, // tell the journal what is about to go out
    JOB_SEND,
    JOB_RECORD, // tell the journal what came of it
    JOB_ANSWER, // relay: tell the client, or take the rest over
    JOB_NOTIFY, // bounces and other notices, one after another
    JOB_SETTLE, // is it over? what is next?
    JOB_HOLD,
    JOB_WAIT,
    JOB_OVER,
    JOB_STATE_COUNT
};

struct job {
    struct jobs *jobs;
    struct job *next, *prev;
    enum job_state state;
    enum job_origin origin;
    struct spool_file *file;
    struct delivery delivery; // from attempt to settle
    struct body *body;
    const char *hold_reason;
    int64_t retry_ms; // not before, after a trouble of our own; 0: none
    uint64_t started_ms, received_us;
    bool is_loop, is_suspect, has_tried;
    bool must_take_over;          // relay: some are sent and some are not
    bool client_left;             // relay
    enum bounce_kind notice_kind; // the notice being made
    struct ranges notice_set;
    job_answer *answer; // relay, until it was called
    void *answer_arg;
};

struct jobs {
    struct jobs_config config;
    struct job *first;
    size_t count;
    struct job *in_lane;
    bool is_draining;
    loop_callback *on_empty;
    void *empty_arg;
    struct loop_deferred emptied;
};

// job_table.c
void job_set_state(struct job *job, enum job_state next);

// job.c
void job_decide(struct job *job);
void job_settle(struct job *job);
void job_hold(struct job *job);
void job_wait(struct job *job);
void job_end(struct job *job);
int64_t job_now_ms(const struct job *job);
struct spool_state *job_spool_state(const struct job *job);
bool job_is_relay(const struct job *job);               // not durable (yet)
void job_later(struct job *job, const struct err *err); // a trouble of our own: wait a few minutes

// job_send.c
int job_due_group(const struct job *job); // first group with somebody to be sent to now, or -1
void job_attempt(struct job *job);
void job_send(struct job *job);
void job_record(struct job *job);
void job_drop_delivery(struct job *job);

// job_relay.c
void job_answer_client(struct job *job);

// job_notify.c
bool job_owes_notice(const struct job *job);
bool job_is_stuck(const struct job *job); // what is open has failed, and no bounce may be made
void job_notify(struct job *job);

#endif
