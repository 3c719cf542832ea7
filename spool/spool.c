// SPDX-License-Identifier: BSD-2-Clause
#include "spool/spool.h"

#include <assert.h>

#include "base/log.h"
#include "base/mem.h"
#include "spool/adopt.h"
#include "spool/due.h"
#include "spool/file.h"
#include "spool/keep.h"
#include "spool/remember.h"

enum { MINUTE_MS = 60 * 1000 };

void
spool_count(struct spool *spool, int change)
{
    spool->messages = (size_t)((int64_t)spool->messages + change);
    if (spool->counters != NULL)
        atomic_store(&spool->counters->messages, spool->messages);
}

bool
spool_knows(const struct spool *spool, const char *id)
{
    return ids_find(&spool->under_way, id) != NULL || agenda_find(&spool->agenda, id) != NULL;
}

// --- life ---

static void
on_minute(void *arg)
{
    struct spool *spool = arg;

    leave_retry_stuck(spool);
    remember_settle(spool->remember);
    adopt_look(spool->adopt);
    loop_timer_start(spool->minute, MINUTE_MS);
}

// No thread works for us any more, and no callback will come.
static void
destroy(void *arg)
{
    struct spool *spool = arg;

    leave_drop_stuck(spool);
    if (spool->syncer != NULL)
        syncer_flush(spool->syncer);
    slots_free(&spool->slots);
    adopt_free(&spool->adopt);
    keep_free(&spool->keep);
    due_free(&spool->due);
    homes_close(&spool->homes);
    syncer_free(&spool->syncer);
    space_free(&spool->space);
    agenda_clear(&spool->agenda);
    loop_timer_free(&spool->minute);
    remember_close(&spool->remember);
    blocks_clear(&spool->blocks);
    place_root_close(&spool->root);
    if (spool->counters != NULL)
        atomic_store(&spool->counters->messages, 0);
    mem_free(&spool);
}

// Each is made or, after an error, NULL or closed.
static int
open_parts(struct spool *spool, struct err *err)
{
    const struct spool_settings *settings = spool->settings;

    if (homes_open(&spool->homes, &spool->tasks, spool->syncer, &spool->root, settings->sync, err) <
        0)
        return -1;
    spool->unnamed = store_can_unnamed(spool->homes.own->top.fd);
    spool->space = space_new(spool->loop, &spool->tasks, spool->root.active_fd, err);
    if (spool->space == NULL)
        return -1;
    spool->slots = slots_new(spool->loop, &spool->homes, spool->unnamed, err);
    return spool->slots == NULL ? -1 : 0;
}

// Mail is more than the memory of it.
static void
open_remember(struct spool *spool)
{
    struct err err;

    spool->remember = remember_open(spool->root.root_fd, spool->settings, &err);
    if (spool->remember == NULL && err.kind != ERR_NONE)
        log_error("spool", "what becomes of mail is not remembered: %s", err.text);
}

struct spool *
spool_open(struct loop *loop, struct pool *pool, const struct spool_settings *settings,
           struct counter_worker *counters, struct err *err)
{
    struct spool *spool = mem_zalloc(sizeof *spool);

    spool->loop = loop;
    spool->settings = settings;
    spool->counters = counters;
    spool->tasks.pool = pool;
    agenda_init(&spool->agenda);
    if (place_root_open(&spool->root, settings->path, true, err) < 0) {
        mem_free(&spool);
        return NULL;
    }
    spool->minute = loop_timer_new(loop, on_minute, spool);
    spool->syncer = syncer_new(loop, &spool->tasks, settings->sync);
    spool->due = due_new(spool);
    spool->adopt = adopt_new(spool);
    spool->keep = keep_new(spool);
    if (open_parts(spool, err) < 0) {
        destroy(spool);
        return NULL;
    }
    open_remember(spool);
    return spool;
}

void
spool_start(struct spool *spool, const struct spool_handler *handler, void *arg)
{
    spool->handler = handler;
    spool->handler_arg = arg;
    adopt_look(spool->adopt);
    loop_timer_start(spool->minute, MINUTE_MS);
}

void
spool_poke(struct spool *spool)
{
    due_look(spool);
}

void
spool_adopt(struct spool *spool)
{
    adopt_look(spool->adopt);
}

void
spool_stop(struct spool *spool)
{
    spool->handler = NULL;
    adopt_stop(spool->adopt);
    keep_stop(spool->keep);
    due_stop(spool);
}

void
spool_free(struct spool **spool_in)
{
    struct spool *spool = *spool_in;

    if (spool == NULL)
        return;
    *spool_in = NULL;
    spool_stop(spool);
    if (spool->tasks.pending == 0) {
        destroy(spool);
        return;
    }
    spool->tasks.on_idle = destroy;
    spool->tasks.arg = spool;
}

void
spool_keep_quarantine(struct spool *spool, const struct quarantine_settings *settings)
{
    keep_start(spool->keep, settings);
}

int
spool_dir_fd(const struct spool *spool)
{
    return spool->root.active_fd;
}

struct remember *
spool_remember(const struct spool *spool)
{
    return spool->remember;
}

// --- room ---

int
spool_check_room(const struct spool *spool, const struct counter_page *page, uint64_t size,
                 struct err *err)
{
    const struct spool_settings *settings = spool->settings;
    struct fs_space left = space_left(spool->space);
    uint64_t messages = page == NULL ? spool->messages : counter_sum_messages(page);

    if (left.free_bytes < settings->min_free || left.free_bytes - settings->min_free < size)
        return err_set(err, ERR_TEMP, "too little space in %s: %llu bytes are free", settings->path,
                       (unsigned long long)left.free_bytes);
    if (left.free_inodes < settings->min_inodes)
        return err_set(err, ERR_TEMP, "too few inodes in %s: %llu are free", settings->path,
                       (unsigned long long)left.free_inodes);
    if (messages >= settings->max_messages)
        return err_set(err, ERR_TEMP, "too many messages in %s: %llu", settings->path,
                       (unsigned long long)messages);
    return 0;
}

size_t
spool_waiting_count(const struct spool *spool)
{
    return spool->agenda.count;
}
