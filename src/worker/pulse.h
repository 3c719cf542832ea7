// SPDX-License-Identifier: BSD-2-Clause
// src/worker/pulse.h - how this worker is, told every VITALS_EVERY_MS: its servers, next hops and
// messages. So often, too, free memory goes back to the system.
#ifndef POSTERN_SRC_PULSE_H
#define POSTERN_SRC_PULSE_H

#include "filters/filters.h"
#include "src/job/job.h"

struct pulse;

struct pulse_parts { // borrowed
    struct loop *loop;
    struct teller *teller;
    const struct filters *filters;
    const struct routes *routes;
    const struct jobs *jobs;
    const struct spool *spool;
};

struct pulse *pulse_new(const struct pulse_parts *parts); // tells at once, too
void pulse_drain(struct pulse *pulse);                    // from now on it says so
void pulse_free(struct pulse **pulse);

#endif
