// SPDX-License-Identifier: BSD-2-Clause
// track/web/web.h - a small HTTP server for monitoring; door to libevent's evhttp.
//
// GET and HEAD only, no body, small requests, short time-outs, a bound on connections; one answer,
// then the connection is closed. Never waits for a client.
#ifndef POSTERN_TRACK_WEB_H
#define POSTERN_TRACK_WEB_H

#include "base/buf.h"
#include "base/loop.h"
#include "base/setting.h"

enum {
    WEB_CONNECTIONS_MAX = 32,
    WEB_TIMEOUT_MS = 5000,
    WEB_DRAIN_MS = 1000,
    WEB_BODY_MAX = 4 << 20
};

struct web;

struct web_page {
    const char *path;
    const char *content_type;
    // Fills the body; returns the HTTP status: 200, 503.
    int (*write)(void *arg, struct buf *body);
};

// listen_fd stays the caller's. clients: networks that may ask (struct net); empty: all.
struct web *web_new(struct loop *loop, int listen_fd, const struct setting_list *clients,
                    const struct web_page *pages, size_t page_count, void *arg, struct err *err);
// Takes no more connections; those that are there have WEB_DRAIN_MS each. on_idle once, never from
// within: all have ended.
void web_drain(struct web *web, loop_callback *on_idle, void *arg);
void web_free(struct web **web);

#endif
