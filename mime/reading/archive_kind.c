// SPDX-License-Identifier: BSD-2-Clause
#include "mime/reading/archive_kind.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

// A zip's end record stands in front of a comment of at most 65,535 bytes; people append more.
enum { ZIP_END_WITHIN = 128 << 10 };

static bool
is_in(struct span type, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (span_starts_nocase(type, list[i]))
            return true;
    }
    return false;
}

bool
archive_kind_is_other(struct span sniffed)
{
    static const char *const others[] = {
        "text/",
        "image/",
        "audio/",
        "video/",
        "font/",
        "message/",
        "application/pdf",
        "application/json",
        "application/postscript",
        "application/pgp",
        "application/ogg",
        "application/msword",
        "application/x-ole-storage",
        "application/CDFV2",
        "application/vnd.ms-office",
        "application/vnd.ms-excel",
        "application/vnd.ms-powerpoint",
        "application/vnd.ms-outlook",
    };

    return is_in(sniffed, others, COUNT(others));
}

bool
archive_kind_is_archive(struct span sniffed)
{
    static const char *const archives[] = {
        "application/zip",          "application/x-zip",
        "application/java-archive", "application/vnd.openxmlformats-",
        "application/vnd.oasis.",   "application/epub+zip",
        "application/vnd.android.", "application/x-rar",
        "application/vnd.rar",      "application/x-7z-compressed",
        "application/gzip",         "application/x-gzip",
        "application/x-bzip",       "application/x-xz",
        "application/x-lzma",       "application/zstd",
        "application/x-zstd",       "application/x-lz4",
        "application/x-lzip",       "application/x-compress",
        "application/x-tar",        "application/x-cpio",
        "application/x-archive",    "application/x-lzh",
        "application/x-lha",        "application/vnd.ms-cab-compressed",
        "application/x-iso9660",    "application/x-xar",
        "application/x-arj",        "application/x-ace",
        "application/x-arc",        "application/x-zoo",
        "application/x-stuffit",    "application/x-sit",
        "application/vnd.ms-tnef",  "application/x-alz",
        "application/x-egg",        "application/x-lrzip",
        "application/x-lzop",       "application/x-rzip",
        "application/x-lz",         "application/x-dmg",
        "application/x-virtualbox", "application/x-rpm",
    };

    return is_in(sniffed, archives, COUNT(archives));
}

bool
archive_kind_has_zip_end(struct span content)
{
    if (content.len > ZIP_END_WITHIN)
        content = span_skip(content, content.len - ZIP_END_WITHIN);
    return span_contains(content, SPAN_LITERAL("PK\005\006"));
}

static size_t
number_at(struct span content, size_t at, unsigned bytes)
{
    size_t number = 0;

    for (unsigned i = 0; i < bytes; i++)
        number |= (size_t)(unsigned char)content.data[at + i] << 8 * i;
    return number;
}

// Where the directory begins that the last end record tells of, by its size: what stands in front
// of a zip moves its offsets. 0: there is none.
static size_t
zip_directory(struct span content)
{
    enum { END_LEN = 22, SIZE_AT = 12 };

    size_t lowest = content.len > ZIP_END_WITHIN ? content.len - ZIP_END_WITHIN : 0;

    for (size_t at = content.len; at-- > lowest;) {
        size_t size;

        if (content.len - at < END_LEN || memcmp(content.data + at, "PK\005\006", 4) != 0)
            continue;
        size = number_at(content, at + SIZE_AT, 4);
        return size < at ? at - size : 0;
    }
    return 0;
}

bool
archive_kind_zip_name(struct span content, size_t *at, struct span *name_out)
{
    enum { ENTRY_LEN = 46, NAME_LEN_AT = 28, EXTRA_LEN_AT = 30, COMMENT_LEN_AT = 32 };

    size_t len, name_len;

    if (*at == 0)
        *at = zip_directory(content);
    if (*at == 0 || *at >= content.len || content.len - *at < ENTRY_LEN ||
        memcmp(content.data + *at, "PK\001\002", 4) != 0)
        return false;
    name_len = number_at(content, *at + NAME_LEN_AT, 2);
    len = ENTRY_LEN + name_len + number_at(content, *at + EXTRA_LEN_AT, 2) +
          number_at(content, *at + COMMENT_LEN_AT, 2);
    if (len > content.len - *at)
        return false;
    *name_out = span_from(content.data + *at + ENTRY_LEN, name_len);
    *at += len;
    return true;
}

struct span
archive_kind_gzip_name(struct span content)
{
    enum { FIXED = 10, HAS_EXTRA = 4, HAS_NAME = 8 };
    struct span rest = span_skip(content, FIXED);
    const char *end;
    size_t extra;

    if (content.len <= FIXED || memcmp(content.data, "\x1f\x8b", 2) != 0 ||
        (content.data[3] & HAS_NAME) == 0)
        return span_of("");
    if ((content.data[3] & HAS_EXTRA) != 0) {
        if (rest.len < 2)
            return span_of("");
        extra = (size_t)(unsigned char)rest.data[0] | (size_t)(unsigned char)rest.data[1] << 8;
        rest = span_skip(rest, 2 + extra);
    }
    end = rest.len > 0 ? memchr(rest.data, '\0', rest.len) : NULL;
    return end == NULL ? span_of("") : span_from(rest.data, (size_t)(end - rest.data));
}
