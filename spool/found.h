// SPDX-License-Identifier: BSD-2-Clause
// spool/found.h - what an adopted folder holds, looked at as briefly as can be. For pool jobs.
//
// A file of a bucket: its name is its id, its time of change the next try; it is not opened. A
// slot: its first lines are read, and one that is not sealed is removed, as is whatever a crash
// left hidden. What cannot be told here the loading will tell.
#ifndef POSTERN_SPOOL_FOUND_H
#define POSTERN_SPOOL_FOUND_H

#include "spool/slots.h"

enum { FOUND_MAX = 1000 };

struct found {
    int64_t due_ms;
    char id[ID_MAX + 1];
    char name[SLOTS_NAME_MAX]; // a slot's; "": as the id
};

struct found_list {
    struct found items[FOUND_MAX];
    size_t count;
};

// Names that are not ours are passed over. The list has room for one more.
void found_file(struct found_list *list, int dir_fd, const char *name);
void found_slot(struct found_list *list, int dir_fd, const char *name);

#endif
