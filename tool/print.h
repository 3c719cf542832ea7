// SPDX-License-Identifier: BSD-2-Clause
// tool/print.h - how commands write: nothing that a sender chose can move a cursor or forge a line.
#ifndef POSTERN_TOOL_PRINT_H
#define POSTERN_TOOL_PRINT_H

#include "base/json.h"
#include "tool/tool.h"

void print_escaped(FILE *out, struct span text);
void print_text(FILE *out, const char *text);             // the same; NULL: nothing
void print_time(FILE *out, int64_t ms);                   // "2026-01-31 06:44:12", local
void print_wait(char out[32], int64_t ms);                // "now", "25s", "4m", "3h", "2d"
void print_json(struct tool *tool, struct json **object); // a line; frees it

// "postern: ..." on errors, escaped.
void print_error(struct tool *tool, const char *format, ...) __attribute__((format(printf, 2, 3)));
enum tool_exit print_usage(struct tool *tool, const char *usage); // TOOL_USAGE

// The one of two ends of parts of a command that a script must know of.
enum tool_exit print_worse(enum tool_exit a, enum tool_exit b);

#endif
