// SPDX-License-Identifier: BSD-2-Clause
// filters/content.h - the message as filters read it: in memory, or block by block from a file.
//
// Owns:  its descriptors and copies, until content_free; several filters may read side by side.
//        Reads that may wait run in the pool, and so does the copy that content_alone may need.
#ifndef POSTERN_FILTERS_CONTENT_H
#define POSTERN_FILTERS_CONTENT_H

#include "base/pool.h"
#include "base/str.h"

struct content;
struct content_read;

typedef void content_done(void *arg, const struct err *err); // err NULL: it worked

struct content_source {
    struct span memory; // borrowed; the whole message, or {NULL, 0}
    int fd_take;        // a description of its own, read only; -1: memory is there
    uint64_t offset, len;
    int dir_fd;    // borrowed: where an unnamed copy may be made
    bool is_alone; // fd_take holds the message and nothing else: no copy is needed
};

struct content *content_new(struct loop *loop, struct pool *pool,
                            const struct content_source *source);
// What still runs is ignored, and freed when it ends; nothing of it may be cancelled after this.
void content_free(struct content **content);
uint64_t content_len(const struct content *content);
struct span content_memory(const struct content *content); // data NULL: content_read_start

// len bytes at offset into data, never past the end: at once, where they lie in memory; false: to
// be asked for by start, whose data lives until done or cancel.
bool content_read_now(const struct content *content, uint64_t offset, char *data, size_t len);
struct content_read *content_read_start(struct content *content, uint64_t offset, char *data,
                                        size_t len, content_done *done, void *arg);
void content_read_cancel(struct content_read **read);

// A descriptor that holds the message and nothing else (a memfd up to 256 KB, else an unnamed
// file); made at the first request, then kept. Valid until content_free. *fd_out is set when done
// comes.
void content_alone(struct content *content, int *fd_out, content_done *done, void *arg);
void content_alone_cancel(struct content *content, void *arg);

#endif
