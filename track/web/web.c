// SPDX-License-Identifier: BSD-2-Clause
#include "track/web/web.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <event2/listener.h>

#include "base/log.h"
#include "base/mem.h"

enum {
    REQUEST_MAX = 8192, // header, and body
    INPUT_MAX = 2 * REQUEST_MAX,
    ACCEPT_BATCH = 16,
    ACCEPT_PAUSE_MS = 1000,
    COMPLAINT_MS = 60000,
    METHODS = EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD | EVHTTP_REQ_PUT |
              EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS | EVHTTP_REQ_TRACE | EVHTTP_REQ_CONNECT |
              EVHTTP_REQ_PATCH
};

struct visit { // one connection
    struct web *web;
    struct visit *next;
    struct bufferevent *events;     // ours until it has joined
    struct evhttp_connection *conn; // evhttp's; NULL until it has joined
    struct loop_timer *deadline;
};

struct web {
    struct loop *loop;
    struct evhttp *http;
    struct evconnlistener *listener; // evhttp's
    const struct setting_list *clients;
    const struct web_page *pages;
    size_t page_count;
    void *arg;
    struct visit *fresh; // of this turn
    size_t fresh_count;
    struct visit *visits;
    size_t visit_count;
    struct loop_deferred joining;
    struct loop_timer *accept_pause;
    bool is_draining;
    loop_callback *on_idle;
    void *idle_arg;
    struct loop_deferred idle;
    uint64_t complaint_ms; // when the next may be logged
};

// --- connections ---

static void
tell_idle(void *arg)
{
    struct web *web = arg;

    web->on_idle(web->idle_arg);
}

static void
look_whether_idle(struct web *web)
{
    if (web->is_draining && web->visit_count == 0 && web->fresh == NULL)
        loop_defer(web->loop, &web->idle);
}

// For its next step: to ask, or to take the answer.
static void
give_time(struct visit *visit)
{
    loop_timer_start(visit->deadline, visit->web->is_draining ? WEB_DRAIN_MS : WEB_TIMEOUT_MS);
}

static void
on_close(struct evhttp_connection *conn, void *arg)
{
    struct visit *visit = arg;

    (void)conn;
    for (struct visit **at = &visit->web->visits; *at != NULL; at = &(*at)->next) {
        if (*at != visit)
            continue;
        *at = visit->next;
        break;
    }
    visit->web->visit_count--;
    look_whether_idle(visit->web);
    loop_timer_free(&visit->deadline);
    mem_free(&visit);
}

static void
on_deadline(void *arg)
{
    struct visit *visit = arg;

    evhttp_connection_free(visit->conn); // calls on_close
}

static void
complain(struct web *web, const char *what)
{
    uint64_t now = loop_now_ms(web->loop);

    if (now < web->complaint_ms)
        return;
    web->complaint_ms = now + COMPLAINT_MS;
    log_warning("web", "%s", what);
}

// evhttp shows a connection when its request is there, and would wait for that as long as bytes
// come in: it is taken from the events that we have made for it. NULL: it has ended already.
static struct evhttp_connection *
release_events(struct visit *visit)
{
    void *conn = NULL;

    bufferevent_getcb(visit->events, NULL, NULL, NULL, &conn);
    (void)bufferevent_decref(visit->events);
    visit->events = NULL;
    return conn;
}

static void
join(struct web *web, struct visit *visit)
{
    struct evhttp_connection *conn = release_events(visit);

    if (conn != NULL && web->visit_count == WEB_CONNECTIONS_MAX) {
        complain(web, "too many connections: one is closed");
        evhttp_connection_free(conn);
        conn = NULL;
    }
    if (conn == NULL) {
        mem_free(&visit);
        return;
    }
    visit->conn = conn;
    visit->next = web->visits;
    web->visits = visit;
    web->visit_count++;
    visit->deadline = loop_timer_new(web->loop, on_deadline, visit);
    give_time(visit);
    evhttp_connection_set_closecb(conn, on_close, visit);
}

static struct visit *
take_fresh(struct web *web)
{
    struct visit *visit = web->fresh;

    if (visit != NULL)
        web->fresh = visit->next;
    return visit;
}

static void
accept_again(void *arg)
{
    struct web *web = arg;

    if (!web->is_draining && !loop_timer_is_running(web->accept_pause))
        (void)evconnlistener_enable(web->listener);
}

static void
join_fresh(void *arg)
{
    struct web *web = arg;
    struct visit *visit;

    while ((visit = take_fresh(web)) != NULL)
        join(web, visit);
    web->fresh_count = 0;
    accept_again(web);
    look_whether_idle(web);
}

// A connection was accepted. Its input has a bound: evhttp goes on reading while it writes. Who
// connects faster than we can close takes turns with the rest of the loop.
static struct bufferevent *
add_fresh(struct event_base *base, void *arg)
{
    struct web *web = arg;
    struct visit *visit = mem_zalloc(sizeof *visit);

    visit->events = bufferevent_socket_new(base, -1, 0);
    if (visit->events == NULL)
        abort();
    bufferevent_setwatermark(visit->events, EV_READ, 0, INPUT_MAX);
    bufferevent_incref(visit->events);
    visit->web = web;
    visit->next = web->fresh;
    web->fresh = visit;
    if (++web->fresh_count >= ACCEPT_BATCH)
        (void)evconnlistener_disable(web->listener);
    loop_defer(web->loop, &web->joining);
    return visit->events;
}

static void
on_accept_trouble(struct evconnlistener *listener, void *arg)
{
    struct web *web = arg;

    (void)evconnlistener_disable(listener);
    loop_timer_start(web->accept_pause, ACCEPT_PAUSE_MS);
}

// --- requests ---

static struct visit *
find_visit(const struct web *web, const struct evhttp_connection *conn)
{
    struct visit *visit = web->visits;

    while (visit != NULL && visit->conn != conn)
        visit = visit->next;
    return visit;
}

// evhttp would keep some connections all the same: after CONNECT, or where a proxy's header asks.
static void
on_answered(struct evhttp_request *request, void *arg)
{
    struct visit *visit = arg;

    (void)request;
    loop_timer_start(visit->deadline, 0);
}

static void
answer(struct evhttp_request *request, int status, const char *type, struct span body)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    bool is_head = evhttp_request_get_command(request) == EVHTTP_REQ_HEAD;
    struct evbuffer *out = evbuffer_new();
    char len[32];

    if (out == NULL || (!is_head && evbuffer_add(out, body.data, body.len) != 0))
        abort();
    (void)snprintf(len, sizeof len, "%zu", body.len);
    (void)evhttp_add_header(headers, "Content-Type", type);
    (void)evhttp_add_header(headers, "Content-Length", len);
    (void)evhttp_add_header(headers, "Cache-Control", "no-store");
    (void)evhttp_add_header(headers, "Connection", "close");
    evhttp_send_reply(request, status, NULL, out);
    evbuffer_free(out);
}

static void
refuse(struct evhttp_request *request, int status, const char *text)
{
    answer(request, status, "text/plain; charset=utf-8", span_of(text));
}

static bool
may_ask(const struct web *web, struct evhttp_request *request)
{
    struct evhttp_connection *conn = evhttp_request_get_connection(request);
    const struct sockaddr *peer = evhttp_connection_get_addr(conn);
    const struct net *nets = web->clients->items;
    struct addr addr = {.len = 0};

    if (web->clients->count == 0 || peer->sa_family == AF_UNIX)
        return true;
    addr.len =
        peer->sa_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
    memcpy(&addr.sa, peer, addr.len);
    for (size_t i = 0; i < web->clients->count; i++) {
        if (net_has(&nets[i], &addr))
            return true;
    }
    return false;
}

static const struct web_page *
find_page(const struct web *web, struct evhttp_request *request)
{
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
    const char *path = uri == NULL ? NULL : evhttp_uri_get_path(uri);

    for (size_t i = 0; path != NULL && i < web->page_count; i++) {
        if (strcmp(web->pages[i].path, path) == 0)
            return &web->pages[i];
    }
    return NULL;
}

static void
show_page(const struct web *web, struct evhttp_request *request, const struct web_page *page)
{
    struct buf body;
    int status;

    buf_init(&body, WEB_BODY_MAX);
    status = page->write(web->arg, &body);
    answer(request, status, page->content_type, buf_span(&body));
    buf_clear(&body);
}

static void
on_request(struct evhttp_request *request, void *arg)
{
    struct web *web = arg;
    struct visit *visit = find_visit(web, evhttp_request_get_connection(request));
    enum evhttp_cmd_type method = evhttp_request_get_command(request);
    const struct web_page *page = find_page(web, request);

    if (visit != NULL) {
        give_time(visit);
        evhttp_request_set_on_complete_cb(request, on_answered, visit);
    }
    if (!may_ask(web, request)) {
        complain(web, "a client that is not among clients has asked");
        refuse(request, 403, "forbidden\n");
    } else if (method != EVHTTP_REQ_GET && method != EVHTTP_REQ_HEAD) {
        (void)evhttp_add_header(evhttp_request_get_output_headers(request), "Allow", "GET, HEAD");
        refuse(request, 405, "GET and HEAD only\n");
    } else if (page == NULL) {
        refuse(request, 404, "no such page\n");
    } else {
        show_page(web, request, page);
    }
}

// --- life ---

static struct evconnlistener *
listen_at(struct web *web, int fd, struct err *err)
{
    struct event_base *base = loop_base(web->loop);
    struct evconnlistener *listener;

    int flags = fcntl(fd, F_GETFL);

    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) {
        (void)err_sys(err, ERR_TEMP, errno, "cannot set up the http socket");
        return NULL;
    }
    listener = evconnlistener_new(base, NULL, NULL, LEV_OPT_CLOSE_ON_EXEC, 0, fd);
    if (listener == NULL)
        (void)err_set(err, ERR_TEMP, "cannot listen on the http socket");
    return listener;
}

struct web *
web_new(struct loop *loop, int listen_fd, const struct setting_list *clients,
        const struct web_page *pages, size_t page_count, void *arg, struct err *err)
{
    struct web *web = mem_zalloc(sizeof *web);

    web->loop = loop;
    web->clients = clients;
    web->pages = pages;
    web->page_count = page_count;
    web->arg = arg;
    web->joining = (struct loop_deferred){.run = join_fresh, .arg = web};
    web->idle = (struct loop_deferred){.run = tell_idle, .arg = web};
    web->listener = listen_at(web, listen_fd, err);
    if (web->listener == NULL) {
        mem_free(&web);
        return NULL;
    }
    web->accept_pause = loop_timer_new(loop, accept_again, web);
    web->http = evhttp_new(loop_base(loop));
    if (web->http == NULL || evhttp_bind_listener(web->http, web->listener) == NULL)
        abort();
    evconnlistener_set_error_cb(web->listener, on_accept_trouble);
    evhttp_set_bevcb(web->http, add_fresh, web);
    evhttp_set_gencb(web->http, on_request, web);
    evhttp_set_allowed_methods(web->http, METHODS);
    evhttp_set_max_headers_size(web->http, REQUEST_MAX);
    evhttp_set_max_body_size(web->http, REQUEST_MAX);
    return web;
}

void
web_drain(struct web *web, loop_callback *on_idle, void *arg)
{
    web->is_draining = true;
    web->on_idle = on_idle;
    web->idle_arg = arg;
    (void)evconnlistener_disable(web->listener);
    for (struct visit *visit = web->visits; visit != NULL; visit = visit->next)
        give_time(visit);
    look_whether_idle(web);
}

void
web_free(struct web **web)
{
    struct web *gone = *web;
    struct visit *visit;

    if (gone == NULL)
        return;
    gone->is_draining = false;
    loop_undefer(gone->loop, &gone->joining);
    loop_undefer(gone->loop, &gone->idle);
    while ((visit = take_fresh(gone)) != NULL) {
        (void)release_events(visit);
        mem_free(&visit);
    }
    evhttp_free(gone->http);
    loop_timer_free(&gone->accept_pause);
    mem_free(web);
}
