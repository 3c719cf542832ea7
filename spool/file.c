// SPDX-License-Identifier: BSD-2-Clause
#include "spool/file.h"

#include <assert.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"

enum { NOTES_MAX = READER_JOURNAL_MAX };

// --- answers ---

void
file_answer(struct spool_file *file, struct file_answer *answer, const struct err *err)
{
    (void)file;
    if (!answer->is_owed)
        return;
    answer->is_owed = false;
    answer->is_begun = false;
    answer->done(answer->arg, err);
}

static void
answer_now(struct spool_file *file, struct file_answer *answer)
{
    file_answer(file, answer, NULL);
    file_go(file);
}

static void
on_flush_later(void *arg)
{
    struct spool_file *file = arg;

    answer_now(file, &file->flush);
}

static void
on_read_later(void *arg)
{
    struct spool_file *file = arg;

    answer_now(file, &file->read.answer);
}

void
file_answer_later(struct spool_file *file, struct file_answer *answer)
{
    answer->later.run = answer == &file->flush ? on_flush_later : on_read_later;
    answer->later.arg = file;
    loop_defer(file->spool->loop, &answer->later);
}

static void
owe(struct file_answer *answer, spool_done *done, void *arg)
{
    assert(!answer->is_owed);
    answer->is_owed = true;
    answer->is_begun = false;
    answer->done = done;
    answer->arg = arg;
}

// --- flush ---

struct syncer_item *
file_sync_item(struct spool_file *file)
{
    return file->slot != NULL ? &file->slot->sync : &file->own_sync;
}

int
file_append(struct spool_file *file, struct err *err)
{
    if (file->flight.len == 0)
        return 0;
    return fs_write_all_at(file->fd, file->flight.data, file->flight.len, (off_t)file->end, err);
}

static void
work_flush(struct task *task)
{
    struct spool_file *file = (struct spool_file *)task;

    if (file_append(file, &file->err) == 0 && file->step_sync)
        (void)fs_sync_data(file->fd, &file->err);
}

static void
done_flush(struct task *task)
{
    struct spool_file *file = (struct spool_file *)task;
    struct syncer_item *item = file_sync_item(file);

    file->step = STEP_NONE;
    if (file->err.kind != ERR_NONE) {
        log_error("spool", "%s: its journal cannot be written, it is copied: %s", file->envelope.id,
                  file->err.text);
        // What was to be written goes to the new file, which answers for this flush.
        file->is_broken = true;
        file->wants_copy = true;
        file_go(file);
        return;
    }
    file->end += file->flight.len;
    buf_reset(&file->flight);
    if (!file->step_durable)
        syncer_mark(file->spool->syncer, item);
    else if (!item->is_taken) // what the syncer is at may still fail, and must be heard
        syncer_forget(file->spool->syncer, item);
    file_answer(file, &file->flush, NULL);
    file_go(file);
}

static void
swap_notes(struct spool_file *file)
{
    struct buf empty = file->flight;

    assert(empty.len == 0);
    file->flight = file->notes;
    file->notes = empty;
}

static void
start_flush(struct spool_file *file)
{
    const struct syncer_item *item = file_sync_item(file);

    file->flush.is_begun = true;
    if (!file->is_durable ||
        (file->notes.len == 0 && !(file->flush_durable && (item->is_dirty || item->is_taken)))) {
        file_answer_later(file, &file->flush);
        return;
    }
    swap_notes(file);
    file->step = STEP_FLUSH;
    file->step_durable = file->flush_durable;
    file->step_sync = file->flush_durable && file->spool->settings->sync;
    file->err.kind = ERR_NONE;
    if (file->step_sync)
        task_start(&file->spool->tasks, &file->task, work_flush, done_flush);
    else
        task_start_quick(&file->spool->tasks, &file->task, work_flush, done_flush);
}

void
spool_file_flush(struct spool_file *file, bool durable, spool_done *done, void *arg)
{
    owe(&file->flush, done, arg);
    file->flush_durable = durable;
    file_go(file);
}

// --- read ---

static void
work_read(struct task *task)
{
    struct file_read *read = (struct file_read *)task;
    ssize_t got = fs_read_at(read->file->fd, read->data, read->len,
                             (off_t)(read->file->seal.offset + read->offset), &read->answer.err);

    if (got >= 0 && (size_t)got < read->len)
        err_set(&read->answer.err, ERR_TEMP, "a message is shorter than it was");
}

static void
done_read(struct task *task)
{
    struct file_read *read = (struct file_read *)task;
    struct err err = read->answer.err;

    file_answer(read->file, &read->answer, err.kind == ERR_NONE ? NULL : &err);
    file_go(read->file);
}

static void
start_read(struct spool_file *file)
{
    struct file_read *read = &file->read;

    read->answer.is_begun = true;
    read->answer.err.kind = ERR_NONE;
    if (file->image.len > 0) {
        memcpy(read->data, file->image.data + file->seal.offset + read->offset, read->len);
        file_answer_later(file, &read->answer);
        return;
    }
    // Nearly always: it has just been written. A thread would cost more than the read.
    if (fs_read_cached(file->fd, read->data, read->len, (off_t)(file->seal.offset + read->offset)))
        file_answer_later(file, &read->answer);
    else
        task_start(&file->spool->tasks, &read->task, work_read, done_read);
}

void
spool_file_read(struct spool_file *file, uint64_t offset, char *data, size_t len, spool_done *done,
                void *arg)
{
    assert(offset <= file->seal.len && len <= file->seal.len - offset);
    owe(&file->read.answer, done, arg);
    file->read.file = file;
    file->read.offset = offset;
    file->read.data = data;
    file->read.len = len;
    file_go(file);
}

int
spool_file_open_read(struct spool_file *file, uint64_t *offset_out, struct err *err)
{
    if (file->fd < 0)
        return err_set(err, ERR_PERM, "%s is in memory only", file->envelope.id);
    *offset_out = file->seal.offset;
    return fs_reopen_read(file->fd, err);
}

// --- what comes next ---

// Copying changes the descriptor that a read uses, so neither begins beside the other.
void
file_go(struct spool_file *file)
{
    bool is_reading = file->read.answer.is_owed && file->read.answer.is_begun;

    if (file->is_stuck) // a sync that fails now is known when it is tried again
        return;
    if (file->read.answer.is_owed && !is_reading && file->step != STEP_COPY) {
        start_read(file);
        is_reading = true;
    }
    if (file->step != STEP_NONE)
        return;
    if (file->flush.is_owed && !file->flush.is_begun && file->is_broken) {
        file->flush.is_begun = true;
        file->wants_copy = true;
    }
    if (file->take_over.is_owed || file->wants_copy) {
        if (!is_reading)
            copy_start(file);
    } else if (file->flush.is_owed) {
        if (!file->flush.is_begun)
            start_flush(file);
    } else if (file->leave != LEAVE_NOT && !is_reading) {
        leave_start(file);
    }
}

// --- notes ---

void
spool_note_begin(struct spool_file *file, struct journal_writer *writer, const char *event)
{
    // Behind a line that was cut short, the next one would be lost with it.
    if (file->is_reopened)
        (void)buf_add_char(&file->notes, '\n');
    file->is_reopened = false;
    journal_begin(writer, &file->notes, journal_key(file->envelope.id, file->seal.checksum),
                  file->state.next_seq, loop_realtime_ms(file->spool->loop), event);
}

void
spool_note_end(struct spool_file *file, struct journal_writer *writer)
{
    struct journal_reader *reader = &file->spool->scratch;
    struct journal_line line;

    if (journal_end(writer) < 0) {
        log_alarm("spool", "%s: a journal line is too long and is left out", file->envelope.id);
        return;
    }
    journal_reader_init(reader, span_skip(buf_span(&file->notes), writer->start), writer->key);
    if (journal_next(reader, &line))
        state_apply(&file->state, &line);
}

bool
spool_file_is_crowded(const struct spool_file *file)
{
    uint64_t start = file->seal.offset + file->seal.len;

    return file->end - start + file->flight.len + file->notes.len > READER_JOURNAL_MAX / 2;
}

// --- life ---

static void
on_sync_failed(void *arg, const struct err *err)
{
    struct spool_file *file = arg;

    log_error("spool", "%s: its journal cannot be made durable, it is copied: %s",
              file->envelope.id, err->text);
    file->is_broken = true;
    file->wants_copy = true;
    file_go(file);
}

void
file_init_sync(struct spool_file *file)
{
    if (file->slot == NULL) {
        syncer_item_init(&file->own_sync, SYNCER_FILE, file->fd, on_sync_failed, file);
        return;
    }
    file->slot->sync.failed = on_sync_failed;
    file->slot->sync.arg = file;
}

struct spool_file *
file_new(struct spool *spool)
{
    struct spool_file *file = mem_zalloc(sizeof *file);

    file->spool = spool;
    file->fd = -1;
    file->draft.fd = -1;
    envelope_init(&file->envelope);
    buf_init(&file->image, STORE_SLOT_SIZE);
    buf_init(&file->notes, NOTES_MAX);
    buf_init(&file->flight, NOTES_MAX);
    return file;
}

// The memory goes at the end of the turn: this may come from within an answer to the owner.
void
file_free(struct spool_file **file_in)
{
    struct spool_file *file = *file_in;

    ids_remove(&file->spool->under_way, &file->under_way);
    if (file->slot == NULL)
        syncer_forget(file->spool->syncer, &file->own_sync);
    file->leave = LEAVE_NOT;
    envelope_clear(&file->envelope);
    state_clear(&file->state);
    buf_clear(&file->image);
    buf_clear(&file->notes);
    buf_clear(&file->flight);
    loop_free_later(file->spool->loop, file);
    *file_in = NULL;
}

void
file_settle(struct spool_file *file)
{
    file_init_sync(file);
    file->is_durable = true;
    ids_add(&file->spool->under_way, &file->under_way, file->envelope.id, file);
}

const char *
spool_file_id(const struct spool_file *file)
{
    return file->envelope.id;
}

const struct smtp_envelope *
spool_file_envelope(const struct spool_file *file)
{
    return &file->envelope;
}

struct spool_state *
spool_file_state(struct spool_file *file)
{
    return &file->state;
}

uint64_t
spool_file_len(const struct spool_file *file)
{
    return file->seal.len;
}

struct digest_value
spool_file_digest(const struct spool_file *file)
{
    return file->digest;
}

bool
spool_file_is_durable(const struct spool_file *file)
{
    return file->is_durable;
}

struct span
spool_file_memory(const struct spool_file *file)
{
    if (file->image.len == 0)
        return (struct span){NULL, 0};
    return span_skip(buf_span(&file->image), (size_t)file->seal.offset);
}
