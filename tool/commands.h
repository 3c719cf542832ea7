// SPDX-License-Identifier: BSD-2-Clause
// tool/commands.h - from the arguments to the command: options in front, the configuration, the
// exit code.
#ifndef POSTERN_TOOL_COMMANDS_H
#define POSTERN_TOOL_COMMANDS_H

#include "tool/tool.h"

struct command {
    const char *name;
    tool_command *run;
    const char *usage, *help; // for --help and the manual
};

extern const struct command command_rows[];
extern const size_t command_row_count;

// in, out, errors, now_ms and is_terminal are set; the rest is filled in.
enum tool_exit commands_run(struct tool *tool, int argc, char **argv);

#endif
