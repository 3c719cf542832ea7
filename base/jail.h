// SPDX-License-Identifier: BSD-2-Clause
// base/jail.h - gives up, for good, what a process does not need; door to libseccomp and Landlock.
//
// Two profiles. The dissector's: reads, writes, maps memory, tells the time, and nothing else; it
// opens nothing, knows no network, and is killed for exec, fork, socket and ptrace; all other calls
// fail with EPERM. Everything that it will need is opened and loaded before. Landlock comes on top
// where the kernel has it.
#ifndef POSTERN_BASE_JAIL_H
#define POSTERN_BASE_JAIL_H

#include "base/err.h"
#include <stdint.h>

enum jail_profile { JAIL_DISSECTOR };

struct jail_limits {
    uint64_t memory;      // address space, bytes (not enforced under AddressSanitizer)
    uint64_t file_size;   // of what it may write into a descriptor it was given, bytes
    uint64_t descriptors; // open at once
};

// Sets no_new_privs, limits (no core file), Landlock, then seccomp, for all threads (there is one).
// -1: nothing may be done in this process with hostile bytes.
int jail_enter(enum jail_profile profile, const struct jail_limits *limits, struct err *err);

#endif
