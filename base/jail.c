// SPDX-License-Identifier: BSD-2-Clause
#include "base/jail.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/jail_calls.h"
#include "base/jail_memory.h"
#include "base/mem.h"

enum { REPORTS = 2 };

static int
set_limit(int resource, const char *name, uint64_t value, struct err *err)
{
    struct rlimit limit = {.rlim_cur = value, .rlim_max = value};

    if (setrlimit((__rlimit_resource_t)resource, &limit) != 0)
        return err_sys(err, ERR_PERM, errno, "limit of %s", name);
    return 0;
}

static int
give_up_growth(struct err *err)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return err_sys(err, ERR_PERM, errno, "no_new_privs");
    // A core file would hold mail, and one that goes to a program knows no limit.
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return err_sys(err, ERR_PERM, errno, "dumpable");
    return set_limit(RLIMIT_CORE, "core files", 0, err);
}

int
jail_enter(const struct jail_limits *limits, struct err *err)
{
    if (give_up_growth(err) != 0 ||
        set_limit(RLIMIT_FSIZE, "file size", limits->file_size, err) != 0 ||
        set_limit(RLIMIT_NOFILE, "descriptors", limits->descriptors, err) != 0 ||
        jail_memory_limit(limits->memory, err) != 0)
        return -1;
    if (landlock_forbid_all(err) != 0)
        return -1;
    return jail_calls_filter(JAIL_DISSECTOR, jail_memory_is_sanitized(), err);
}

bool
jail_has_seccomp(void)
{
    return prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0;
}

// Where the sanitizers look, and where they write what they have found.
static int
forbid_others(const struct landlock_rules *reach, struct err *err)
{
    struct landlock_rules all = *reach;
    char folder[JAIL_MEMORY_FOLDER_MAX] = "", processes[] = "/proc";
    int failed;

    if (!jail_memory_is_sanitized())
        return landlock_forbid_others(reach, err);
    jail_memory_reports(folder);
    all.grants = mem_zarray(reach->grant_count + REPORTS, sizeof *all.grants);
    if (reach->grant_count > 0)
        memcpy(all.grants, reach->grants, reach->grant_count * sizeof *all.grants);
    all.grants[all.grant_count++] = (struct landlock_grant){processes, LANDLOCK_READ};
    all.grants[all.grant_count++] =
        (struct landlock_grant){folder, LANDLOCK_READ | LANDLOCK_WRITE | LANDLOCK_MAKE};
    failed = landlock_forbid_others(&all, err);
    mem_free(&all.grants);
    return failed;
}

int
jail_confine(enum jail_profile profile, const struct landlock_rules *reach, struct err *err)
{
    assert(profile != JAIL_DISSECTOR);
    if (give_up_growth(err) != 0 || forbid_others(reach, err) != 0)
        return -1;
    return jail_has_seccomp() ? jail_calls_filter(profile, jail_memory_is_sanitized(), err) : 0;
}
