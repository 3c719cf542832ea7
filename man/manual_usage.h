// SPDX-License-Identifier: BSD-2-Clause
// man/manual_usage.h - a command's usage as a manual page prints it. Pure.
#ifndef POSTERN_MAN_MANUAL_USAGE_H
#define POSTERN_MAN_MANUAL_USAGE_H

#include "tool/commands.h"

// Adds an item of a list in mdoc: the usage, and the row's help.
void manual_usage(const struct command *command, struct buf *out);

#endif
