// SPDX-License-Identifier: BSD-2-Clause
// mime/reading/look_private.h - what the files of mime/reading/look share.
#ifndef POSTERN_MIME_LOOK_PRIVATE_H
#define POSTERN_MIME_LOOK_PRIVATE_H

#include "mime/pattern.h"
#include "mime/reading/archive.h"
#include "mime/reading/charset.h"
#include "mime/reading/look.h"
#include "mime/reading/meter.h"
#include "mime/reading/parts.h"
#include "mime/reading/walk.h"

struct look {
    const struct dissect_setup *setup;
    struct charsets *charsets;
    struct magic *magic;
    struct sha256 *sha256;
    struct pattern **patterns; // setup->pattern_count
    struct meter meter;
};

struct look_content { // of the part at hand, seen as it was read
    uint8_t sha256[SHA256_LEN];
    struct span sniffed; // until something else is sniffed
    struct span mark;    // what it holds if it asks for a password
    bool has_mark;
};

struct look_job { // one message
    struct look *look;
    struct findings *findings;
    struct archive_budget budget;
    struct parts *parts; // NULL: nobody wants them
    struct look_content content;
};

// look_parts.c: a leaf of the walk: digest, type, archive, links.
void look_read(void *arg, struct pieces *content);
void look_part(void *arg, uint32_t index, const struct walk_part *part);

// look_patterns.c
int look_patterns_compile(struct look *look, struct err *err); // PERM, which one
void look_patterns_free(struct look *look);
void look_patterns(const struct look_job *job, const struct dissect_query *query);

#endif
