// SPDX-License-Identifier: BSD-2-Clause
// Copies are for what cannot go on where it is: a file whose write or fsync failed (a failed fsync
// is never repeated on a file), and a relay message that is taken over.
#include "spool/file.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

static uint64_t
message_end(const struct spool_file *file)
{
    return file->seal.offset + file->seal.len;
}

static int
write_head(const struct spool_file *file, int fd, struct err *err)
{
    char head[FORMAT_HEAD_LEN];

    format_head_write(&file->seal, head);
    return fs_write_all_at(fd, head, sizeof head, 0, err);
}

// From memory where it still is: what the old file holds may be what is broken.
static int
write_message(const struct spool_file *file, int fd, struct err *err)
{
    if (file->image.len > 0)
        return fs_write_all_at(fd, file->image.data, file->image.len, 0, err);
    if (store_copy(file->fd, fd, FORMAT_HEAD_LEN, message_end(file) - FORMAT_HEAD_LEN, err) < 0)
        return -1;
    return write_head(file, fd, err);
}

static int
write_journal(const struct spool_file *file, int fd, struct err *err)
{
    uint64_t end = message_end(file);

    if (file->is_durable && file->end > end &&
        store_copy(file->fd, fd, end, file->end - end, err) < 0)
        return -1;
    return fs_write_all_at(fd, file->flight.data, file->flight.len, (off_t)file->end, err);
}

// The draft's name replaces what may be there: the file that is copied.
static int
put_in_place(const struct spool_file *file, struct store_draft *draft, struct err *err)
{
    const char *id = file->envelope.id;
    int dir_fd = file->target->fd;
    uint64_t end = file->end + file->flight.len;

    if (store_reserve(draft->fd, end, store_journal_room(file->envelope.rcpt_count), err) < 0)
        return -1;
    if (file->step_sync && fs_sync(draft->fd, err) < 0)
        return -1;
    if (store_draft_replace(draft, dir_fd, id, err) < 0)
        return -1;
    // A message that was durable has no better place than this one now; one that was not may still
    // be refused.
    if (!file->step_sync || fs_sync(dir_fd, err) == 0 || file->is_durable)
        return 0;
    (void)store_remove(dir_fd, id, NULL);
    return -1;
}

// From here on the copy is the message. Should the old one come back (its removal fails as its
// write did), it is a duplicate, not a loss.
static void
retire_old(const struct spool_file *file)
{
    bool is_replaced = file->bucket == file->target && strcmp(file->name, file->envelope.id) == 0;

    if (file->bucket == NULL || is_replaced)
        return;
    if (file->slot != NULL)
        (void)store_unseal(file->fd, NULL);
    (void)store_remove(file->bucket->fd, file->name, NULL);
    if (file->step_sync)
        (void)fs_sync(file->bucket->fd, NULL);
}

static int
copy(struct spool_file *file, struct err *err)
{
    struct store_draft draft;

    if (store_draft_make(file->target->fd, file->envelope.id, file->spool->unnamed, &draft, err) <
        0)
        return -1;
    if (write_message(file, draft.fd, err) < 0 || write_journal(file, draft.fd, err) < 0 ||
        put_in_place(file, &draft, err) < 0) {
        store_draft_drop(&draft);
        return -1;
    }
    file->target_fd = draft.fd;
    retire_old(file);
    err->kind = ERR_NONE;
    return 0;
}

// A large relay message is a file already; it lacks its seal, its journal and its name.
static int
name_draft(struct spool_file *file, struct err *err)
{
    if (write_head(file, file->fd, err) < 0 || file_append(file, err) < 0 ||
        put_in_place(file, &file->draft, err) < 0)
        return -1;
    file->target_fd = file->fd;
    return 0;
}

static void
work_copy(struct task *task)
{
    struct spool_file *file = (struct spool_file *)task;

    if (file->draft.fd >= 0)
        (void)name_draft(file, &file->err);
    else
        (void)copy(file, &file->err);
}

static void
leave_old_place(struct spool_file *file)
{
    struct spool *spool = file->spool;

    syncer_forget(spool->syncer, file_sync_item(file));
    if (file->slot != NULL)
        slots_let_go(spool->slots, file->slot, true);
    else if (file->fd >= 0 && file->fd != file->target_fd)
        close(file->fd);
    file->slot = NULL;
    if (file->bucket != NULL)
        bucket_leave(file->bucket);
}

static void
move_to_copy(struct spool_file *file)
{
    bool is_new = !file->is_durable;

    leave_old_place(file);
    file->draft.fd = -1;
    file->fd = file->target_fd;
    file->bucket = file->target;
    snprintf(file->name, sizeof file->name, "%s", file->envelope.id);
    file->end += file->flight.len;
    buf_reset(&file->flight);
    file->is_broken = false;
    if (!is_new) {
        file_init_sync(file);
        return;
    }
    file_settle(file);
    spool_count(file->spool, 1);
}

// What was to be written is noted still, in front of what came since.
static void
keep_notes(struct spool_file *file)
{
    struct buf flight = file->flight;

    (void)buf_add_span(&flight, buf_span(&file->notes));
    buf_clear(&file->notes);
    file->flight = file->notes;
    file->notes = flight;
}

static void
done_copy(struct task *task)
{
    struct spool_file *file = (struct spool_file *)task;
    struct err err = file->err;
    bool is_taking_over = !file->is_durable;

    file->step = STEP_NONE;
    file->wants_copy = false;
    if (err.kind == ERR_NONE) {
        move_to_copy(file);
    } else {
        bucket_leave(file->target);
        keep_notes(file);
        if (!is_taking_over)
            log_alarm("spool", "%s: its journal cannot be written, nor can it be copied: %s",
                      file->envelope.id, err.text);
    }
    if (file->flush.is_begun && !is_taking_over)
        file_answer(file, &file->flush, err.kind == ERR_NONE ? NULL : &err);
    file_answer(file, &file->take_over, err.kind == ERR_NONE ? NULL : &err);
    file_go(file);
}

void
copy_start(struct spool_file *file)
{
    assert(file->step == STEP_NONE);
    (void)buf_add_span(&file->flight, buf_span(&file->notes));
    buf_reset(&file->notes);
    file->step = STEP_COPY;
    file->step_sync = file->spool->settings->sync;
    file->err.kind = ERR_NONE;
    file->target = homes_reserve(&file->spool->homes);
    task_start(&file->spool->tasks, &file->task, work_copy, done_copy);
}

void
spool_file_take_over(struct spool_file *file, spool_done *done, void *arg)
{
    assert(!file->is_durable && !file->take_over.is_owed);
    file->take_over.is_owed = true;
    file->take_over.done = done;
    file->take_over.arg = arg;
    file_go(file);
}
