// SPDX-License-Identifier: BSD-2-Clause
// tool/tool.h - what every command of the tool gets, and how it ends.
#ifndef POSTERN_TOOL_TOOL_H
#define POSTERN_TOOL_TOOL_H

#include "control/settings.h"
#include <stdio.h>

enum tool_exit { // a promise to scripts
    TOOL_DONE = 0,
    TOOL_NOTHING = 1, // found nothing, or refused
    TOOL_USAGE = 64,
    TOOL_UNREACHABLE = 69, // the daemon, where it is needed
    TOOL_IO = 74,
    TOOL_FORBIDDEN = 77,
    TOOL_CONFIGURATION = 78
};

struct tool {
    const char *config_file;
    const struct settings *settings; // NULL where a command asks for none
    bool as_json;
    bool is_terminal; // what out goes to
    int64_t now_ms;   // since 1970
    FILE *in, *out, *errors;
};

// argv[0] is the command's name. What went wrong is told on errors.
typedef enum tool_exit tool_command(struct tool *tool, int argc, char **argv);

tool_command list_run, show_run, cat_run, queue_run, release_run, check_run, config_run, reload_run,
    daemon_status_run, test_run, way_run, stats_run, setup_postfix_run;

#endif
