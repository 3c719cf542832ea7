// SPDX-License-Identifier: BSD-2-Clause
#include "spool/writer.h"

#include <assert.h>

#include "base/mem.h"
#include "spool/commit.h"

enum { FILL_FIRST = 8 * 1024, FILL_MAX = 256 << 20 };

static void
work_block(struct task *task)
{
    struct writer *writer = (struct writer *)task;

    (void)writing_block(&writer->writing);
}

static void
done_block(struct task *task)
{
    struct writer *writer = (struct writer *)task;

    writer->is_busy = false;
    // A client that stands still has no more than its fill.
    blocks_give(&writer->spool->blocks, &writer->writing.flight);
    if (writer->writing.err.kind != ERR_NONE) {
        writer->err = writer->writing.err;
        buf_clear(&writer->fill);
    }
    if (writer->is_discarded) {
        commit_drop(writer);
        return;
    }
    if (writer->is_committing) {
        commit_start(writer);
        return;
    }
    if (writer->fill.len >= STORE_BLOCK) {
        commit_take_fill(writer);
        writer->is_busy = true;
        task_start(task->tasks, task, task->work, task->done);
    }
    if (writer->is_waited_for) {
        writer->is_waited_for = false;
        writer->on_ready(writer->ready_arg);
    }
}

static void
start_block(struct writer *writer)
{
    if (!writer->is_streaming) {
        writer->is_streaming = true;
        commit_find_place(writer);
    }
    commit_take_fill(writer);
    writer->is_busy = true;
    task_start(&writer->spool->tasks, &writer->task, work_block, done_block);
}

// In large steps: growing little by little would copy the same bytes again and again. Who sends
// little has little.
static void
make_room(struct writer *writer, size_t len)
{
    struct buf *fill = &writer->fill;
    struct buf former = *fill;
    size_t need = fill->len + len;

    if (len < fill->size - fill->len || need <= FILL_FIRST || fill->size > BLOCKS_SIZE)
        return;
    if (need <= STORE_IMAGE_MAX) {
        (void)buf_space(fill, STORE_IMAGE_MAX - fill->len);
        return;
    }
    blocks_take(&writer->spool->blocks, fill);
    (void)buf_add_span(fill, buf_span(&former));
    buf_clear(&former);
}

// --- the calls ---

enum writer_go
writer_add(struct writer *writer, struct span content)
{
    assert(!writer->is_digested);
    writer->len += content.len;
    space_reserve(writer->spool->space, content.len);
    if (writer->err.kind != ERR_NONE)
        return WRITER_GO_ON; // commit will say it
    make_room(writer, content.len);
    if (buf_add_span(&writer->fill, content) < 0) {
        err_set(&writer->err, ERR_TEMP, "too much at once");
        return WRITER_GO_ON;
    }
    if (writer->fill.len <= (writer->is_streaming ? STORE_BLOCK : STORE_IMAGE_MAX))
        return WRITER_GO_ON;
    if (!writer->is_busy) {
        start_block(writer);
        return WRITER_GO_ON;
    }
    writer->is_waited_for = writer->on_ready != NULL;
    return writer->is_waited_for ? WRITER_WAIT : WRITER_GO_ON;
}

uint64_t
writer_len(const struct writer *writer)
{
    return writer->len;
}

struct digest_value
writer_digest(struct writer *writer)
{
    commit_digest(writer);
    return writer->writing.message_digest;
}

void
writer_move(struct writer *writer, const struct ranges *set, const char *child)
{
    struct writing *writing = &writer->writing;
    struct writing_move *move;
    struct buf text;

    assert(!writer->is_committing);
    buf_init(&text, JOURNAL_LINE_MAX);
    ranges_format(set, &text);
    writing->moves = mem_regrow(writing->moves, writing->move_count + 1, sizeof *writing->moves);
    move = &writing->moves[writing->move_count++];
    move->set = mem_strndup(text.data, text.len);
    move->child = mem_strdup(child);
    move->at_ms = loop_realtime_ms(writer->spool->loop);
    buf_clear(&text);
}

void
writer_commit(struct writer *writer, writer_done *done, void *arg)
{
    assert(!writer->is_committing);
    commit_digest(writer);
    writer->is_committing = true;
    writer->is_waited_for = false;
    writer->done = done;
    writer->done_arg = arg;
    if (!writer->is_busy)
        commit_start(writer);
}

void
writer_discard(struct writer **writer_in)
{
    struct writer *writer = *writer_in;

    if (writer == NULL)
        return;
    *writer_in = NULL;
    writer->is_discarded = true;
    if (!writer->is_busy)
        commit_drop(writer);
}

struct writer *
writer_new(struct spool *spool, enum writer_kind kind, const struct smtp_envelope *envelope,
           loop_callback *on_ready, void *arg)
{
    struct writer *writer = mem_zalloc(sizeof *writer);
    struct writing *writing = &writer->writing;

    writer->spool = spool;
    writer->kind = kind;
    writer->on_ready = on_ready;
    writer->ready_arg = arg;
    writer->file = file_new(spool);
    envelope_copy(&writer->file->envelope, envelope);
    writing_init(writing);
    writing->id = writer->file->envelope.id;
    writing->rcpt_count = envelope->rcpt_count;
    writing->unnamed = spool->unnamed;
    writing->sync = spool->settings->sync;
    buf_init(&writer->fill, FILL_MAX);
    (void)buf_space(&writer->fill, FILL_FIRST);
    format_head_write(NULL, writer->fill.data);
    buf_filled(&writer->fill, FORMAT_HEAD_LEN);
    if (format_envelope_write(envelope, &writer->fill) < 0)
        err_set(&writer->err, ERR_TEMP, "the envelope is too large to be kept");
    writing->seal.offset = writer->fill.len;
    return writer;
}
