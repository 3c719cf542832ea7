// SPDX-License-Identifier: BSD-2-Clause
// base/buf.h - a growable buffer with a ceiling.
//
// Owns:  its memory; none before the first byte.
// Fails: only where the ceiling (at most SIZE_MAX / 4) would be passed; nothing has been added
// then.
//        Bytes are not NUL-terminated unless buf_text is asked. What is added must not point into
//        the buffer itself.
#ifndef POSTERN_BASE_BUF_H
#define POSTERN_BASE_BUF_H

#include "base/str.h"

struct buf {
    char *data;
    size_t len;
    size_t size;    // allocated
    size_t ceiling; // len never goes beyond
};

void buf_init(struct buf *buf, size_t ceiling);
void buf_clear(struct buf *buf); // frees; usable again, empty, the ceiling kept
void buf_reset(struct buf *buf); // empties, keeps the memory

int buf_add(struct buf *buf, const void *data, size_t len);
int buf_add_span(struct buf *buf, struct span span);
int buf_add_text(struct buf *buf, const char *text);
int buf_add_char(struct buf *buf, char byte);
int buf_add_number(struct buf *buf, uint64_t number); // decimal
int buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

// At least len free bytes behind data + len, to be filled by the caller and then told by
// buf_filled; NULL if the ceiling forbids.
char *buf_space(struct buf *buf, size_t len);
void buf_filled(struct buf *buf, size_t len);

void buf_drop(struct buf *buf, size_t len); // from the front
void buf_cut(struct buf *buf, size_t len);  // keeps the first len bytes; both: at most buf->len

struct span buf_span(const struct buf *buf);
const char *buf_text(struct buf *buf); // NUL-terminated (the NUL is not counted in len)

#endif
