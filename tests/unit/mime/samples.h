// SPDX-License-Identifier: BSD-2-Clause
// tests/unit/mime/samples.h - what tests hide in messages: the EICAR string, archives made by hand.
#ifndef POSTERN_TESTS_UNIT_MIME_SAMPLES_H
#define POSTERN_TESTS_UNIT_MIME_SAMPLES_H

#include <stdint.h>
#include <string.h>

#include "base/buf.h"

// In pieces, so that no scanner finds it here.
static inline struct span
sample_eicar(void)
{
    static char text[69];

    strcpy(text, "X5O!P%@AP[4\\PZX54(P^)7CC)7}$EI");
    strcat(text, "CAR-STANDARD-ANTI");
    strcat(text, "VIRUS-TEST-FILE!$H+H*");
    return span_of(text);
}

static inline uint32_t
sample_crc(struct span data)
{
    uint32_t crc = 0xffffffff;

    for (size_t i = 0; i < data.len; i++) {
        crc ^= (unsigned char)data.data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xedb88320 : 0);
    }
    return ~crc;
}

static inline void
sample_number(struct buf *out, uint32_t number, int bytes)
{
    for (int i = 0; i < bytes; i++)
        (void)buf_add_char(out, (char)(number >> 8 * i & 0xff));
}

struct sample_member {
    const char *local, *central; // its name in both places
    struct span content;
};

// The 26 bytes that a local header and a directory's entry share, from "version needed" on.
static inline void
sample_zip_fields(struct buf *out, const char *name, struct span content)
{
    sample_number(out, 20, 2);
    sample_number(out, 0, 2); // flags
    sample_number(out, 0, 2); // stored
    sample_number(out, 0x58210000, 4);
    sample_number(out, sample_crc(content), 4);
    sample_number(out, (uint32_t)content.len, 4);
    sample_number(out, (uint32_t)content.len, 4);
    sample_number(out, (uint32_t)strlen(name), 2);
    sample_number(out, 0, 2);
}

// A zip of stored members; out may hold something in front of it.
static inline void
sample_zip(struct buf *out, const struct sample_member *members, size_t count)
{
    uint32_t offsets[16], directory, size;
    size_t base = out->len;

    for (size_t i = 0; i < count; i++) {
        offsets[i] = (uint32_t)(out->len - base);
        (void)buf_add(out, "PK\3\4", 4);
        sample_zip_fields(out, members[i].local, members[i].content);
        (void)buf_add_text(out, members[i].local);
        (void)buf_add_span(out, members[i].content);
    }
    directory = (uint32_t)(out->len - base);
    for (size_t i = 0; i < count; i++) {
        (void)buf_add(out, "PK\1\2\24\0", 6);
        sample_zip_fields(out, members[i].central, members[i].content);
        sample_number(out, 0, 2);
        sample_number(out, 0, 2);
        sample_number(out, 0, 2);
        sample_number(out, 0, 4);
        sample_number(out, offsets[i], 4);
        (void)buf_add_text(out, members[i].central);
    }
    size = (uint32_t)(out->len - base) - directory;
    (void)buf_add(out, "PK\5\6\0\0\0\0", 8);
    sample_number(out, (uint32_t)count, 2);
    sample_number(out, (uint32_t)count, 2);
    sample_number(out, size, 4);
    sample_number(out, directory, 4);
    sample_number(out, 0, 2);
}

// One member, in so many zips.
static inline void
sample_nested_zip(struct buf *out, const char *name, struct span content, unsigned levels)
{
    struct sample_member member = {name, name, content};
    struct buf inner;

    sample_zip(out, &member, 1);
    for (unsigned i = 1; i < levels; i++) {
        inner = *out;
        buf_init(out, inner.ceiling);
        member = (struct sample_member){"inner.zip", "inner.zip", buf_span(&inner)};
        sample_zip(out, &member, 1);
        buf_clear(&inner);
    }
}

static inline void
sample_base64(struct buf *out, struct span data)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < data.len; i += 3) {
        size_t left = data.len - i;
        uint32_t group = 0;

        for (size_t n = 0; n < 3; n++)
            group = group << 8 | (n < left ? (unsigned char)data.data[i + n] : 0);
        for (size_t n = 0; n < 4; n++)
            (void)buf_add_char(out, n <= left ? letters[group >> (18 - 6 * n) & 63] : '=');
        if (i % 57 == 54)
            (void)buf_add_text(out, "\r\n");
    }
}

#endif
