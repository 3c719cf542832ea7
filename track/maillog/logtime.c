// SPDX-License-Identifier: BSD-2-Clause
#include "track/maillog/logtime.h"

#include <string.h>
#include <time.h>

enum { DAY_S = 86400 };

// Exactly so many digits, at most max.
static int
take_number(struct span *rest, size_t digits, int max, int *value_out)
{
    int value = 0;

    if (rest->len < digits)
        return -1;
    for (size_t i = 0; i < digits; i++) {
        if (rest->data[i] < '0' || rest->data[i] > '9')
            return -1;
        value = value * 10 + rest->data[i] - '0';
    }
    *rest = span_skip(*rest, digits);
    *value_out = value;
    return value <= max ? 0 : -1;
}

static int
take_char(struct span *rest, char wanted)
{
    if (rest->len == 0 || rest->data[0] != wanted)
        return -1;
    *rest = span_skip(*rest, 1);
    return 0;
}

// 04:05:06; a leap second is one.
static int
take_clock(struct span *rest, struct logtime *time)
{
    if (take_number(rest, 2, 23, &time->hour) != 0 || take_char(rest, ':') != 0 ||
        take_number(rest, 2, 59, &time->minute) != 0 || take_char(rest, ':') != 0 ||
        take_number(rest, 2, 60, &time->second) != 0)
        return -1;
    return 0;
}

static int
take_fraction(struct span *rest, struct logtime *time)
{
    int digit, unit = 100;
    size_t count = 0;

    if (take_char(rest, '.') != 0)
        return 0;
    while (take_number(rest, 1, 9, &digit) == 0) {
        time->ms += digit * unit;
        unit /= 10;
        count++;
    }
    return count > 0 ? 0 : -1;
}

static int
take_zone(struct span *rest, struct logtime *time)
{
    bool is_west = rest->len > 0 && rest->data[0] == '-';
    int hours, minutes;

    if (take_char(rest, 'Z') == 0)
        return 0;
    if ((take_char(rest, '+') != 0 && take_char(rest, '-') != 0) ||
        take_number(rest, 2, 23, &hours) != 0 || take_char(rest, ':') != 0 ||
        take_number(rest, 2, 59, &minutes) != 0)
        return -1;
    time->zone_s = (hours * 60 + minutes) * 60 * (is_west ? -1 : 1);
    return 0;
}

static int
read_3339(struct span *rest, struct logtime *time)
{
    time->has_year = time->has_zone = true;
    if (take_number(rest, 4, 9999, &time->year) != 0 || take_char(rest, '-') != 0 ||
        take_number(rest, 2, 12, &time->month) != 0 || take_char(rest, '-') != 0 ||
        take_number(rest, 2, 31, &time->day) != 0 || take_char(rest, 'T') != 0)
        return -1;
    time->month--;
    if (time->year < 1970 || time->month < 0 || time->day < 1)
        return -1;
    if (take_clock(rest, time) != 0 || take_fraction(rest, time) != 0)
        return -1;
    return take_zone(rest, time);
}

static int
take_month(struct span *rest, int *month_out)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

    for (int i = 0; rest->len >= 3 && i < 12; i++) {
        if (memcmp(rest->data, names + (size_t)i * 3, 3) == 0) {
            *month_out = i;
            *rest = span_skip(*rest, 3);
            return take_char(rest, ' ');
        }
    }
    return -1;
}

// syslog pads the day with a blank, postlogd with a zero.
static int
read_3164(struct span *rest, struct logtime *time)
{
    if (take_month(rest, &time->month) != 0)
        return -1;
    if (take_number(rest, take_char(rest, ' ') == 0 ? 1 : 2, 31, &time->day) != 0 ||
        time->day < 1 || take_char(rest, ' ') != 0)
        return -1;
    return take_clock(rest, time);
}

int
logtime_read(struct span *rest, struct logtime *time_out)
{
    *time_out = (struct logtime){0};
    if (rest->len > 0 && rest->data[0] >= '0' && rest->data[0] <= '9')
        return read_3339(rest, time_out);
    return read_3164(rest, time_out);
}

// Seconds since 1970 if it were UTC. -1: that year has no such day.
static int
as_utc(const struct logtime *time, int year, int64_t *seconds_out)
{
    struct tm tm = {.tm_year = year - 1900, .tm_mon = time->month, .tm_mday = time->day};
    time_t midnight = timegm(&tm);

    if (tm.tm_mon != time->month || tm.tm_mday != time->day)
        return -1;
    *seconds_out =
        (int64_t)midnight + (int64_t)time->hour * 3600 + (int64_t)time->minute * 60 + time->second;
    return 0;
}

// Not mktime: it looks at the zone's file each time, which need not be within reach any more.
static int64_t
local_offset(int64_t seconds)
{
    time_t moment = (time_t)seconds;
    struct tm tm;

    return localtime_r(&moment, &tm) == NULL ? 0 : tm.tm_gmtoff;
}

static bool
is_nearer(int64_t seconds, int64_t than, int64_t now)
{
    return (seconds > now ? seconds - now : now - seconds) < (than > now ? than - now : now - than);
}

// The moment at which clocks on the wall show it. They show some an hour apart twice, and some
// never.
static int64_t
from_wall(int64_t wall, int64_t now)
{
    int64_t guess = wall - local_offset(now);
    int64_t early = wall - local_offset(guess - DAY_S), late = wall - local_offset(guess + DAY_S);
    bool is_early = early + local_offset(early) == wall;
    bool is_late = late + local_offset(late) == wall;

    if (is_early && is_late)
        return is_nearer(late, early, now) ? late : early;
    return is_late ? late : early;
}

static int
nearest_year(const struct logtime *time, int64_t now, int64_t *wall_out)
{
    int64_t now_wall = now + local_offset(now), wall;
    time_t moment = (time_t)now_wall;
    bool has_any = false;
    struct tm tm;

    if (gmtime_r(&moment, &tm) == NULL)
        return -1;
    for (int year = tm.tm_year + 1899; year <= tm.tm_year + 1901; year++) {
        if (as_utc(time, year, &wall) != 0)
            continue;
        if (!has_any || is_nearer(wall, *wall_out, now_wall))
            *wall_out = wall;
        has_any = true;
    }
    return has_any ? 0 : -1;
}

int
logtime_ms(const struct logtime *time, int64_t now_ms, int64_t *ms_out)
{
    int64_t now = now_ms / 1000, seconds;

    if (time->has_year) {
        if (as_utc(time, time->year, &seconds) != 0)
            return -1;
        seconds -= time->zone_s;
    } else {
        if (nearest_year(time, now, &seconds) != 0)
            return -1;
        seconds = from_wall(seconds, now);
    }
    *ms_out = seconds * 1000 + time->ms;
    return 0;
}
