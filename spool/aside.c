// SPDX-License-Identifier: BSD-2-Clause
#include "spool/aside.h"

#include <assert.h>
#include <unistd.h>

#include "spool/store.h"

static int
move_to(int to_fd, const struct aside *aside, struct err *err)
{
    if (aside->sync)
        return fs_move(aside->dir_fd, aside->name, to_fd, aside->id, err);
    return store_rename(aside->dir_fd, aside->name, to_fd, aside->id, err);
}

int
aside_move(struct place_root *root, const struct aside *aside, struct err *err)
{
    int day_fd, result;

    if (aside->place == PLACE_HOLD)
        return move_to(root->hold_fd, aside, err);
    assert(aside->place == PLACE_QUARANTINE);
    day_fd = place_quarantine_day(root, aside->now_ms, err);
    if (day_fd < 0)
        return -1;
    result = move_to(day_fd, aside, err);
    close(day_fd);
    return result;
}
