// SPDX-License-Identifier: BSD-2-Clause
// src/job/split.h - makes a child of an open message: the same bytes for some recipients, or
// another.
//
// The child's id follows from the parent's, the reason and the recipients, so that one made before
// a crash is found and not made again. It is durable before done is called, and so before the
// parent's journal moves anybody on its account; the parent need not be (relay).
// Keeps:   sender, parameters, XFORWARD, listener, next hop, host name, arrival, skip_rule.
#ifndef POSTERN_SRC_SPLIT_H
#define POSTERN_SRC_SPLIT_H

#include "spool/ranges.h"
#include "spool/writer.h"

// All but file is borrowed for the call.
struct split_request {
    struct spool_file *file;    // stays the asker's; untouched by others until done
    const struct ranges *rcpts; // who goes along; NULL for a copy
    const char *address;        // of a copy: its only recipient, with NOTIFY=NEVER; NULL else
    const char *reason;         // "quarantine", "hold", "copy"
    const char *rule, *why;     // may be NULL
};

// child_id is valid for the call. file_take: the child, ready to be looked after; NULL where it was
// made before. TEMP, or PERM where the parent's id is too long to have a child.
typedef void split_done(void *arg, const char *child_id, struct spool_file *file_take,
                        const struct err *err);

void split_start(struct spool *spool, const struct split_request *request, split_done *done,
                 void *arg);

#endif
