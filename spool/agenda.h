// SPDX-License-Identifier: BSD-2-Clause
// spool/agenda.h - the messages that wait, in order of their next try. Pure.
//
// A heap by (time, id) and a table by id. An entry is one allocation; with its share of heap and
// table it stays below 200 bytes. Where times are equal the shorter id comes first, so that a child
// never comes before the parent it was made from. An id may be there twice (two files of one
// message after a crash).
#ifndef POSTERN_SPOOL_AGENDA_H
#define POSTERN_SPOOL_AGENDA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct agenda_entry {
    int64_t due_ms; // since 1970
    void *where;    // the folder, the caller's
    struct agenda_entry *next;
    uint32_t place; // in the heap
    uint8_t name_at;
    bool is_adopted;
    bool is_hastened; // what its journal says of a next try counts no more
    char text[];      // id, and behind it the file's name if that is another
};

struct agenda {
    struct agenda_entry **heap;
    struct agenda_entry **table;
    size_t count, heap_size, table_size;
};

void agenda_init(struct agenda *agenda);
void agenda_clear(struct agenda *agenda); // frees all entries

// name NULL: the file is called as the id is.
struct agenda_entry *agenda_entry_new(const char *id, const char *name, void *where);
void agenda_entry_free(struct agenda_entry **entry);
const char *agenda_entry_id(const struct agenda_entry *entry);
const char *agenda_entry_name(const struct agenda_entry *entry);

void agenda_add(struct agenda *agenda, struct agenda_entry *entry_take, int64_t due_ms);
const struct agenda_entry *agenda_first(const struct agenda *agenda); // NULL: empty
struct agenda_entry *agenda_find(const struct agenda *agenda, const char *id);
// The entry is the caller's again.
void agenda_remove(struct agenda *agenda, struct agenda_entry *entry);
// What is due later becomes due at now_ms.
void agenda_hasten(struct agenda *agenda, int64_t now_ms);

#endif
