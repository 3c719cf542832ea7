// SPDX-License-Identifier: BSD-2-Clause
// tool/ask.h - asks the running daemon over its control socket: one line each way, ten seconds.
#ifndef POSTERN_TOOL_ASK_H
#define POSTERN_TOOL_ASK_H

#include "base/addr.h"
#include "control/request.h"

enum ask_result {
    ASK_ANSWERED,
    ASK_NOBODY,    // no daemon listens there
    ASK_FORBIDDEN, // we may not connect
    ASK_BROKEN     // it did not answer, or not in a way we know
};

enum { ASK_TIMEOUT_MS = 10000, ASK_IDS_MAX = 100 }; // ids of one request

// err unless ANSWERED; response_out is to be cleared then.
enum ask_result ask_daemon(const struct addr *socket_addr, const struct request *request,
                           int timeout_ms, struct response *response_out, struct err *err);

// Has the daemon take up what we put into an instance of our own; else it finds it within a minute.
void ask_to_adopt(const struct addr *socket_addr);

#endif
