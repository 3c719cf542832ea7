// SPDX-License-Identifier: BSD-2-Clause
// control/request.h - what the tool asks a running daemon, and the answer: one line of JSON each
// way. Pure.
#ifndef POSTERN_CONTROL_REQUEST_H
#define POSTERN_CONTROL_REQUEST_H

#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"

enum request_command {
    REQUEST_RETRY,  // ids or all
    REQUEST_HOLD,   // ids
    REQUEST_DELETE, // ids
    REQUEST_RESCAN, // ids
    REQUEST_ADOPT,  // look for free instances now (after an offline change, unhold)
    REQUEST_RELOAD,
    REQUEST_PING,  // version, pids
    REQUEST_STATUS // facts about the whole service
};

enum {
    REQUEST_IDS_MAX = 1000,
    REQUEST_LINE_MAX = 1 << 16,
    RESPONSE_LINE_MAX = 4 << 20,
    RESPONSE_FACTS_MAX = 1000,
    RESPONSE_FACT_MAX = 1000 // bytes of each
};

struct request {
    enum request_command command;
    bool all;
    char (*ids)[ID_MAX + 1];
    size_t id_count;
    char reason[200];
};

enum response_status { RESPONSE_DONE, RESPONSE_NOT_FOUND, RESPONSE_UNDER_WAY, RESPONSE_FAILED };

struct response_item {
    char id[ID_MAX + 1]; // "" where the request named none
    enum response_status status;
    char text[200];
};

struct response {
    struct response_item *items;
    size_t item_count;
    char **facts; // what was asked for where it is no message: each a JSON object
    size_t fact_count;
};

const char *request_command_name(enum request_command command);
const char *response_status_name(enum response_status status);
int request_write(const struct request *request, struct buf *out); // with its newline
int request_read(struct span line, struct request *request_out, struct err *err);
void request_clear(struct request *request);
int response_write(const struct response *response, struct buf *out);
int response_read(struct span line, struct response *response_out, struct err *err);
void response_clear(struct response *response);
// A copy. False: too long, or there are too many.
bool response_add_fact(struct response *response, struct span fact);
// Of several workers' answers to one request: for each id the best (DONE before UNDER_WAY before
// FAILED before NOT_FOUND). Facts are no worker's.
void response_merge(struct response *into, const struct response *other);

#endif
