// SPDX-License-Identifier: BSD-2-Clause
// tool/way_line.h - the lines of a printed way: indented like the tree, a time, a label, a fact.
#ifndef POSTERN_TOOL_WAY_LINE_H
#define POSTERN_TOOL_WAY_LINE_H

#include "tool/way.h"

enum { WAY_INDENT = 4, WAY_PATHS_SHOWN = 10 }; // of recipients that share a line

struct way_page {
    struct tool *tool;
    const struct ways *ways;
    const struct way *way;
    int64_t begin_ms; // of the whole family: times count from there
};

// at_ms 0: it has no time of its own.
FILE *way_line_begin(const struct way_page *page, int64_t at_ms, const char *label);
void way_fact(const struct way_page *page, const char *label, struct span text); // "": no line
// Escaped, between before and behind; nothing at all where text is empty.
void way_say(FILE *out, const char *before, struct span text, const char *behind);
void way_say_path(FILE *out, struct span path); // "<a@b>", "<>"
void way_say_ms(FILE *out, uint64_t us);        // "3.1 ms"
void way_format_time(int64_t ms, char out[24]); // "0.150s", "12m05s", "5h07m", "2d03h"

// way_events.c. Of these recipients, with where they are redirected to.
void way_say_rcpts(FILE *out, const struct record_rcpt *const *rcpts, size_t count);
void way_print_events(const struct way_page *page); // what happened to whom, in order of time

#endif
