// SPDX-License-Identifier: BSD-2-Clause
#include "src/job/split.h"

#include <assert.h>

#include "base/digest.h"
#include "base/mem.h"

enum { BLOCK = 65536 };

struct split {
    struct spool_file *file;       // the parent
    struct smtp_envelope envelope; // the child's
    struct writer *writer;
    char *block;
    size_t block_len;
    uint64_t at;
    struct err err;
    split_done *done;
    void *arg;
};

static void
finish(struct split *split, struct spool_file *child, const struct err *err)
{
    split->done(split->arg, split->envelope.id, child, err);
    envelope_clear(&split->envelope);
    mem_free(&split->block);
    mem_free(&split);
}

static void
on_committed(void *arg, struct spool_file *file_take, const struct err *err)
{
    finish(arg, file_take, err);
}

// The suffix stands for the reason and whom it is for: the same child gets the same name.
static int
name_child(struct smtp_envelope *child, struct err *err)
{
    struct buf text;
    uint64_t sum;

    buf_init(&text, (size_t)2 * JOURNAL_LINE_MAX);
    (void)buf_printf(&text, "%s %s", child->reason,
                     child->group != NULL ? child->group : child->rcpts[0].path);
    sum = digest_sum64(buf_span(&text), child->group != NULL);
    buf_clear(&text);
    if (id_child(child->parent, (uint32_t)(sum & 0x7fffffff), child->id) != 0)
        return err_set(err, ERR_PERM, "id %s is too long to have a child", child->parent);
    return 0;
}

static void
add_rcpts(const struct split_request *request, struct smtp_envelope *child)
{
    const struct smtp_envelope *parent = spool_file_envelope(request->file);
    struct buf group;

    if (request->address != NULL) {
        envelope_add_rcpt(child, span_of(request->address), SPAN_LITERAL("NOTIFY=NEVER"));
        return;
    }
    for (size_t i = 0; i < parent->rcpt_count; i++) {
        if (ranges_has(request->rcpts, i))
            envelope_add_rcpt(child, span_of(parent->rcpts[i].path),
                              span_of(parent->rcpts[i].params));
    }
    buf_init(&group, JOURNAL_LINE_MAX);
    ranges_format(request->rcpts, &group);
    child->group = mem_strdup(buf_text(&group));
    buf_clear(&group);
}

static void
make_envelope(const struct split_request *request, struct smtp_envelope *child)
{
    struct smtp_envelope bare = *spool_file_envelope(request->file);

    bare.rcpts = NULL;
    bare.rcpt_count = 0;
    bare.parent = bare.group = bare.reason = bare.rule = bare.why = NULL;
    envelope_copy(child, &bare);
    child->handoff = SMTP_HANDOFF_SPOOL;
    child->parent = mem_strdup(bare.id);
    child->reason = mem_strdup(request->reason);
    child->rule = mem_strdup(request->rule);
    child->why = mem_strdup(request->why);
    add_rcpts(request, child);
    assert(child->rcpt_count > 0);
}

static void
go_on(struct split *split, spool_done *on_read)
{
    uint64_t left = spool_file_len(split->file) - split->at;

    if (left == 0 && split->writer != NULL) {
        writer_commit(split->writer, on_committed, split);
        return;
    }
    split->block_len = left < BLOCK ? (size_t)left : BLOCK;
    spool_file_read(split->file, split->at, split->block, split->block_len, on_read, split);
}

static void
on_read(void *arg, const struct err *err)
{
    struct split *split = arg;

    if (err == NULL && split->writer == NULL)
        err = &split->err;
    if (err != NULL) {
        writer_discard(&split->writer);
        finish(split, NULL, err);
        return;
    }
    split->at += split->block_len;
    if (writer_add(split->writer, span_from(split->block, split->block_len)) == WRITER_GO_ON)
        go_on(split, on_read);
}

static void
on_ready(void *arg)
{
    go_on(arg, on_read);
}

void
split_start(struct spool *spool, const struct split_request *request, split_done *done, void *arg)
{
    struct split *split = mem_zalloc(sizeof *split);

    split->file = request->file;
    split->done = done;
    split->arg = arg;
    split->block = mem_zalloc(BLOCK);
    make_envelope(request, &split->envelope);
    // Without a name there is no writer; it is told behind a read, never from within the start.
    if (name_child(&split->envelope, &split->err) == 0)
        split->writer = writer_new(spool, WRITER_CHILD, &split->envelope, on_ready, split);
    go_on(split, on_read);
}
