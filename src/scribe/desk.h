// SPDX-License-Identifier: BSD-2-Clause
// src/scribe/desk.h - the scribe's desk: the tool's requests on one side, the workers' lines on the
// other.
//
// A request is given to all workers, its answers are merged; a worker that is gone or silent for
// DESK_TIMEOUT_MS has nothing to say. At most DESK_CLIENTS_MAX clients; each is bounded in time and
// in the length of its line, and asks once.
#ifndef POSTERN_SRC_DESK_H
#define POSTERN_SRC_DESK_H

#include "base/counter.h"
#include "base/loop.h"

enum { DESK_TIMEOUT_MS = 8000, DESK_CLIENTS_MAX = 64, DESK_WORKERS_MAX = 130 };

struct desk;
struct response; // control/request.h

struct desk *desk_new(struct loop *loop, const struct counter_page *page,
                      int (*ask_reload)(void *arg), void *arg);
// Answers REQUEST_STATUS: adds facts to what is answered.
typedef void desk_status(void *arg, struct response *response);
void desk_set_status(struct desk *desk, desk_status *status, void *arg);
void desk_add_worker(struct desk *desk, int fd_take);
void desk_add_client(struct desk *desk, int fd_take);
void desk_reloaded(struct desk *desk, const char *why_not); // "" : it went well
void desk_drain(struct desk *desk, loop_callback *on_idle, void *arg);
void desk_free(struct desk **desk);

#endif
