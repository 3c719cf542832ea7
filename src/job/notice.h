// SPDX-License-Identifier: BSD-2-Clause
// src/job/notice.h - makes one notice (bounce, delay, relayed) about a message as a child in the
// spool.
//
// The child's id follows from the parent's and from whom it is about, so that a notice made before
// a crash is found and not made again. It is durable before done is called, and so before the
// parent's journal retires anybody on its account.
#ifndef POSTERN_SRC_NOTICE_H
#define POSTERN_SRC_NOTICE_H

#include "reinject/bounce.h"
#include "spool/writer.h"

struct notice_request {
    enum bounce_kind kind;
    struct spool_file *file;    // stays the asker's; untouched by others until done
    const struct ranges *rcpts; // whom it is about; borrowed for the call
    const char *hostname;
    const char *relay; // who gave the answers; NULL: not known any more
    int64_t now_ms;
    int64_t retry_until_ms; // delay only
};

// child_id is valid for the call. file_take: the child, ready to be sent; NULL where it was made
// before.
typedef void notice_done(void *arg, const char *child_id, struct spool_file *file_take,
                         const struct err *err);

void notice_start(struct spool *spool, const struct notice_request *request, notice_done *done,
                  void *arg);

#endif
