// SPDX-License-Identifier: BSD-2-Clause
#include "base/jail_memory.h"

#include <errno.h>
#include <sys/resource.h>

int
jail_memory_limit(uint64_t bytes, struct err *err)
{
    struct rlimit limit = {.rlim_cur = bytes, .rlim_max = bytes};

    if (setrlimit(RLIMIT_AS, &limit) != 0)
        return err_sys(err, ERR_PERM, errno, "limit of memory");
    return 0;
}

bool
jail_memory_is_sanitized(void)
{
    return false;
}

void
jail_memory_reports(char folder_out[JAIL_MEMORY_FOLDER_MAX])
{
    folder_out[0] = '\0';
}
