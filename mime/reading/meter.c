// SPDX-License-Identifier: BSD-2-Clause
#include "mime/reading/meter.h"

#include <assert.h>
#include <time.h>

unsigned
meter_turn(struct meter *meter, unsigned kind)
{
    unsigned before = meter->now;
    struct timespec clock;
    uint64_t now;

    assert(kind < METER_MAX);
    meter->now = kind;
    if (!meter->is_on)
        return before;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &clock);
    now = (uint64_t)clock.tv_sec * 1000000000 + (uint64_t)clock.tv_nsec;
    if (meter->since != 0)
        meter->spent[before] += now - meter->since;
    meter->since = now;
    return before;
}
