// SPDX-License-Identifier: BSD-2-Clause
#include "track/maillog/pending.h"

#include <string.h>

#include "base/mem.h"

struct entry {
    struct entry *next;
    uint64_t added_ms, due_ms;
    size_t size;
    struct maillog_line line; // spans into text
    struct span place;
    char text[];
};

struct queue {
    struct entry *first, *last;
};

// Those that were asked about so many times. In a queue all have the same pause, so that its first
// is due first; and as nobody overtakes anybody, all in it came before all in the queue below.
struct pending {
    struct queue asked[PENDING_TRIES_MAX + 1];
    size_t count, bytes;
};

struct pending *
pending_new(void)
{
    return mem_zalloc(sizeof(struct pending));
}

static void
put_last(struct queue *queue, struct entry *entry)
{
    entry->next = NULL;
    if (queue->last != NULL)
        queue->last->next = entry;
    else
        queue->first = entry;
    queue->last = entry;
}

static struct entry *
take_first(struct queue *queue)
{
    struct entry *entry = queue->first;

    queue->first = entry->next;
    if (queue->first == NULL)
        queue->last = NULL;
    return entry;
}

static void
drop(struct pending *pending, struct entry *entry)
{
    pending->count--;
    pending->bytes -= entry->size;
    mem_free(&entry);
}

// The queue whose first is the oldest of all; where nobody waits, the first queue.
static size_t
oldest(const struct pending *pending)
{
    size_t tries = PENDING_TRIES_MAX;

    while (tries > 0 && pending->asked[tries].first == NULL)
        tries--;
    return tries;
}

static void
drop_oldest(struct pending *pending)
{
    drop(pending, take_first(&pending->asked[oldest(pending)]));
}

void
pending_free(struct pending **pending)
{
    if (*pending == NULL)
        return;
    while ((*pending)->count > 0)
        drop_oldest(*pending);
    mem_free(pending);
}

static struct span
copy(char **at, struct span span)
{
    struct span copied = span_from(*at, span.len);

    if (span.len > 0)
        memcpy(*at, span.data, span.len);
    *at += span.len;
    return copied;
}

static struct entry *
make_entry(const struct maillog_line *line, struct span place, uint64_t now_ms)
{
    size_t len = line->service.len + line->queue_id.len + line->to.len + line->orig_to.len +
                 line->relay.len + line->dsn.len + line->text.len + place.len;
    struct entry *entry = mem_zalloc(sizeof *entry + len);
    char *at = entry->text;

    entry->size = sizeof *entry + len;
    entry->added_ms = entry->due_ms = now_ms;
    entry->line = *line;
    entry->line.service = copy(&at, line->service);
    entry->line.queue_id = copy(&at, line->queue_id);
    entry->line.to = copy(&at, line->to);
    entry->line.orig_to = copy(&at, line->orig_to);
    entry->line.relay = copy(&at, line->relay);
    entry->line.dsn = copy(&at, line->dsn);
    entry->line.text = copy(&at, line->text);
    entry->place = copy(&at, place);
    return entry;
}

void
pending_add(struct pending *pending, const struct maillog_line *line, struct span place,
            uint64_t now_ms)
{
    struct entry *entry = make_entry(line, place, now_ms);

    while (pending->count > 0 && pending->bytes + entry->size > PENDING_BYTES_MAX)
        drop_oldest(pending);
    put_last(&pending->asked[0], entry);
    pending->count++;
    pending->bytes += entry->size;
}

static bool
is_due(const struct queue *queue, uint64_t now_ms)
{
    return queue->first != NULL && queue->first->due_ms <= now_ms;
}

// It was asked about `tries` times before.
static void
ask(struct pending *pending, size_t tries, uint64_t now_ms, pending_claim *claim, void *arg)
{
    struct entry *entry = take_first(&pending->asked[tries]);
    uint64_t last_ms = entry->added_ms + PENDING_MS;

    if (claim(arg, &entry->line)) {
        drop(pending, entry);
        return;
    }
    entry->due_ms = now_ms + ((uint64_t)PENDING_PAUSE_MS << tries);
    if (entry->due_ms > last_ms)
        entry->due_ms = last_ms;
    put_last(&pending->asked[tries + 1], entry);
}

void
pending_each(struct pending *pending, uint64_t now_ms, pending_claim *claim, void *arg)
{
    for (size_t tries = PENDING_TRIES_MAX; tries > 0; tries--) {
        while (is_due(&pending->asked[tries - 1], now_ms))
            ask(pending, tries - 1, now_ms, claim, arg);
    }
}

bool
pending_is_due(const struct pending *pending, uint64_t now_ms)
{
    for (size_t tries = 0; tries < PENDING_TRIES_MAX; tries++) {
        if (is_due(&pending->asked[tries], now_ms))
            return true;
    }
    return false;
}

void
pending_expire(struct pending *pending, uint64_t now_ms)
{
    while (pending->count > 0 &&
           pending->asked[oldest(pending)].first->added_ms + PENDING_MS <= now_ms)
        drop_oldest(pending);
}

size_t
pending_count(const struct pending *pending)
{
    return pending->count;
}

struct span
pending_place(const struct pending *pending)
{
    const struct entry *first = pending->asked[oldest(pending)].first;

    return first == NULL ? span_of(NULL) : first->place;
}
