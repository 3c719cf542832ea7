// SPDX-License-Identifier: BSD-2-Clause
#include "tool/since.h"

#include <string.h>
#include <time.h>

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

// Exactly so many digits, then one of the separators (NULL: anything may follow).
static int
take(struct span *rest, size_t digits, const char *separators, int *value_out)
{
    *value_out = 0;
    if (rest->len < digits + (separators != NULL ? 1 : 0))
        return -1;
    for (size_t i = 0; i < digits; i++) {
        if (!is_digit(rest->data[i]))
            return -1;
        *value_out = *value_out * 10 + rest->data[i] - '0';
    }
    if (separators != NULL &&
        (rest->data[digits] == '\0' || strchr(separators, rest->data[digits]) == NULL))
        return -1;
    *rest = span_skip(*rest, digits + (separators != NULL ? 1 : 0));
    return 0;
}

static int
days_of(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month == 2 && is_leap ? 29 : days[month - 1];
}

static int
take_day(struct span *rest, struct tm *when)
{
    int year, month;

    if (take(rest, 4, "-", &year) != 0 || take(rest, 2, "-", &month) != 0 ||
        take(rest, 2, NULL, &when->tm_mday) != 0)
        return -1;
    when->tm_year = year - 1900;
    when->tm_mon = month - 1;
    if (year < 1970 || month < 1 || month > 12)
        return -1;
    return when->tm_mday >= 1 && when->tm_mday <= days_of(year, month) ? 0 : -1;
}

static void
skip_fraction(struct span *rest)
{
    if (rest->len < 2 || rest->data[0] != '.' || !is_digit(rest->data[1]))
        return;
    *rest = span_skip(*rest, 1);
    while (rest->len > 0 && is_digit(rest->data[0]))
        *rest = span_skip(*rest, 1);
}

static int
take_clock(struct span *rest, struct tm *when)
{
    if (take(rest, 2, ":", &when->tm_hour) != 0 || take(rest, 2, NULL, &when->tm_min) != 0)
        return -1;
    if (rest->len > 0 && rest->data[0] == ':') {
        *rest = span_skip(*rest, 1);
        if (take(rest, 2, NULL, &when->tm_sec) != 0)
            return -1;
        skip_fraction(rest);
    }
    return when->tm_hour <= 23 && when->tm_min <= 59 && when->tm_sec <= 60 ? 0 : -1;
}

// "Z", "+01:00": seconds east of Greenwich. "": *is_local_out.
static int
take_zone(struct span rest, long *east_out, bool *is_local_out)
{
    int hours, minutes, sign;

    *east_out = 0;
    *is_local_out = rest.len == 0;
    if (rest.len == 0 || span_is_nocase(rest, "z"))
        return 0;
    sign = rest.data[0] == '+' ? 1 : rest.data[0] == '-' ? -1 : 0;
    rest = span_skip(rest, 1);
    if (sign == 0 || take(&rest, 2, ":", &hours) != 0 || take(&rest, 2, NULL, &minutes) != 0 ||
        rest.len > 0 || hours > 23 || minutes > 59)
        return -1;
    *east_out = sign * (hours * 3600L + minutes * 60L);
    return 0;
}

static int
parse_date(struct span text, int64_t *ms_out)
{
    struct tm when = {.tm_isdst = -1};
    bool is_local = true;
    long east = 0;
    time_t seconds;

    if (take_day(&text, &when) != 0)
        return -1;
    if (text.len > 0) {
        if (strchr("Tt ", text.data[0]) == NULL || text.data[0] == '\0')
            return -1;
        text = span_skip(text, 1);
        if (take_clock(&text, &when) != 0 || take_zone(text, &east, &is_local) != 0)
            return -1;
    }
    seconds = is_local ? mktime(&when) : timegm(&when);
    *ms_out = ((int64_t)seconds - east) * 1000;
    return 0;
}

int
since_parse(struct span text, int64_t now_ms, int64_t *ms_out)
{
    uint64_t ago_ms;

    if (str_parse_time(text, &ago_ms) == 0)
        *ms_out = ago_ms < (uint64_t)now_ms ? now_ms - (int64_t)ago_ms : 0;
    else if (parse_date(text, ms_out) != 0)
        return -1;
    if (*ms_out < 0)
        *ms_out = 0;
    return 0;
}
