// SPDX-License-Identifier: BSD-2-Clause
// base/landlock.h - forbids all files, TCP ports and outside processes, where the kernel can.
//
// In all that this kernel's version of Landlock knows, and with no exception. What is open stays
// open. Needs no_new_privs.
#ifndef POSTERN_BASE_LANDLOCK_H
#define POSTERN_BASE_LANDLOCK_H

#include "base/err.h"

int landlock_version(void); // 0: not in this kernel, or switched off
// 0 also where there is no Landlock. -1, PERM: there is, and it refused.
int landlock_forbid_all(struct err *err);

#endif
