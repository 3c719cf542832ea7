// SPDX-License-Identifier: BSD-2-Clause
#include "spool/slots.h"

#include <assert.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"

enum { BATCH_MAX = 16, FREE_LOW = 4, SHRINK_MS = 60 * 1000, FAILED_MS = 10 * 1000 };

struct batch {        // slots being made or removed by the pool; no other touches it meanwhile
    struct task task; // first
    struct slots *slots;
    size_t count;
    struct slot *slot[BATCH_MAX];
    struct err err;
};

struct slots {
    struct loop *loop;
    struct homes *homes;
    bool unnamed;
    struct slot *idle[SLOTS_MAX]; // a stack: the last is the next
    size_t idle_count;
    size_t count;            // idle, taken and being made
    size_t least_idle;       // since the last look of the timer
    bool is_used[SLOTS_MAX]; // numbers
    struct batch *making;
    uint64_t not_before_ms; // after a failure
    struct loop_timer *timer;
};

static void
mark_free(struct slots *slots, struct slot *slot)
{
    assert(slots->is_used[slot->number]);
    slots->is_used[slot->number] = false;
    assert(slots->count > 0);
    slots->count--;
}

static void
slot_free(struct slot *slot)
{
    mem_free(&slot);
}

// --- making ---

// The blocks are written, not only reserved: then a later fdatasync has no metadata to write.
static int
write_draft(const struct slots *slots, const char *name, const char *zeros,
            struct store_draft *draft_out, struct err *err)
{
    if (store_draft_make(slots->homes->own->top.fd, name, slots->unnamed, draft_out, err) < 0)
        return -1;
    if (fs_write_all_at(draft_out->fd, zeros, STORE_SLOT_SIZE, 0, err) < 0 ||
        store_unseal(draft_out->fd, err) < 0) {
        store_draft_drop(draft_out);
        return -1;
    }
    if (slots->homes->sync)
        fs_start_writing(draft_out->fd);
    return 0;
}

static int
name_draft(const struct slots *slots, struct store_draft *draft, struct slot *slot, struct err *err)
{
    if ((slots->homes->sync && fs_sync(draft->fd, err) < 0) ||
        store_draft_publish(draft, slots->homes->own->top.fd, slot->name, err) < 0)
        return -1;
    slot->fd = draft->fd;
    return 0;
}

// All are on their way to the disk before the first is synced: so they share what the file system
// commits, for which every other message would have to wait.
static size_t
make_slots(const struct slots *slots, struct batch *batch)
{
    struct store_draft drafts[BATCH_MAX];
    char *zeros = mem_zalloc(STORE_SLOT_SIZE);
    size_t written = 0, made = 0;

    while (written < batch->count && write_draft(slots, batch->slot[written]->name, zeros,
                                                 &drafts[written], &batch->err) == 0)
        written++;
    mem_free(&zeros);
    while (made < written && name_draft(slots, &drafts[made], batch->slot[made], &batch->err) == 0)
        made++;
    for (size_t i = made; i < written; i++)
        store_draft_drop(&drafts[i]);
    return made;
}

static void
work_make(struct task *task)
{
    struct batch *batch = (struct batch *)task;
    const struct slots *slots = batch->slots;
    size_t made = make_slots(slots, batch);

    // A message in a slot whose name is not durable would be lost with the power.
    if (made > 0 && slots->homes->sync && fs_sync(slots->homes->own->top.fd, &batch->err) < 0) {
        for (size_t i = 0; i < made; i++) {
            (void)store_remove(slots->homes->own->top.fd, batch->slot[i]->name, NULL);
            close(batch->slot[i]->fd);
            batch->slot[i]->fd = -1;
        }
    }
}

static void
pull(struct slots *slots, size_t place)
{
    for (; place + 1 < slots->idle_count; place++)
        slots->idle[place] = slots->idle[place + 1];
    slots->idle_count--;
}

// A free slot that cannot be synced may come back to life after a power cut; it goes.
static void
on_sync_failed(void *arg, const struct err *err)
{
    struct slot *slot = arg;
    struct slots *slots = slot->slots;
    size_t i = 0;

    log_alarm("spool", "cannot make %s durable, it is given up: %s", slot->name, err->text);
    while (slots->idle[i] != slot)
        i++;
    pull(slots, i);
    (void)store_remove(slots->homes->own->top.fd, slot->name, NULL);
    slots_let_go(slots, slot, true);
}

static void
push(struct slots *slots, struct slot *slot)
{
    slot->sync.failed = on_sync_failed;
    slot->sync.arg = slot;
    slots->idle[slots->idle_count++] = slot;
}

static void
end_making(struct slots *slots)
{
    struct batch *batch = slots->making;

    slots->making = NULL;
    for (size_t i = 0; i < batch->count; i++) {
        struct slot *slot = batch->slot[i];

        if (slot->fd < 0) {
            mark_free(slots, slot);
            slot_free(slot);
            continue;
        }
        syncer_item_init(&slot->sync, SYNCER_FILE, slot->fd, on_sync_failed, slot);
        push(slots, slot);
    }
    mem_free(&batch);
}

static void
done_make(struct task *task)
{
    struct batch *batch = (struct batch *)task;
    struct slots *slots = batch->slots;

    if (batch->err.kind != ERR_NONE) {
        log_error("spool", "cannot make slots: %s", batch->err.text);
        slots->not_before_ms = loop_now_ms(slots->loop) + FAILED_MS;
    }
    end_making(slots);
}

static void
plan(struct slots *slots, size_t count)
{
    struct batch *batch = mem_zalloc(sizeof *batch);

    batch->slots = slots;
    for (uint16_t number = 0; number < SLOTS_MAX && batch->count < count; number++) {
        struct slot *slot;

        if (slots->is_used[number])
            continue;
        slot = mem_zalloc(sizeof *slot);
        slot->fd = -1;
        slot->number = number;
        slot->slots = slots;
        snprintf(slot->name, sizeof slot->name, "slot-%04u", number);
        slots->is_used[number] = true;
        slots->count++;
        batch->slot[batch->count++] = slot;
    }
    slots->making = batch;
}

static void
look_ahead(struct slots *slots)
{
    size_t low = slots->count / 4 > FREE_LOW ? slots->count / 4 : FREE_LOW;
    size_t room = SLOTS_MAX - slots->count;

    if (slots->making != NULL || slots->idle_count >= low || room == 0 ||
        loop_now_ms(slots->loop) < slots->not_before_ms)
        return;
    plan(slots, room < BATCH_MAX ? room : BATCH_MAX);
    task_start(slots->homes->tasks, &slots->making->task, work_make, done_make);
}

// --- shrinking ---

static void
work_remove(struct task *task)
{
    struct batch *batch = (struct batch *)task;

    for (size_t i = 0; i < batch->count; i++) {
        (void)store_remove(batch->slots->homes->own->top.fd, batch->slot[i]->name, NULL);
        close(batch->slot[i]->fd);
    }
}

static void
done_remove(struct task *task)
{
    struct batch *batch = (struct batch *)task;

    for (size_t i = 0; i < batch->count; i++) {
        mark_free(batch->slots, batch->slot[i]);
        slot_free(batch->slot[i]);
    }
    mem_free(&batch);
}

// The bottom of the stack was idle longest: those were synced long ago.
static void
remove_some(struct slots *slots, size_t count)
{
    struct batch *batch = mem_zalloc(sizeof *batch);

    batch->slots = slots;
    for (size_t i = 0; i < count; i++) {
        syncer_forget(slots->homes->syncer, &slots->idle[i]->sync);
        batch->slot[batch->count++] = slots->idle[i];
    }
    slots->idle_count -= count;
    for (size_t i = 0; i < slots->idle_count; i++)
        slots->idle[i] = slots->idle[i + count];
    task_start(slots->homes->tasks, &batch->task, work_remove, done_remove);
}

static void
start_timer(struct slots *slots)
{
    if (slots->count > SLOTS_FIRST && !loop_timer_is_running(slots->timer)) {
        slots->least_idle = slots->idle_count;
        loop_timer_start(slots->timer, SHRINK_MS);
    }
}

static void
on_timer(void *arg)
{
    struct slots *slots = arg;
    size_t spare;

    if (slots->count <= SLOTS_FIRST)
        return;
    spare = slots->count - SLOTS_FIRST;
    if (spare > slots->least_idle)
        spare = slots->least_idle;
    for (size_t count; spare > 0; spare -= count) {
        count = spare < BATCH_MAX ? spare : BATCH_MAX;
        remove_some(slots, count);
    }
    start_timer(slots);
}

// --- use ---

struct slot *
slots_take(struct slots *slots)
{
    struct slot *slot = NULL;
    size_t place = slots->idle_count;

    // One that the syncer is at is passed over: an error is told once, and its commit must hear it.
    while (place > 0 && slots->idle[place - 1]->sync.is_taken)
        place--;
    if (place > 0) {
        slot = slots->idle[place - 1];
        pull(slots, place - 1);
        syncer_forget(slots->homes->syncer, &slot->sync);
    }
    if (slots->idle_count < slots->least_idle)
        slots->least_idle = slots->idle_count;
    look_ahead(slots);
    return slot;
}

void
slots_give_back(struct slots *slots, struct slot *slot)
{
    push(slots, slot);
    syncer_mark(slots->homes->syncer, &slot->sync);
    start_timer(slots);
}

void
slots_let_go(struct slots *slots, struct slot *slot, bool close_fd)
{
    syncer_forget(slots->homes->syncer, &slot->sync);
    mark_free(slots, slot);
    if (close_fd)
        close(slot->fd);
    slot_free(slot);
    look_ahead(slots);
}

void
slots_leave_lying(struct slots *slots, struct slot *slot)
{
    syncer_forget(slots->homes->syncer, &slot->sync);
    close(slot->fd);
    slot_free(slot);
}

size_t
slots_count(const struct slots *slots)
{
    return slots->count;
}

size_t
slots_idle(const struct slots *slots)
{
    return slots->idle_count;
}

struct slots *
slots_new(struct loop *loop, struct homes *homes, bool unnamed, struct err *err)
{
    struct slots *slots = mem_zalloc(sizeof *slots);

    slots->loop = loop;
    slots->homes = homes;
    slots->unnamed = unnamed;
    slots->timer = loop_timer_new(loop, on_timer, slots);
    do {
        plan(slots, BATCH_MAX);
        work_make(&slots->making->task);
        *err = slots->making->err;
        end_making(slots);
    } while (err->kind == ERR_NONE && slots->count < SLOTS_FIRST);
    if (err->kind != ERR_NONE)
        slots_free(&slots);
    return slots;
}

void
slots_free(struct slots **slots_in)
{
    struct slots *slots = *slots_in;

    if (slots == NULL)
        return;
    for (size_t i = 0; i < slots->idle_count; i++) {
        struct slot *slot = slots->idle[i];

        (void)store_remove(slots->homes->own->top.fd, slot->name, NULL);
        syncer_forget(slots->homes->syncer, &slot->sync);
        close(slot->fd);
        slot_free(slot);
    }
    loop_timer_free(&slots->timer);
    mem_free(slots_in);
}
