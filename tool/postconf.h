// SPDX-License-Identifier: BSD-2-Clause
// tool/postconf.h - runs Postfix's postconf, which alone knows how its files are read and written.
//
// It is looked for in PATH, without a shell; the environment goes with it, MAIL_CONFIG too. Blocks.
#ifndef POSTERN_TOOL_POSTCONF_H
#define POSTERN_TOOL_POSTCONF_H

#include "base/buf.h"
#include "base/err.h"

// folder: of main.cf; NULL: Postfix's own, or that of MAIL_CONFIG. arguments: without the program's
// name, NULL behind the last, at most eight. What it prints comes without the last line end.
// PERM where it cannot be run or fails, with what it said.
int postconf_run(const char *folder, const char *const *arguments, struct buf *out,
                 struct err *err);

#endif
