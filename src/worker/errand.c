// SPDX-License-Identifier: BSD-2-Clause
#include "src/worker/errand.h"

#include <stdio.h>
#include <string.h>

#include "base/conn.h"
#include "base/frame.h"
#include "base/log.h"
#include "base/mem.h"
#include "control/request.h"
#include "src/version.h"

struct errands {
    struct spool *spool;
    struct conn *conn;
    bool has_greeted;
    size_t open; // errands under way
    bool is_closed;
};

struct errand { // one request
    struct errands *errands;
    struct request request;
    struct response response;
    char number[24];
    size_t answered;
    size_t asked;
};

struct wish { // one id of it
    struct errand *errand;
    size_t index;
};

static void
release(struct errands *errands)
{
    if (errands->is_closed && errands->open == 0)
        mem_free(&errands);
}

static void
answer(struct errand *errand)
{
    struct errands *errands = errand->errands;
    struct buf payload, frame;

    buf_init(&payload, ERRAND_PAYLOAD_MAX);
    buf_init(&frame, ERRAND_PAYLOAD_MAX + FRAME_HEAD);
    (void)buf_printf(&payload, "%s ", errand->number);
    if (response_write(&errand->response, &payload) == 0 && errands->conn != NULL &&
        frame_add(&frame, ERRAND_RESPONSE, buf_span(&payload)) == 0)
        conn_write(errands->conn, frame.data, frame.len);
    buf_clear(&payload);
    buf_clear(&frame);
    request_clear(&errand->request);
    response_clear(&errand->response);
    errands->open--;
    mem_free(&errand);
    release(errands);
}

static enum response_status
status_of(enum spool_wish_result result)
{
    switch (result) {
    case SPOOL_WISH_DONE:
        return RESPONSE_DONE;
    case SPOOL_WISH_UNDER_WAY:
        return RESPONSE_UNDER_WAY;
    case SPOOL_WISH_FAILED:
        return RESPONSE_FAILED;
    default:
        return RESPONSE_NOT_FOUND;
    }
}

static void
on_wish(void *arg, enum spool_wish_result result, const struct err *err)
{
    struct wish *wish = arg;
    struct errand *errand = wish->errand;
    struct response_item *item = &errand->response.items[wish->index];

    item->status = status_of(result);
    if (err != NULL)
        (void)snprintf(item->text, sizeof item->text, "%.*s", (int)sizeof item->text - 1,
                       err->text);
    mem_free(&wish);
    if (++errand->answered == errand->asked)
        answer(errand);
}

static enum spool_wish
wish_of(enum request_command command)
{
    return command == REQUEST_HOLD     ? SPOOL_HOLD
           : command == REQUEST_DELETE ? SPOOL_DELETE
           : command == REQUEST_RESCAN ? SPOOL_RESCAN
                                       : SPOOL_RETRY;
}

static void
ask_each(struct errand *errand)
{
    const struct request *request = &errand->request;

    errand->asked = request->id_count;
    errand->response.item_count = request->id_count;
    errand->response.items = mem_zarray(request->id_count, sizeof *errand->response.items);
    for (size_t i = 0; i < request->id_count; i++) {
        struct wish *wish = mem_zalloc(sizeof *wish);

        *wish = (struct wish){.errand = errand, .index = i};
        (void)snprintf(errand->response.items[i].id, ID_MAX + 1, "%s", request->ids[i]);
        spool_wish(errand->errands->spool, wish_of(request->command), request->ids[i],
                   request->reason, on_wish, wish);
    }
}

static void
answer_done(struct errand *errand)
{
    errand->response.item_count = 1;
    errand->response.items = mem_zarray(1, sizeof *errand->response.items);
    errand->response.items[0].status = RESPONSE_DONE;
    answer(errand);
}

static void
carry_out(struct errand *errand)
{
    struct spool *spool = errand->errands->spool;

    if (errand->request.command == REQUEST_RETRY && errand->request.all)
        spool_retry_all(spool);
    if (errand->request.command == REQUEST_ADOPT || errand->request.all)
        spool_adopt(spool);
    if (errand->request.id_count == 0)
        answer_done(errand);
    else
        ask_each(errand);
}

static int
take_request(struct errands *errands, struct span payload)
{
    struct span number = span_cut(&payload, ' ');
    struct errand *errand = mem_zalloc(sizeof *errand);
    struct err err = {0};

    if (number.len >= sizeof errand->number || request_read(payload, &errand->request, &err) != 0) {
        log_error("worker", "the scribe asks what cannot be understood: %s", err.text);
        mem_free(&errand);
        return -1;
    }
    memcpy(errand->number, number.data, number.len);
    errand->errands = errands;
    errands->open++;
    carry_out(errand);
    return 0;
}

static enum frame_result
read_one(struct errands *errands)
{
    struct span in = conn_input(errands->conn);
    enum frame_result result;
    struct frame frame;
    size_t used = 0;

    if (!errands->has_greeted) {
        result = frame_hello_read(in, VERSION_BUILD_ID, &used);
        errands->has_greeted = result == FRAME_DONE;
    } else {
        result = frame_read(in, ERRAND_PAYLOAD_MAX, &frame, &used);
        if (result == FRAME_DONE &&
            (frame.type != ERRAND_REQUEST || take_request(errands, frame.payload) != 0))
            return FRAME_BAD;
    }
    if (result == FRAME_DONE)
        conn_consume(errands->conn, used);
    return result;
}

static void
on_input(void *arg)
{
    struct errands *errands = arg;
    enum frame_result result;

    while ((result = read_one(errands)) == FRAME_DONE)
        continue;
    if (result == FRAME_BAD) {
        log_error("worker", "the line to the scribe is out of step: closed");
        conn_abort(&errands->conn);
    }
}

static void
on_end(void *arg, enum conn_end end, const struct err *err)
{
    struct errands *errands = arg;

    (void)end;
    (void)err;
    conn_close(&errands->conn, 0);
}

struct errands *
errands_new(struct loop *loop, struct spool *spool, int fd_take)
{
    static const struct conn_callbacks callbacks = {.on_input = on_input, .on_end = on_end};
    struct errands *errands = mem_zalloc(sizeof *errands);
    struct buf hello;

    errands->spool = spool;
    errands->conn = conn_new(loop, fd_take, &callbacks, errands);
    conn_set_input_max(errands->conn, ERRAND_PAYLOAD_MAX + FRAME_HEAD);
    buf_init(&hello, 256);
    if (frame_hello_add(&hello, VERSION_BUILD_ID) == 0)
        conn_write(errands->conn, hello.data, hello.len);
    buf_clear(&hello);
    return errands;
}

bool
errands_has_line(const struct errands *errands)
{
    return errands->conn != NULL;
}

void
errands_free(struct errands **errands)
{
    struct errands *gone = *errands;

    if (gone == NULL)
        return;
    *errands = NULL;
    conn_abort(&gone->conn);
    gone->is_closed = true;
    release(gone);
}
