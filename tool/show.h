// SPDX-License-Identifier: BSD-2-Clause
// tool/show.h - what the files of `show` share.
#ifndef POSTERN_TOOL_SHOW_H
#define POSTERN_TOOL_SHOW_H

#include "tool/find.h"
#include "tool/print.h"

struct shown {
    struct tool *tool;
    const struct find_place *place;
    const struct reader_message *message;
    const char *sha256; // of its content; "": that has gone meanwhile
};

// xtext as it stood; what is none, as it is. mem_free.
char *show_decode(struct span text);
void show_each_line(const struct reader_message *message,
                    void (*take)(void *arg, const struct journal_line *line), void *arg);

// show_found.c: a `found` line.
void show_found(FILE *out, const struct journal_line *line);
struct json *show_found_object(const struct journal_line *line);

// show_scan.c: what the last look found, and what filters said then.
void show_scan(const struct shown *shown);
void show_scan_object(const struct shown *shown, struct json *object); // findings, results
// show_json.c: the whole as one object.
void show_json(const struct shown *shown);

#endif
