// SPDX-License-Identifier: BSD-2-Clause
// base/jail.h - gives up, for good, what a process does not need.
//
// Four profiles, by seccomp. All but those named fail with EPERM; exec, ptrace and what else nobody
// calls by mistake kills. The dissector reads, writes, maps memory and tells the time; it opens
// nothing and knows no network. The nursery forks dissectors, no more. Worker and scribe have
// files, sockets and threads, but no process and no listener of their own making. No memory is ever
// made executable. Landlock comes on top where the kernel has it.
#ifndef POSTERN_BASE_JAIL_H
#define POSTERN_BASE_JAIL_H

#include "base/err.h"
#include "base/landlock.h"
#include <stdbool.h>
#include <stdint.h>

enum jail_profile { JAIL_DISSECTOR, JAIL_NURSERY, JAIL_WORKER, JAIL_SCRIBE };

struct jail_limits {
    uint64_t memory;      // address space, bytes (not enforced under AddressSanitizer)
    uint64_t file_size;   // of what it may write into a descriptor it was given, bytes
    uint64_t descriptors; // open at once
};

// The dissector's. Sets no_new_privs, limits (no core file), Landlock, then seccomp, for all
// threads (there is one). -1: nothing may be done in this process with hostile bytes.
int jail_enter(const struct jail_limits *limits, struct err *err);

// The others', before their first thread. Where the kernel has no seccomp it is done without.
int jail_confine(enum jail_profile profile, const struct landlock_rules *reach, struct err *err);
bool jail_has_seccomp(void);

#endif
