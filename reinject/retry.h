// SPDX-License-Identifier: BSD-2-Clause
// reinject/retry.h - when to try again, and when to stop. Pure.
#ifndef POSTERN_REINJECT_RETRY_H
#define POSTERN_REINJECT_RETRY_H

#include "base/setting.h"

// tries >= 1: how many have failed. The schedule's last delay repeats; random (0..UINT32_MAX)
// spreads the delay by up to a tenth more, so that an outage's mail does not come back at once.
int64_t retry_next_ms(const struct setting_list *schedule, uint32_t tries, int64_t now_ms,
                      uint32_t random);
bool retry_is_expired(int64_t arrived_ms, uint64_t lifetime_ms, int64_t now_ms);

#endif
