// SPDX-License-Identifier: BSD-2-Clause
#include "tool/way_line.h"

// What seems to be before the beginning, for a clock that was set, is at it.
void
way_format_time(int64_t ms, char out[24])
{
    long long seconds = ms <= 0 ? 0 : ms / 1000;

    if (ms <= 0)
        (void)snprintf(out, 24, "0.000s");
    else if (seconds < 100)
        (void)snprintf(out, 24, "%lld.%03llds", seconds, (long long)ms % 1000);
    else if (seconds < 3600)
        (void)snprintf(out, 24, "%lldm%02llds", seconds / 60, seconds % 60);
    else if (seconds < 86400)
        (void)snprintf(out, 24, "%lldh%02lldm", seconds / 3600, seconds / 60 % 60);
    else
        (void)snprintf(out, 24, "%lldd%02lldh", seconds / 86400, seconds / 3600 % 24);
}

FILE *
way_line_begin(const struct way_page *page, int64_t at_ms, const char *label)
{
    FILE *out = page->tool->out;
    char time[24] = "", offset[32] = "";

    if (at_ms > 0) {
        way_format_time(at_ms - page->begin_ms, time);
        (void)snprintf(offset, sizeof offset, "+%s", time);
    }
    (void)fprintf(out, "%*s%9s  %-12s ", (int)page->way->depth * WAY_INDENT, "", offset, label);
    return out;
}

void
way_say(FILE *out, const char *before, struct span text, const char *behind)
{
    if (text.len == 0)
        return;
    (void)fputs(before, out);
    print_escaped(out, text);
    (void)fputs(behind, out);
}

void
way_fact(const struct way_page *page, const char *label, struct span text)
{
    if (text.len > 0)
        way_say(way_line_begin(page, 0, label), "", text, "\n");
}

void
way_say_path(FILE *out, struct span path)
{
    (void)fputc('<', out);
    print_escaped(out, path);
    (void)fputc('>', out);
}

void
way_say_ms(FILE *out, uint64_t us)
{
    (void)fprintf(out, us < 10000 ? "%.1f ms" : "%.0f ms", (double)us / 1000);
}
