// SPDX-License-Identifier: BSD-2-Clause
// filters/http_multi.h - libcurl on our loop: transfers side by side, and their handles, kept.
//
// Owns:  one multi handle, its sockets' watches and timer, and the easy handles in between.
// Order: take, curl_easy_setopt all that any transfer sets, start, end. end is called once, also
//        from within done, and takes the connection along.
// done comes once, never from within start, never after end.
#ifndef POSTERN_FILTERS_HTTP_MULTI_H
#define POSTERN_FILTERS_HTTP_MULTI_H

#include "base/loop.h"

struct http_multi;

struct http_transfer {                 // embedded in whose it is
    void *easy;                        // CURL, between take and end
    void (*done)(void *arg, int code); // CURLcode
    void *arg;
};

struct http_multi *http_multi_new(struct loop *loop);
void http_multi_free(struct http_multi **multi); // every transfer is ended; not from within done
struct loop *http_multi_loop(const struct http_multi *multi);

void http_multi_take(struct http_multi *multi, struct http_transfer *transfer);
void http_multi_start(struct http_multi *multi, struct http_transfer *transfer);
// is_good: it came to a good end, and its handle may serve another one.
void http_multi_end(struct http_multi *multi, struct http_transfer *transfer, bool is_good);

#endif
