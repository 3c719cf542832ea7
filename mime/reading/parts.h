// SPDX-License-Identifier: BSD-2-Clause
// mime/reading/parts.h - decoded leaves as an archive that scanners can read: a tar in a
// descriptor.
//
// Written in the jail, into a file that the worker gave for it and can seal. Names are numbers:
// nothing of the message is in it but contents, each once.
#ifndef POSTERN_MIME_PARTS_H
#define POSTERN_MIME_PARTS_H

#include "base/digest.h"

enum { PARTS_FILES_MAX = 5000 }; // clamd looks at 10,000, and at what lies in them

struct parts {
    int fd;
    uint64_t max, len; // bytes
    uint8_t (*digests)[SHA256_LEN];
    size_t count, room;
    uint64_t written; // of the content at hand
    bool is_spilt;    // it was too much, or could not be written
    bool has_more;    // than the archive may hold, or could be written
};

// Leaves room for the archive's end. fd is borrowed.
void parts_init(struct parts *parts, int fd, uint64_t max);
void parts_clear(struct parts *parts);
void parts_write(struct parts *parts, struct span piece);
// All that was written since the last one: a content. An empty one, and one that was there, are
// left out.
void parts_add(struct parts *parts, const uint8_t sha256[SHA256_LEN]);
uint64_t parts_end(struct parts *parts); // the whole length; 0: there is nothing in it

#endif
