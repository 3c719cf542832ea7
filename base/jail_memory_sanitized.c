// SPDX-License-Identifier: BSD-2-Clause
#include "base/jail_memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPORTS_OPTION "log_path="

int
jail_memory_limit(uint64_t bytes, struct err *err)
{
    (void)bytes;
    (void)err;
    return 0;
}

bool
jail_memory_is_sanitized(void)
{
    return true;
}

// "option=value:log_path=/folder/file:..."
void
jail_memory_reports(char folder_out[JAIL_MEMORY_FOLDER_MAX])
{
    const char *options = getenv("ASAN_OPTIONS");
    const char *path = options == NULL ? NULL : strstr(options, REPORTS_OPTION);
    char *slash;

    folder_out[0] = '\0';
    if (path == NULL)
        return;
    path += strlen(REPORTS_OPTION);
    (void)snprintf(folder_out, JAIL_MEMORY_FOLDER_MAX, "%.*s", (int)strcspn(path, ":"), path);
    slash = strrchr(folder_out, '/');
    if (slash != NULL)
        *slash = '\0';
}
