// SPDX-License-Identifier: BSD-2-Clause
// tool/since.h - a moment as people write it. Pure but for the machine's time zone.
//
// How long ago ("24h", "7d"), a day ("2026-11-21", local midnight), or a day and a time, local
// unless it says where ("2026-11-21 06:44", "2026-11-21T06:44:12.5Z", "...+01:00", RFC 3339).
#ifndef POSTERN_TOOL_SINCE_H
#define POSTERN_TOOL_SINCE_H

#include "base/str.h"

// ms since 1970, never below 0. -1: none of these.
int since_parse(struct span text, int64_t now_ms, int64_t *ms_out);

#endif
