// SPDX-License-Identifier: BSD-2-Clause
#include "base/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// The kernel's own header may be older than the kernel, and knows no name for half of these.
enum { ASK_VERSION = 1, RULE_PATH = 1, RULE_PORT = 2, CONNECT = 2 };

enum {
    WRITE_FILE = 1 << 1,
    READ_FILE = 1 << 2,
    READ_FOLDER = 1 << 3,
    REMOVE_FOLDER = 1 << 4,
    REMOVE_FILE = 1 << 5,
    MAKE_FOLDER = 1 << 7,
    MAKE_FILE = 1 << 8,
    REFER = 1 << 13,
    TRUNCATE = 1 << 14,
    OF_FILES = WRITE_FILE | READ_FILE | TRUNCATE,
};

enum { SIGNALS = 2 };

struct ruleset {
    uint64_t files, network, scope;
};

struct path_rule {
    uint64_t allowed;
    int32_t fd;
} __attribute__((packed)); // as the kernel has it

struct port_rule {
    uint64_t allowed, port;
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

static uint64_t
bits_of(unsigned rights)
{
    static const struct {
        unsigned right;
        uint64_t bits;
    } rows[] = {
        {LANDLOCK_READ,   READ_FILE | READ_FOLDER                                      },
        {LANDLOCK_WRITE,  WRITE_FILE | TRUNCATE                                        },
        {LANDLOCK_MAKE,   MAKE_FILE                                                    },
        {LANDLOCK_CHANGE, MAKE_FILE | MAKE_FOLDER | REMOVE_FILE | REMOVE_FOLDER | REFER},
    };

    uint64_t bits = 0;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        bits |= (rights & rows[i].right) != 0 ? rows[i].bits : 0;
    return bits;
}

static int
grant_path(int ruleset_fd, uint64_t known, const struct landlock_grant *grant, struct err *err)
{
    struct path_rule rule = {.allowed = bits_of(grant->rights) & known};
    struct stat info;
    long failed = 0;

    rule.fd = open(grant->path, O_PATH | O_CLOEXEC);
    if (rule.fd < 0)
        return 0;
    if (fstat(rule.fd, &info) == 0 && !S_ISDIR(info.st_mode))
        rule.allowed &= OF_FILES;
    if (rule.allowed != 0)
        failed = syscall(SYS_landlock_add_rule, ruleset_fd, RULE_PATH, &rule, 0);
    if (failed != 0)
        err_sys(err, ERR_PERM, errno, "landlock_add_rule %s", grant->path);
    (void)close(rule.fd);
    return failed != 0 ? -1 : 0;
}

static int
grant_port(int ruleset_fd, uint16_t port, struct err *err)
{
    struct port_rule rule = {.allowed = CONNECT, .port = port};

    if (syscall(SYS_landlock_add_rule, ruleset_fd, RULE_PORT, &rule, 0) == 0)
        return 0;
    return err_sys(err, ERR_PERM, errno, "landlock_add_rule, port %u", port);
}

static int
grant_all(int ruleset_fd, const struct ruleset *ruleset, const struct landlock_rules *rules,
          struct err *err)
{
    int failed = 0;

    for (size_t i = 0; i < rules->grant_count && failed == 0; i++)
        failed = grant_path(ruleset_fd, ruleset->files, &rules->grants[i], err);
    if (ruleset->network == 0)
        return failed;
    for (size_t i = 0; i < rules->port_count && failed == 0; i++)
        failed = grant_port(ruleset_fd, rules->ports[i], err);
    return failed;
}

// Version 1 lets nobody move a file to another folder, whatever is granted.
static int
find_version(const struct landlock_rules *rules)
{
    int version = landlock_version();

    for (size_t i = 0; i < rules->grant_count && version < LANDLOCK_WITH_RENAME; i++) {
        if ((rules->grants[i].rights & LANDLOCK_CHANGE) != 0)
            return 0;
    }
    return version;
}

int
landlock_forbid_others(const struct landlock_rules *rules, struct err *err)
{
    int version = find_version(rules), failed;
    struct ruleset ruleset = versions[version < VERSIONS ? version : VERSIONS - 1];
    long fd;

    if (version == 0)
        return 0;
    if (rules->may_signal)
        ruleset.scope &= ~(uint64_t)SIGNALS;
    // What it does not know it takes as long as it is zero.
    fd = syscall(SYS_landlock_create_ruleset, &ruleset, sizeof ruleset, 0);
    if (fd < 0)
        return err_sys(err, ERR_PERM, errno, "landlock_create_ruleset");
    failed = grant_all((int)fd, &ruleset, rules, err);
    if (failed == 0 && syscall(SYS_landlock_restrict_self, fd, 0) != 0)
        failed = err_sys(err, ERR_PERM, errno, "landlock_restrict_self");
    (void)close((int)fd);
    return failed;
}

int
landlock_forbid_all(struct err *err)
{
    return landlock_forbid_others(&(struct landlock_rules){0}, err);
}
