// SPDX-License-Identifier: BSD-2-Clause
#include "spool/due.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "spool/aside.h"
#include "spool/file.h"
#include "spool/recall.h"

enum {
    LOADS_MAX = 8,
    TIMER_MAX_MS = 60 * 1000,
    AGAIN_MS = 60 * 1000,
    PARENT_MS = 50,
    SET_BACK_MS = 60 * 1000
};

struct due {
    struct spool *spool;
    struct loop_deferred later;
    struct loop_timer *timer;
    int64_t lead_ms; // the wall clock's lead over the one that nobody sets
    bool is_paused;
    struct load *first, **last; // in order of time: in the pool, or loaded and not handed over
    unsigned load_count;
};

enum fate { FATE_HAND_OVER, FATE_GONE, FATE_LEFT, FATE_AGAIN };

struct load {
    struct task task; // first
    struct load *next;
    struct spool *spool;
    bool is_done;
    struct spool_file *file; // loaded and to be handed over
    struct agenda_entry *entry;
    struct bucket *bucket;
    struct ids_member under_way;
    int fd;
    int64_t now_ms;
    struct reader_message message;
    enum reader_result result;
    bool is_missing, is_old,
        has_failed; // no such file; from before this boot; could not be settled
    struct err err, settle_err;
};

// --- in the pool ---

// Was it last written before the machine came up? Then a power cut may have torn it.
static bool
is_from_before_boot(int fd)
{
    struct stat info;
    struct timespec now, up;

    if (fstat(fd, &info) < 0 || clock_gettime(CLOCK_REALTIME, &now) < 0 ||
        clock_gettime(CLOCK_BOOTTIME, &up) < 0)
        return false;
    return info.st_mtim.tv_sec < now.tv_sec - up.tv_sec;
}

static bool
is_slot(const struct load *load)
{
    return place_is_slot_name(agenda_entry_name(load->entry));
}

static void
read_message(struct load *load)
{
    const char *name = agenda_entry_name(load->entry);

    load->fd = fs_open_write(load->bucket->fd, name, &load->err);
    if (load->fd < 0) {
        load->is_missing = errno == ENOENT;
        load->result = READER_ERROR;
        return;
    }
    load->result = reader_load(load->fd, &load->message, &load->err);
    if (load->result == READER_OK && !is_slot(load) &&
        strcmp(name, load->message.envelope.id) != 0) {
        err_set(&load->err, ERR_PERM, "its name is not its id");
        load->result = READER_CORRUPT;
    }
    load->is_old = is_from_before_boot(load->fd);
}

static bool
is_set_aside(const struct load *load)
{
    return load->message.state.held || load->message.state.quarantined;
}

// Its journal says so, and its owner died before he moved it.
static int
set_aside(struct load *load)
{
    struct aside aside = {.dir_fd = load->bucket->fd,
                          .name = agenda_entry_name(load->entry),
                          .id = load->message.envelope.id,
                          .place = load->message.state.held ? PLACE_HOLD : PLACE_QUARANTINE,
                          .now_ms = load->now_ms,
                          .sync = load->spool->settings->sync};

    return aside_move(&load->spool->root, &aside, &load->settle_err);
}

static int
settle_good(struct load *load)
{
    const struct reader_message *message = &load->message;
    uint64_t room = store_journal_room(message->envelope.rcpt_count);

    if (message->state.done || state_is_retired(&message->state))
        return store_remove(load->bucket->fd, agenda_entry_name(load->entry), &load->settle_err);
    if (is_set_aside(load))
        return set_aside(load);
    if (message->file_size == message->journal_end)
        return 0;
    return store_cut(load->fd, message->journal_end, room, &load->settle_err);
}

static void
work_load(struct task *task)
{
    struct load *load = (struct load *)task;
    const char *name = agenda_entry_name(load->entry);
    int settled = 0;

    read_message(load);
    if (load->result == READER_OK)
        settled = settle_good(load);
    else if (load->result == READER_UNSEALED)
        settled = store_remove(load->bucket->fd, name, &load->settle_err);
    else if (load->result == READER_CORRUPT)
        settled = place_set_corrupt(&load->spool->root, load->bucket->fd, name, &load->settle_err);
    load->has_failed = settled < 0;
}

// --- on the loop ---

static bool
is_handed_over(const struct load *load)
{
    const struct spool_state *state = &load->message.state;

    return !state->done && !state_is_retired(state) && !is_set_aside(load);
}

static enum fate
fate_of(const struct load *load)
{
    const char *id = agenda_entry_id(load->entry);

    if (load->is_missing) {
        log_warning("spool", "%s: somebody else has removed it", id);
        return FATE_GONE;
    }
    if (load->result == READER_NEWER) {
        log_alarm("spool", "%s: its format is newer than this program, it is left alone", id);
        return FATE_LEFT;
    }
    if (load->result == READER_CORRUPT)
        log_alarm("spool", "%s: damaged, %s: %s%s", id,
                  load->has_failed ? "and cannot be put into corrupt/" : "put into corrupt/",
                  load->err.text,
                  load->is_old && is_slot(load)
                      ? " (probably never acknowledged: the machine went down in between)"
                      : "");
    if (load->result == READER_CORRUPT && load->has_failed)
        return FATE_LEFT;
    if (load->result == READER_ERROR || load->has_failed) {
        log_error("spool", "%s: cannot be read now: %s", id,
                  load->has_failed ? load->settle_err.text : load->err.text);
        return FATE_AGAIN;
    }
    return load->result == READER_OK && is_handed_over(load) ? FATE_HAND_OVER : FATE_GONE;
}

static struct spool_file *
make_file(struct load *load)
{
    struct spool_file *file = file_new(load->spool);
    struct reader_message *message = &load->message;

    envelope_clear(&file->envelope);
    file->envelope = message->envelope;
    envelope_init(&message->envelope);
    file->state = message->state;
    message->state = (struct spool_state){0};
    file->seal = message->seal;
    file->digest = message->digest;
    file->fd = load->fd;
    load->fd = -1;
    file->bucket = load->bucket;
    snprintf(file->name, sizeof file->name, "%s", agenda_entry_name(load->entry));
    file->end = message->journal_end;
    file->is_reopened = true;
    file->is_adopted = load->entry->is_adopted;
    file_settle(file);
    return file;
}

// Else its recipients would wait on, deferred as they are.
static void
note_retry(struct spool_file *file)
{
    struct journal_writer writer;

    spool_note_begin(file, &writer, "retry");
    spool_note_end(file, &writer);
}

static void
load_free(struct load *load)
{
    ids_remove(&load->spool->under_way, &load->under_way);
    if (load->fd >= 0)
        close(load->fd);
    reader_message_clear(&load->message);
    agenda_entry_free(&load->entry);
    mem_free(&load);
}

static void
tell_left(const struct load *load)
{
    const struct spool *spool = load->spool;
    enum spool_place place = !is_set_aside(load)        ? PLACE_NOWHERE
                             : load->message.state.held ? PLACE_HOLD
                                                        : PLACE_QUARANTINE;

    if (load->result == READER_OK && spool->handler != NULL)
        spool->handler->on_left(spool->handler_arg, &load->message, place);
}

// What came of it, but for the file that is handed over in its turn.
static void
settle_load(struct load *load)
{
    struct spool *spool = load->spool;
    enum fate fate = fate_of(load);

    ids_remove(&spool->under_way, &load->under_way);
    if (load->result == READER_OK && load->entry->is_adopted)
        recall_tell(spool->remember, &load->message, spool->settings->remember, load->now_ms);
    if (fate == FATE_HAND_OVER) {
        load->file = make_file(load);
        if (load->entry->is_hastened)
            note_retry(load->file);
    } else if (fate == FATE_AGAIN) {
        agenda_add(&spool->agenda, load->entry, loop_realtime_ms(spool->loop) + AGAIN_MS);
        load->entry = NULL;
    } else {
        spool_count(spool, -1);
    }
    if (fate == FATE_GONE) {
        tell_left(load);
        bucket_mark(load->bucket);
        bucket_leave(load->bucket);
    }
}

static struct spool_file *
take_first(struct due *due)
{
    struct load *load = due->first;
    struct spool_file *file = load->file;

    due->first = load->next;
    if (due->first == NULL)
        due->last = &due->first;
    due->load_count--;
    load_free(load);
    return file;
}

// After stop: what is loaded lies for the next owner.
static void
release_loaded(struct due *due)
{
    while (due->first != NULL && due->first->is_done) {
        struct spool_file *file = take_first(due);

        if (file != NULL)
            spool_file_release(&file);
    }
}

static void
done_load(struct task *task)
{
    struct load *load = (struct load *)task;
    struct spool *spool = load->spool;

    load->is_done = true;
    settle_load(load);
    if (spool->handler == NULL)
        release_loaded(spool->due);
    else
        due_look(spool);
}

static void
start_load(struct due *due, struct agenda_entry *entry)
{
    struct load *load = mem_zalloc(sizeof *load);

    agenda_remove(&due->spool->agenda, entry);
    load->spool = due->spool;
    load->entry = entry;
    load->bucket = entry->where;
    load->fd = -1;
    load->now_ms = loop_realtime_ms(due->spool->loop);
    ids_add(&due->spool->under_way, &load->under_way, agenda_entry_id(entry), NULL);
    *due->last = load;
    due->last = &load->next;
    due->load_count++;
    task_start(&due->spool->tasks, &load->task, work_load, done_load);
}

static bool
is_ready(const struct spool *spool)
{
    return spool->handler != NULL && spool->handler->is_ready(spool->handler_arg);
}

// A slow one holds up those behind it: they come in order of time, a parent before its child.
static void
hand_over(struct due *due)
{
    struct spool *spool = due->spool;

    while (due->first != NULL && due->first->is_done) {
        struct spool_file *file;

        if (due->first->file != NULL && !is_ready(spool))
            return;
        file = take_first(due);
        if (file != NULL)
            spool->handler->on_file(spool->handler_arg, file, file->is_adopted);
    }
}

// A parent whose owner died may not know yet what it has made: were the child gone by then, it
// would be made and sent once more.
static bool
must_wait_for_parent(const struct spool *spool, const struct agenda_entry *entry, int64_t now)
{
    const char *id = agenda_entry_id(entry);
    const char *suffix = strrchr(id, '.');
    char parent[ID_MAX + 1];
    const struct agenda_entry *found;

    if (!entry->is_adopted || suffix == NULL)
        return false;
    snprintf(parent, sizeof parent, "%.*s", (int)(suffix - id), id);
    if (ids_find(&spool->under_way, parent) != NULL)
        return true;
    found = agenda_find(&spool->agenda, parent);
    return found != NULL && found->due_ms <= now;
}

static void
take_up(struct due *due, struct agenda_entry *entry, int64_t now)
{
    struct agenda *agenda = &due->spool->agenda;

    if (must_wait_for_parent(due->spool, entry, now)) {
        agenda_remove(agenda, entry);
        agenda_add(agenda, entry, now + PARENT_MS);
    } else {
        start_load(due, entry);
    }
}

// What waits for a time of the former clock would wait for as long as it was set back.
static void
look_at_clock(struct due *due, int64_t now)
{
    int64_t lead = now - (int64_t)loop_now_ms(due->spool->loop);
    int64_t back = due->lead_ms - lead;

    due->lead_ms = lead;
    if (back < SET_BACK_MS)
        return;
    log_warning("spool", "the clock was set back by %lld s: what waits is tried now",
                (long long)(back / 1000));
    agenda_hasten(&due->spool->agenda, now);
}

static void
look(void *arg)
{
    struct due *due = arg;
    struct agenda *agenda = &due->spool->agenda;
    int64_t now = loop_realtime_ms(due->spool->loop);
    const struct agenda_entry *next;

    look_at_clock(due, now);
    hand_over(due);
    if (due->is_paused)
        return;
    while ((next = agenda_first(agenda)) != NULL && next->due_ms <= now &&
           due->load_count < LOADS_MAX && is_ready(due->spool))
        take_up(due, agenda->heap[0], now);
    // One that is due already waits for a load to end, or for spool_poke. The wall clock may be
    // set, so the timer is never long.
    if (next != NULL && next->due_ms > now)
        loop_timer_start(due->timer, next->due_ms - now < TIMER_MAX_MS
                                         ? (uint64_t)(next->due_ms - now)
                                         : TIMER_MAX_MS);
}

void
due_look(struct spool *spool)
{
    loop_defer(spool->loop, &spool->due->later);
}

void
due_pause(struct spool *spool, bool is_paused)
{
    spool->due->is_paused = is_paused;
    if (!is_paused)
        due_look(spool);
}

void
due_stop(struct spool *spool)
{
    struct due *due = spool->due;

    loop_timer_stop(due->timer);
    release_loaded(due);
}

struct due *
due_new(struct spool *spool)
{
    struct due *due = mem_zalloc(sizeof *due);

    due->spool = spool;
    due->lead_ms = loop_realtime_ms(spool->loop) - (int64_t)loop_now_ms(spool->loop);
    due->later.run = look;
    due->later.arg = due;
    due->last = &due->first;
    due->timer = loop_timer_new(spool->loop, look, due);
    return due;
}

void
due_free(struct due **due)
{
    if (*due == NULL)
        return;
    loop_undefer((*due)->spool->loop, &(*due)->later);
    loop_timer_free(&(*due)->timer);
    mem_free(due);
}
