// SPDX-License-Identifier: BSD-2-Clause
// track/status.h - in a word: where is it, and what was it? Of a recipient, and of a message. Pure.
#ifndef POSTERN_TRACK_STATUS_H
#define POSTERN_TRACK_STATUS_H

#include "track/record.h"

// The order is that in which a message's one status is chosen where recipients differ in being
// under way: the first that applies to anybody. Where all are final and differ: partial.
enum track_status {
    STATUS_FILTERING,   // in work with us
    STATUS_DEFERRED,    // waits for its next try: with us, or (final) with Postfix
    STATUS_HELD,        // in hold/
    STATUS_REINJECTED,  // Postfix has it again, and has not said what became of it
    STATUS_QUARANTINED, // this and below are final
    STATUS_SENT,        // Postfix says so
    STATUS_BOUNCED,     // Postfix says so, or we made the bounce
    STATUS_EXPIRED,     // Postfix gave up
    STATUS_REJECTED,    // refused in the reply to the client
    STATUS_DISCARDED,
    STATUS_PARTIAL, // of messages only
    STATUS_COUNT
};

const char *status_name(enum track_status status); // "filtering", ...
enum track_status status_find(struct span name);   // STATUS_COUNT: none of them

// What became of a recipient: Postfix's word where there is one, else what our journal says.
enum track_status status_of_rcpt(const struct record *record, const struct record_rcpt *rcpt);
enum track_status status_of_message(const struct record *record);
// The one of several: of those so far (STATUS_COUNT: none yet) and of one more.
enum track_status status_join(enum track_status all, enum track_status one);
// Of those recipients that went out with that queue id; STATUS_COUNT: none did.
enum track_status status_of_queue_id(const struct record *record, struct span queue_id);

enum track_class { // what it was, amavis's contents category
    CLASS_CLEAN,
    CLASS_SPAM,      // a filter asks not to deliver it, or its score is the one that it requires
    CLASS_UNCHECKED, // a filter failed
    CLASS_UNSCANNABLE,
    CLASS_BANNED, // a rule of ours caught it, no filter did
    CLASS_VIRUS
};

const char *class_name(enum track_class class);
enum track_class class_of(const struct record *record); // the worst that applies

#endif
