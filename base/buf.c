// SPDX-License-Identifier: BSD-2-Clause
#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

enum { FIRST_SIZE = 256 };

// Is there room for len more bytes and a NUL behind them? A ceiling may have come down meanwhile.
static inline bool
has_room(const struct buf *buf, size_t len)
{
    return len < buf->size - buf->len && len <= buf->ceiling - buf->len;
}

// Makes that room; len is known to keep below the ceiling.
static void
grow(struct buf *buf, size_t len)
{
    size_t need = buf->len + len + 1;
    size_t size = buf->size > 0 ? buf->size : FIRST_SIZE;

    while (size < need)
        size *= 2;
    if (size > buf->ceiling + 1)
        size = buf->ceiling + 1;
    buf->data = mem_regrow(buf->data, size, 1);
    buf->size = size;
}

void
buf_init(struct buf *buf, size_t ceiling)
{
    assert(ceiling <= SIZE_MAX / 4); // sums and doublings below cannot overflow
    *buf = (struct buf){.ceiling = ceiling};
}

void
buf_clear(struct buf *buf)
{
    mem_free(&buf->data);
    buf->len = 0;
    buf->size = 0;
}

void
buf_reset(struct buf *buf)
{
    buf->len = 0;
}

static inline char *
space_for(struct buf *buf, size_t len)
{
    if (!has_room(buf, len)) {
        if (len > buf->ceiling - buf->len)
            return NULL;
        grow(buf, len);
    }
    return buf->data + buf->len;
}

char *
buf_space(struct buf *buf, size_t len)
{
    return space_for(buf, len);
}

int
buf_add(struct buf *buf, const void *data, size_t len)
{
    char *space;

    if (len == 0)
        return 0;
    space = space_for(buf, len);
    if (space == NULL)
        return -1;
    memcpy(space, data, len);
    buf->len += len;
    return 0;
}

int
buf_add_span(struct buf *buf, struct span span)
{
    return buf_add(buf, span.data, span.len);
}

int
buf_add_text(struct buf *buf, const char *text)
{
    return buf_add(buf, text, strlen(text));
}

int
buf_add_char(struct buf *buf, char byte)
{
    return buf_add(buf, &byte, 1);
}

int
buf_add_number(struct buf *buf, uint64_t number)
{
    char digits[20]; // of 64 bits
    size_t at = sizeof digits;

    do
        digits[--at] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    return buf_add(buf, digits + at, sizeof digits - at);
}

int
buf_printf(struct buf *buf, const char *format, ...)
{
    size_t room = buf->size - buf->len;
    char *space;
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(room > 0 ? buf->data + buf->len : NULL, room, format, args);
    va_end(args);
    if (len < 0)
        return -1;
    space = buf_space(buf, (size_t)len);
    if (space == NULL)
        return -1;
    if ((size_t)len >= room) {
        va_start(args, format);
        vsnprintf(space, (size_t)len + 1, format, args);
        va_end(args);
    }
    buf->len += (size_t)len;
    return 0;
}

void
buf_filled(struct buf *buf, size_t len)
{
    assert(len <= buf->size - buf->len && len <= buf->ceiling - buf->len);
    buf->len += len;
}

void
buf_drop(struct buf *buf, size_t len)
{
    assert(len <= buf->len);
    if (len > 0 && len < buf->len)
        memmove(buf->data, buf->data + len, buf->len - len);
    buf->len -= len;
}

void
buf_cut(struct buf *buf, size_t len)
{
    assert(len <= buf->len);
    buf->len = len;
}

struct span
buf_span(const struct buf *buf)
{
    return span_from(buf->data, buf->len);
}

const char *
buf_text(struct buf *buf)
{
    if (!has_room(buf, 0))
        grow(buf, 0);
    buf->data[buf->len] = '\0';
    return buf->data;
}
