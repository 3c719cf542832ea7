// SPDX-License-Identifier: BSD-2-Clause
#include "filters/clamd.h"

#include <string.h>

#include "base/conn.h"
#include "base/mem.h"
#include "base/pass.h"
#include "filters/clamd_wire.h"

enum { BLOCK_SIZE = 65536 };

struct filter_run {
    struct filter_try attempt;
    struct content *content; // NULL: a probe
    struct conn *conn;
    struct loop_timer *deadline;
    bool is_copying; // content_alone is under way
    int alone;
    struct content_read *read;
    char *block;
    size_t block_len;
    uint64_t offset;  // of the content, behind what was asked for
    bool is_all_said; // nothing is left but to hear the reply
};

static void
destroy(struct filter_run *run)
{
    conn_abort(&run->conn);
    loop_timer_free(&run->deadline);
    content_read_cancel(&run->read);
    if (run->is_copying)
        content_alone_cancel(run->content, run);
    mem_free(&run->block);
    loop_free_later(run->attempt.loop, run);
}

static void
finish(struct filter_run *run, enum filter_end end, struct result *result_take,
       const struct err *err)
{
    destroy(run);
    run->attempt.done(run->attempt.arg, end, result_take, err);
}

static void
hear_pong(struct filter_run *run)
{
    struct span reply = conn_input(run->conn);
    struct err err;

    if (clamd_wire_is_pong(reply)) {
        finish(run, FILTER_ANSWERED, NULL, NULL);
    } else if (reply.len >= sizeof("PONG") || conn_input_is_ended(run->conn)) {
        err_set(&err, ERR_TEMP, "clamd did not answer PING with PONG");
        finish(run, FILTER_TROUBLE, NULL, &err);
    }
}

static void
hear(struct filter_run *run, bool is_end)
{
    struct result result;
    struct err err;
    enum clamd_wire_result got;

    result_init(&result);
    got = clamd_wire_read(conn_input(run->conn), is_end, &result, &err);
    if (got == CLAMD_NEED_MORE)
        return;
    // A virus may be found in the first half, but no half is clean.
    if (got == CLAMD_ANSWER && result.kind == RESULT_CLEAN &&
        (!run->is_all_said || conn_unsent(run->conn) > 0)) {
        err_set(&err, ERR_TEMP, "clamd answered before it had all of the message");
        got = CLAMD_BAD;
    }
    if (got == CLAMD_ANSWER) {
        finish(run, FILTER_ANSWERED, &result, NULL);
        return;
    }
    result_clear(&result);
    finish(run, FILTER_TROUBLE, NULL, &err);
}

static void
on_input(void *arg)
{
    struct filter_run *run = arg;

    if (run->content == NULL)
        hear_pong(run);
    else
        hear(run, false);
}

static void
on_end(void *arg, enum conn_end end, const struct err *err)
{
    struct filter_run *run = arg;

    if (end == CONN_EOF && run->content != NULL)
        hear(run, true);
    else
        finish(run, FILTER_TROUBLE, NULL, err);
}

static void
say_chunk(struct filter_run *run, struct span data)
{
    char head[4];

    clamd_wire_chunk_head((uint32_t)data.len, head);
    conn_write(run->conn, head, sizeof(head));
    if (data.len > 0)
        conn_write(run->conn, data.data, data.len);
    else
        run->is_all_said = true;
}

static void
on_block(void *arg, const struct err *err)
{
    struct filter_run *run = arg;

    run->read = NULL;
    if (err != NULL)
        finish(run, FILTER_TROUBLE, NULL, err);
    else
        say_chunk(run, span_from(run->block, run->block_len));
}

// The next block, or the end; one at a time, so that no more than that waits for a slow reader.
static void
on_drained(void *arg)
{
    struct filter_run *run = arg;
    uint64_t left;

    if (run->content == NULL || run->is_all_said || run->read != NULL)
        return;
    left = content_len(run->content) - run->offset;
    if (left == 0) {
        say_chunk(run, span_of(NULL));
        return;
    }
    if (run->block == NULL)
        run->block = mem_zalloc(BLOCK_SIZE);
    run->block_len = left < BLOCK_SIZE ? (size_t)left : BLOCK_SIZE;
    if (content_read_now(run->content, run->offset, run->block, run->block_len))
        say_chunk(run, span_from(run->block, run->block_len));
    else
        run->read = content_read_start(run->content, run->offset, run->block, run->block_len,
                                       on_block, run);
    run->offset += run->block_len;
}

static void
say_stream(struct filter_run *run)
{
    struct span memory = content_memory(run->content);

    conn_write(run->conn, "zINSTREAM", sizeof("zINSTREAM"));
    if (memory.data == NULL)
        return; // on_drained goes on
    if (memory.len > 0)
        say_chunk(run, memory);
    say_chunk(run, span_of(NULL));
}

// The descriptor goes with the command and the byte that stands for it, all at once.
static void
say_descriptor(struct filter_run *run)
{
    static const char command[] = "zFILDES\0"; // two NULs
    struct err err;
    ssize_t taken =
        pass_send(conn_fd(run->conn), span_from(command, sizeof(command)), &run->alone, 1);

    run->is_all_said = taken == (ssize_t)sizeof(command);
    if (run->is_all_said)
        return;
    err_set(&err, ERR_TEMP, "clamd did not take a descriptor");
    finish(run, FILTER_TROUBLE, NULL, &err);
}

static void
on_open(void *arg)
{
    struct filter_run *run = arg;

    if (run->content == NULL)
        conn_write(run->conn, "zPING", sizeof("zPING"));
    else if (addr_is_unix(run->attempt.server))
        say_descriptor(run);
    else
        say_stream(run);
}

static void
dial(struct filter_run *run)
{
    static const struct conn_callbacks callbacks = {
        .on_open = on_open, .on_input = on_input, .on_drained = on_drained, .on_end = on_end};
    uint64_t timeout_ms = run->attempt.settings->connect_timeout;

    if (timeout_ms > run->attempt.timeout_ms)
        timeout_ms = run->attempt.timeout_ms;
    run->conn = conn_connect(run->attempt.loop, run->attempt.server, timeout_ms, &callbacks, run);
}

static void
on_alone(void *arg, const struct err *err)
{
    struct filter_run *run = arg;

    run->is_copying = false;
    if (err != NULL)
        finish(run, FILTER_TROUBLE, NULL, err);
    else
        dial(run);
}

static void
on_deadline(void *arg)
{
    struct filter_run *run = arg;
    struct err err;

    err_set(&err, ERR_TEMP, "no answer within %llu ms",
            (unsigned long long)run->attempt.timeout_ms);
    finish(run, FILTER_TROUBLE, NULL, &err);
}

static struct filter_run *
new_run(const struct filter_try *attempt)
{
    struct filter_run *run = mem_zalloc(sizeof(*run));

    run->attempt = *attempt;
    run->alone = -1;
    run->deadline = loop_timer_new(attempt->loop, on_deadline, run);
    loop_timer_start(run->deadline, attempt->timeout_ms);
    return run;
}

static struct filter_run *
start(const struct filter_try *attempt)
{
    struct filter_run *run = new_run(attempt);

    run->content = attempt->message->content;
    if (!addr_is_unix(attempt->server)) {
        dial(run);
        return run;
    }
    // Before connecting: clamd's own clock runs from then on.
    run->is_copying = true;
    content_alone(run->content, &run->alone, on_alone, run);
    return run;
}

static struct filter_run *
probe(const struct filter_try *attempt)
{
    struct filter_run *run = new_run(attempt);

    dial(run);
    return run;
}

const struct filter_type clamd_type = {
    .name = "clamd", .start = start, .probe = probe, .cancel = destroy};
