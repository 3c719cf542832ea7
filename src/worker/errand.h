// SPDX-License-Identifier: BSD-2-Clause
// src/worker/errand.h - what the scribe asks of a worker on the operator's behalf: retry, hold,
// delete, adopt.
//
// A line of frames, each a request (control/request.h) behind a number; the answer carries the same
// number. A line that talks nonsense is given up; the worker works on without it.
#ifndef POSTERN_SRC_ERRAND_H
#define POSTERN_SRC_ERRAND_H

#include "spool/spool.h"

// Frame types, and the payload's form: "<number> " and a line of control/request.h.
enum errand_frame { ERRAND_REQUEST = 1, ERRAND_RESPONSE = 2 };

enum { ERRAND_PAYLOAD_MAX = 1 << 18 };

struct errands;

struct errands *errands_new(struct loop *loop, struct spool *spool, int fd_take);
bool errands_has_line(const struct errands *errands);
void errands_free(struct errands **errands);

#endif
