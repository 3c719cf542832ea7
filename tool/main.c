// SPDX-License-Identifier: BSD-2-Clause
#include <time.h>
#include <unistd.h>

#include "tool/commands.h"

int
main(int argc, char **argv)
{
    struct tool tool = {.in = stdin, .out = stdout, .errors = stderr};
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    tool.now_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    tool.is_terminal = isatty(STDOUT_FILENO) == 1;
    return (int)commands_run(&tool, argc, argv);
}
