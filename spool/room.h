// SPDX-License-Identifier: BSD-2-Clause
// spool/room.h - what the files of this room share; no other room includes it.
//
// A message of ours is in one of three sets: waiting (agenda), under way (ids), or neither because
// it is gone. `messages` counts both.
#ifndef POSTERN_SPOOL_ROOM_H
#define POSTERN_SPOOL_ROOM_H

#include "spool/agenda.h"
#include "spool/blocks.h"
#include "spool/ids.h"
#include "spool/slots.h"
#include "spool/space.h"
#include "spool/spool.h"

struct adopt;
struct due;
struct keep;
struct remember;

struct spool {
    struct loop *loop;
    const struct spool_settings *settings;
    struct counter_worker *counters; // NULL: none
    struct tasks tasks;
    struct syncer *syncer;
    struct place_root root;
    struct homes homes;
    struct slots *slots;
    struct space *space;
    struct agenda agenda;
    struct ids under_way;
    struct due *due;
    struct adopt *adopt;
    struct keep *keep;
    struct blocks blocks;
    struct remember *remember;           // NULL: nothing is
    const struct spool_handler *handler; // NULL: not started, or stopped
    void *handler_arg;
    struct loop_timer *minute;
    bool unnamed; // see store_can_unnamed
    size_t messages;
    struct spool_file *stuck; // given up, but the disk refused: tried again each minute
    struct journal_reader scratch;
};

void spool_count(struct spool *spool, int change);
// Under way or waiting.
bool spool_knows(const struct spool *spool, const char *id);

#endif
