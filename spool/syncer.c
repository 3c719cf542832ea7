// SPDX-License-Identifier: BSD-2-Clause
#include "spool/syncer.h"

#include <assert.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"

// An item is synced between AGE and AGE + TICK after it was marked: a slot that is used again by
// then was made durable by its next message.
enum { TICK_MS = 40, AGE_MS = 40, TAKEN_FULL = 256, ERRANDS_FIRST = 64 };

struct list {
    struct syncer_item *first, *last;
};

struct errand { // one fsync of a round
    int fd;     // a duplicate of the item's, so that its owner may close; or taken over
    bool is_dir, has_failed;
    bool is_taken;            // a file that was taken over
    struct syncer_item *item; // NULL: forgotten since, or taken
};

struct syncer {
    struct task task; // first
    struct tasks *tasks;
    struct loop *loop;
    struct loop_timer *timer;
    bool is_real, is_busy;
    uint64_t begun_ms;               // the round
    struct list dirty[SYNCER_KINDS]; // in order of since_ms
    int *taken;
    size_t taken_count, taken_size;
    struct errand *errands;
    size_t errand_count, errand_size;
    struct err err; // of the first that failed in the round
};

static void
list_add(struct list *list, struct syncer_item *item)
{
    item->next = NULL;
    item->prev = list->last;
    if (list->last == NULL)
        list->first = item;
    else
        list->last->next = item;
    list->last = item;
}

static void
list_remove(struct list *list, struct syncer_item *item)
{
    if (item->prev == NULL)
        list->first = item->next;
    else
        item->prev->next = item->next;
    if (item->next == NULL)
        list->last = item->prev;
    else
        item->next->prev = item->prev;
}

void
syncer_item_init(struct syncer_item *item, enum syncer_kind kind, int fd, syncer_failed *failed,
                 void *arg)
{
    *item = (struct syncer_item){.kind = kind, .fd = fd, .failed = failed, .arg = arg};
}

static void
start_timer(struct syncer *syncer)
{
    if (!syncer->is_busy && !loop_timer_is_running(syncer->timer))
        loop_timer_start(syncer->timer, TICK_MS);
}

void
syncer_mark(struct syncer *syncer, struct syncer_item *item)
{
    if (!syncer->is_real || item->is_dirty)
        return;
    item->is_dirty = true;
    item->since_ms = loop_now_ms(syncer->loop);
    list_add(&syncer->dirty[item->kind], item);
    start_timer(syncer);
}

void
syncer_forget(struct syncer *syncer, struct syncer_item *item)
{
    if (item->is_dirty)
        list_remove(&syncer->dirty[item->kind], item);
    item->is_dirty = false;
    for (size_t i = 0; item->is_taken && i < syncer->errand_count; i++) {
        if (syncer->errands[i].item == item)
            syncer->errands[i].item = NULL;
    }
    item->is_taken = false;
}

void
syncer_take(struct syncer *syncer, int fd_take)
{
    if (!syncer->is_real) {
        close(fd_take);
        return;
    }
    if (syncer->taken_count == syncer->taken_size) {
        syncer->taken_size = syncer->taken_size == 0 ? TAKEN_FULL : syncer->taken_size * 2;
        syncer->taken = mem_regrow(syncer->taken, syncer->taken_size, sizeof *syncer->taken);
    }
    syncer->taken[syncer->taken_count++] = fd_take;
    start_timer(syncer);
}

bool
syncer_is_full(const struct syncer *syncer)
{
    return syncer->taken_count >= TAKEN_FULL;
}

static void
add_errand(struct syncer *syncer, int fd, struct syncer_item *item)
{
    if (syncer->errand_count == syncer->errand_size) {
        syncer->errand_size = syncer->errand_size == 0 ? ERRANDS_FIRST : syncer->errand_size * 2;
        syncer->errands = mem_regrow(syncer->errands, syncer->errand_size, sizeof *syncer->errands);
    }
    syncer->errands[syncer->errand_count++] =
        (struct errand){.fd = fd,
                        .is_dir = item != NULL && item->kind != SYNCER_FILE,
                        .is_taken = item == NULL,
                        .item = item};
}

// Items that are old enough, in the order that the header promises.
static void
collect(struct syncer *syncer, uint64_t until_ms)
{
    for (size_t i = 0; i < syncer->taken_count; i++)
        add_errand(syncer, syncer->taken[i], NULL);
    syncer->taken_count = 0;
    for (int kind = 0; kind < SYNCER_KINDS; kind++) {
        struct list *list = &syncer->dirty[kind];

        while (list->first != NULL && list->first->since_ms <= until_ms) {
            struct syncer_item *item = list->first;
            int fd = fcntl(item->fd, F_DUPFD_CLOEXEC, 0);

            if (fd < 0)
                return; // no descriptor is free: they stay dirty until the next round
            list_remove(list, item);
            item->is_dirty = false;
            item->is_taken = true;
            add_errand(syncer, fd, item);
        }
    }
}

static void
work(struct task *task)
{
    struct syncer *syncer = (struct syncer *)task;
    struct err err;

    for (size_t i = 0; i < syncer->errand_count; i++) {
        struct errand *errand = &syncer->errands[i];
        int result = errand->is_dir ? fs_sync(errand->fd, &err) : fs_sync_data(errand->fd, &err);

        close(errand->fd);
        errand->has_failed = result < 0;
        if (result < 0 && syncer->err.kind == ERR_NONE)
            syncer->err = err;
    }
}

// A failed that frees or marks items is fine: each errand is looked at once, and the next round
// begins after this one.
static void
settle(struct syncer *syncer)
{
    for (size_t i = 0; i < syncer->errand_count; i++) {
        struct syncer_item *item = syncer->errands[i].item;

        if (item == NULL) {
            // A waiting message's last lines may be lost with the power: a try too early, no more.
            if (syncer->errands[i].has_failed && syncer->errands[i].is_taken)
                log_alarm("spool", "cannot make a waiting message durable: %s", syncer->err.text);
            continue;
        }
        syncer->errands[i].item = NULL;
        item->is_taken = false;
        if (syncer->errands[i].has_failed)
            item->failed(item->arg, &syncer->err);
    }
    syncer->errand_count = 0;
    syncer->err.kind = ERR_NONE;
}

static bool
is_idle(const struct syncer *syncer)
{
    for (int kind = 0; kind < SYNCER_KINDS; kind++) {
        if (syncer->dirty[kind].first != NULL)
            return false;
    }
    return syncer->taken_count == 0;
}

// On a slow disk the next round follows at once.
static void
done(struct task *task)
{
    struct syncer *syncer = (struct syncer *)task;
    uint64_t took = loop_now_ms(syncer->loop) - syncer->begun_ms;

    settle(syncer);
    syncer->is_busy = false;
    if (!is_idle(syncer))
        loop_timer_start(syncer->timer, took < TICK_MS ? TICK_MS - took : 0);
}

static void
on_tick(void *arg)
{
    struct syncer *syncer = arg;
    uint64_t now = loop_now_ms(syncer->loop);

    collect(syncer, now < AGE_MS ? 0 : now - AGE_MS);
    if (syncer->errand_count == 0) {
        if (!is_idle(syncer))
            start_timer(syncer);
        return;
    }
    syncer->is_busy = true;
    syncer->begun_ms = now;
    task_start(syncer->tasks, &syncer->task, work, done);
}

struct syncer *
syncer_new(struct loop *loop, struct tasks *tasks, bool is_real)
{
    struct syncer *syncer = mem_zalloc(sizeof *syncer);

    syncer->loop = loop;
    syncer->tasks = tasks;
    syncer->is_real = is_real;
    syncer->timer = loop_timer_new(loop, on_tick, syncer);
    return syncer;
}

void
syncer_flush(struct syncer *syncer)
{
    assert(!syncer->is_busy);
    collect(syncer, UINT64_MAX);
    work(&syncer->task);
    settle(syncer);
}

void
syncer_free(struct syncer **syncer_in)
{
    struct syncer *syncer = *syncer_in;

    if (syncer == NULL)
        return;
    assert(!syncer->is_busy && syncer->taken_count == 0);
    loop_timer_free(&syncer->timer);
    mem_free(&syncer->taken);
    mem_free(&syncer->errands);
    mem_free(syncer_in);
}
