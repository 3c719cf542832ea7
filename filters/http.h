// SPDX-License-Identifier: BSD-2-Clause
// filters/http.h - one HTTP request on the loop; door to libcurl.
//
// No redirect, no proxy, no other protocol, no `Expect: 100-continue`, numeric addresses only (curl
// never resolves). The reply is bounded. done comes once, never from within http_start, never after
// http_cancel.
#ifndef POSTERN_FILTERS_HTTP_H
#define POSTERN_FILTERS_HTTP_H

#include "base/addr.h"
#include "base/buf.h"
#include "filters/content.h"

struct http; // connections and handles of one loop
struct http_call;

struct http *http_new(struct loop *loop, struct err *err);
void http_free(struct http **http); // no call may be open

struct http_request {
    const struct addr *server;
    const char *method, *path;
    const char *const *headers; // "Name: value", no control characters; NULL-terminated
    struct content *content;    // body; NULL: none
    uint64_t connect_timeout_ms, timeout_ms;
    size_t reply_max;
    // status 0: no reply; err tells. body is valid for the call.
    void (*done)(void *arg, int status, struct span body, const struct err *err);
    void *arg;
};

struct http_call *http_start(struct http *http, const struct http_request *request);
void http_cancel(struct http_call **call);

#endif
