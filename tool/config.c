// SPDX-License-Identifier: BSD-2-Clause
#include <getopt.h>

#include "tool/print.h"
#include "tool/tool.h"

#define USAGE "config [-d | -n]"

enum { PRINT_MAX = 1 << 26 };

enum tool_exit
config_run(struct tool *tool, int argc, char **argv)
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'},
        {NULL,   0,           NULL, 0  }
    };
    enum settings_print which = SETTINGS_ALL;
    struct buf out;
    int option;

    optind = 0;
    while ((option = getopt_long(argc, argv, "dn", options, NULL)) != -1) {
        if (option == 'd')
            which = SETTINGS_DEFAULTS;
        else if (option == 'n')
            which = SETTINGS_CHANGED;
        else if (option == 'j')
            tool->as_json = true;
        else
            return print_usage(tool, USAGE);
    }
    if (optind < argc)
        return print_usage(tool, USAGE);
    buf_init(&out, PRINT_MAX);
    if (settings_print(tool->settings, which, tool->as_json, &out) != 0) {
        buf_clear(&out);
        print_error(tool, "the configuration is too long to be printed");
        return TOOL_IO;
    }
    // Values hold no control characters: their rows refuse them.
    (void)fwrite(out.data, 1, out.len, tool->out);
    buf_clear(&out);
    return TOOL_DONE;
}
