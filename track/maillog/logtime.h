// SPDX-License-Identifier: BSD-2-Clause
// track/maillog/logtime.h - the time in front of a log line: RFC 3164's ("Nov  3 04:05:06", local
// time, without a year) or RFC 3339's ("2026-11-03T04:05:06.123+01:00"). Pure, but for the time
// zone.
#ifndef POSTERN_TRACK_LOGTIME_H
#define POSTERN_TRACK_LOGTIME_H

#include "base/str.h"

struct logtime {
    bool has_year, has_zone; // both or none
    int year, month, day;    // month 0..11
    int hour, minute, second, ms;
    int zone_s; // east of Greenwich
};

// Cuts it off *rest. -1: none stands there.
int logtime_read(struct span *rest, struct logtime *time_out);
// Milliseconds since 1970. What is missing is what puts it nearest to now: the year, and at the end
// of summer time the zone. -1: there is no such day.
int logtime_ms(const struct logtime *time, int64_t now_ms, int64_t *ms_out);

#endif
