// SPDX-License-Identifier: BSD-2-Clause
#include "filters/http.h"

#include <assert.h>
#include <string.h>

#include <curl/curl.h>

#include "base/buf.h"
#include "base/mem.h"

enum { BLOCK_SIZE = 65536, HEADER_MAX = 65536 };

// A multi handle for each call: servers of this kind close the connection behind each reply, so
// there is nothing to share, and a call that is cancelled takes all of its own along.
struct http_call {
    struct loop *loop;
    struct http_request request; // server, path and headers: no longer valid
    CURLM *multi;
    CURL *easy;
    struct curl_slist *headers;
    char *url;
    char *socket_path; // of a UNIX socket
    struct loop_io *io;
    curl_socket_t watched;    // by io
    struct loop_timer *timer; // curl's
    struct loop_timer *deadline;
    struct content_read *read;
    char *block;
    size_t block_len, block_used;
    uint64_t offset; // of the content, behind the block
    struct buf reply;
    size_t header_len;
    bool is_header_over; // the empty line has come
    char why[CURL_ERROR_SIZE];
};

static void
destroy(struct http_call *call)
{
    content_read_cancel(&call->read);
    // The easy handle closes its connection with the multi handle, which asks to have its socket no
    // longer watched before it does so.
    curl_multi_remove_handle(call->multi, call->easy);
    curl_multi_cleanup(call->multi);
    curl_easy_cleanup(call->easy);
    curl_slist_free_all(call->headers);
    loop_io_free(&call->io);
    loop_timer_free(&call->timer);
    loop_timer_free(&call->deadline);
    buf_clear(&call->reply);
    mem_free(&call->block);
    mem_free(&call->url);
    mem_free(&call->socket_path);
    loop_free_later(call->loop, call);
}

static void
finish(struct http_call *call, int status, const struct err *err)
{
    struct http_request request = call->request;
    struct buf reply = call->reply;

    buf_init(&call->reply, 0);
    destroy(call);
    request.done(request.arg, status, status != 0 ? buf_span(&reply) : span_of(NULL), err);
    buf_clear(&reply);
}

// To curl a reply that comes in front of its request's end is one like any other. A refusal may
// well come early; that all is good may not.
static bool
is_early(const struct http_call *call, long status)
{
    curl_off_t sent = 0;

    if (call->request.content == NULL || status >= 300)
        return false;
    curl_easy_getinfo(call->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
    return (uint64_t)sent < content_len(call->request.content);
}

static void
finish_transfer(struct http_call *call, CURLcode code)
{
    struct err err;
    long status = 0;

    if (code == CURLE_OK)
        curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    if (code == CURLE_OK && is_early(call, status)) {
        err_set(&err, ERR_TEMP, "HTTP %ld came before all of the message was sent", status);
        finish(call, 0, &err);
        return;
    }
    // curl takes a header that is cut for a whole one.
    if (status >= 100 && status <= 999 && call->is_header_over) {
        finish(call, (int)status, NULL);
        return;
    }
    err_set(&err, ERR_TEMP, "no HTTP reply: %s",
            code == CURLE_OK       ? "its header is cut"
            : call->why[0] != '\0' ? call->why
                                   : curl_easy_strerror(code));
    finish(call, 0, &err);
}

// Behind each call of curl's that can move a transfer on; call may be gone then.
static void
look_for_end(struct http_call *call)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(call->multi, &left)) != NULL) {
        if (message->msg == CURLMSG_DONE) {
            finish_transfer(call, message->data.result);
            return;
        }
    }
}

static void
on_io(void *arg, bool readable, bool writable)
{
    struct http_call *call = arg;
    int mask = (readable ? CURL_CSELECT_IN : 0) | (writable ? CURL_CSELECT_OUT : 0);
    int running;

    curl_multi_socket_action(call->multi, call->watched, mask, &running);
    look_for_end(call);
}

static void
on_timer(void *arg)
{
    struct http_call *call = arg;
    int running;

    curl_multi_socket_action(call->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    look_for_end(call);
}

static int
on_timer_wish(CURLM *multi, long timeout_ms, void *arg)
{
    struct http_call *call = arg;

    (void)multi;
    if (timeout_ms < 0)
        loop_timer_stop(call->timer);
    else
        loop_timer_start(call->timer, (uint64_t)timeout_ms);
    return 0;
}

static int
on_socket_wish(CURL *easy, curl_socket_t socket, int what, void *arg, void *unused)
{
    struct http_call *call = arg;

    (void)easy;
    (void)unused;
    if (what == CURL_POLL_REMOVE) {
        loop_io_free(&call->io);
        return 0;
    }
    if (call->io == NULL)
        call->io = loop_io_new(call->loop, socket, on_io, call);
    call->watched = socket;
    loop_io_want(call->io, (what & CURL_POLL_IN) != 0, (what & CURL_POLL_OUT) != 0);
    return 0;
}

static void
on_block(void *arg, const struct err *err)
{
    struct http_call *call = arg;

    call->read = NULL;
    if (err != NULL) {
        finish(call, 0, err);
        return;
    }
    curl_easy_pause(call->easy, CURLPAUSE_CONT); // goes on from its timer
}

// Asked for the body: from the block that is there, else waits for the next one.
static size_t
on_body_wish(char *out, size_t size, size_t count, void *arg)
{
    struct http_call *call = arg;
    struct content *content = call->request.content;
    size_t room = size * count;
    size_t len = call->block_len - call->block_used;
    uint64_t left = content_len(content) - call->offset;

    if (call->read != NULL)
        return CURL_READFUNC_PAUSE;
    if (len > 0) {
        len = len < room ? len : room;
        memcpy(out, call->block + call->block_used, len);
        call->block_used += len;
        return len;
    }
    if (left == 0)
        return 0;
    call->block_len = left < BLOCK_SIZE ? (size_t)left : BLOCK_SIZE;
    call->block_used = 0;
    call->read =
        content_read_start(content, call->offset, call->block, call->block_len, on_block, call);
    call->offset += call->block_len;
    return CURL_READFUNC_PAUSE;
}

static size_t
on_reply(char *data, size_t size, size_t count, void *arg)
{
    struct http_call *call = arg;

    return buf_add(&call->reply, data, size * count) == 0 ? size * count : 0;
}

// Line by line. Each interim reply (1xx) brings a header of its own: bounded together.
static size_t
on_header(char *data, size_t size, size_t count, void *arg)
{
    struct http_call *call = arg;
    struct span line = span_from(data, size * count);

    if (line.len > 0 && (data[0] == '\r' || data[0] == '\n'))
        call->is_header_over = true;
    else if (span_starts_nocase(line, "HTTP/"))
        call->is_header_over = false;
    call->header_len += line.len;
    return call->header_len <= HEADER_MAX ? line.len : 0;
}

// For options that cannot fail but by a bug or lack of memory.
#define SET(easy, option, value)                                                                   \
    do {                                                                                           \
        CURLcode code_ = curl_easy_setopt((easy), (option), (value));                              \
        assert(code_ == CURLE_OK);                                                                 \
    } while (0)

static void
set_body(struct http_call *call)
{
    struct content *content = call->request.content;
    struct span memory = content_memory(content);

    SET(call->easy, CURLOPT_POST, 1L);
    SET(call->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)content_len(content));
    if (memory.data != NULL) {
        SET(call->easy, CURLOPT_POSTFIELDS, memory.data); // not copied
        return;
    }
    call->block = mem_zalloc(BLOCK_SIZE);
    SET(call->easy, CURLOPT_READFUNCTION, on_body_wish);
    SET(call->easy, CURLOPT_READDATA, call);
}

static void
set_options(struct http_call *call)
{
    CURL *easy = call->easy;

    SET(easy, CURLOPT_URL, call->url);
    if (call->socket_path != NULL)
        SET(easy, CURLOPT_UNIX_SOCKET_PATH, call->socket_path);
    SET(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)call->request.connect_timeout_ms);
    SET(easy, CURLOPT_PROTOCOLS_STR, "http");
    SET(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(easy, CURLOPT_FOLLOWLOCATION, 0L);
    SET(easy, CURLOPT_PROXY, ""); // whatever the environment says
    SET(easy, CURLOPT_NOSIGNAL, 1L);
    SET(easy, CURLOPT_FORBID_REUSE, 1L);
    SET(easy, CURLOPT_HTTPHEADER, call->headers);
    SET(easy, CURLOPT_WRITEFUNCTION, on_reply);
    SET(easy, CURLOPT_WRITEDATA, call);
    SET(easy, CURLOPT_HEADERFUNCTION, on_header);
    SET(easy, CURLOPT_HEADERDATA, call);
    SET(easy, CURLOPT_ERRORBUFFER, call->why);
    if (call->request.content != NULL)
        set_body(call);
}

static void
start_transfer(struct http_call *call)
{
    call->easy = curl_easy_init();
    call->multi = curl_multi_init();
    assert(call->easy != NULL && call->multi != NULL);
    set_options(call);
    curl_multi_setopt(call->multi, CURLMOPT_SOCKETFUNCTION, on_socket_wish);
    curl_multi_setopt(call->multi, CURLMOPT_SOCKETDATA, call);
    curl_multi_setopt(call->multi, CURLMOPT_TIMERFUNCTION, on_timer_wish);
    curl_multi_setopt(call->multi, CURLMOPT_TIMERDATA, call);
    curl_multi_add_handle(call->multi, call->easy); // goes on from its timer
}

static void
on_deadline(void *arg)
{
    struct http_call *call = arg;
    struct err err;

    err_set(&err, ERR_TEMP, "no HTTP reply within %llu ms",
            (unsigned long long)call->request.timeout_ms);
    finish(call, 0, &err);
}

// curl_slist_append looks for the list's end: given the last one, it has no way to go.
static void
copy_headers(struct http_call *call)
{
    static const char *const own[] = {
        "Expect:", "Accept:", "Content-Type:", NULL}; // curl's own are left out
    const char *const *lists[] = {own, call->request.headers};
    struct curl_slist *last = NULL;

    for (size_t i = 0; i < 2; i++) {
        for (const char *const *text = lists[i]; text != NULL && *text != NULL; text++) {
            struct curl_slist *grown = curl_slist_append(last, *text);

            assert(grown != NULL);
            if (last == NULL)
                call->headers = grown;
            last = last == NULL ? grown : last->next;
        }
    }
}

static void
set_address(struct http_call *call)
{
    char text[ADDR_TEXT_MAX];
    const char *behind_kind;

    addr_format(call->request.server, text);
    behind_kind = strchr(text, ':') + 1;
    if (addr_is_unix(call->request.server)) {
        call->socket_path = mem_strdup(behind_kind);
        call->url = mem_printf("http://localhost%s", call->request.path);
    } else {
        call->url = mem_printf("http://%s%s", behind_kind, call->request.path);
    }
}

struct http_call *
http_start(struct loop *loop, const struct http_request *request)
{
    struct http_call *call = mem_zalloc(sizeof(*call));

    call->loop = loop;
    call->request = *request;
    buf_init(&call->reply, request->reply_max);
    copy_headers(call);
    set_address(call);
    call->timer = loop_timer_new(loop, on_timer, call);
    call->deadline = loop_timer_new(loop, on_deadline, call);
    loop_timer_start(call->deadline, request->timeout_ms);
    start_transfer(call);
    return call;
}

void
http_cancel(struct http_call **call)
{
    if (*call == NULL)
        return;
    destroy(*call);
    *call = NULL;
}
