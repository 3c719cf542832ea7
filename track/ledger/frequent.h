// SPDX-License-Identifier: BSD-2-Clause
// track/ledger/frequent.h - which texts come most often, in bounded memory. Pure.
//
// Exact as long as no more than FREQUENT_MAX different ones come. After that the rarest are
// forgotten, again and again: what is frequent stays, and is counted too low by what it had when it
// was forgotten last.
#ifndef POSTERN_TRACK_FREQUENT_H
#define POSTERN_TRACK_FREQUENT_H

#include "base/str.h"

struct frequent;

enum { FREQUENT_MAX = 50000, FREQUENT_TEXT_MAX = 320 }; // longer ones are cut

struct frequent_text {
    struct span text; // as long as it is not added to
    uint64_t count;
};

struct frequent *frequent_new(void);
void frequent_free(struct frequent **frequent);
void frequent_add(struct frequent *frequent, struct span text);
// The most frequent ones first, of equal ones in the order of their bytes. Returns how many.
size_t frequent_list(const struct frequent *frequent, size_t max, struct frequent_text *texts_out);

#endif
