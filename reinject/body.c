// SPDX-License-Identifier: BSD-2-Clause
#include "reinject/body.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

enum { READ_NONE, READ_RUNNING, READ_DONE, READ_FAILED };

// Read ahead: as soon as a block was stuffed into out, the next one is read into its place; as soon
// as it is given away as it is, into the one that was given away before.
struct body {
    struct body_source source;
    struct body_piece *pieces; // none is empty; len of a literal is set too
    size_t count;
    char *literals;
    uint64_t size;
    bool is_whole;
    struct stuff stuff;
    struct buf out;
    struct digest *digest;

    char *block; // of BODY_BLOCK, where the message is not in memory
    char *lent;  // another one, that was given away as it is and may be read until the next call
    int read;
    bool is_outdated;  // the running read was begun for a transaction that is over
    bool is_abandoned; // body_free was called while a read was running
    struct err err;

    bool is_over;
    size_t at;      // the piece that leaves
    uint64_t given; // of it
    size_t held;    // bytes in out that wait for more, so that no small chunk leaves alone
    loop_callback *on_ready;
    void *arg;
};

static bool
is_literal(const struct body_piece *piece)
{
    return piece->literal.data != NULL;
}

static struct body_piece
normal(const struct body_piece *piece)
{
    if (is_literal(piece))
        return (struct body_piece){.literal = piece->literal, .len = piece->literal.len};
    return *piece;
}

// Neighbours become one: so there is a range behind every literal but the last.
static bool
join(struct body_piece *last, const struct body_piece *next)
{
    if (is_literal(last) != is_literal(next))
        return false;
    if (is_literal(last))
        last->literal.len += next->len;
    else if (last->offset + last->len != next->offset)
        return false;
    last->len += next->len;
    return true;
}

static void
take_pieces(struct body *body, const struct body_piece *pieces, size_t count)
{
    size_t literal_len = 0;

    for (size_t i = 0; i < count; i++)
        literal_len += pieces[i].literal.len;
    body->literals = mem_zalloc(literal_len + 1);
    body->pieces = mem_zarray(count + 1, sizeof *body->pieces);
    literal_len = 0;
    for (size_t i = 0; i < count; i++) {
        struct body_piece piece = normal(&pieces[i]);

        if (piece.len == 0)
            continue;
        assert(is_literal(&piece) ||
               (piece.offset <= body->source.len && piece.len <= body->source.len - piece.offset));
        if (is_literal(&piece)) {
            memcpy(body->literals + literal_len, piece.literal.data, piece.literal.len);
            piece.literal.data = body->literals + literal_len;
            literal_len += piece.literal.len;
        }
        body->size += piece.len;
        if (body->count == 0 || !join(&body->pieces[body->count - 1], &piece))
            body->pieces[body->count++] = piece;
    }
}

static bool
is_in_order(const struct body *body)
{
    uint64_t end = 0;

    for (size_t i = 0; i < body->count; i++) {
        if (is_literal(&body->pieces[i]))
            continue;
        if (body->pieces[i].offset != end)
            return false;
        end += body->pieces[i].len;
    }
    return end == body->source.len;
}

struct body *
body_new(const struct body_source *source, const struct body_piece *pieces, size_t count)
{
    struct body *body = mem_zalloc(sizeof(*body));

    assert(source->memory.data == NULL || source->memory.len == source->len);
    body->source = *source;
    take_pieces(body, pieces, count);
    body->is_whole = is_in_order(body);
    body->digest = digest_new();
    // Less than two blocks, every byte of them doubled, and the end.
    buf_init(&body->out, 4 * BODY_BLOCK + 16);
    body->is_over = true;
    return body;
}

bool
body_is_whole(const struct body *body)
{
    return body->is_whole;
}

static void
destroy(struct body *body)
{
    mem_free(&body->pieces);
    mem_free(&body->literals);
    mem_free(&body->block);
    mem_free(&body->lent);
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
    return body->size;
}

static bool
is_in_memory(const struct body *body)
{
    return body->source.memory.data != NULL || body->source.len == 0;
}

// A block of the piece that leaves, or of the one behind it.
static size_t
block_len(const struct body *body, size_t index)
{
    uint64_t left = body->pieces[index].len - (index == body->at ? body->given : 0);

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
    size_t next = body->at;
    uint64_t offset;

    if (body->read != READ_NONE || is_in_memory(body))
        return;
    if (next < body->count && is_literal(&body->pieces[next]))
        next++;
    if (next == body->count)
        return;
    if (body->block == NULL)
        body->block = mem_zalloc(BODY_BLOCK);
    body->is_outdated = false;
    body->read = READ_RUNNING;
    offset = body->pieces[next].offset + (next == body->at ? body->given : 0);
    body->source.read(body->source.arg, offset, body->block, block_len(body, next), on_read, body);
}

void
body_begin(struct body *body, enum stuff_mode mode, loop_callback *on_ready, void *arg)
{
    stuff_init(&body->stuff, mode);
    digest_reset(body->digest);
    buf_reset(&body->out);
    body->is_over = false;
    body->at = 0;
    body->given = 0;
    body->held = 0;
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

static bool
is_at_hand(const struct body *body)
{
    return is_literal(&body->pieces[body->at]) || is_in_memory(body) ||
           (body->read == READ_DONE && !body->is_outdated);
}

static struct span
next_block(const struct body *body)
{
    const struct body_piece *piece = &body->pieces[body->at];
    size_t len = block_len(body, body->at);

    if (is_literal(piece))
        return span_from(piece->literal.data + body->given, len);
    if (is_in_memory(body))
        return span_from(body->source.memory.data + piece->offset + body->given, len);
    return span_from(body->block, len);
}

static void
take_block(struct body *body, struct span block)
{
    const struct body_piece *piece = &body->pieces[body->at];

    body->given += block.len;
    if (!is_literal(piece)) {
        digest_add(body->digest, block.data, block.len);
        body->read = body->read == READ_DONE ? READ_NONE : body->read;
    }
    if (body->given == piece->len) {
        body->at++;
        body->given = 0;
    }
}

// The block that is at hand goes through digest and stuffing into out.
static size_t
give_block(struct body *body)
{
    struct span block = next_block(body);

    stuff_feed(&body->stuff, block, &body->out);
    take_block(body, block);
    begin_read(body);
    return block.len;
}

static bool
is_end(const struct body *body, struct span block)
{
    return body->at + 1 == body->count && body->given + block.len == body->pieces[body->at].len;
}

// A large one, or the end of all, that needs no change needs no copy.
static bool
lend_block(struct body *body, struct span *out)
{
    struct span block = next_block(body);
    char *lent = body->block;

    if (block.len < BODY_BLOCK && !is_end(body, block))
        return false;
    if (!stuff_pass(&body->stuff, block, out))
        return false;
    take_block(body, block);
    if (block.data == lent) {
        body->block = body->lent;
        body->lent = lent;
    }
    begin_read(body);
    return true;
}

// What was copied, what is lent, and the end.
static void
fill_bite(struct body *body, struct span lent, struct body_bite *out)
{
    size_t before = body->out.len;

    if (body->at == body->count) {
        stuff_end(&body->stuff, &body->out);
        body->is_over = true;
    }
    body->held = 0;
    out->parts[0] = span_from(body->out.data, before);
    out->parts[1] = lent;
    out->parts[2] = span_skip(buf_span(&body->out), before);
    out->len = body->out.len + lent.len;
}

enum body_result
body_next(struct body *body, struct body_bite *out, bool *is_last_out)
{
    struct span lent = {NULL, 0};

    *is_last_out = false;
    if (body->is_over)
        return BODY_END;
    if (body->read == READ_FAILED)
        return BODY_FAILED;
    begin_read(body);
    if (body->held == 0)
        buf_reset(&body->out);
    while (body->held < BODY_BLOCK && body->at < body->count && is_at_hand(body) &&
           !lend_block(body, &lent))
        body->held += give_block(body);
    if (lent.len == 0 && body->held < BODY_BLOCK && body->at < body->count)
        return BODY_WAIT;
    fill_bite(body, lent, out);
    *is_last_out = body->is_over;
    return BODY_READY;
}

bool
body_is_same(const struct body *body)
{
    return body->is_whole && body->stuff.mended == 0 &&
           digest_equal(body_digest(body), body->source.digest);
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
