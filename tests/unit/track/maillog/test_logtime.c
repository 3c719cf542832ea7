// SPDX-License-Identifier: BSD-2-Clause
#include "track/maillog/logtime.h"

#include <time.h>

#include "tests/unit/harness.h"

#define HOUR INT64_C(3600000)
#define DAY (24 * HOUR)

// In UTC, the rows say so in their own way.
#define NOV_03_2026 INT64_C(1793678706000) // 2026-11-03 04:05:06
#define NEW_YEAR_2027 INT64_C(1798761600000)

static void
set_zone(const char *zone)
{
    setenv("TZ", zone, 1);
    tzset();
}

static int
to_ms(const char *text, int64_t now_ms, int64_t *ms_out)
{
    struct span rest = span_of(text);
    struct logtime time;

    if (logtime_read(&rest, &time) != 0 || rest.len != 0)
        return -1;
    return logtime_ms(&time, now_ms, ms_out);
}

static void
rfc_3339(void)
{
    static const struct {
        const char *text;
        int64_t ms;
    } rows[] = {
        {"2026-11-03T04:05:06Z",                NOV_03_2026                      },
        {"2026-11-03T04:05:06.5Z",              NOV_03_2026 + 500                },
        {"2026-11-03T04:05:06.123456+00:00",    NOV_03_2026 + 123                },
        {"2026-11-03T04:05:06.123456789+01:00", NOV_03_2026 + 123 - HOUR         },
        {"2026-11-03T04:05:06.000-05:30",       NOV_03_2026 + 5 * HOUR + HOUR / 2},
        {"2026-11-03T04:05:06+14:00",           NOV_03_2026 - 14 * HOUR          },
        {"2028-02-29T00:00:00Z",                INT64_C(1835395200000)           },
        {"2016-12-31T23:59:60Z",                INT64_C(1483228800000)           },
        {"1970-01-01T00:00:00Z",                0                                },
        {"9999-12-31T23:59:59.999Z",            INT64_C(253402300799999)         },
    };

    set_zone("XYZ-7");
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        int64_t ms = -1;

        UNIT_CHECK_ROW(rows[i].text, to_ms(rows[i].text, 12345, &ms) == 0);
        UNIT_CHECK_ROW(rows[i].text, ms == rows[i].ms);
    }
}

static void
a_year_that_is_missing_is_the_nearest(void)
{
    static const struct {
        const char *text;
        int64_t now_ms, ms;
    } rows[] = {
        {"Nov  3 04:05:06", NOV_03_2026,                        NOV_03_2026                       },
        {"Nov 03 04:05:06", NOV_03_2026 + 250,                  NOV_03_2026                       },
        {"Nov  3 04:05:06", NOV_03_2026 + 3 * HOUR,             NOV_03_2026                       },
        {"Nov  3 04:05:06", NOV_03_2026 - 3 * HOUR,             NOV_03_2026                       },
        {"Nov  3 04:05:06", NOV_03_2026 + 182 * DAY,            NOV_03_2026                       },
        {"Nov  3 04:05:06", NOV_03_2026 + 184 * DAY,            NOV_03_2026 + 365 * DAY           },
        {"Nov  3 04:05:06", NOV_03_2026 - 184 * DAY,            NOV_03_2026 - 365 * DAY           },
 // New Year, read late
        {"Dec 31 23:59:59", NEW_YEAR_2027,                      NEW_YEAR_2027 - 1000              },
        {"Dec 31 23:59:59", NEW_YEAR_2027 + 20 * DAY,           NEW_YEAR_2027 - 1000              },
        {"Jan  1 00:00:00", NEW_YEAR_2027,                      NEW_YEAR_2027                     },
 // and with a clock that was set back, or is wrong
        {"Jan  1 00:00:01", NEW_YEAR_2027 - 5000,               NEW_YEAR_2027 + 1000              },
        {"Jan  2 00:00:00", NEW_YEAR_2027 - 30 * DAY,           NEW_YEAR_2027 + DAY               },
        {"Jan  1 00:00:10", 5000,                               10000                             },
        {"Dec 31 23:59:59", 5000,                               -1000                             },
 // a day that not every year has
        {"Feb 29 12:00:00", INT64_C(1835395200000),             INT64_C(1835395200000) + 12 * HOUR},
        {"Feb 29 12:00:00", INT64_C(1835395200000) + 2 * DAY,   INT64_C(1835395200000) + 12 * HOUR},
        {"Feb 29 12:00:00", INT64_C(1835395200000) + 300 * DAY, INT64_C(1835395200000) + 12 * HOUR},
        {"Feb 28 23:59:60", INT64_C(1835395200000),             INT64_C(1835395200000)            },
    };

    set_zone("UTC");
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        int64_t ms = -1;

        UNIT_CHECK_ROW(rows[i].text, to_ms(rows[i].text, rows[i].now_ms, &ms) == 0);
        UNIT_CHECK_ROW(rows[i].text, ms == rows[i].ms);
    }
}

static void
local_time_is_read_by_the_zone(void)
{
    static const struct {
        const char *zone, *text;
        int64_t now_ms, ms;
    } rows[] = {
        {"XYZ-1", "Nov  3 05:05:06", NOV_03_2026,                   NOV_03_2026             },
        {"XYZ8",  "Nov  2 20:05:06", NOV_03_2026,                   NOV_03_2026             },
        {"XYZ-1", "Jan  1 00:30:00", NEW_YEAR_2027 - HOUR / 2,      NEW_YEAR_2027 - HOUR / 2},
        {"XYZ8",  "Dec 31 16:00:01", NEW_YEAR_2027 + 1000,          NEW_YEAR_2027 + 1000    },

#define BERLIN "CET-1CEST,M3.5.0,M10.5.0/3"
  // Summer time of 2026 begins on 29 March at 01:00 UTC and ends on 25 October at 01:00 UTC.
        {BERLIN,  "Jul  1 12:00:00", INT64_C(1782900000000),        INT64_C(1782900000000)  },
        {BERLIN,  "Jan 15 12:00:00", INT64_C(1782900000000),        INT64_C(1768474800000)  },
        {BERLIN,  "Oct 25 02:30:00", INT64_C(1792888200000),        INT64_C(1792888200000)  },
        {BERLIN,  "Oct 25 02:30:00", INT64_C(1792888200000) + HOUR, INT64_C(1792891800000)  },
        {BERLIN,  "Oct 25 03:30:00", INT64_C(1792888200000),        INT64_C(1792895400000)  },
        {BERLIN,  "Oct 25 01:30:00", INT64_C(1792888200000),        INT64_C(1792884600000)  },
 // No clock has shown it; it is somewhere around.
        {BERLIN,  "Mar 29 02:30:00", INT64_C(1774747800000),        INT64_C(1774747800000)  },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        int64_t ms = -1;

        set_zone(rows[i].zone);
        UNIT_CHECK_ROW(rows[i].text, to_ms(rows[i].text, rows[i].now_ms, &ms) == 0);
        UNIT_CHECK_ROW(rows[i].text, ms == rows[i].ms);
    }
}

static void
all_else_is_refused(void)
{
    static const char *const rows[] = {
        "",
        "Nov",
        "Nov 3 04:05:06",
        "Nov   04:05:06",
        "Nov  0 04:05:06",
        "Nov 00 04:05:06",
        "Nov 32 04:05:06",
        "Nov 31 04:05:06",
        "Feb 30 04:05:06",
        "nov  3 04:05:06",
        "Nox  3 04:05:06",
        "Nov  3 24:05:06",
        "Nov  3 04:60:06",
        "Nov  3 04:05:61",
        "Nov  3 4:05:06",
        "Nov  3 04:05",
        "Nov  3 04-05-06",
        "Nov  3 04:05:06.5",
        "Nov  3 2026 04:05:06",
        "2026-11-03T04:05:06",
        "2026-11-03 04:05:06Z",
        "2026-11-03t04:05:06Z",
        "2026-11-03T04:05:06.Z",
        "2026-11-03T04:05:06+0100",
        "2026-11-03T04:05:06+24:00",
        "2026-11-03T04:05:06+01:60",
        "2026-00-03T04:05:06Z",
        "2026-13-03T04:05:06Z",
        "2026-11-00T04:05:06Z",
        "2026-11-31T04:05:06Z",
        "2027-02-29T04:05:06Z",
        "1969-12-31T23:59:59Z",
        "02026-11-03T04:05:06Z",
        "+026-11-03T04:05:06Z",
    };

    int64_t ms;

    set_zone("UTC");
    for (size_t i = 0; i < UNIT_COUNT(rows); i++)
        UNIT_CHECK_ROW(rows[i], to_ms(rows[i], NOV_03_2026, &ms) != 0);
    // No leap year is near.
    CU_ASSERT(to_ms("Feb 29 00:00:00", INT64_C(1655000000000), &ms) != 0);
}

// Nothing behind the span is read, and what follows the time is left.
static void
every_cut_is_safe(void)
{
    static const char *const rows[] = {"Nov  3 04:05:06", "2026-11-03T04:05:06.123+01:00"};

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        size_t whole = strlen(rows[i]);

        for (size_t len = 0; len <= whole; len++) {
            char *copy = malloc(len + 1);
            struct span rest;
            struct logtime time;

            memcpy(copy, rows[i], len);
            rest = span_from(copy, len);
            UNIT_CHECK_ROW(rows[i] + len, (logtime_read(&rest, &time) == 0) == (len == whole));
            free(copy);
        }
    }
}

static void
what_follows_is_left(void)
{
    struct span rest = SPAN_LITERAL("Nov  3 04:05:06 mx postfix");
    struct logtime time;

    CU_ASSERT(logtime_read(&rest, &time) == 0);
    CU_ASSERT(span_is(rest, " mx postfix"));
    CU_ASSERT(!time.has_year && time.month == 10 && time.day == 3 && time.second == 6);
}

static const struct unit_test tests[] = {
    {"RFC 3339",                              rfc_3339                             },
    {"a year that is missing is the nearest", a_year_that_is_missing_is_the_nearest},
    {"local time is read by the zone",        local_time_is_read_by_the_zone       },
    {"all else is refused",                   all_else_is_refused                  },
    {"every cut is safe",                     every_cut_is_safe                    },
    {"what follows is left",                  what_follows_is_left                 },
};

UNIT_MAIN("track/maillog/logtime", tests)
