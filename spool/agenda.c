// SPDX-License-Identifier: BSD-2-Clause
#include "spool/agenda.h"

#include <assert.h>
#include <string.h>

#include "base/digest.h"
#include "base/mem.h"

enum { SIZE_FIRST = 64, TEXT_MAX = 255 };

void
agenda_init(struct agenda *agenda)
{
    *agenda = (struct agenda){0};
}

void
agenda_clear(struct agenda *agenda)
{
    for (size_t i = 0; i < agenda->count; i++)
        agenda_entry_free(&agenda->heap[i]);
    mem_free(&agenda->heap);
    mem_free(&agenda->table);
    agenda_init(agenda);
}

struct agenda_entry *
agenda_entry_new(const char *id, const char *name, void *where)
{
    size_t id_size = strlen(id) + 1;
    size_t name_size = name == NULL ? 0 : strlen(name) + 1;
    struct agenda_entry *entry = mem_zalloc(sizeof *entry + id_size + name_size);

    assert(id_size <= TEXT_MAX);
    memcpy(entry->text, id, id_size);
    if (name != NULL) {
        memcpy(entry->text + id_size, name, name_size);
        entry->name_at = (uint8_t)id_size;
    }
    entry->where = where;
    return entry;
}

void
agenda_entry_free(struct agenda_entry **entry)
{
    mem_free(entry);
}

const char *
agenda_entry_id(const struct agenda_entry *entry)
{
    return entry->text;
}

const char *
agenda_entry_name(const struct agenda_entry *entry)
{
    return entry->text + entry->name_at;
}

static bool
is_before(const struct agenda_entry *a, const struct agenda_entry *b)
{
    if (a->due_ms != b->due_ms)
        return a->due_ms < b->due_ms;
    return strcmp(a->text, b->text) < 0;
}

static void
put(struct agenda *agenda, size_t place, struct agenda_entry *entry)
{
    agenda->heap[place] = entry;
    entry->place = (uint32_t)place;
}

static void
sift_up(struct agenda *agenda, size_t place)
{
    struct agenda_entry *entry = agenda->heap[place];

    while (place > 0) {
        size_t parent = (place - 1) / 2;

        if (!is_before(entry, agenda->heap[parent]))
            break;
        put(agenda, place, agenda->heap[parent]);
        place = parent;
    }
    put(agenda, place, entry);
}

static void
sift_down(struct agenda *agenda, size_t place)
{
    struct agenda_entry *entry = agenda->heap[place];

    for (;;) {
        size_t child = 2 * place + 1;

        if (child >= agenda->count)
            break;
        if (child + 1 < agenda->count && is_before(agenda->heap[child + 1], agenda->heap[child]))
            child++;
        if (!is_before(agenda->heap[child], entry))
            break;
        put(agenda, place, agenda->heap[child]);
        place = child;
    }
    put(agenda, place, entry);
}

static struct agenda_entry **
head_of(const struct agenda *agenda, const char *id)
{
    return &agenda->table[digest_sum64(span_of(id), 0) % agenda->table_size];
}

static void
table_grow(struct agenda *agenda)
{
    size_t size = agenda->table_size == 0 ? SIZE_FIRST : agenda->table_size * 2;

    mem_free(&agenda->table);
    agenda->table = mem_zarray(size, sizeof(struct agenda_entry *));
    agenda->table_size = size;
    for (size_t i = 0; i < agenda->count; i++) {
        struct agenda_entry **head = head_of(agenda, agenda->heap[i]->text);

        agenda->heap[i]->next = *head;
        *head = agenda->heap[i];
    }
}

void
agenda_add(struct agenda *agenda, struct agenda_entry *entry, int64_t due_ms)
{
    struct agenda_entry **head;

    assert(agenda->count < UINT32_MAX);
    if (agenda->count >= agenda->table_size)
        table_grow(agenda);
    if (agenda->count == agenda->heap_size) {
        agenda->heap_size = agenda->heap_size == 0 ? SIZE_FIRST : agenda->heap_size * 2;
        agenda->heap = mem_regrow(agenda->heap, agenda->heap_size, sizeof(struct agenda_entry *));
    }
    entry->due_ms = due_ms;
    head = head_of(agenda, entry->text);
    entry->next = *head;
    *head = entry;
    agenda->heap[agenda->count] = entry;
    agenda->count++;
    sift_up(agenda, agenda->count - 1);
}

const struct agenda_entry *
agenda_first(const struct agenda *agenda)
{
    return agenda->count == 0 ? NULL : agenda->heap[0];
}

struct agenda_entry *
agenda_find(const struct agenda *agenda, const char *id)
{
    struct agenda_entry *entry;

    if (agenda->count == 0)
        return NULL;
    entry = *head_of(agenda, id);
    while (entry != NULL && strcmp(entry->text, id) != 0)
        entry = entry->next;
    return entry;
}

void
agenda_remove(struct agenda *agenda, struct agenda_entry *entry)
{
    struct agenda_entry **link = head_of(agenda, entry->text);
    size_t place = entry->place;

    assert(place < agenda->count && agenda->heap[place] == entry);
    while (*link != entry)
        link = &(*link)->next;
    *link = entry->next;
    entry->next = NULL;
    agenda->count--;
    if (place == agenda->count)
        return;
    // The last one fills the hole and may have to go either way.
    put(agenda, place, agenda->heap[agenda->count]);
    sift_up(agenda, place);
    sift_down(agenda, agenda->heap[place]->place);
}

void
agenda_hasten(struct agenda *agenda, int64_t now_ms)
{
    for (size_t i = 0; i < agenda->count; i++) {
        if (agenda->heap[i]->due_ms <= now_ms)
            continue;
        agenda->heap[i]->due_ms = now_ms;
        agenda->heap[i]->is_hastened = true;
    }
    for (size_t i = agenda->count / 2; i > 0; i--)
        sift_down(agenda, i - 1);
}
