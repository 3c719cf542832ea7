// SPDX-License-Identifier: BSD-2-Clause
// tests/unit/src/job/fake_verdict.h - looking, asking and deciding, and splitting off a child,
// without doing it: for the tests of a message's life. Answers come from fake_turn() of
// fake_line.h.
#ifndef POSTERN_TESTS_UNIT_SRC_FAKE_VERDICT_H
#define POSTERN_TESTS_UNIT_SRC_FAKE_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

// What is decided: a letter a recipient, the last repeats: 'a'ccept, accept with an 'e'dit,
// 'q'uarantine, 'r'eject, 'd'iscard, 'l'ater (defer), 'h'old, 'n'ew address (redirect), 'm'ore
// edits than the journal takes.
extern const char *fake_verdicts;
extern int fake_copies;        // copies that the decision asks for
extern bool fake_gives_copies; // as files, to be started; else they were made before
extern bool fake_is_childless; // no child can ever be made
extern int fake_crashes;       // so many looks end with a dead dissector
extern uint64_t fake_look_us;  // how long a look seems to take

void fake_verdict_reset(void);

#endif
