// SPDX-License-Identifier: BSD-2-Clause
// src/worker/join.h - the same message twice: whom of its recipients somebody has already.
//
// Order: new, start with the content's digest; then what is to be done is done, and settle tells
// what came of it. Free at any time: whoever was claimed and has no lasting answer is free again.
// Waits: as long as another try has one of them, looking again and again; it holds nobody's
// recipients meanwhile, so that two tries never wait for each other. Equal: two equal RCPTs are one
// recipient with two replies. Names: without Postfix's queue id the same bytes are the same message
// only until its client has heard the answer (join_end): who has heard it sends another one. Over
// SMTP one reply stands for all: a remembered 5xx does only where all have one.
#ifndef POSTERN_SRC_JOIN_H
#define POSTERN_SRC_JOIN_H

#include "base/counter.h"
#include "base/loop.h"
#include "spool/remember.h"
#include "spool/writer.h"

struct join;

struct join_parts { // borrowed
    struct loop *loop;
    struct remember *remember;
    struct counter_worker *counters;
    uint64_t wait_ms; // at most
};

// is_late: somebody has had one of them all the time.
typedef void join_done(void *arg, bool is_late);

struct join *join_new(const struct join_parts *parts);
void join_free(struct join **join);
// True: it is known already, done will not be called.
bool join_start(struct join *join, const struct smtp_envelope *envelope,
                struct digest_value content, join_done *done, void *arg);

bool join_has_all(const struct join *join);                     // nothing is left to be done
bool join_has_accepted(const struct join *join);                // somebody was told a 2xx before
void join_move(const struct join *join, struct writer *writer); // those who are not to be processed
// What is answered for those who were processed is remembered. One reply, or one for each recipient
// (code 0: of those who were not). False: it could not be remembered for all.
bool join_settle(struct join *join, const struct smtp_reply *replies, size_t count);
// With the replies of all the others: an array of *count_io, one for all where there are no others.
// It lives as long as join.
const struct smtp_reply *join_replies(struct join *join, const struct smtp_reply *replies,
                                      size_t *count_io);
bool join_is_named(const struct join *join);
// In place of settle and free, for one without a name, once it is known whether his client has
// heard what join_replies said.
void join_end(struct join **join, bool is_heard);

#endif
