// SPDX-License-Identifier: BSD-2-Clause
// control/grammar.h - reads a configuration and what it includes; door to libconfuse.
//
// An unknown or repeated name, bad syntax, a file that is missing or not a plain file: PERM,
// "FILE:LINE: NAME: ...". libconfuse has globals: one at a time.
#ifndef POSTERN_CONTROL_GRAMMAR_H
#define POSTERN_CONTROL_GRAMMAR_H

#include "control/tree.h"

int grammar_read(const char *path, const struct tree_rules *rules, struct tree **tree_out,
                 struct err *err);

#endif
