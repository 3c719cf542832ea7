// SPDX-License-Identifier: BSD-2-Clause
#include "base/proc.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

enum { // fields behind the name, from 0
    FIELD_STATE = 0,
    FIELD_PARENT = 1,
    FIELD_USER = 11,
    FIELD_SYSTEM = 12,
    FIELD_START = 19,
    FIELD_RESIDENT = 21,
    FIELDS = 22
};

enum { PATH_SIZE = 64 };

// The name stands in parentheses, and may hold any byte: blanks and parentheses, too.
static int
split(struct span stat, uint64_t *pid_out, struct span fields_out[FIELDS])
{
    struct span head = stat, rest;
    const char *end = stat.len == 0 ? NULL : memrchr(stat.data, ')', stat.len);

    if (end == NULL || str_parse_u64(span_cut(&head, ' '), INT_MAX, pid_out) != 0)
        return -1;
    rest = span_skip(stat, (size_t)(end - stat.data) + 1);
    if (rest.len == 0 || rest.data[0] != ' ')
        return -1;
    rest = span_skip(rest, 1);
    for (size_t i = 0; i < FIELDS; i++) {
        if (rest.data == NULL)
            return -1;
        fields_out[i] = span_cut(&rest, ' ');
    }
    // The last one is whole only where something follows it.
    return rest.data == NULL ? -1 : 0;
}

int
proc_parse(struct span stat, const struct proc_units *units, struct proc *proc_out)
{
    const uint64_t most = INT64_MAX >> 20; // of ticks: a thousand times as many are no overflow
    struct span fields[FIELDS];
    uint64_t pid, parent, user, system, start, resident;

    if (split(stat, &pid, fields) != 0 || span_is(fields[FIELD_STATE], "Z") ||
        span_is(fields[FIELD_STATE], "X"))
        return -1;
    if (str_parse_u64(fields[FIELD_PARENT], INT_MAX, &parent) != 0 ||
        str_parse_u64(fields[FIELD_USER], most, &user) != 0 ||
        str_parse_u64(fields[FIELD_SYSTEM], most, &system) != 0 ||
        str_parse_u64(fields[FIELD_START], most, &start) != 0 ||
        str_parse_u64(fields[FIELD_RESIDENT], INT64_MAX / units->page_bytes, &resident) != 0)
        return -1;
    *proc_out = (struct proc){.pid = (pid_t)pid,
                              .parent = (pid_t)parent,
                              .cpu_ms = (user + system) * 1000 / units->ticks,
                              .resident_bytes = resident * units->page_bytes,
                              .start_ms = units->boot_ms + (int64_t)(start * 1000 / units->ticks)};
    return 0;
}

// What fits of a small file; 0: nothing.
static size_t
read_small(const char *path, char *out, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, out, size);

    if (fd >= 0)
        (void)close(fd);
    return got > 0 ? (size_t)got : 0;
}

// Whole seconds, so that a process' start does not move from look to look.
static int64_t
find_boot(void)
{
    struct timespec wall, up;

    if (clock_gettime(CLOCK_REALTIME, &wall) != 0 || clock_gettime(CLOCK_BOOTTIME, &up) != 0)
        return 0;
    return (int64_t)(wall.tv_sec - up.tv_sec - (wall.tv_nsec < up.tv_nsec ? 1 : 0)) * 1000;
}

static bool
is_number(const char *name)
{
    return name[0] >= '1' && name[0] <= '9' && strspn(name, "0123456789") == strlen(name);
}

size_t
proc_list(struct proc **procs_out)
{
    struct proc_units units = {.ticks = (uint64_t)sysconf(_SC_CLK_TCK),
                               .page_bytes = (uint64_t)sysconf(_SC_PAGESIZE),
                               .boot_ms = find_boot()};
    DIR *dir = opendir("/proc");
    size_t count = 0, size = 0;
    const struct dirent *entry;

    *procs_out = NULL;
    while (dir != NULL && count < PROC_LIST_MAX && (entry = readdir(dir)) != NULL) {
        char path[PATH_SIZE + NAME_MAX], line[PROC_LINE_MAX];
        size_t len;

        if (!is_number(entry->d_name))
            continue;
        if (count == size) {
            size = 2 * size + 256;
            *procs_out = mem_regrow(*procs_out, size, sizeof **procs_out);
        }
        (void)snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
        len = read_small(path, line, sizeof line);
        if (proc_parse(span_from(line, len), &units, &(*procs_out)[count]) == 0)
            count++;
    }
    if (dir != NULL)
        (void)closedir(dir);
    return count;
}

size_t
proc_open_fds(pid_t pid)
{
    const struct dirent *entry;
    char path[PATH_SIZE];
    size_t count = 0;
    DIR *dir;

    (void)snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    dir = opendir(path);
    if (dir == NULL)
        return 0;
    while ((entry = readdir(dir)) != NULL)
        count += entry->d_name[0] != '.' ? 1 : 0;
    (void)closedir(dir);
    return count;
}

void
proc_command(pid_t pid, char out[64])
{
    char path[PATH_SIZE], line[PROC_LINE_MAX];
    const char *base;
    size_t len;

    (void)snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
    len = read_small(path, line, sizeof line - 1);
    line[len] = '\0';
    base = strrchr(line, '/');
    (void)snprintf(out, 64, "%.63s", base == NULL ? line : base + 1);
}
