// SPDX-License-Identifier: BSD-2-Clause
// mime/reading/look.h - looks into one message: all that happens in the jail, in a function.
//
// Blocking and single-threaded; needs no file but the message's bytes. The same in a jail and out
// of it (a test holds both against each other).
#ifndef POSTERN_MIME_LOOK_H
#define POSTERN_MIME_LOOK_H

#include "mime/findings.h"
#include "mime/query.h"

struct look; // readers, databases, compiled patterns; made once, before the jail

// Loads everything that looking needs: GMime, charsets, libmagic's database, archive readers,
// digests, patterns. The setup must outlive it. PERM: a pattern that is none, a database missing.
struct look *look_new(const struct dissect_setup *setup, struct err *err);
void look_free(struct look **look);

// Never fails on account of the message: what cannot be read is a limit or a defect in the
// findings. TEMP: the descriptor could not be read. NULL then. Where the query asks for decoded
// parts, its parts_fd is written.
struct findings *look_at(struct look *look, const struct dissect_query *query, int fd,
                         struct err *err);

// CPU time that the parts of the work took since the start, in ns (for the bench).
enum look_work {
    LOOK_READ,    // bytes into memory
    LOOK_PRESCAN, // limits on raw bytes
    LOOK_PARSE,   // GMime
    LOOK_DECODE,  // transfer encodings, digests of parts, texts
    LOOK_SNIFF,   // libmagic
    LOOK_ARCHIVE, // libarchive
    LOOK_PATTERN, // PCRE2
    LOOK_WORK_COUNT
};

const char *look_work_name(enum look_work work);
void look_measure(struct look *look, bool on);       // off at first: it costs a clock call each
const uint64_t *look_times(const struct look *look); // LOOK_WORK_COUNT of them

#endif
