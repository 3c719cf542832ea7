// SPDX-License-Identifier: BSD-2-Clause
#include "src/scribe/desk.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/conn.h"
#include "base/frame.h"
#include "base/log.h"
#include "base/mem.h"
#include "control/request.h"
#include "src/version.h"
#include "src/worker/errand.h"

struct line { // to one worker
    struct desk *desk;
    struct conn *conn; // NULL: free
    bool has_greeted;
};

struct client {
    struct desk *desk;
    struct client *next;
    struct conn *conn;
    struct loop_timer *timeout;
    struct request request;
    struct response response; // merged so far
    uint64_t number;
    bool has_asked, waits_for_reload;
    bool is_waiting_for[DESK_WORKERS_MAX];
    size_t waiting;
};

struct desk {
    struct loop *loop;
    const struct counter_page *page;
    int (*ask_reload)(void *arg);
    void *ask_arg;
    desk_status *status; // NULL: nobody has any
    void *status_arg;
    struct line lines[DESK_WORKERS_MAX];
    struct client *clients;
    size_t client_count;
    uint64_t next_number;
    loop_callback *on_idle;
    void *idle_arg;
    struct loop_deferred idle;
    bool is_draining;
};

static void
tell_idle(void *arg)
{
    struct desk *desk = arg;

    if (desk->client_count == 0)
        desk->on_idle(desk->idle_arg);
}

static void
remove_client(struct client *client)
{
    struct desk *desk = client->desk;

    for (struct client **at = &desk->clients; *at != NULL; at = &(*at)->next) {
        if (*at != client)
            continue;
        *at = client->next;
        break;
    }
    conn_close(&client->conn, DESK_TIMEOUT_MS);
    loop_timer_free(&client->timeout);
    request_clear(&client->request);
    response_clear(&client->response);
    mem_free(&client);
    if (--desk->client_count == 0 && desk->is_draining)
        loop_defer(desk->loop, &desk->idle);
}

static void
answer_client(struct client *client)
{
    struct buf out;

    buf_init(&out, RESPONSE_LINE_MAX + 1);
    if (response_write(&client->response, &out) == 0)
        conn_write(client->conn, out.data, out.len);
    buf_clear(&out);
    remove_client(client);
}

static void
set_single(struct client *client, enum response_status status, const char *text)
{
    struct response_item *item = mem_zalloc(sizeof *item);

    item->status = status;
    (void)snprintf(item->text, sizeof item->text, "%.*s", (int)sizeof item->text - 1, text);
    response_clear(&client->response);
    client->response = (struct response){.items = item, .item_count = 1};
}

static void
on_client_timeout(void *arg)
{
    struct client *client = arg;

    if (client->has_asked && client->response.item_count == 0)
        set_single(client, RESPONSE_FAILED, "no worker answered in time");
    if (client->has_asked)
        answer_client(client);
    else
        remove_client(client);
}

// --- workers ---

static void
give_to_workers(struct client *client)
{
    struct desk *desk = client->desk;
    struct buf payload, frame;

    buf_init(&payload, ERRAND_PAYLOAD_MAX);
    buf_init(&frame, ERRAND_PAYLOAD_MAX + FRAME_HEAD);
    (void)buf_printf(&payload, "%llu ", (unsigned long long)client->number);
    if (request_write(&client->request, &payload) != 0 ||
        frame_add(&frame, ERRAND_REQUEST, buf_span(&payload)) != 0)
        set_single(client, RESPONSE_FAILED, "request too large");
    for (size_t i = 0; i < DESK_WORKERS_MAX && frame.len > 0; i++) {
        if (desk->lines[i].conn == NULL)
            continue;
        conn_write(desk->lines[i].conn, frame.data, frame.len);
        client->is_waiting_for[i] = true;
        client->waiting++;
    }
    buf_clear(&payload);
    buf_clear(&frame);
    if (client->waiting > 0)
        return;
    if (client->response.item_count == 0)
        set_single(client, RESPONSE_FAILED, "no worker is there");
    answer_client(client);
}

static void
worker_answered(struct client *client, size_t index)
{
    if (!client->is_waiting_for[index])
        return;
    client->is_waiting_for[index] = false;
    if (--client->waiting == 0)
        on_client_timeout(client);
}

static int
take_response(struct line *line, struct span payload)
{
    struct span number_text = span_cut(&payload, ' ');
    struct response response = {0};
    uint64_t number;
    struct client *client;

    if (str_parse_u64(number_text, UINT64_MAX, &number) != 0 ||
        response_read(payload, &response, NULL) != 0)
        return -1;
    for (client = line->desk->clients; client != NULL; client = client->next) {
        if (client->number == number && client->has_asked)
            break;
    }
    if (client != NULL) {
        response_merge(&client->response, &response);
        worker_answered(client, (size_t)(line - line->desk->lines));
    }
    response_clear(&response);
    return 0;
}

static void
lose_line(struct line *line)
{
    struct client *next;

    conn_abort(&line->conn);
    line->has_greeted = false;
    for (struct client *client = line->desk->clients; client != NULL; client = next) {
        next = client->next;
        worker_answered(client, (size_t)(line - line->desk->lines));
    }
}

static enum frame_result
read_line(struct line *line)
{
    struct span in = conn_input(line->conn);
    enum frame_result result;
    struct frame frame;
    size_t used = 0;

    if (!line->has_greeted) {
        result = frame_hello_read(in, VERSION_BUILD_ID, &used);
        line->has_greeted = result == FRAME_DONE;
    } else {
        result = frame_read(in, ERRAND_PAYLOAD_MAX, &frame, &used);
        if (result == FRAME_DONE &&
            (frame.type != ERRAND_RESPONSE || take_response(line, frame.payload) != 0))
            return FRAME_BAD;
    }
    if (result == FRAME_DONE)
        conn_consume(line->conn, used);
    return result;
}

static void
on_line_input(void *arg)
{
    struct line *line = arg;
    enum frame_result result;

    while ((result = read_line(line)) == FRAME_DONE)
        continue;
    if (result == FRAME_BAD) {
        log_error("scribe", "a worker's line is out of step: closed");
        lose_line(line);
    }
}

static void
on_line_end(void *arg, enum conn_end end, const struct err *err)
{
    (void)end;
    (void)err;
    lose_line(arg);
}

void
desk_add_worker(struct desk *desk, int fd_take)
{
    static const struct conn_callbacks callbacks = {.on_input = on_line_input,
                                                    .on_end = on_line_end};
    struct line *line = NULL;
    struct buf hello;

    for (size_t i = 0; i < DESK_WORKERS_MAX && line == NULL; i++) {
        if (desk->lines[i].conn == NULL)
            line = &desk->lines[i];
    }
    if (line == NULL) {
        (void)close(fd_take);
        return;
    }
    line->desk = desk;
    line->conn = conn_new(desk->loop, fd_take, &callbacks, line);
    conn_set_input_max(line->conn, ERRAND_PAYLOAD_MAX + FRAME_HEAD);
    buf_init(&hello, 256);
    if (frame_hello_add(&hello, VERSION_BUILD_ID) == 0)
        conn_write(line->conn, hello.data, hello.len);
    buf_clear(&hello);
}

// --- clients ---

static void
answer_ping(struct client *client)
{
    const struct counter_page *page = client->desk->page;
    char text[200];

    (void)snprintf(text, sizeof text, "%s, messages %llu, connections %llu", VERSION_BUILD_ID,
                   (unsigned long long)counter_sum_messages(page),
                   (unsigned long long)counter_sum_connections(page));
    set_single(client, RESPONSE_DONE, text);
    answer_client(client);
}

static void
answer_status(struct client *client)
{
    struct desk *desk = client->desk;

    set_single(client, RESPONSE_DONE, "");
    if (desk->status != NULL)
        desk->status(desk->status_arg, &client->response);
    answer_client(client);
}

static void
begin_reload(struct client *client)
{
    client->waits_for_reload = true;
    if (client->desk->ask_reload(client->desk->ask_arg) == 0)
        return;
    set_single(client, RESPONSE_FAILED, "the master does not answer");
    answer_client(client);
}

static void
take_request(struct client *client, struct span line)
{
    struct err err = {0};

    if (request_read(line, &client->request, &err) != 0) {
        set_single(client, RESPONSE_FAILED, err.text);
        answer_client(client);
        return;
    }
    client->has_asked = true;
    if (client->request.command == REQUEST_PING)
        answer_ping(client);
    else if (client->request.command == REQUEST_STATUS)
        answer_status(client);
    else if (client->request.command == REQUEST_RELOAD)
        begin_reload(client);
    else
        give_to_workers(client);
}

static void
on_client_input(void *arg)
{
    struct client *client = arg;
    struct span in = conn_input(client->conn);
    const char *end = in.len == 0 ? NULL : memchr(in.data, '\n', in.len);

    if (client->has_asked)
        return;
    if (end != NULL) {
        take_request(client, span_from(in.data, (size_t)(end - in.data)));
    } else if (in.len >= REQUEST_LINE_MAX) {
        set_single(client, RESPONSE_FAILED, "request too long");
        answer_client(client);
    }
}

static void
on_client_end(void *arg, enum conn_end end, const struct err *err)
{
    struct client *client = arg;

    (void)err;
    if (end == CONN_EOF && client->has_asked)
        return; // it has closed its sending side and waits for the answer
    remove_client(client);
}

void
desk_add_client(struct desk *desk, int fd_take)
{
    static const struct conn_callbacks callbacks = {.on_input = on_client_input,
                                                    .on_end = on_client_end};
    struct client *client;

    if (desk->client_count >= DESK_CLIENTS_MAX || desk->is_draining) {
        (void)close(fd_take);
        return;
    }
    client = mem_zalloc(sizeof *client);
    client->desk = desk;
    client->number = desk->next_number++;
    client->conn = conn_new(desk->loop, fd_take, &callbacks, client);
    client->timeout = loop_timer_new(desk->loop, on_client_timeout, client);
    loop_timer_start(client->timeout, DESK_TIMEOUT_MS);
    client->next = desk->clients;
    desk->clients = client;
    desk->client_count++;
}

void
desk_reloaded(struct desk *desk, const char *why_not)
{
    bool is_good = why_not[0] == '\0';
    struct client *next;

    for (struct client *client = desk->clients; client != NULL; client = next) {
        next = client->next;
        if (!client->waits_for_reload)
            continue;
        set_single(client, is_good ? RESPONSE_DONE : RESPONSE_FAILED,
                   is_good ? "reloaded" : why_not);
        answer_client(client);
    }
}

struct desk *
desk_new(struct loop *loop, const struct counter_page *page, int (*ask_reload)(void *arg),
         void *arg)
{
    struct desk *desk = mem_zalloc(sizeof *desk);

    desk->loop = loop;
    desk->page = page;
    desk->ask_reload = ask_reload;
    desk->ask_arg = arg;
    desk->idle = (struct loop_deferred){.run = tell_idle, .arg = desk};
    return desk;
}

void
desk_set_status(struct desk *desk, desk_status *status, void *arg)
{
    desk->status = status;
    desk->status_arg = arg;
}

void
desk_drain(struct desk *desk, loop_callback *on_idle, void *arg)
{
    desk->is_draining = true;
    desk->on_idle = on_idle;
    desk->idle_arg = arg;
    if (desk->client_count == 0)
        loop_defer(desk->loop, &desk->idle);
}

void
desk_free(struct desk **desk)
{
    struct desk *gone = *desk;

    if (gone == NULL)
        return;
    gone->is_draining = false;
    while (gone->clients != NULL)
        remove_client(gone->clients);
    for (size_t i = 0; i < DESK_WORKERS_MAX; i++)
        conn_abort(&gone->lines[i].conn);
    loop_undefer(gone->loop, &gone->idle);
    mem_free(desk);
}
