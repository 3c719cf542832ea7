// SPDX-License-Identifier: BSD-2-Clause
// mime/reading/readings.h - all the ways to read one text, each once. Pure.
//
// Owns: its lists; the texts are in the arena. The first added is the best one.
// What readers do to a name (decode it, cut it, leave out what cannot be seen) is done in every
// combination, within a bound: is_over tells that there would have been more.
#ifndef POSTERN_MIME_READINGS_H
#define POSTERN_MIME_READINGS_H

#include "base/arena.h"
#include "mime/reading/charset.h"
#include "mime/reading/words.h"

enum { READINGS_MAX = 1000 };

struct readings {
    struct span *texts;
    uint32_t *digests;
    size_t count, size;
    bool is_over;
};

struct readings_setup {
    struct charsets *charsets;
    struct arena *arena;
    struct words_oddities *oddities;
    size_t work; // bytes that may still be looked at
};

// True if it is new. An empty text counts only as the first.
bool readings_add(struct readings *readings, struct span text, struct arena *arena);
// What follows from those that are there; is_name: a file's, whose path and end readers cut.
void readings_derive(struct readings *readings, bool is_name, struct readings_setup *setup);
void readings_clear(struct readings *readings);

// "%2e"; false: there is none.
bool readings_percent(struct span text, struct buf *out);

#endif
