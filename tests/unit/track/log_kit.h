// SPDX-License-Identifier: BSD-2-Clause
// tests/unit/track/log_kit.h - a folder with a log in it, and hands that write and rotate it.
#ifndef POSTERN_TESTS_UNIT_TRACK_LOG_KIT_H
#define POSTERN_TESTS_UNIT_TRACK_LOG_KIT_H

#include <errno.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "tests/unit/base/tempdir.h"
#include "tests/unit/harness.h"

static inline void
log_must(bool is_done, const char *what)
{
    if (is_done)
        return;
    perror(what);
    abort();
}

static inline void
log_write(const struct tempdir *dir, const char *name, int flags, const void *data, size_t len)
{
    int fd = openat(dir->fd, name, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);

    log_must(fd >= 0 && write(fd, data, len) == (ssize_t)len, name);
    close(fd);
}

static inline void
log_append(const struct tempdir *dir, const char *name, const char *text)
{
    log_write(dir, name, O_APPEND, text, strlen(text));
}

static inline void
log_rename(const struct tempdir *dir, const char *from, const char *to)
{
    log_must(renameat(dir->fd, from, dir->fd, to) == 0, from);
}

static inline void
log_remove(const struct tempdir *dir, const char *name)
{
    log_must(unlinkat(dir->fd, name, 0) == 0 || errno == ENOENT, name);
}

static inline void
log_truncate(const struct tempdir *dir, const char *name)
{
    log_must(truncate(tempdir_name(dir, name), 0) == 0, name);
}

static inline void
log_copy(const struct tempdir *dir, const char *from, const char *to)
{
    char *text = tempdir_read(dir, from);

    log_must(text != NULL, from);
    log_write(dir, to, O_TRUNC, text, strlen(text));
    free(text);
}

// Written to so many seconds after 2026 began: rotations a moment apart are too near each other for
// a file system.
static inline void
log_set_time(const struct tempdir *dir, const char *name, time_t seconds)
{
    struct timespec times[2] = {{.tv_sec = 1767225600 + seconds}, {.tv_sec = 1767225600 + seconds}};

    log_must(utimensat(dir->fd, name, times, 0) == 0, name);
}

#endif
