// SPDX-License-Identifier: BSD-2-Clause
#include "filters/http.h"

#include <assert.h>
#include <string.h>

#include <curl/curl.h>

#include "base/buf.h"
#include "base/mem.h"

enum { BLOCK_SIZE = 65536, HEADER_MAX = 65536 };

struct http_call {
    struct http_multi *multi;
    struct http_request request; // server, path and headers: no longer valid
    struct http_transfer transfer;
    struct curl_slist *headers;
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
destroy(struct http_call *call, bool is_good)
{
    content_read_cancel(&call->read);
    curl_easy_setopt(call->transfer.easy, CURLOPT_ERRORBUFFER, NULL); // outlives the call
    http_multi_end(call->multi, &call->transfer, is_good);
    curl_slist_free_all(call->headers);
    loop_timer_free(&call->deadline);
    buf_clear(&call->reply);
    mem_free(&call->block);
    loop_free_later(http_multi_loop(call->multi), call);
}

static void
finish(struct http_call *call, int status, const struct err *err)
{
    struct http_request request = call->request;
    struct buf reply = call->reply;

    buf_init(&call->reply, 0);
    destroy(call, status != 0);
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
    curl_easy_getinfo(call->transfer.easy, CURLINFO_SIZE_UPLOAD_T, &sent);
    return (uint64_t)sent < content_len(call->request.content);
}

static void
on_transfer(void *arg, int code)
{
    struct http_call *call = arg;
    struct err err;
    long status = 0;

    if (code == CURLE_OK)
        curl_easy_getinfo(call->transfer.easy, CURLINFO_RESPONSE_CODE, &status);
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
                                   : curl_easy_strerror((CURLcode)code));
    finish(call, 0, &err);
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
    curl_easy_pause(call->transfer.easy, CURLPAUSE_CONT); // goes on from its timer
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
    len = left < room ? (size_t)left : room;
    if (content_read_now(content, call->offset, out, len)) {
        call->offset += len;
        return len;
    }
    if (call->block == NULL)
        call->block = mem_zalloc(BLOCK_SIZE);
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
    CURL *easy = call->transfer.easy;
    struct content *content = call->request.content;
    struct span memory = content_memory(content);

    SET(easy, CURLOPT_POST, 1L);
    SET(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)content_len(content));
    SET(easy, CURLOPT_POSTFIELDS, memory.data); // not copied; NULL: on_body_wish
}

static void
set_address(struct http_call *call)
{
    CURL *easy = call->transfer.easy;
    const struct http_request *request = &call->request;
    char text[ADDR_TEXT_MAX];
    const char *behind_kind;
    const char *socket_path = NULL;
    char *url;

    addr_format(request->server, text);
    behind_kind = strchr(text, ':') + 1;
    if (addr_is_unix(request->server))
        socket_path = behind_kind;
    url = mem_printf("http://%s%s", socket_path != NULL ? "localhost" : behind_kind, request->path);
    SET(easy, CURLOPT_URL, url); // copied, as the other
    SET(easy, CURLOPT_UNIX_SOCKET_PATH, socket_path);
    mem_free(&url);
}

// All of them for each call, since the handle may have had another one before.
static void
set_options(struct http_call *call)
{
    CURL *easy = call->transfer.easy;

    SET(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)call->request.connect_timeout_ms);
    SET(easy, CURLOPT_PROTOCOLS_STR, "http");
    SET(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(easy, CURLOPT_FOLLOWLOCATION, 0L);
    SET(easy, CURLOPT_PROXY, ""); // whatever the environment says
    SET(easy, CURLOPT_NOSIGNAL, 1L);
    // Servers of this kind close the connection behind each reply, whatever they are asked for.
    SET(easy, CURLOPT_FORBID_REUSE, 1L);
    SET(easy, CURLOPT_HTTPHEADER, call->headers);
    SET(easy, CURLOPT_READFUNCTION, on_body_wish);
    SET(easy, CURLOPT_READDATA, call);
    SET(easy, CURLOPT_WRITEFUNCTION, on_reply);
    SET(easy, CURLOPT_WRITEDATA, call);
    SET(easy, CURLOPT_HEADERFUNCTION, on_header);
    SET(easy, CURLOPT_HEADERDATA, call);
    SET(easy, CURLOPT_ERRORBUFFER, call->why);
    set_address(call);
    if (call->request.content != NULL)
        set_body(call);
    else
        SET(easy, CURLOPT_HTTPGET, 1L);
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

struct http_call *
http_start(struct http_multi *multi, const struct http_request *request)
{
    struct http_call *call = mem_zalloc(sizeof(*call));

    call->multi = multi;
    call->request = *request;
    call->transfer.done = on_transfer;
    call->transfer.arg = call;
    buf_init(&call->reply, request->reply_max);
    copy_headers(call);
    call->deadline = loop_timer_new(http_multi_loop(multi), on_deadline, call);
    loop_timer_start(call->deadline, request->timeout_ms);
    http_multi_take(multi, &call->transfer);
    set_options(call);
    http_multi_start(multi, &call->transfer);
    return call;
}

void
http_cancel(struct http_call **call)
{
    if (*call == NULL)
        return;
    destroy(*call, false);
    *call = NULL;
}
