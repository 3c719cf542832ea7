// SPDX-License-Identifier: BSD-2-Clause
// base/id.h - message ids: 11 characters [0-9A-Za-z], ascending with time, unique on this machine.
//
// 64 bits: 41 of milliseconds since 2020, 10 of the maker (each live process has its own), 13 of a
// counter. A clock that goes back, or more than 8192 ids in a millisecond, borrows from the next
// millisecond; ids of one maker never repeat and never go down.
// A child's id is its parent's, a dot and a suffix [0-9a-z]+; at most ID_MAX characters in all.
#ifndef POSTERN_BASE_ID_H
#define POSTERN_BASE_ID_H

#include "base/str.h"

enum { ID_LEN = 11, ID_MAX = 40, ID_TAGS = 1024 };

struct id_maker {
    uint16_t tag; // 0..1023
    uint64_t last;
};

void id_maker_init(struct id_maker *maker, uint16_t tag); // tag < ID_TAGS
void id_next(struct id_maker *maker, int64_t realtime_ms, char out[ID_LEN + 1]);
// -1: would be too long, or the parent is not valid.
int id_child(const char *parent, uint32_t number, char out[ID_MAX + 1]);
bool id_is_valid(struct span text); // our own or a child's; safe as a file name
int64_t id_time_ms(const char *id); // when it was made, ms since 1970; 0 if not valid

#endif
