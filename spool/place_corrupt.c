// SPDX-License-Identifier: BSD-2-Clause
#include "spool/place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

enum { TRIES_IN_ORDER = 100, TRIES = 200, NAME_PART = 200 };

// Where the file system cannot rename without overwriting, two names for a moment do no harm.
static int
move_exclusively(int from_dir, const char *from, int to_dir, const char *to)
{
    if (renameat2(from_dir, from, to_dir, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -1;
    if (linkat(from_dir, from, to_dir, to, 0) != 0)
        return -1;
    return unlinkat(from_dir, from, 0);
}

// In order at first; slots share their names, so there may be very many.
static unsigned
next_number(unsigned tries)
{
    unsigned number = tries;

    if (tries >= TRIES_IN_ORDER && getrandom(&number, sizeof(number), 0) != sizeof(number))
        number = tries;
    return number;
}

int
place_set_corrupt(struct place_root *root, int dir_fd, const char *name, struct err *err)
{
    char target[NAME_MAX + 1];

    for (unsigned tries = 0; tries < TRIES; tries++) {
        snprintf(target, sizeof(target), "%.*s.%u", NAME_PART, name, next_number(tries));
        if (move_exclusively(dir_fd, name, root->corrupt_fd, target) == 0)
            // The target first: a crash in between must leave it in one of both.
            return fs_sync(root->corrupt_fd, err) != 0 ? -1 : fs_sync(dir_fd, err);
        if (errno != EEXIST)
            break;
    }
    return err_sys(err, ERR_TEMP, errno, "move %s to %s/corrupt", name, root->path);
}
