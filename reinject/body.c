// SPDX-License-Identifier: BSD-2-Clause
#include "reinject/body.h"

#include <assert.h>

#include "base/mem.h"

enum { READ_NONE, READ_RUNNING, READ_DONE, READ_FAILED };

// Read ahead: as soon as a block has been stuffed into out, the next one is read into its place.
struct body {
    struct body_source source;
    char *head;
    size_t head_len;
    struct stuff stuff;
    struct buf out;
    struct digest *digest;

    char *block; // of BODY_BLOCK, where the message is not in memory
    int read;
    bool is_outdated;  // the running read was begun for a transaction that is over
    bool is_abandoned; // body_free was called while a read was running
    struct err err;

    bool is_head_given, is_over;
    uint64_t given; // of the message
    loop_callback *on_ready;
    void *arg;
};

struct body *
body_new(const struct body_source *source, struct span head)
{
    struct body *body = mem_zalloc(sizeof(*body));

    assert(source->memory.data == NULL || source->memory.len == source->len);
    body->source = *source;
    body->head = mem_strndup(head.data, head.len);
    body->head_len = head.len;
    body->digest = digest_new();
    // A block or the head, every byte of it doubled, the end, and a NUL.
    buf_init(&body->out, 2 * (BODY_BLOCK + head.len) + 16);
    body->is_over = true;
    return body;
}

static void
destroy(struct body *body)
{
    mem_free(&body->head);
    mem_free(&body->block);
    buf_clear(&body->out);
    digest_free(&body->digest);
    mem_free(&body);
}

void
body_free(struct body **body)
{
    struct body *gone = *body;

    *body = NULL;
    if (gone == NULL)
        return;
    gone->on_ready = NULL;
    gone->is_abandoned = true;
    if (gone->read != READ_RUNNING)
        destroy(gone);
}

uint64_t
body_size(const struct body *body)
{
    return body->head_len + body->source.len;
}

static bool
is_in_memory(const struct body *body)
{
    return body->source.memory.data != NULL || body->source.len == 0;
}

static size_t
next_len(const struct body *body)
{
    uint64_t left = body->source.len - body->given;

    return left < BODY_BLOCK ? (size_t)left : BODY_BLOCK;
}

static void
on_read(void *arg, const struct err *err)
{
    struct body *body = arg;

    body->read = err == NULL ? READ_DONE : READ_FAILED;
    if (err != NULL)
        body->err = *err;
    if (body->is_abandoned) {
        destroy(body);
        return;
    }
    if (body->is_outdated)
        body->read = READ_NONE; // body_next begins the right one
    if (body->on_ready != NULL)
        body->on_ready(body->arg);
}

static void
begin_read(struct body *body)
{
    if (body->read != READ_NONE || is_in_memory(body) || next_len(body) == 0)
        return;
    if (body->block == NULL)
        body->block = mem_zalloc(BODY_BLOCK);
    body->is_outdated = false;
    body->read = READ_RUNNING;
    body->source.read(body->source.arg, body->given, body->block, next_len(body), on_read, body);
}

void
body_begin(struct body *body, enum stuff_mode mode, loop_callback *on_ready, void *arg)
{
    stuff_init(&body->stuff, mode);
    digest_reset(body->digest);
    buf_reset(&body->out);
    body->is_head_given = false;
    body->is_over = false;
    body->given = 0;
    body->err = (struct err){.kind = ERR_NONE};
    body->on_ready = on_ready;
    body->arg = arg;
    if (body->read == READ_RUNNING)
        body->is_outdated = true;
    else
        body->read = READ_NONE;
    begin_read(body);
}

void
body_stop(struct body *body)
{
    body->on_ready = NULL;
    body->is_over = true;
}

// The block that is at hand goes through digest and stuffing into out.
static void
give_block(struct body *body)
{
    size_t len = next_len(body);
    struct span block = span_from(body->block, len);

    if (is_in_memory(body))
        block = span_from(body->source.memory.data + body->given, len);
    digest_add(body->digest, block.data, len);
    stuff_feed(&body->stuff, block, &body->out);
    body->given += len;
    body->read = body->read == READ_DONE ? READ_NONE : body->read;
    begin_read(body);
}

static bool
is_block_at_hand(const struct body *body)
{
    return is_in_memory(body) || (body->read == READ_DONE && !body->is_outdated);
}

enum body_result
body_next(struct body *body, struct span *out, bool *is_last_out)
{
    *is_last_out = false;
    if (body->is_over)
        return BODY_END;
    if (body->read == READ_FAILED)
        return BODY_FAILED;
    begin_read(body);
    if (next_len(body) > 0 && !is_block_at_hand(body))
        return BODY_WAIT;
    buf_reset(&body->out);
    if (!body->is_head_given)
        stuff_feed(&body->stuff, span_from(body->head, body->head_len), &body->out);
    body->is_head_given = true;
    if (next_len(body) > 0)
        give_block(body);
    if (next_len(body) == 0) {
        stuff_end(&body->stuff, &body->out);
        body->is_over = true;
        *is_last_out = true;
    }
    *out = buf_span(&body->out);
    return BODY_READY;
}

bool
body_is_same(const struct body *body)
{
    return body->stuff.mended == 0 && digest_equal(body_digest(body), body->source.digest);
}

struct digest_value
body_digest(const struct body *body)
{
    return digest_get(body->digest);
}

const struct err *
body_err(const struct body *body)
{
    return &body->err;
}
