// SPDX-License-Identifier: BSD-2-Clause
// control/settings_check.h - what rows cannot tell: settings that do not go with each other.
#ifndef POSTERN_CONTROL_SETTINGS_CHECK_H
#define POSTERN_CONTROL_SETTINGS_CHECK_H

#include "control/settings.h"
#include "control/tree.h"

// settings come from root: its n-th listen is the n-th listener, its n-th next_hop the n-th hop.
// The rules are compiled on the way. PERM, "FILE:LINE: NAME: ..."
int settings_check(struct settings *settings, const struct tree_section *root, struct err *err);

#endif
