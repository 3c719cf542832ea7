// SPDX-License-Identifier: BSD-2-Clause
// The ways in which a file leaves its owner. Each is one step, and in each the order of its writes
// is such that a kill in between leaves the message either as it was or as it shall be.
#include "spool/file.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "spool/aside.h"
#include "spool/due.h"

static bool
is_set_aside(const struct spool_file *file)
{
    return file->leave == LEAVE_HOLD || file->leave == LEAVE_QUARANTINE;
}

static bool
must_keep_notes(const struct spool_file *file)
{
    return file->leave == LEAVE_WAIT || file->leave == LEAVE_RELEASE || is_set_aside(file);
}

// --- in the pool ---

static int
remove_it(const struct spool_file *file, struct err *err)
{
    if (file->slot == NULL)
        return store_remove(file->bucket->fd, file->name, err);
    if (store_unseal(file->fd, err) < 0)
        return -1;
    if (file->end + file->flight.len > STORE_SLOT_SIZE && ftruncate(file->fd, STORE_SLOT_SIZE) < 0)
        return err_set(err, ERR_TEMP, "cannot cut %s", file->name);
    return 0;
}

// All are retired. That it is gone says as much as its last notes would; they are written where it
// cannot go, so that it is never sent again.
static int
work_remove(struct spool_file *file, struct err *err)
{
    if (remove_it(file, err) == 0)
        return 0;
    if (file->leave == LEAVE_FINISH)
        (void)file_append(file, NULL);
    return -1;
}

// What lay in a slot has the slot's size, and an earlier message's rest behind its journal.
static int
trim(const struct spool_file *file, struct err *err)
{
    if (strcmp(file->name, file->envelope.id) == 0)
        return 0;
    return store_cut(file->fd, file->end + file->flight.len,
                     store_journal_room(file->envelope.rcpt_count), err);
}

static int
work_wait(struct spool_file *file, struct err *err)
{
    if (file_append(file, err) < 0 || trim(file, err) < 0)
        return -1;
    if (store_set_due(file->fd, file->until_ms, err) < 0)
        return -1;
    if (file->target != NULL &&
        store_rename(file->bucket->fd, file->name, file->target->fd, file->envelope.id, err) < 0)
        return -1;
    file->has_moved = true;
    return file->step_sync ? fs_sync_data(file->fd, err) : 0;
}

static int
work_set_aside(struct spool_file *file, struct err *err)
{
    struct aside aside = {.dir_fd = file->bucket->fd,
                          .name = file->name,
                          .id = file->envelope.id,
                          .place = file->leave == LEAVE_HOLD ? PLACE_HOLD : PLACE_QUARANTINE,
                          .now_ms = file->until_ms,
                          .sync = file->step_sync};

    if (file_append(file, err) < 0 || trim(file, err) < 0)
        return -1;
    if (file->step_sync && fs_sync_data(file->fd, err) < 0)
        return -1;
    return aside_move(&file->spool->root, &aside, err);
}

static int
work_release(struct spool_file *file, struct err *err)
{
    if (file_append(file, err) < 0)
        return -1;
    return file->step_sync && file->flight.len > 0 ? fs_sync_data(file->fd, err) : 0;
}

static void
work_leave(struct task *task)
{
    struct spool_file *file = (struct spool_file *)task;

    if (!file->is_durable)
        store_draft_drop(&file->draft);
    else if (file->leave == LEAVE_WAIT)
        (void)work_wait(file, &file->err);
    else if (is_set_aside(file))
        (void)work_set_aside(file, &file->err);
    else if (file->leave == LEAVE_RELEASE)
        (void)work_release(file, &file->err);
    else
        (void)work_remove(file, &file->err);
}

// --- on the loop ---

// The descriptor and the slot, that is; the place in the bucket is the caller's.
static void
let_go(struct spool_file *file, bool close_fd)
{
    struct spool *spool = file->spool;

    if (file->slot != NULL)
        slots_let_go(spool->slots, file->slot, close_fd);
    else if (close_fd)
        close(file->fd);
    if (file->slot == NULL)
        syncer_forget(spool->syncer, &file->own_sync);
    file->slot = NULL;
}

static void
after_removal(struct spool_file *file)
{
    struct bucket *bucket = file->bucket;

    if (file->slot != NULL) {
        slots_give_back(file->spool->slots, file->slot);
        file->slot = NULL;
    } else {
        let_go(file, true);
        bucket_mark(bucket);
    }
    bucket_leave(bucket);
    spool_count(file->spool, -1);
}

static void
after_wait(struct spool_file *file)
{
    struct spool *spool = file->spool;
    struct bucket *bucket = file->target != NULL ? file->target : file->bucket;
    int fd = file->fd;

    let_go(file, false);
    if (file->step_sync)
        close(fd);
    else
        syncer_take(spool->syncer, fd);
    if (file->target != NULL) {
        bucket_mark(file->target);
        bucket_mark(file->bucket);
        bucket_leave(file->bucket);
    }
    agenda_add(&spool->agenda, agenda_entry_new(file->envelope.id, NULL, bucket), file->until_ms);
    due_look(spool);
}

static void
after_release(struct spool_file *file)
{
    if (file->slot != NULL)
        slots_leave_lying(file->spool->slots, file->slot);
    else
        let_go(file, true);
    file->slot = NULL;
}

static void
after_set_aside(struct spool_file *file)
{
    let_go(file, true);
    bucket_leave(file->bucket);
    spool_count(file->spool, -1);
}

static void
get_stuck(struct spool_file *file)
{
    struct spool *spool = file->spool;

    log_alarm("spool", "%s: cannot leave its place, it is tried again: %s", file->envelope.id,
              file->err.text);
    file->has_tried_copy = false;
    file->is_stuck = true;
    file->next = spool->stuck;
    spool->stuck = file;
}

static void
on_failed(struct spool_file *file)
{
    if (file->target != NULL && file->leave == LEAVE_WAIT && !file->has_moved) {
        bucket_leave(file->target);
        file->target = NULL;
    }
    if (must_keep_notes(file) && !file->has_tried_copy) {
        file->has_tried_copy = true;
        file->wants_copy = true;
        file_go(file);
    } else if (file->leave == LEAVE_RELEASE) {
        log_alarm("spool", "%s: its last journal lines are lost: %s", file->envelope.id,
                  file->err.text);
        after_release(file);
        file_free(&file);
    } else {
        get_stuck(file);
    }
}

static void
done_leave(struct task *task)
{
    struct spool_file *file = (struct spool_file *)task;

    file->step = STEP_NONE;
    // A move that was made is made, and only its fsync failed: the syncer's comes after it.
    if (file->err.kind != ERR_NONE && !(file->leave == LEAVE_WAIT && file->has_moved)) {
        on_failed(file);
        return;
    }
    if (file->is_durable && file->leave == LEAVE_WAIT)
        after_wait(file);
    else if (file->is_durable && is_set_aside(file))
        after_set_aside(file);
    else if (file->is_durable && file->leave == LEAVE_RELEASE)
        after_release(file);
    else if (file->is_durable)
        after_removal(file);
    file_free(&file);
}

static void
take_notes(struct spool_file *file)
{
    (void)buf_add_span(&file->flight, buf_span(&file->notes));
    buf_reset(&file->notes);
}

void
leave_start(struct spool_file *file)
{
    bool is_slot = file->bucket != NULL && strcmp(file->name, file->envelope.id) != 0;

    assert(file->step == STEP_NONE);
    if (!file->is_durable && file->draft.fd < 0) {
        file_free(&file);
        return;
    }
    take_notes(file);
    file->err.kind = ERR_NONE;
    file->has_moved = false;
    file->target = NULL;
    file->step_sync = file->spool->settings->sync;
    if (file->leave == LEAVE_WAIT) {
        file->target = is_slot ? homes_reserve(&file->spool->homes) : NULL;
        file->step_sync = file->step_sync && syncer_is_full(file->spool->syncer);
    }
    if (file->is_broken && must_keep_notes(file)) {
        err_set(&file->err, ERR_TEMP, "it is broken");
        on_failed(file);
        return;
    }
    file->step = STEP_LEAVE;
    if (file->slot != NULL && file->leave == LEAVE_FINISH)
        task_start_quick(&file->spool->tasks, &file->task, work_leave, done_leave);
    else
        task_start(&file->spool->tasks, &file->task, work_leave, done_leave);
}

void
leave_retry_stuck(struct spool *spool)
{
    struct spool_file *file = spool->stuck;

    spool->stuck = NULL;
    while (file != NULL) {
        struct spool_file *next = file->next;

        file->next = NULL;
        file->is_stuck = false;
        file_go(file);
        file = next;
    }
}

void
leave_drop_stuck(struct spool *spool)
{
    while (spool->stuck != NULL) {
        struct spool_file *file = spool->stuck;

        spool->stuck = file->next;
        log_alarm("spool", "%s: its last journal lines may be lost", file->envelope.id);
        after_release(file);
        file_free(&file);
    }
}

// --- the calls ---

static void
leave(struct spool_file **file_in, enum file_leave how)
{
    struct spool_file *file = *file_in;

    *file_in = NULL;
    assert(file->leave == LEAVE_NOT);
    file->leave = how;
    file_go(file);
}

void
spool_file_finish(struct spool_file **file)
{
    struct journal_writer writer;

    if ((*file)->is_durable) {
        spool_note_begin(*file, &writer, "done");
        spool_note_end(*file, &writer);
    }
    leave(file, LEAVE_FINISH);
}

void
spool_file_wait(struct spool_file **file, int64_t until_ms)
{
    assert((*file)->is_durable);
    (*file)->until_ms = until_ms;
    leave(file, LEAVE_WAIT);
}

void
spool_file_hold(struct spool_file **file, const char *reason)
{
    struct journal_writer writer;

    assert((*file)->is_durable);
    spool_note_begin(*file, &writer, "held");
    journal_field_text(&writer, "reason", reason);
    spool_note_end(*file, &writer);
    leave(file, LEAVE_HOLD);
}

void
spool_file_quarantine(struct spool_file **file, const char *rule, const char *reason)
{
    struct journal_writer writer;

    assert((*file)->is_durable);
    spool_note_begin(*file, &writer, "quarantined");
    journal_field_text(&writer, "rule", rule);
    journal_field_text(&writer, "reason", reason);
    spool_note_end(*file, &writer);
    (*file)->until_ms = loop_realtime_ms((*file)->spool->loop);
    leave(file, LEAVE_QUARANTINE);
}

void
spool_file_release(struct spool_file **file)
{
    leave(file, LEAVE_RELEASE);
}

void
spool_file_discard(struct spool_file **file)
{
    leave(file, LEAVE_DISCARD);
}
