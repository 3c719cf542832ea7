// SPDX-License-Identifier: BSD-2-Clause
// spool/ids.h - the ids of the messages that are under way: loaded, open, being given up. Pure.
//
// Borrows the members, which are embedded in what is under way. An id may be there twice (two files
// of one message after a crash); a question is answered by any of them.
#ifndef POSTERN_SPOOL_IDS_H
#define POSTERN_SPOOL_IDS_H

#include <stdbool.h>
#include <stddef.h>

enum { IDS_HEADS = 1024 };

struct ids_member {
    struct ids_member *next;
    const char *id; // NULL: not in the set
    void *owner;    // whoever asks may want it; NULL: nothing to be had
};

struct ids {
    struct ids_member *heads[IDS_HEADS];
    size_t count;
};

void ids_add(struct ids *ids, struct ids_member *member, const char *id, void *owner);
void ids_remove(struct ids *ids, struct ids_member *member); // does nothing if it is not in
const struct ids_member *ids_find(const struct ids *ids, const char *id);

#endif
