// SPDX-License-Identifier: BSD-2-Clause
#include "spool/commit.h"

#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"

static void
writer_free(struct writer *writer)
{
    space_settle(writer->spool->space, writer->len);
    loop_undefer(writer->spool->loop, &writer->later);
    if (writer->file != NULL)
        file_free(&writer->file);
    blocks_give(&writer->spool->blocks, &writer->writing.flight);
    writing_clear(&writer->writing);
    digest_free(&writer->digest);
    buf_clear(&writer->fill);
    mem_free(&writer);
}

static void
answer(struct writer *writer, struct spool_file *file, const struct err *err)
{
    writer_done *done = writer->done;
    void *arg = writer->done_arg;
    bool is_discarded = writer->is_discarded;
    struct err copy;

    if (err != NULL)
        copy = *err;
    writer_free(writer);
    if (is_discarded)
        return;
    done(arg, file, err == NULL ? NULL : &copy);
}

static void
work_drop(struct task *task)
{
    struct writer *writer = (struct writer *)task;

    store_draft_drop(&writer->writing.draft);
}

static void
done_drop(struct task *task)
{
    struct writer *writer = (struct writer *)task;

    if (writer->target != NULL)
        bucket_leave(writer->target);
    writer_free(writer);
}

// Nothing is under way, nothing was committed.
void
commit_drop(struct writer *writer)
{
    if (writer->writing.draft.fd < 0 && writer->target == NULL)
        writer_free(writer);
    else
        task_start(&writer->spool->tasks, &writer->task, work_drop, done_drop);
}

static void
fail(struct writer *writer)
{
    struct err err = writer->writing.err.kind != ERR_NONE ? writer->writing.err : writer->err;

    if (writer->target != NULL)
        bucket_leave(writer->target);
    answer(writer, NULL, writer->writing.exists ? NULL : &err);
}

// What its journal says from the beginning: on disk already, or over relay still to be written.
static void
take_journal(struct writer *writer)
{
    struct spool_file *file = writer->file;
    struct journal_reader *reader = &writer->spool->scratch;
    struct span journal = buf_span(&writer->writing.journal);

    if (writer->kind == WRITER_RELAY)
        (void)buf_add_span(&file->notes, journal);
    else
        file->end += journal.len;
    journal_reader_init(reader, journal, journal_key(file->envelope.id, file->seal.checksum));
    state_apply_all(&file->state, reader);
}

// The message is what it shall be.
static void
succeed(struct writer *writer)
{
    struct spool_file *file = writer->file;
    struct writing *writing = &writer->writing;

    file->seal = writing->seal;
    file->digest = writing->message_digest;
    file->end = writing->seal.offset + writing->seal.len;
    state_init(&file->state, file->envelope.rcpt_count);
    if (writer->writing.move_count > 0)
        take_journal(writer);
    writer->file = NULL;
    if (!writer->is_streaming) {
        file->image = writing->flight;
        buf_init(&writing->flight, 0);
    }
    if (writer->kind != WRITER_RELAY) {
        file_settle(file);
        spool_count(writer->spool, 1);
    }
    if (!writer->is_discarded) {
        answer(writer, file, NULL);
        return;
    }
    spool_file_discard(&file);
    answer(writer, NULL, NULL);
}

// --- committing to a slot ---

static void
work_slot(struct task *task)
{
    struct writer *writer = (struct writer *)task;
    struct slot *slot = writer->slot;

    if (writing_into_slot(&writer->writing, slot->fd) == 0)
        return;
    // It will be answered with 4xx and come again, so it must not come to life here.
    if (store_unseal(slot->fd, NULL) < 0 || !writer->writing.sync ||
        fs_sync_data(slot->fd, NULL) < 0)
        (void)store_remove(writer->spool->homes.own->top.fd, slot->name, NULL);
}

static void
done_slot(struct task *task)
{
    struct writer *writer = (struct writer *)task;
    struct spool *spool = writer->spool;
    struct spool_file *file = writer->file;

    writer->is_busy = false;
    if (writer->writing.err.kind != ERR_NONE) {
        slots_let_go(spool->slots, writer->slot, true);
        fail(writer);
        return;
    }
    file->slot = writer->slot;
    file->fd = writer->slot->fd;
    file->bucket = &spool->homes.own->top;
    bucket_enter(file->bucket);
    snprintf(file->name, sizeof file->name, "%s", writer->slot->name);
    succeed(writer);
}

// --- committing to a file ---

static void
work_unpublish(struct task *task)
{
    struct writer *writer = (struct writer *)task;

    (void)store_remove(writer->target->fd, writer->writing.id, NULL);
    close(writer->writing.draft.fd);
    writer->writing.draft.fd = -1;
}

static void
done_undo(struct task *task)
{
    struct writer *writer = (struct writer *)task;

    writer->is_busy = false;
    fail(writer);
}

static void
in_place(struct writer *writer)
{
    struct spool_file *file = writer->file;

    writer->is_busy = false;
    file->fd = writer->writing.draft.fd;
    file->bucket = writer->target;
    snprintf(file->name, sizeof file->name, "%s", file->envelope.id);
    succeed(writer);
}

static void
on_dir_synced(struct bucket_waiter *waiter, const struct err *err)
{
    struct writer *writer = (struct writer *)((char *)waiter - offsetof(struct writer, waiter));

    if (err == NULL) {
        in_place(writer);
        return;
    }
    writer->writing.err = *err;
    task_start(&writer->spool->tasks, &writer->task, work_unpublish, done_undo);
}

static void
work_file(struct task *task)
{
    struct writer *writer = (struct writer *)task;

    (void)writing_into_file(&writer->writing);
}

static void
done_file(struct task *task)
{
    struct writer *writer = (struct writer *)task;

    if (writer->writing.exists || writer->writing.err.kind != ERR_NONE) {
        writer->is_busy = false;
        fail(writer);
        return;
    }
    if (!writer->writing.sync) {
        in_place(writer);
        return;
    }
    writer->waiter.done = on_dir_synced;
    bucket_sync(writer->target, &writer->waiter);
}

// --- relay ---

static void
work_relay(struct task *task)
{
    struct writer *writer = (struct writer *)task;

    (void)writing_end_relay(&writer->writing);
}

static void
done_relay(struct task *task)
{
    struct writer *writer = (struct writer *)task;

    writer->is_busy = false;
    if (writer->writing.err.kind != ERR_NONE) {
        fail(writer);
        return;
    }
    writer->file->draft = writer->writing.draft;
    writer->file->fd = writer->writing.draft.fd;
    succeed(writer);
}

static void
on_later(void *arg)
{
    struct writer *writer = arg;

    if (writer->writing.exists || writer->err.kind != ERR_NONE) {
        fail(writer);
        return;
    }
    writing_seal_image(&writer->writing);
    succeed(writer);
}

// --- commit ---

// A child lies with its parent, if that is an adopted instance's: who adopts the one then finds the
// other, and does not make it again.
static struct bucket *
choose_bucket(struct writer *writer)
{
    struct homes *homes = &writer->spool->homes;
    const char *parent_id = writer->file->envelope.parent;
    const struct ids_member *member =
        parent_id == NULL ? NULL : ids_find(&writer->spool->under_way, parent_id);
    const struct spool_file *parent = member == NULL ? NULL : member->owner;
    struct bucket *bucket = parent == NULL ? NULL : parent->bucket;

    if (bucket != NULL && bucket->home != homes->own && bucket == &bucket->home->top)
        bucket = bucket->home->buckets;
    if (bucket == NULL || bucket->home == homes->own)
        return homes_reserve(homes);
    bucket_enter(bucket);
    return bucket;
}

static bool
fits_slot(const struct writer *writer)
{
    return writer->kind == WRITER_SPOOL && !writer->is_streaming &&
           writer->fill.len + store_journal_room(writer->file->envelope.rcpt_count) <=
               STORE_SLOT_SIZE;
}

// While the bytes are still in the processor's cache.
static void
digest_fill(struct writer *writer)
{
    struct span content = buf_span(&writer->fill);

    if (writer->digest == NULL) {
        writer->digest = digest_new();
        content = span_skip(content, (size_t)writer->writing.seal.offset);
    }
    digest_add(writer->digest, content.data, content.len);
}

void
commit_digest(struct writer *writer)
{
    struct writing *writing = &writer->writing;
    struct span image = buf_span(&writer->fill);

    if (writer->is_digested)
        return;
    writer->is_digested = true;
    if (writer->is_streaming) {
        digest_fill(writer);
        writing->message_digest = digest_get(writer->digest);
    } else {
        writing->message_digest = digest_of(span_skip(image, (size_t)writing->seal.offset));
    }
}

void
commit_take_fill(struct writer *writer)
{
    struct buf spare = writer->writing.flight;

    if (!writer->is_digested)
        digest_fill(writer);
    buf_reset(&spare);
    writer->writing.flight = writer->fill;
    writer->fill = spare;
}

void
commit_find_place(struct writer *writer)
{
    if (writer->kind == WRITER_RELAY) {
        writer->writing.dir_fd = writer->spool->homes.own->top.fd;
        return;
    }
    writer->target = choose_bucket(writer);
    writer->writing.dir_fd = writer->target->fd;
    if (writer->kind == WRITER_CHILD)
        writer->writing.root = &writer->spool->root;
}

static void
answer_later(struct writer *writer)
{
    writer->later.run = on_later;
    writer->later.arg = writer;
    loop_defer(writer->spool->loop, &writer->later);
}

// Decided without touching the disk: it failed already, or exists, or stays in memory.
static bool
is_decided(struct writer *writer)
{
    if (writer->kind == WRITER_CHILD && spool_knows(writer->spool, writer->writing.id))
        writer->writing.exists = true;
    return writer->err.kind != ERR_NONE || writer->writing.exists ||
           (writer->kind == WRITER_RELAY && !writer->is_streaming);
}

void
commit_start(struct writer *writer)
{
    struct tasks *tasks = &writer->spool->tasks;
    bool is_undone = is_decided(writer);

    if (is_undone && writer->writing.draft.fd < 0) {
        commit_take_fill(writer);
        answer_later(writer);
        return;
    }
    writer->is_busy = true;
    if (is_undone) {
        task_start(tasks, &writer->task, work_drop, done_undo);
        return;
    }
    if (fits_slot(writer))
        writer->slot = slots_take(writer->spool->slots);
    commit_take_fill(writer);
    if (writer->slot == NULL && !writer->is_streaming)
        commit_find_place(writer);
    if (writer->kind == WRITER_RELAY)
        task_start(tasks, &writer->task, work_relay, done_relay);
    else if (writer->slot != NULL)
        task_start(tasks, &writer->task, work_slot, done_slot);
    else
        task_start(tasks, &writer->task, work_file, done_file);
}
