// SPDX-License-Identifier: BSD-2-Clause
// tests/crash/intruder.h - what a process of Postern's could try, once somebody else rules it.
#ifndef POSTERN_TESTS_CRASH_INTRUDER_H
#define POSTERN_TESTS_CRASH_INTRUDER_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { // whose attempts these are
    BY_DISSECTOR = 1,
    BY_NURSERY = 2,
    BY_WORKER = 4,
    BY_SCRIBE = 8,
    BY_ALL = 15,
    BY_BIG = BY_WORKER | BY_SCRIBE
};

struct intruder { // where it stands
    const char *spool, *config;
    const char *lair;   // an abstract socket that somebody listens on
    pid_t master, peer; // peer: a process of the same user
    uint16_t port;      // somebody listens there, and no setting names it
    uint16_t neighbour; // a setting names it, and somebody listens there
};

struct attempt {
    unsigned who;
    const char *name;
    int (*run)(const struct intruder *intruder); // 0: it got through; else errno
};

extern const struct attempt intruder_files[], intruder_peers[], intruder_calls[];
extern const size_t intruder_file_count, intruder_peer_count, intruder_call_count;
extern const struct attempt intruder_work[]; // what must get through
extern const size_t intruder_work_count;

static inline int
intruder_outcome(long result)
{
    return result < 0 ? errno : 0;
}

#endif
