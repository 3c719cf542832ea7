// SPDX-License-Identifier: BSD-2-Clause
// mime/walk.h - the parts of a message, in every reading that we know of; door to GMime.
//
// GMime reads; where it stops short of what another reader would see (mime facts in README's design
// section), the raw bytes are read a second way and give further parts. Never serialises.
#ifndef POSTERN_MIME_WALK_H
#define POSTERN_MIME_WALK_H

#include "mime/charset.h"
#include "mime/findings.h"
#include "mime/prescan.h"

struct walk_part { // while the walk goes on: what mime/look needs beside the finding
    struct finding_part *part;
    struct span raw;     // its body as it stands, still encoded
    struct span content; // decoded (a leaf), at most what max_unpacked leaves
    struct span text;    // of a text part: as UTF-8
};

typedef void walk_found(void *arg, uint32_t index, const struct walk_part *part);

void walk_init(void); // once in a process
// Adds headers, parts and marks to findings; found comes for each leaf, in order. Sets a limit and
// ends where one is passed.
void walk_run(struct span message, const struct prescan *prescan,
              const struct dissect_settings *limits, struct charsets *charsets,
              struct findings *findings, walk_found *found, void *arg);

#endif
