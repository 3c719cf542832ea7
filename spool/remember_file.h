// SPDX-License-Identifier: BSD-2-Clause
// spool/remember_file.h - the rows of spool/remember.h on disk: their locks, reading and writing.
//
// What an owner cannot write, because the disk has an error, he owes: he sees the row as if it had
// been written, and writes it before anything else is done in that bucket, or when he is told to
// settle. Without that a recipient would be under way for as long as his former owner lives.
#ifndef POSTERN_SPOOL_REMEMBER_FILE_H
#define POSTERN_SPOOL_REMEMBER_FILE_H

#include <stddef.h>

#include "spool/remember.h"

enum { REMEMBER_ROWS = 16 };

struct remember_row {
    uint64_t check; // of what follows; anything else: no row
    struct digest_value key;
    uint64_t owner; // of whom he is under way; 0: answered
    int64_t at_ms;
    int32_t code;
    char id[ID_MAX + 1];
    char enhanced[sizeof((struct smtp_reply *)NULL)->enhanced];
    char text[159];
};

_Static_assert(sizeof(struct remember_row) == 256, "rows do not straddle pages");

struct remember_bucket { // while it is locked
    struct remember_row rows[REMEMBER_ROWS];
    int64_t now_ms;
    uint64_t number;
};

struct remember_run { // rows that follow each other, to be written at once
    struct remember_row rows[REMEMBER_ROWS];
    struct digest_value keys[REMEMBER_ROWS]; // of what stands there still
    uint64_t first;
    size_t count;
    bool may_owe;
    bool has_failed; // since it was asked, one that may not be owed
};

struct remember_owed;

struct remember {
    int fd;
    uint64_t owner;
    uint64_t buckets;
    uint64_t seed;
    int64_t lifetime_ms;
    struct remember_bucket held;
    bool is_held;
    bool is_claimed[REMEMBER_ROWS]; // since then
    struct remember_run run;
    struct remember_owed *owed;
};

bool remember_is_alive(const struct remember *remember, uint64_t owner);
// -1: it has an error, or (EAGAIN) somebody has had it for too long.
int remember_lock(const struct remember *remember, uint64_t bucket);
void remember_unlock(const struct remember *remember, uint64_t bucket);
// What is torn is no row: zero.
int remember_read(struct remember *remember, uint64_t number, int64_t now_ms,
                  struct remember_bucket *bucket);
// Still under way here, if it was written at all: it must not stay so. What is owed there already
// is still owed.
void remember_owe_none(struct remember *remember, uint64_t number, struct digest_value key);
// Both write at the next remember_flush, or before.
void remember_add(struct remember *remember, uint64_t number, struct remember_row *row);
// In place of one with that key, which is ours or answered: at last once the disk takes it.
void remember_add_or_owe(struct remember *remember, uint64_t number, struct digest_value key,
                         struct remember_row *row);

#endif
