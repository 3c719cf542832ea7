// SPDX-License-Identifier: BSD-2-Clause
#include "base/landlock.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

// The kernel's own header may be older than the kernel, and knows no name for half of these.
enum { ASK_VERSION = 1 };

struct ruleset {
    uint64_t files, network, scope;
};

// What each version added, by bits of its own.
static const struct ruleset versions[] = {
    {0,      0,   0  },
    {0x1fff, 0,   0  }, // 1: execute, read, write, make and remove of every kind
    {0x3fff, 0,   0  }, // 2: refer
    {0x7fff, 0,   0  }, // 3: truncate
    {0x7fff, 0x3, 0  }, // 4: TCP bind and connect
    {0xffff, 0x3, 0  }, // 5: ioctl of devices
    {0xffff, 0x3, 0x3}, // 6: abstract sockets, signals
};

enum { VERSIONS = sizeof versions / sizeof versions[0] };

int
landlock_version(void)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, ASK_VERSION);

    return version > 0 ? (int)version : 0;
}

int
landlock_forbid_all(struct err *err)
{
    int version = landlock_version();
    const struct ruleset *ruleset = &versions[version < VERSIONS ? version : VERSIONS - 1];
    long fd, failed;

    if (version == 0)
        return 0;
    // What it does not know it takes as long as it is zero.
    fd = syscall(SYS_landlock_create_ruleset, ruleset, sizeof *ruleset, 0);
    if (fd < 0)
        return err_sys(err, ERR_PERM, errno, "landlock_create_ruleset");
    failed = syscall(SYS_landlock_restrict_self, fd, 0);
    if (failed != 0)
        err_sys(err, ERR_PERM, errno, "landlock_restrict_self");
    (void)close((int)fd);
    return failed != 0 ? -1 : 0;
}
