// SPDX-License-Identifier: BSD-2-Clause
#include "mime/reading/archive.h"

#include <assert.h>
#include <string.h>

#include <archive.h>
#include <archive_entry.h>

#include "base/digest.h"
#include "base/mem.h"
#include "mime/reading/archive_kind.h"

// A small file may well shrink to less than a 250th: the ratio counts from here on.
enum { HEAD_MAX = 4096, BLOCK = 32 << 10, RATIO_FROM = 4 << 20, TYPE_MAX = 128 };

struct inner { // an archive in an archive, still to be read
    struct buf content;
    char sniffed[TYPE_MAX];
    uint32_t number;
};

struct listing { // of one archive with all that is in it
    const struct archive_job *job;
    enum finding_limit limit;
    bool is_damaged;
    struct inner *inner; // a stack; its bytes are within what may be unpacked
    size_t inner_count, inner_room;
    char block[BLOCK];
};

struct level { // one archive
    struct listing *listing;
    struct archive *reader;
    struct span content;
    uint32_t number;
    uint64_t unpacked;
    bool is_zip, is_none;
    size_t members;
    uint64_t *names; // digests of the names that were told, of a zip
    size_t name_count, name_room;
};

struct kept { // of a member that is being read
    struct buf head, content;
    char sniffed[TYPE_MAX];
    uint64_t size;
    bool is_sniffed, is_wanted;
};

enum reading {
    READ_ANY,
    READ_LOCAL, // a zip by its local headers
    READ_FILE   // a compressed file, whatever it holds
};

static struct archive *
new_reader(enum reading reading)
{
    struct archive *reader = archive_read_new();

    assert(reader != NULL);
    archive_read_support_filter_gzip(reader);
    archive_read_support_filter_bzip2(reader);
    archive_read_support_filter_xz(reader);
    archive_read_support_filter_lzma(reader);
    archive_read_support_filter_lzip(reader);
    archive_read_support_filter_zstd(reader);
    archive_read_support_filter_lz4(reader);
    archive_read_support_filter_compress(reader);
    if (reading == READ_LOCAL)
        archive_read_support_format_zip_streamable(reader);
    if (reading == READ_FILE)
        archive_read_support_format_raw(reader);
    if (reading != READ_ANY)
        return reader;
    archive_read_support_format_zip_seekable(reader);
    archive_read_support_format_zip_streamable(reader);
    archive_read_support_format_tar(reader);
    archive_read_support_format_7zip(reader);
    archive_read_support_format_rar(reader);
    archive_read_support_format_rar5(reader);
    archive_read_support_format_cab(reader);
    archive_read_support_format_lha(reader);
    archive_read_support_format_iso9660(reader);
    archive_read_support_format_cpio(reader);
    archive_read_support_format_ar(reader);
    archive_read_support_format_xar(reader);
    archive_read_support_format_raw(reader);
    // Behind a tar's end another one may follow, which some go on to read.
    archive_read_set_format_option(reader, "tar", "read_concatenated_archives", "1");
    return reader;
}

static bool
is_over(const struct level *level)
{
    return level->listing->limit != LIMIT_NONE;
}

static void
set_limit(struct level *level, enum finding_limit limit)
{
    if (level->listing->limit == LIMIT_NONE)
        level->listing->limit = limit;
}

static void
sniff(struct level *level, struct kept *kept)
{
    struct span type;

    if (kept->is_sniffed)
        return;
    kept->is_sniffed = true;
    type = magic_of(level->listing->job->magic, buf_span(&kept->head));
    if (type.len >= TYPE_MAX)
        type.len = TYPE_MAX - 1;
    memcpy(kept->sniffed, type.data, type.len);
    kept->sniffed[type.len] = '\0';
    kept->is_wanted = !archive_kind_is_other(span_of(kept->sniffed));
}

static void
keep(struct level *level, struct kept *kept, struct span block)
{
    size_t room = HEAD_MAX - kept->head.len;

    kept->size += block.len;
    if (room > 0)
        (void)buf_add(&kept->head, block.data, block.len < room ? block.len : room);
    if (kept->head.len == HEAD_MAX)
        sniff(level, kept);
    // Until its head is whole, and then where it may be an archive itself.
    if (!kept->is_sniffed || kept->is_wanted)
        (void)buf_add_span(&kept->content, block);
}

static bool
is_too_much(struct level *level, uint64_t len)
{
    const struct archive_job *job = level->listing->job;

    level->unpacked += len;
    if (len > job->budget->unpacked)
        set_limit(level, LIMIT_UNPACKED);
    else if (level->unpacked > RATIO_FROM &&
             level->unpacked / job->limits->max_ratio > level->content.len)
        set_limit(level, LIMIT_RATIO);
    else
        job->budget->unpacked -= len;
    return is_over(level);
}

// False: the archive is at its end, one way or another.
static bool
read_data(struct level *level, struct kept *kept)
{
    for (;;) {
        la_ssize_t len = archive_read_data(level->reader, level->listing->block, BLOCK);

        if (len == 0 || is_over(level))
            return !is_over(level);
        if (len == ARCHIVE_RETRY)
            continue;
        if (len < 0) {
            level->listing->is_damaged = true;
            return len != ARCHIVE_FATAL;
        }
        if (is_too_much(level, (uint64_t)len))
            return false;
        keep(level, kept, span_from(level->listing->block, (size_t)len));
    }
}

static struct span
name_of(const struct level *level, struct archive_entry *entry)
{
    const char *name = archive_entry_pathname(entry);

    if (archive_format(level->reader) == ARCHIVE_FORMAT_RAW)
        return archive_kind_gzip_name(level->content);
    if (name == NULL)
        name = archive_entry_pathname_utf8(entry);
    return name == NULL ? span_of("") : span_of(name);
}

static void
tell(struct level *level, struct span name, struct kept *kept, bool is_encrypted)
{
    const struct archive_job *job = level->listing->job;
    struct archive_member member = {
        .finding = {.level = level->number,
                    .name = name,
                    .sniffed = span_of(kept->sniffed),
                    .size = kept->size,
                    .is_encrypted = is_encrypted},
        .head = buf_span(&kept->head)
    };

    if (job->budget->members == 0) {
        set_limit(level, LIMIT_MEMBERS);
        return;
    }
    job->budget->members--;
    job->found(job->arg, &member);
}

// It is read once this archive is through.
static void
list_inside(struct level *level, struct kept *kept)
{
    struct listing *listing = level->listing;
    struct inner *inner;

    if (is_over(level) || kept->content.len == 0 ||
        (!kept->is_wanted && !archive_kind_has_zip_end(buf_span(&kept->content))))
        return;
    if (level->number >= listing->job->limits->max_depth) {
        if (archive_kind_is_archive(span_of(kept->sniffed)))
            set_limit(level, LIMIT_DEPTH);
        return;
    }
    if (listing->inner_count == listing->inner_room) {
        listing->inner_room = listing->inner_room == 0 ? 8 : listing->inner_room * 2;
        listing->inner = mem_regrow(listing->inner, listing->inner_room, sizeof(*inner));
    }
    inner = &listing->inner[listing->inner_count++];
    inner->content = kept->content;
    inner->number = level->number + 1;
    memcpy(inner->sniffed, kept->sniffed, sizeof(inner->sniffed));
    buf_init(&kept->content, kept->content.ceiling);
}

// False: the archive is at its end.
static bool
read_member(struct level *level, struct archive_entry *entry)
{
    struct kept kept = {.size = 0};
    const bool is_file =
        archive_entry_filetype(entry) == AE_IFREG || archive_entry_filetype(entry) == 0;
    const bool is_encrypted = archive_entry_is_encrypted(entry) != 0;
    bool goes_on = true;
    char *name; // libarchive's own goes away as its data is read
    struct span told = name_of(level, entry);

    name = mem_strndup(told.data, told.len);
    buf_init(&kept.head, HEAD_MAX);
    buf_init(&kept.content, (size_t)level->listing->job->budget->unpacked);
    if (is_encrypted)
        kept.size = (uint64_t)(archive_entry_size(entry) > 0 ? archive_entry_size(entry) : 0);
    else if (is_file)
        goes_on = read_data(level, &kept);
    sniff(level, &kept);
    if (is_over(level))
        goes_on = false;
    tell(level, span_of(name), &kept, is_encrypted);
    list_inside(level, &kept);
    buf_clear(&kept.head);
    buf_clear(&kept.content);
    mem_free(&name);
    return goes_on && !is_over(level);
}

static bool
has_name(const struct level *level, struct span name)
{
    uint64_t digest = digest_sum64(name, 0);

    for (size_t i = 0; i < level->name_count; i++) {
        if (level->names[i] == digest)
            return true;
    }
    return false;
}

static void
note_name(struct level *level, struct span name)
{
    if (level->name_count == level->name_room) {
        level->name_room = level->name_room == 0 ? 16 : level->name_room * 2;
        level->names = mem_regrow(level->names, level->name_room, sizeof(*level->names));
    }
    level->names[level->name_count++] = digest_sum64(name, 0);
}

static bool
is_compressed_file(struct archive *reader)
{
    // "Raw" takes anything: it is an archive only if a filter took it for compressed.
    return archive_format(reader) != ARCHIVE_FORMAT_RAW || archive_filter_count(reader) > 1;
}

// Says so even where not even the names can be read.
static void
tell_encrypted_names(struct level *level)
{
    const char *why = archive_error_string(level->reader);
    struct kept kept = {.size = 0};

    if (level->members == 0 && (archive_read_has_encrypted_entries(level->reader) > 0 ||
                                (why != NULL && strcasestr(why, "encrypt") != NULL)))
        tell(level, span_of(""), &kept, true);
}

static void
read_members(struct level *level)
{
    struct archive_entry *entry;

    for (;;) {
        int result = archive_read_next_header(level->reader, &entry);

        if (result == ARCHIVE_EOF)
            return;
        if (result == ARCHIVE_RETRY && level->members < level->listing->job->limits->max_members) {
            level->members++;
            continue;
        }
        if (result < ARCHIVE_WARN) {
            level->is_none = level->members == 0 && archive_format(level->reader) == 0;
            level->listing->is_damaged |= !level->is_none;
            tell_encrypted_names(level);
            return;
        }
        if (level->members++ == 0 && !is_compressed_file(level->reader)) {
            level->is_none = true;
            return;
        }
        level->is_zip =
            (archive_format(level->reader) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_ZIP;
        if (level->is_zip)
            note_name(level, name_of(level, entry));
        if (!read_member(level, entry))
            return;
    }
}

static void
open_reader(struct level *level, enum reading reading)
{
    if (level->reader != NULL)
        archive_read_free(level->reader);
    level->reader = new_reader(reading);
    if (archive_read_open_memory(level->reader, level->content.data, level->content.len) ==
        ARCHIVE_OK)
        read_members(level);
    else
        level->is_none = true;
}

// What only a zip's local headers name, as those see it who read it from its beginning.
static void
read_local_members(struct level *level)
{
    const char *first = memmem(level->content.data, level->content.len, "PK\003\004", 4);
    struct archive_entry *entry;
    struct span text;

    if (first == NULL || is_over(level))
        return;
    text = span_skip(level->content, (size_t)(first - level->content.data));
    archive_read_free(level->reader);
    level->reader = new_reader(READ_LOCAL);
    if (archive_read_open_memory(level->reader, text.data, text.len) != ARCHIVE_OK)
        return;
    for (size_t n = 0; n < level->listing->job->limits->max_members; n++) {
        int result = archive_read_next_header(level->reader, &entry);

        if (result != ARCHIVE_OK && result != ARCHIVE_WARN)
            return;
        if (!has_name(level, name_of(level, entry)) && !read_member(level, entry))
            return;
    }
}

// And what only its directory names: libarchive goes by the local headers' names.
static void
read_directory(struct level *level)
{
    struct span name;
    size_t at = 0;

    for (size_t n = 0; n < level->listing->job->limits->max_members; n++) {
        struct kept kept = {.size = 0};

        if (is_over(level) || !archive_kind_zip_name(level->content, &at, &name))
            return;
        if (has_name(level, name))
            continue;
        note_name(level, name);
        tell(level, name, &kept, false);
    }
}

static enum archive_result
list_one(struct listing *listing, struct span content, struct span sniffed, uint32_t number)
{
    struct level level = {.listing = listing, .content = content, .number = number};

    open_reader(&level, READ_ANY);
    // What unpacks to zeros at first is an empty tar to libarchive.
    if (level.members == 0 && !level.is_none && archive_filter_count(level.reader) > 1)
        open_reader(&level, READ_FILE);
    if (level.is_zip) {
        read_local_members(&level);
        read_directory(&level);
        listing->is_damaged |= !archive_kind_has_zip_end(content); // cut off between two members
    }
    archive_read_free(level.reader);
    mem_free(&level.names);
    if (!level.is_none)
        return ARCHIVE_READ;
    return archive_kind_is_archive(sniffed) ? ARCHIVE_UNKNOWN : ARCHIVE_NONE;
}

static void
list_inner(struct listing *listing)
{
    while (listing->inner_count > 0) {
        struct inner inner = listing->inner[--listing->inner_count];

        if (listing->limit == LIMIT_NONE &&
            list_one(listing, buf_span(&inner.content), span_of(inner.sniffed), inner.number) ==
                ARCHIVE_UNKNOWN)
            listing->is_damaged = true;
        buf_clear(&inner.content);
    }
}

enum archive_result
archive_list(const struct archive_job *job, struct span content, struct span sniffed,
             enum finding_limit *limit_out)
{
    struct listing *listing;
    enum archive_result result;
    char *type;

    *limit_out = LIMIT_NONE;
    if (content.len == 0 || (archive_kind_is_other(sniffed) && !archive_kind_has_zip_end(content)))
        return ARCHIVE_NONE;
    type = mem_strndup(sniffed.data, sniffed.len); // the next sniffing overwrites it
    listing = mem_zalloc(sizeof(*listing));
    listing->job = job;
    result = list_one(listing, content, span_of(type), 1);
    list_inner(listing);
    if (listing->limit != LIMIT_NONE)
        result = ARCHIVE_LIMIT;
    else if (result == ARCHIVE_READ && listing->is_damaged)
        result = ARCHIVE_DAMAGED;
    *limit_out = listing->limit;
    mem_free(&listing->inner);
    mem_free(&listing);
    mem_free(&type);
    return result;
}
