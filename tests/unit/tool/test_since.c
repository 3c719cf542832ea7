// SPDX-License-Identifier: BSD-2-Clause
#include "tool/since.h"

#include <stdlib.h>

#include "tests/unit/harness.h"

#define NOW INT64_C(1700000100000) // 2023-11-14 22:15:00 UTC, 23:15:00 in ZONE
#define ZONE "XYZ-1"               // an hour east, without summer time

static void
moments_are_read(void)
{
    static const struct {
        const char *text;
        int64_t ms;
    } rows[] = {
        {"24h",                       NOW - 86400000    },
        {"7d",                        NOW - 7 * 86400000},
        {"90",                        NOW - 90000       },
        {"0s",                        NOW               },
        {"500ms",                     NOW - 500         },
        {"99999d",                    0                 },
        {"2023-11-14",                1699916400000     },
        {"2023-11-14 23:15",          NOW               },
        {"2023-11-14T23:15:00",       NOW               },
        {"2023-11-14t22:15:00Z",      NOW               },
        {"2023-11-14T22:15:00.123z",  NOW               },
        {"2023-11-14 22:15Z",         NOW               },
        {"2023-11-15T03:45:00+05:30", NOW               },
        {"2023-11-14T17:15:00-05:00", NOW               },
        {"2024-02-29T00:00:00Z",      1709164800000     },
        {"2000-02-29T00:00:00Z",      951782400000      },
        {"2016-12-31T23:59:60Z",      1483228800000     },
        {"1970-01-01",                0                 },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        int64_t ms = -1;

        UNIT_CHECK_ROW(rows[i].text, since_parse(span_of(rows[i].text), NOW, &ms) == 0);
        UNIT_CHECK_ROW(rows[i].text, ms == rows[i].ms);
    }
}

static void
all_else_is_refused(void)
{
    static const char *const rows[] = {
        "",
        "yesterday",
        "24x",
        "-1h",
        "2023-11-1x",
        "1969-12-31",
        "2023-00-01",
        "2023-13-01",
        "2023-11-31",
        "2023-02-29",
        "2100-02-29",
        "2023-11-00",
        "2023/11/14",
        "2023-11-14T",
        "2023-11-14x22:15",
        "2023-11-14T24:00",
        "2023-11-14T22:60",
        "2023-11-14T22:15:61",
        "2023-11-14T22:15:00.Z",
        "2023-11-14T22:15:00ZZ",
        "2023-11-14T22:15:00+",
        "2023-11-14T22:15:00+0100",
        "2023-11-14T22:15:00+24:00",
        "2023-11-14T22:15:00+01:00x",
        "+2023-11-14",
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        int64_t ms;

        UNIT_CHECK_ROW(rows[i], since_parse(span_of(rows[i]), NOW, &ms) != 0);
    }
}

// Whatever is cut off, nothing behind the span is read.
static void
every_cut_is_safe(void)
{
    static const char whole[] = "2023-11-14T22:15:00.123+01:00";
    static const size_t good[] = {1, 2, 3, 4, 10, 16, 19, 21, 22, 23, 29};
    size_t next = 0;

    for (size_t len = 0; len <= sizeof whole - 1; len++) {
        char *copy = malloc(len + 1);
        bool is_good = next < UNIT_COUNT(good) && good[next] == len;
        int64_t ms;

        memcpy(copy, whole, len);
        copy[len] = '9';
        UNIT_CHECK_ROW(whole + len, (since_parse(span_from(copy, len), NOW, &ms) == 0) == is_good);
        next += is_good ? 1 : 0;
        free(copy);
    }
}

static const struct unit_test tests[] = {
    {"moments are read",    moments_are_read   },
    {"all else is refused", all_else_is_refused},
    {"every cut is safe",   every_cut_is_safe  },
};

int
main(void)
{
    setenv("TZ", ZONE, 1);
    return unit_run("tool/since", tests, UNIT_COUNT(tests));
}
