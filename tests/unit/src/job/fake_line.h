// SPDX-License-Identifier: BSD-2-Clause
// tests/unit/src/job/fake_line.h - a spool and a next hop in memory, for the tests of a message's
// life.
//
// Stands in for spool/spool.c, spool/writer.c, reinject/hop.c, reinject/body.c and src/job/routes.c
// at link time. Every callback waits in a queue until fake_turn() gives it, as the real ones never
// call back from within the call.
#ifndef POSTERN_TESTS_UNIT_SRC_FAKE_LINE_H
#define POSTERN_TESTS_UNIT_SRC_FAKE_LINE_H

#include "src/job/job.h"

struct fake_message {
    bool is_durable;
    enum smtp_protocol protocol;
    const char *from;
    const char *rcpt_params; // of each recipient
    size_t rcpt_count;
    const char *next_hop;
};

// What the next hop answers: a letter a recipient, 's'ent, 't'emporary, 'p'ermanent, 'd'ifferent
// temporary; "" fails at once.
extern const char *fake_answers;
extern bool fake_offers_dsn;
extern bool fake_disk_is_full;   // the next notice or take-over fails
extern struct buf fake_journal;  // event names noted, "decided attempt sent "
extern struct buf fake_end;      // how files were given up, "finish ", "wait ", "hold:REASON "
extern struct buf fake_children; // reasons of the children made, "bounce "
extern bool fake_send_is_held;   // hop_send keeps the delivery until fake_answer()
extern bool fake_is_large;       // not in memory, and cannot be opened
extern bool fake_is_crowded;     // the journal has no room for another decision

struct spool_file *fake_file(const struct fake_message *message);
void fake_note(struct spool_file *file, const char *event, const char *key, const char *value);
void fake_move(struct spool_file *file, const char *ranges, const char *child);
void fake_answer(void);
bool fake_turn(void);                               // false: nothing was waiting
void fake_later(void (*run)(void *arg), void *arg); // in a turn
void fake_reset(void);
void fake_clear(void);

#endif
