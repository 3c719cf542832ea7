// SPDX-License-Identifier: BSD-2-Clause
// base/dial.h - connects a stream socket without waiting.
//
// done comes once, never from within dial_start: with a connected non-blocking descriptor, which
// is then the caller's, or with -1 and an errno value (ETIMEDOUT where time ran out). EAGAIN (the
// backlog of a UNIX socket is full) is tried again until then. dial_free is due after done too,
// and may be called in it; before done it cancels.
#ifndef POSTERN_BASE_DIAL_H
#define POSTERN_BASE_DIAL_H

#include "base/addr.h"
#include "base/loop.h"

struct dial;

typedef void dial_callback(void *arg, int fd, int errnum);

struct dial *dial_start(struct loop *loop, const struct addr *addr, uint64_t timeout_ms,
                        dial_callback *done, void *arg);
void dial_free(struct dial **dial);

#endif
