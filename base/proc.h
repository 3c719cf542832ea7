// SPDX-License-Identifier: BSD-2-Clause
// base/proc.h - running processes, as /proc shows them.
//
// What may not be seen (other users' processes, where /proc hides them) is not there. Blocks:
// start-up and pool jobs.
#ifndef POSTERN_BASE_PROC_H
#define POSTERN_BASE_PROC_H

#include "base/str.h"
#include <sys/types.h>

struct proc {
    pid_t pid, parent;
    uint64_t cpu_ms; // user and system
    uint64_t resident_bytes;
    int64_t start_ms; // since 1970
};

struct proc_units {
    uint64_t ticks; // a second
    uint64_t page_bytes;
    int64_t boot_ms; // since 1970
};

enum { PROC_LINE_MAX = 2048, PROC_LIST_MAX = 1 << 17 };

// Of /proc/PID/stat. Pure. -1: it is none, or of a process that has ended.
int proc_parse(struct span stat, const struct proc_units *units, struct proc *proc_out);
// All there are, in no order; mem_free.
size_t proc_list(struct proc **procs_out);
size_t proc_open_fds(pid_t pid); // 0: not known
// The last part of what it was called by; "": not known.
void proc_command(pid_t pid, char out[64]);

#endif
