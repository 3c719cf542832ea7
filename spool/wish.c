// SPDX-License-Identifier: BSD-2-Clause
// What the operator wishes for a message that waits: one pool job each, in which it is under way.
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "spool/amend.h"
#include "spool/aside.h"
#include "spool/due.h"
#include "spool/file.h"

struct wish {
    struct task task; // first
    struct spool *spool;
    enum spool_wish what;
    char *reason;
    spool_wish_done *done;
    void *arg;
    char id[ID_MAX + 1];
    struct agenda_entry *entry; // NULL: not ours, or under way
    struct bucket *bucket;
    struct ids_member under_way;
    struct loop_deferred later;
    enum spool_wish_result result;
    struct reader_message message; // as it is by the wish
    bool is_loaded;
    int64_t now_ms;
    struct err err;
};

// --- in the pool ---

static const char *const events[] = {
    [SPOOL_RETRY] = "retry", [SPOOL_HOLD] = "held", [SPOOL_RESCAN] = "rescan"};

static int
append(const struct wish *wish, int fd, struct reader_message *message, struct err *err)
{
    bool sync = wish->spool->settings->sync;
    struct amend amend;

    amend_begin(&amend, fd, message, wish->now_ms, events[wish->what]);
    if (wish->what == SPOOL_HOLD)
        journal_field_text(&amend.writer, "reason", wish->reason);
    if (amend_end(&amend, sync, err) != 0)
        return -1;
    return wish->what == SPOOL_HOLD ? 0 : store_set_due(fd, wish->now_ms, err);
}

// What is damaged is set aside by the loading, when it is due.
static int
note(struct wish *wish, int fd)
{
    wish->is_loaded = reader_load(fd, &wish->message, &wish->err) == READER_OK;
    return wish->is_loaded ? append(wish, fd, &wish->message, &wish->err) : -1;
}

// What it was is only to be told.
static int delete (struct wish *wish)
{
    const char *name = agenda_entry_name(wish->entry);
    int fd = fs_open_read(wish->bucket->fd, name, NULL);

    if (fd >= 0) {
        wish->is_loaded = reader_load(fd, &wish->message, NULL) == READER_OK;
        close(fd);
    }
    return store_remove(wish->bucket->fd, name, &wish->err);
}

static int
move_to_hold(struct wish *wish)
{
    struct aside aside = {.dir_fd = wish->bucket->fd,
                          .name = agenda_entry_name(wish->entry),
                          .id = wish->id,
                          .place = PLACE_HOLD,
                          .sync = wish->spool->settings->sync};

    return aside_move(&wish->spool->root, &aside, &wish->err);
}

static int
fulfil(struct wish *wish)
{
    const char *name = agenda_entry_name(wish->entry);
    int fd, result;

    if (wish->what == SPOOL_DELETE)
        return delete (wish);
    fd = fs_open_write(wish->bucket->fd, name, &wish->err);
    if (fd < 0)
        return -1;
    result = note(wish, fd);
    close(fd);
    return result == 0 && wish->what == SPOOL_HOLD ? move_to_hold(wish) : result;
}

static void
work(struct task *task)
{
    struct wish *wish = (struct wish *)task;

    wish->result = fulfil(wish) == 0 ? SPOOL_WISH_DONE : SPOOL_WISH_FAILED;
}

// --- on the loop ---

static void
answer(void *arg)
{
    struct wish *wish = arg;

    wish->done(wish->arg, wish->result, wish->result == SPOOL_WISH_FAILED ? &wish->err : NULL);
    reader_message_clear(&wish->message);
    mem_free(&wish->reason);
    mem_free(&wish);
}

static void
settle(struct wish *wish)
{
    struct spool *spool = wish->spool;
    bool has_left =
        (wish->what == SPOOL_HOLD || wish->what == SPOOL_DELETE) && wish->result == SPOOL_WISH_DONE;

    ids_remove(&spool->under_way, &wish->under_way);
    if (!has_left) {
        agenda_add(&spool->agenda, wish->entry,
                   wish->result == SPOOL_WISH_DONE ? wish->now_ms : wish->entry->due_ms);
        due_look(spool);
        return;
    }
    if (wish->what == SPOOL_DELETE)
        log_info("spool", "%s: removed by the operator", wish->id);
    else
        log_info("spool", "%s: held by the operator", wish->id);
    if (wish->is_loaded && spool->handler != NULL)
        spool->handler->on_left(spool->handler_arg, &wish->message,
                                wish->what == SPOOL_HOLD ? PLACE_HOLD : PLACE_NOWHERE);
    agenda_entry_free(&wish->entry);
    spool_count(spool, -1);
    bucket_mark(wish->bucket);
    bucket_leave(wish->bucket);
}

static void
done(struct task *task)
{
    struct wish *wish = (struct wish *)task;

    settle(wish);
    answer(wish);
}

void
spool_wish(struct spool *spool, enum spool_wish what, const char *id, const char *reason,
           spool_wish_done *on_done, void *arg)
{
    struct wish *wish = mem_zalloc(sizeof *wish);
    struct agenda_entry *entry = agenda_find(&spool->agenda, id);

    wish->spool = spool;
    wish->what = what;
    wish->done = on_done;
    wish->arg = arg;
    wish->later.run = answer;
    wish->later.arg = wish;
    if (entry == NULL) {
        wish->result =
            ids_find(&spool->under_way, id) != NULL ? SPOOL_WISH_UNDER_WAY : SPOOL_WISH_NOT_OURS;
        loop_defer(spool->loop, &wish->later);
        return;
    }
    agenda_remove(&spool->agenda, entry);
    snprintf(wish->id, sizeof wish->id, "%s", id);
    wish->entry = entry;
    wish->bucket = entry->where;
    wish->reason = mem_strdup(reason);
    wish->now_ms = loop_realtime_ms(spool->loop);
    ids_add(&spool->under_way, &wish->under_way, wish->id, NULL);
    task_start(&spool->tasks, &wish->task, work, done);
}

void
spool_retry_all(struct spool *spool)
{
    agenda_hasten(&spool->agenda, loop_realtime_ms(spool->loop));
    due_look(spool);
}
