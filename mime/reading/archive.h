// SPDX-License-Identifier: BSD-2-Clause
// mime/reading/archive.h - what archives hold, archives in them too, within bounds; door to
// libarchive.
//
// Formats and filters are named one by one: none that would start a program. Members are read to
// their end or the bound, so that a size that lies is noticed. A zip is read by its directory and
// by its local headers: what only one of them names is a member too.
#ifndef POSTERN_MIME_ARCHIVE_H
#define POSTERN_MIME_ARCHIVE_H

#include "mime/findings.h"
#include "mime/reading/magic.h"
#include "mime/settings.h"

struct archive_budget { // of a message; what is left
    uint64_t members, unpacked;
};

enum archive_result {
    ARCHIVE_NONE,    // no archive that we know
    ARCHIVE_READ,    // to its end
    ARCHIVE_DAMAGED, // as far as it went
    ARCHIVE_UNKNOWN, // looks like an archive that we cannot open
    ARCHIVE_LIMIT    // *limit_out tells which
};

struct archive_member {            // valid for the call
    struct finding_member finding; // all but its part
    struct span head;              // its first bytes, at most 4 KB
};

typedef void archive_found(void *arg, const struct archive_member *member);

struct archive_job {
    struct magic *magic;
    const struct dissect_settings *limits;
    struct archive_budget *budget;
    archive_found *found;
    void *arg;
};

// sniffed: magic_of(content). Goes into archives therein down to max_depth levels.
enum archive_result archive_list(const struct archive_job *job, struct span content,
                                 struct span sniffed, enum finding_limit *limit_out);

#endif
