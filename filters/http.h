// SPDX-License-Identifier: BSD-2-Clause
// filters/http.h - one HTTP request on the loop, on a connection of its own; door to libcurl.
//
// No redirect, no proxy, no other protocol, no `Expect: 100-continue`, numeric addresses only (curl
// never resolves). The reply is bounded, and so is its header. done comes once, never from within
// http_start, never after http_cancel.
#ifndef POSTERN_FILTERS_HTTP_H
#define POSTERN_FILTERS_HTTP_H

#include "base/addr.h"
#include "filters/content.h"
#include "filters/http_multi.h"

struct http_call;

struct http_request {
    const struct addr *server;
    const char *path;           // "/ping"
    const char *const *headers; // "Name: value", no control characters; NULL-terminated, or NULL
    struct content *content;    // the body of a POST; NULL: a GET
    uint64_t connect_timeout_ms, timeout_ms; // connecting is part of timeout_ms
    size_t reply_max;
    // status 0: no reply, not all of it, or one below 300 that came before all of content was sent;
    // err tells, else NULL. body is valid for the call.
    void (*done)(void *arg, int status, struct span body, const struct err *err);
    void *arg;
};

// What request points to is copied, but for the content, which lives until done or cancel.
struct http_call *http_start(struct http_multi *multi, const struct http_request *request);
void http_cancel(struct http_call **call);

#endif
