// SPDX-License-Identifier: BSD-2-Clause
// base/landlock.h - forbids all files, TCP ports and outside processes but those named.
//
// In all that this kernel's version of Landlock knows, for good. What is open stays open. Sockets
// with a path are nothing that it knows: there the file's mode decides. Needs no_new_privs.
#ifndef POSTERN_BASE_LANDLOCK_H
#define POSTERN_BASE_LANDLOCK_H

#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum landlock_rights {
    LANDLOCK_READ = 1,   // files, and folders' lists
    LANDLOCK_WRITE = 2,  // files that are there, cut them too
    LANDLOCK_MAKE = 4,   // new plain files
    LANDLOCK_CHANGE = 8, // new plain files and folders, remove and rename; never links or devices
};

enum { LANDLOCK_WITH_RENAME = 2, LANDLOCK_WITH_CONNECT = 4, LANDLOCK_WITH_SCOPE = 6 }; // versions

struct landlock_grant {
    char *path; // a file, or a folder and all beneath it; one that is not there grants nothing
    unsigned rights;
};

struct landlock_rules { // what stays allowed; all zero: nothing
    struct landlock_grant *grants;
    size_t grant_count;
    uint16_t *ports; // TCP ports of any address that may be connected to
    size_t port_count;
    bool may_signal; // processes that are not of the caller's making
};

int landlock_version(void); // 0: not in this kernel, or switched off
// 0 also where there is no Landlock, or one that can allow no rename where LANDLOCK_CHANGE asks for
// it (version 1): nothing is forbidden then. -1, PERM: there is, and it refused.
int landlock_forbid_all(struct err *err);
int landlock_forbid_others(const struct landlock_rules *rules, struct err *err);

#endif
