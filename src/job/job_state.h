// SPDX-License-Identifier: BSD-2-Clause
// src/job/job_state.h - what job.c and the job_*.c share: one job's data. Private to them.
//
// Only job_set_state changes a state; the table in job_table.c says what each does and what may
// follow.
#ifndef POSTERN_SRC_JOB_STATE_H
#define POSTERN_SRC_JOB_STATE_H

#include "reinject/bounce.h"
#include "src/job/job.h"

enum job_state {
    JOB_NEW,
    JOB_DECIDE,  // is it decided? may it go on?
    JOB_LOOKING, // adopted: tell the journal first
    JOB_LOOK,    // look into it, ask the filters, decide
    JOB_CRASHED, // tell the journal that a dissector died on it
    JOB_COPY,    // copies that the decision asks for, one after another, before it is final
    JOB_VERDICT, // tell the journal what was decided
    JOB_WEIGH,   // relay: what can be answered before anything is sent?
    JOB_ACT,     // discards, rejects, deferrals
    JOB_QUEUED,  // a suspect waits for the lane
    JOB_SPLIT,   // a child for those whose verdict is another one's
    JOB_HEAD,    // read the header that is to be changed
    JOB_ATTEMPT, // tell the journal what is about to go out
    JOB_SEND,
    JOB_RECORD, // tell the journal what came of it
    JOB_ANSWER, // relay: tell the client, or take the rest over
    JOB_NOTIFY, // bounces and other notices, one after another
    JOB_SETTLE, // is it over? what is next?
    JOB_QUARANTINE,
    JOB_HOLD,
    JOB_WAIT,
    JOB_OVER,
    JOB_STATE_COUNT
};

struct job_look { // from look to verdict
    struct trial *trial;
    struct trial_outcome *outcome; // the trial's
    char *content;                 // a small message that had to be read
    size_t copied;                 // of the decision's copies
    struct spool_file **copies;    // made, and not yet started; NULL: made before a crash
    struct err err;                // the file could not be opened
};

struct job_copies { // relay: until the client is told
    struct spool_file **files;
    size_t count;
    bool is_wanted; // he will not come again with all of it
};

struct job_split { // while a child is made
    struct ranges set;
    int group;
    struct spool_file *child; // made, and not yet told
};

struct job {
    struct jobs *jobs;
    struct job *next, *prev;
    struct job_budget *budget; // NULL: relay, of which there are as many as clients
    enum job_state state;
    enum job_origin origin;
    struct spool_file *file;
    struct job_look look;
    struct job_copies copies;
    struct job_split split;
    struct delivery delivery; // from attempt to settle
    struct body *body;
    char **addresses; // of the delivery's recipients, where they were changed
    char *head;       // the header that is to be changed, of the group that is being sent
    size_t head_len;
    const char *hold_reason;
    int64_t retry_ms; // not before, after a trouble of our own; 0: none
    int64_t due_ms;   // of the last settling: the clock may be set before the transaction is made
    uint64_t started_ms;
    uint64_t stage_us[STAGE_COUNT]; // what this job has seen of it
    uint64_t send_since_us;
    bool is_looked, is_sent; // since it was last told
    bool is_seen, is_told;   // by jobs_tell_begun; at all
    bool had_tries;          // when the job began
    bool is_loop, is_suspect, has_tried;
    bool must_take_over;          // relay: some are sent and some are not
    bool client_left;             // relay
    bool has_accepted;            // relay: some who have moved, before it began
    enum job_state after;         // relay: once it is taken over
    enum bounce_kind notice_kind; // the notice being made
    struct ranges notice_set;
    struct smtp_reply *replies; // relay: one a recipient; code 0: not known yet
    struct smtp_reply said;     // relay over SMTP: the one that the client was told
    bool is_answered;           // and heard, or remembered
    job_answer *answer;         // relay, until it was called
    void *answer_arg;
};

struct job_budget { // what waits on disk does not take away from what comes in, nor this from that
    size_t count, max;
};

struct jobs {
    struct jobs_config config;
    struct job *first;
    size_t count;
    struct job_budget arrivals, others;
    loop_callback *on_room;
    void *room_arg;
    struct job *in_lane;
    bool is_draining;
    loop_callback *on_empty;
    void *empty_arg;
    struct loop_deferred emptied;
    struct loop_timer *tell_timer;
};

// job_table.c
void job_set_state(struct job *job, enum job_state next);
bool job_may_go(const struct job *job, enum job_state next);

// job.c
void job_decide(struct job *job);
void job_settle(struct job *job);
void job_hold(struct job *job);
void job_wait(struct job *job);
void job_end(struct job *job);
void job_remove(struct job *job); // its file has been given up
int64_t job_now_ms(const struct job *job);
struct spool_state *job_spool_state(const struct job *job);
bool job_is_relay(const struct job *job); // not durable (yet)
// A trouble of our own: wait a few minutes; where no time will mend it, hold.
void job_later(struct job *job, const struct err *err);
// The disk has answered: on to the next, unless it refused or a relaying client has gone.
void job_go_on(struct job *job, const struct err *err, enum job_state next);
// Notes an event for recipients; key may be NULL.
void job_note(struct job *job, const char *event, const struct ranges *set, const char *key,
              const char *value);

// job_tell.c
void job_tell_decided(struct job *job);
void job_tell_waiting(struct job *job);
// reason NULL: none, or the journal has it.
void job_tell_rest(struct job *job, enum record_place place, const char *reason);
bool job_has_tries(const struct job *job); // somebody has been deferred

// job_look.c
bool job_is_undecided(const struct job *job); // somebody who could be sent to has no verdict
// Whom a look could give a verdict now.
void job_list_undecided(const struct job *job, struct ranges *set_out);
// Needs none: our own child, or what goes round.
bool job_is_born_decided(const struct job *job, enum verdict *verdict_out);
void job_looking(struct job *job);
void job_look(struct job *job);
void job_crashed(struct job *job);
void job_drop_look(struct job *job);

// job_copy.c
void job_copy(struct job *job);
void job_note_copies(struct job *job);
void job_keep_copies(struct job *job);   // they are told: started, over relay with the answer
void job_settle_copies(struct job *job); // starts them, or takes them back

// job_verdict.c
void job_verdict(struct job *job);
void job_pass_on(const struct job *job, struct spool_file *child, int number);
void job_verdict_unasked(struct job *job, enum verdict verdict);
// Of a recipient that is not retired: what its group says, `unheld` considered.
enum verdict job_verdict_of(const struct job *job, size_t number);

// job_act.c
bool job_must_act(const struct job *job); // told in the journal, and what follows from it is not
void job_act(struct job *job);

// job_split.c
bool job_must_split(const struct job *job);
bool job_is_kept(const struct job *job, enum verdict verdict); // all that are open have it
void job_split(struct job *job);
void job_quarantine(struct job *job);

// job_body.c
void job_head(struct job *job);
struct body *job_make_body(struct job *job, int group);

// job_send.c
// First group with somebody who could be sent to when it was settled last, or -1.
int job_due_group(const struct job *job);
// Do they leave in one transaction?
bool job_is_alike(const struct job *job, int group, int other);
void job_attempt(struct job *job);
void job_send(struct job *job);
void job_record(struct job *job);
void job_drop_delivery(struct job *job);

// job_relay.c
void job_weigh(struct job *job);
void job_answer_client(struct job *job);
void job_answer_trouble(struct job *job); // 451, unless all was answered

// job_notify.c
bool job_owes_notice(const struct job *job);
bool job_is_stuck(const struct job *job); // what is open has failed, and no bounce may be made
void job_notify(struct job *job);

#endif
