// SPDX-License-Identifier: BSD-2-Clause
// mime/query.h - what a dissector is told: once, what to look for; then, one message each. Pure.
//
// setup: limits and patterns, given to the nursery when it starts and the same for all messages of
// one configuration. query: one message; its bytes follow in the payload, or stand in a descriptor
// that comes with it.
#ifndef POSTERN_MIME_QUERY_H
#define POSTERN_MIME_QUERY_H

#include "base/arena.h"
#include "base/err.h"
#include "mime/settings.h"

// What a rule's regular expression is tried on. Envelope texts come with the query.
enum pattern_target {
    PATTERN_FROM,
    PATTERN_TO, // each recipient by itself
    PATTERN_HELO,
    PATTERN_USER,
    PATTERN_CLIENT_NAME,
    PATTERN_SUBJECT,
    PATTERN_HEADER,     // "name: value" of each field, decoded
    PATTERN_ATTACHMENT, // each name of each part and member
    PATTERN_MIME_TYPE,  // declared and sniffed
    PATTERN_TARGET_COUNT
};

const char *pattern_target_name(enum pattern_target target); // as the condition: "from", ...

struct pattern_spec {
    enum pattern_target target;
    struct span text; // PCRE2, without the slashes
    bool ignore_case;
};

enum { PATTERNS_MAX = 4096, PATTERN_TEXT_MAX = 4096 };

struct dissect_setup {
    struct arena arena;
    struct dissect_settings limits; // numbers only: no text of it goes over
    struct pattern_spec *patterns;  // a pattern's number is its index
    size_t pattern_count;
};

struct dissect_query {
    struct arena arena;
    struct span id; // for reports only
    uint64_t offset, len;
    struct span content; // len bytes; or {NULL, 0}, and a descriptor holds them at offset
    struct span from, helo, user, client_name;
    struct span *rcpts;
    size_t rcpt_count;
    uint64_t parts_max; // of an archive of decoded parts (mime/reading/parts); 0: none is asked for
    int parts_fd;       // for it, with parts_max; goes over in front of the content's
};

// -1: more than a frame may hold.
int query_setup_write(const struct dissect_setup *setup, struct buf *out);
int query_setup_read(struct span payload, struct dissect_setup *setup_out, struct err *err);
void query_setup_clear(struct dissect_setup *setup);
// content is borrowed from the payload.
int query_write(const struct dissect_query *query, struct buf *out);
int query_read(struct span payload, struct dissect_query *query_out, struct err *err);
void query_clear(struct dissect_query *query);

// Frame types on the lines between worker, nursery and dissector. Each end begins with the hello of
// its build; a dissector's comes from the jail, and nobody asks it anything before.
enum query_frame {
    QUERY_SPAWN = 1, // worker to nursery, with the dissector's end of a new line: "number"
    QUERY_SPAWNED,   // nursery to worker, one for each SPAWN: "number pid" with a pidfd, or
                     // "number 0 reason" without
    QUERY_ENDED,     // nursery to worker: "pid was killed by signal 11"
    QUERY_LOOK,      // worker to dissector: a query, with descriptors for decoded parts where they
                     // are asked for, and of the content where that is not in it
    QUERY_FOUND,     // dissector to worker: findings
    QUERY_FAILED,    // dissector to worker: why the bytes could not be read
};

#endif
