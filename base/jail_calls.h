// SPDX-License-Identifier: BSD-2-Clause
// base/jail_calls.h - which system calls each profile may make, as tables; door to libseccomp.
#ifndef POSTERN_BASE_JAIL_CALLS_H
#define POSTERN_BASE_JAIL_CALLS_H

#include "base/jail.h"
#include <stdbool.h>
#include <stddef.h>

// Loads the filter, for all threads. PERM. is_sanitized: with what the leak checker needs besides.
int jail_calls_filter(enum jail_profile profile, bool is_sanitized, struct err *err);

#endif
