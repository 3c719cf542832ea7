// SPDX-License-Identifier: BSD-2-Clause
// tests/unit/filters/cached.h - says, in place of the kernel, whether files lie in memory.
#ifndef POSTERN_TESTS_UNIT_FILTERS_CACHED_H
#define POSTERN_TESTS_UNIT_FILTERS_CACHED_H

#include <errno.h>
#include <stdbool.h>
#include <sys/uio.h>

static bool cached_is;        // as it is told
static unsigned cached_asked; // how often

ssize_t
preadv2(int fd, const struct iovec *parts, int count, off_t offset, int flags)
{
    cached_asked++;
    if (cached_is || flags != RWF_NOWAIT)
        return preadv(fd, parts, count, offset);
    errno = EAGAIN;
    return -1;
}

#endif
