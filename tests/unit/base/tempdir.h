// SPDX-License-Identifier: BSD-2-Clause
// tests/unit/base/tempdir.h - a folder of a test's own below $TMPDIR, removed with what is in it.
#ifndef POSTERN_TESTS_UNIT_BASE_TEMPDIR_H
#define POSTERN_TESTS_UNIT_BASE_TEMPDIR_H

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct tempdir {
    char path[80];
    int fd;
};

static inline void
tempdir_make(struct tempdir *dir)
{
    const char *base = getenv("TMPDIR");

    // Short, since the names of UNIX sockets are.
    if (base == NULL || strlen(base) > 50)
        base = "/tmp";
    snprintf(dir->path, sizeof dir->path, "%s/unit-XXXXXX", base);
    if (mkdtemp(dir->path) == NULL) {
        perror(dir->path);
        abort();
    }
    dir->fd = open(dir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static inline int
tempdir_remove_one(const char *path, const struct stat *info, int type, struct FTW *where)
{
    (void)info;
    (void)type;
    (void)where;
    return remove(path);
}

static inline void
tempdir_remove(struct tempdir *dir)
{
    close(dir->fd);
    nftw(dir->path, tempdir_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

// The name of a file in it; valid until the next call.
static inline const char *
tempdir_name(const struct tempdir *dir, const char *name)
{
    static char path[200];

    snprintf(path, sizeof path, "%s/%s", dir->path, name);
    return path;
}

// The file's bytes, NUL-terminated, freed by the caller; NULL if it cannot be read.
static inline char *
tempdir_read(const struct tempdir *dir, const char *name)
{
    enum { MAX = 1 << 20 };

    int fd = openat(dir->fd, name, O_RDONLY | O_CLOEXEC);
    char *text;
    ssize_t len;

    if (fd < 0)
        return NULL;
    text = calloc(1, MAX + 1);
    len = text == NULL ? -1 : read(fd, text, MAX);
    close(fd);
    if (len < 0) {
        free(text);
        return NULL;
    }
    return text;
}

#endif
