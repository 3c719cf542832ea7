// SPDX-License-Identifier: BSD-2-Clause
#include "reinject/retry.h"

#include <assert.h>

static const uint64_t without_schedule_ms = UINT64_C(15) * 60 * 1000;
static const uint64_t longest_ms = UINT64_C(365) * 24 * 3600 * 1000;

int64_t
retry_next_ms(const struct setting_list *schedule, uint32_t tries, int64_t now_ms, uint32_t random)
{
    const uint64_t *delays = schedule->items;
    uint64_t delay = without_schedule_ms;

    assert(tries > 0);
    if (schedule->count > 0)
        delay = delays[tries <= schedule->count ? tries - 1 : schedule->count - 1];
    if (delay > longest_ms)
        delay = longest_ms;
    return now_ms + (int64_t)(delay + delay / 10 * random / UINT32_MAX);
}

bool
retry_is_expired(int64_t arrived_ms, uint64_t lifetime_ms, int64_t now_ms)
{
    // A clock set back makes a message younger, never infinitely old.
    return now_ms > arrived_ms && (uint64_t)(now_ms - arrived_ms) >= lifetime_ms;
}
