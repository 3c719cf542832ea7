// SPDX-License-Identifier: BSD-2-Clause
// mime/reading/walk.h - the parts of a message, in every reading that we know of.
//
// The first reading goes as GMime does: the last of two fields, the first of two parameters. Where
// another reader would see something else, the bytes are read that way, too, and give further
// parts; so does each leaf that GMime (mime/reading/outline) sees and we did not.
#ifndef POSTERN_MIME_WALK_H
#define POSTERN_MIME_WALK_H

#include "mime/findings.h"
#include "mime/reading/charset.h"
#include "mime/reading/meter.h"
#include "mime/reading/pieces.h"
#include "mime/reading/prescan.h"

struct walk_part { // while the walk goes on: what mime/reading/look needs beside the finding
    struct finding_part *part; // until something is added to the findings
    struct pieces *content;    // decoded; all were read
    struct span text;          // of a text part: as UTF-8, the first 8 MB
};

// Reads the pieces of what a leaf holds to their end; then it is found.
typedef void walk_read(void *arg, struct pieces *content);
typedef void walk_found(void *arg, uint32_t index, const struct walk_part *part);

struct walk {
    struct span message;
    const struct prescan *prescan;
    const struct dissect_settings *limits;
    struct charsets *charsets;
    struct meter *meter; // its kinds are enum look_work
    struct findings *findings;
    struct ebb *ebb; // of the message, or NULL
    walk_read *read;
    walk_found *found;
    void *arg;
};

void walk_init(void); // once in a process
// Adds headers, parts and marks to findings; read and found come for each leaf, in order. Sets a
// limit and ends where one is passed; prescan's is taken over, and only headers are read then.
void walk_run(const struct walk *walk);

#endif
