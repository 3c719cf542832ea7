// SPDX-License-Identifier: BSD-2-Clause
// spool/aside.h - out of active/, into hold/ or quarantine/. For pool jobs.
//
// By rename: the message is in one of both places. What its journal says is there before, so that
// after a crash in between the next owner moves it.
#ifndef POSTERN_SPOOL_ASIDE_H
#define POSTERN_SPOOL_ASIDE_H

#include "spool/place.h"

struct aside {
    int dir_fd;
    const char *name, *id;
    enum spool_place place; // HOLD or QUARANTINE
    int64_t now_ms;         // its day in quarantine
    bool sync;              // durable, in both places
};

int aside_move(struct place_root *root, const struct aside *aside, struct err *err);

#endif
