// SPDX-License-Identifier: BSD-2-Clause
// tool/check.h - what the parts of `postern check` share.
#ifndef POSTERN_TOOL_CHECK_H
#define POSTERN_TOOL_CHECK_H

#include "base/priv.h"
#include "control/tree.h"
#include "tool/tool.h"

struct check {
    struct tool *tool;
    const struct tree_section *root; // of the file: where settings stand
    struct priv_user user;           // whom the daemon's files belong to
    size_t problems;
};

// The index-th section of that name; the file itself where there is none.
const struct tree_section *check_section(const struct check *check, const char *name, size_t index);
// With file and line; section NULL: without.
void check_tell(struct check *check, const struct tree_section *section, struct err *err);
void check_warn(struct check *check, const struct tree_section *section, struct err *err);
// May the daemon's user do that (R_OK, W_OK, X_OK) with it? 0, or the errno that keeps him from it.
int check_access(const struct check *check, const char *path, int mode);

void check_dissect(struct check *check);     // the program, and sizes that it does not take
void check_ledger(struct check *check);      // its folder, and what is there
void check_postfix_log(struct check *check); // can it be read?
void check_redis(struct check *check);       // asks each server

#endif
