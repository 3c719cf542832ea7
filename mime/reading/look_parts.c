// SPDX-License-Identifier: BSD-2-Clause
#include "mime/reading/look_private.h"

#include <string.h>

#include "mime/reading/archive_kind.h"
#include "mime/reading/collect.h"
#include "mime/reading/links.h"
#include "mime/reading/words.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool
is_in(struct span text, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (span_is_nocase(text, list[i]))
            return true;
    }
    return false;
}

static bool
is_executable(struct span sniffed)
{
    static const char *const types[] = {
        "application/x-dosexec",     "application/vnd.microsoft.portable-executable",
        "application/x-executable",  "application/x-pie-executable",
        "application/x-sharedlib",   "application/x-mach-binary",
        "application/x-ms-shortcut", "application/x-msdownload",
    };

    return is_in(sniffed, types, COUNT(types));
}

static bool
is_executable_name(struct span name)
{
    static const char *const endings[] = {"exe", "com", "dll", "scr", "pif", "cpl", "sys", "ocx",
                                          "drv", "msi", "lnk", "bin", "so",  "o",   "elf", "efi"};
    const char *dot = name.len > 0 ? memrchr(name.data, '.', name.len) : NULL;

    // Without an ending it pretends nothing.
    return dot == NULL ||
           is_in(span_skip(name, (size_t)(dot - name.data) + 1), endings, COUNT(endings));
}

// Declared as any bytes at all, or as what it is.
static bool
is_executable_type(struct span type)
{
    return type.len == 0 || span_is(type, "application/octet-stream") ||
           span_starts_nocase(type, "application/x-") || is_executable(type);
}

static bool
is_disguised(const struct finding_part *part)
{
    if (!is_executable(part->sniffed))
        return false;
    for (size_t i = 0; i < part->name_count; i++) {
        if (!is_executable_name(part->names[i]))
            return true;
    }
    return !is_executable_type(part->type);
}

static bool
on_link(void *arg, struct span link)
{
    return collect_link(arg, link);
}

static void
gather_links(struct look_job *job, const struct walk_part *part, bool is_html)
{
    unsigned before;

    if (part->text.len == 0)
        return;
    before = meter_turn(&job->look->meter, LOOK_DECODE);
    if (is_html)
        links_html(part->text, on_link, job->findings);
    else
        links_plain(part->text, on_link, job->findings);
    meter_turn(&job->look->meter, before);
}

// "evil.exe.gz" unpacks to evil.exe, where the file does not say another name.
static void
add_unpacked_names(struct findings *findings, struct finding_part *part)
{
    static const char *const endings[] = {"gz", "bz2", "xz", "z", "lzma", "zst", "lz", "lz4"};
    const size_t count = part->name_count;

    for (size_t i = 0; i < count; i++) {
        struct span name = part->names[i];
        const char *dot = name.len > 0 ? memrchr(name.data, '.', name.len) : NULL;
        size_t len = dot == NULL ? 0 : (size_t)(dot - name.data);

        if (len > 0 && is_in(span_skip(name, len + 1), endings, COUNT(endings)))
            collect_name(findings, part, span_from(name.data, len));
    }
}

struct archive_arg {
    struct look_job *job;
    uint32_t part;
};

static void
on_member(void *arg, const struct archive_member *member)
{
    const struct archive_arg *at = arg;
    struct findings *findings = at->job->findings;
    struct finding_member *item = collect_member(findings);
    struct span name = member->finding.name;

    if (item == NULL)
        return;
    *item = member->finding;
    item->part = at->part;
    item->name = collect_text(findings, name);
    item->sniffed = collect_text(findings, member->finding.sniffed);
    if (name.len == 0 && item->level == 1)
        add_unpacked_names(findings, &findings->parts[at->part]);
    if (words_is_bad_name(name))
        collect_mark(findings, DEFECT_BAD_NAME, at->part);
    if (is_executable(item->sniffed) && !is_executable_name(name))
        collect_mark(findings, DEFECT_TYPE_MISMATCH, at->part);
}

static void
list_archive(struct look_job *job, uint32_t index, struct span content, struct span sniffed)
{
    struct archive_arg arg = {job, index};
    const struct archive_job archive = {.magic = job->look->magic,
                                        .limits = &job->look->setup->limits,
                                        .budget = &job->budget,
                                        .found = on_member,
                                        .arg = &arg};
    unsigned before = meter_turn(&job->look->meter, LOOK_ARCHIVE);
    enum finding_limit limit = LIMIT_NONE;

    switch (archive_list(&archive, content, sniffed, &limit)) {
    case ARCHIVE_NONE:
    case ARCHIVE_READ:
        break;
    case ARCHIVE_DAMAGED:
        collect_mark(job->findings, DEFECT_ARCHIVE_DAMAGED, index);
        break;
    case ARCHIVE_UNKNOWN:
        collect_mark(job->findings, DEFECT_ARCHIVE_UNKNOWN, index);
        break;
    case ARCHIVE_LIMIT:
        collect_limit(job->findings, limit, "an archive in part %u", index);
        break;
    }
    meter_turn(&job->look->meter, before);
}

// What a document holds that asks for a password: PDF, Office, or a text in OpenPGP's armour.
static struct span
encryption_mark(struct span sniffed, struct span begin)
{
    static const char package[] = "E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e"; // UTF-16
    static const char ole[] = "\xd0\xcf\x11\xe0";

    if (span_is(sniffed, "application/pdf"))
        return SPAN_LITERAL("/Encrypt");
    if (begin.len > 4 && memcmp(begin.data, ole, 4) == 0)
        return span_from(package, sizeof(package));
    return SPAN_LITERAL("-----BEGIN PGP MESSAGE-----");
}

// The first piece says what it is, and whether all of it will be needed.
static void
sniff(struct look_job *job, struct pieces *content)
{
    struct look_content *seen = &job->content;
    unsigned before = meter_turn(&job->look->meter, LOOK_SNIFF);

    seen->sniffed = magic_of(job->look->magic, content->piece);
    seen->mark = encryption_mark(seen->sniffed, content->piece);
    if (!archive_kind_is_other(seen->sniffed))
        pieces_keep(content);
    meter_turn(&job->look->meter, before);
}

// It may have begun in front of the piece.
static void
search_mark(struct look_content *seen, const struct pieces *content)
{
    size_t before = content->window.len - content->piece.len;

    if (before >= seen->mark.len)
        before = seen->mark.len - 1;
    seen->has_mark = seen->has_mark || span_contains(span_from(content->piece.data - before,
                                                               before + content->piece.len),
                                                     seen->mark);
}

void
look_read(void *arg, struct pieces *content)
{
    struct look_job *job = arg;
    unsigned before = meter_turn(&job->look->meter, LOOK_DECODE);
    bool is_first = true;

    job->content = (struct look_content){.has_mark = false};
    sha256_reset(job->look->sha256);
    for (; pieces_next(content); is_first = false) {
        sha256_add(job->look->sha256, content->piece.data, content->piece.len);
        if (job->parts != NULL)
            parts_write(job->parts, content->piece);
        if (is_first)
            sniff(job, content);
        search_mark(&job->content, content);
    }
    sha256_get(job->look->sha256, job->content.sha256);
    meter_turn(&job->look->meter, before);
}

static bool
is_text(struct span sniffed)
{
    return sniffed.len == 0 || span_starts_nocase(sniffed, "text/") ||
           span_starts_nocase(sniffed, "message/");
}

// By its type, or its end. (Pieces keep as much as that takes.)
static bool
may_be_archive(struct span sniffed, const struct pieces *content)
{
    return content->len > 0 &&
           (!archive_kind_is_other(sniffed) || archive_kind_has_zip_end(content->window));
}

void
look_part(void *arg, uint32_t index, const struct walk_part *walked)
{
    struct look_job *job = arg;
    struct findings *findings = job->findings;
    struct finding_part *part = walked->part; // the parts do not grow in here
    struct look_content *seen = &job->content;

    memcpy(part->sha256, seen->sha256, sizeof(part->sha256));
    if (job->parts != NULL)
        parts_add(job->parts, part->sha256);
    part->sniffed = collect_text(findings, seen->sniffed);
    if (is_disguised(part))
        collect_mark(findings, DEFECT_TYPE_MISMATCH, index);
    if (seen->has_mark)
        part->is_encrypted = true;
    if ((part->reading == READING_PROLOGUE || part->reading == READING_EPILOGUE) &&
        !is_text(part->sniffed))
        collect_mark(findings, DEFECT_HIDDEN_CONTENT, index);
    gather_links(job, walked,
                 span_is(part->type, "text/html") || span_is(part->sniffed, "text/html"));
    if (findings->limit == LIMIT_NONE && may_be_archive(part->sniffed, walked->content))
        list_archive(job, index, pieces_all(walked->content), part->sniffed);
}
