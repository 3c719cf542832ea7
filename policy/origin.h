// SPDX-License-Identifier: BSD-2-Clause
// policy/origin.h - who sent a message, as rules and filters are told: XFORWARD before the session.
// Pure.
//
// Owns: its texts; never NULL, "" where nothing is known ("[UNAVAILABLE]" included).
#ifndef POSTERN_POLICY_ORIGIN_H
#define POSTERN_POLICY_ORIGIN_H

#include "base/addr.h"
#include "smtp/envelope.h"

struct origin {
    char *address;    // "192.0.2.7", "::1", "local"
    struct addr addr; // the same; len 0 where it is none
    char *name;       // only XFORWARD tells it
    char *helo;
    char *user; // AUTH= at MAIL; Postfix's XFORWARD has none
};

void origin_init(struct origin *origin, const struct smtp_envelope *envelope);
void origin_clear(struct origin *origin);

#endif
