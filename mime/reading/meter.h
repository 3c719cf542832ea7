// SPDX-License-Identifier: BSD-2-Clause
// mime/reading/meter.h - CPU time by kind of work: what looking spends it on.
#ifndef POSTERN_MIME_METER_H
#define POSTERN_MIME_METER_H

#include <stdbool.h>
#include <stdint.h>

enum { METER_MAX = 8 };

struct meter { // all zero: off
    bool is_on;
    unsigned now; // the kind that is being paid for
    uint64_t since;
    uint64_t spent[METER_MAX]; // ns
};

// What is spent from here on is kind's. Returns the kind that it was before.
unsigned meter_turn(struct meter *meter, unsigned kind);

#endif
