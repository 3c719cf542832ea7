// SPDX-License-Identifier: BSD-2-Clause
// spool/state_decided.h - what a `decided` line does to the state. Pure; for state_apply.c.
//
// Each line makes a group of its own number. Whoever is not retired belongs to the group of the
// last line that names him: so a verdict `defer`, or a rescan, is followed by a new decision.
#ifndef POSTERN_SPOOL_STATE_DECIDED_H
#define POSTERN_SPOOL_STATE_DECIDED_H

#include "spool/state.h"

// false: it does not fit, or not for all of its recipients.
bool state_decided_apply(struct spool_state *state, const struct journal_line *line);

#endif
