// SPDX-License-Identifier: BSD-2-Clause
#include "mime/reading/parts.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"

enum { BLOCK = 512, END_LEN = 2 * BLOCK, OCTAL_LEN = 11 };

// POSIX's ustar header.
struct header {
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], kind;
    char link[100], magic[6], version[2], user[32], group[32], major[8], minor[8], prefix[155];
    char unused[12];
};

_Static_assert(sizeof(struct header) == BLOCK, "a header is a block");

static void
format_header(struct header *header, size_t number, uint64_t len)
{
    const unsigned char *bytes = (const unsigned char *)header;
    char text[OCTAL_LEN + 1];
    unsigned sum = 0;

    assert(len >> (3 * OCTAL_LEN) == 0);
    *header = (struct header){
        .mode = "0000600",
        .uid = "0000000",
        .gid = "0000000",
        .mtime = "00000000000",
        .checksum = {' ',  ' ', ' ', ' ', ' ', ' ', ' ', ' '},
        .kind = '0',
        .magic = "ustar",
        .version = {'0', '0'}
    };
    (void)snprintf(header->name, sizeof header->name, "%zu", number);
    (void)snprintf(text, sizeof text, "%0*llo", OCTAL_LEN, (unsigned long long)len);
    memcpy(header->size, text, sizeof text);
    for (size_t i = 0; i < sizeof *header; i++)
        sum += bytes[i];
    (void)snprintf(header->checksum, sizeof header->checksum, "%06o", sum);
}

static uint64_t
padded(uint64_t len)
{
    return (len + BLOCK - 1) / BLOCK * BLOCK;
}

static bool
is_known(const struct parts *parts, const uint8_t sha256[SHA256_LEN])
{
    for (size_t i = 0; i < parts->count; i++) {
        if (memcmp(parts->digests[i], sha256, SHA256_LEN) == 0)
            return true;
    }
    return false;
}

static void
note(struct parts *parts, const uint8_t sha256[SHA256_LEN])
{
    if (parts->count == parts->room) {
        parts->room = parts->room == 0 ? 32 : parts->room * 2;
        parts->digests = mem_regrow(parts->digests, parts->room, sizeof *parts->digests);
    }
    memcpy(parts->digests[parts->count++], sha256, SHA256_LEN);
}

static int
put(const struct parts *parts, const void *data, size_t len, uint64_t at)
{
    struct err err;

    return fs_write_all_at(parts->fd, data, len, (off_t)at, &err);
}

void
parts_init(struct parts *parts, int fd, uint64_t max)
{
    *parts = (struct parts){.fd = fd, .max = max};
}

void
parts_clear(struct parts *parts)
{
    mem_free(&parts->digests);
}

// Behind where its header will stand.
void
parts_write(struct parts *parts, struct span piece)
{
    const uint64_t at = parts->len + BLOCK + parts->written;

    parts->written += piece.len;
    parts->is_spilt = parts->is_spilt || parts->count == PARTS_FILES_MAX || parts->max < END_LEN ||
                      BLOCK + padded(parts->written) > parts->max - END_LEN - parts->len ||
                      put(parts, piece.data, piece.len, at) != 0;
}

static int
put_around(const struct parts *parts, uint64_t len)
{
    static const char zeros[BLOCK];
    struct header header;

    format_header(&header, parts->count + 1, len);
    // Zeros are written, too: another may have worked in this file before.
    if (put(parts, &header, sizeof header, parts->len) != 0)
        return -1;
    return put(parts, zeros, (size_t)(padded(len) - len), parts->len + BLOCK + len);
}

void
parts_add(struct parts *parts, const uint8_t sha256[SHA256_LEN])
{
    const uint64_t len = parts->written;
    const bool is_spilt = parts->is_spilt;

    parts->written = 0;
    parts->is_spilt = false;
    if (len == 0 || is_known(parts, sha256))
        return;
    if (is_spilt || put_around(parts, len) != 0) {
        parts->has_more = true;
        return;
    }
    parts->len += BLOCK + padded(len);
    note(parts, sha256);
}

uint64_t
parts_end(struct parts *parts)
{
    static const char zeros[END_LEN];

    if (parts->count == 0)
        return 0;
    if (put(parts, zeros, sizeof zeros, parts->len) != 0)
        parts->has_more = true;
    else
        parts->len += sizeof zeros;
    return parts->len;
}
