// SPDX-License-Identifier: BSD-2-Clause
#include "mime/findings.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"

static const char *const limit_names[LIMIT_COUNT] = {
    [LIMIT_NONE] = "none",     [LIMIT_HEADER] = "header",         [LIMIT_FIELD] = "field",
    [LIMIT_FIELDS] = "fields", [LIMIT_PARAMETERS] = "parameters", [LIMIT_PARTS] = "parts",
    [LIMIT_DEPTH] = "depth",   [LIMIT_MEMBERS] = "members",       [LIMIT_UNPACKED] = "unpacked",
    [LIMIT_RATIO] = "ratio",   [LIMIT_BOUNDARIES] = "boundaries", [LIMIT_FINDINGS] = "findings",
    [LIMIT_MATCH] = "match",   [LIMIT_UNREADABLE] = "unreadable", [LIMIT_SIZE] = "size",
};

static const char *const defect_names[DEFECT_COUNT] = {
    [DEFECT_NO_HEADER] = "no_header",
    [DEFECT_MBOX_FROM] = "mbox_from",
    [DEFECT_BAD_FIELD] = "bad_field",
    [DEFECT_NUL] = "nul",
    [DEFECT_BARE_CR] = "bare_cr",
    [DEFECT_LONG_LINE] = "long_line",
    [DEFECT_RAW_8BIT_HEADER] = "raw_8bit_header",
    [DEFECT_REPEATED_FIELD] = "repeated_field",
    [DEFECT_NO_FROM] = "no_from",
    [DEFECT_BAD_ENCODED_WORD] = "bad_encoded_word",
    [DEFECT_UNKNOWN_CHARSET] = "unknown_charset",
    [DEFECT_UNKNOWN_ENCODING] = "unknown_encoding",
    [DEFECT_BAD_BASE64] = "bad_base64",
    [DEFECT_BAD_QUOTED_PRINTABLE] = "bad_quoted_printable",
    [DEFECT_BAD_UUENCODE] = "bad_uuencode",
    [DEFECT_NO_END_BOUNDARY] = "no_end_boundary",
    [DEFECT_BAD_NAME] = "bad_name",
    [DEFECT_TYPE_MISMATCH] = "type_mismatch",
    [DEFECT_PARTIAL] = "partial",
    [DEFECT_EXTERNAL_BODY] = "external_body",
    [DEFECT_ARCHIVE_DAMAGED] = "archive_damaged",
    [DEFECT_ARCHIVE_UNKNOWN] = "archive_unknown",
    [DEFECT_AMBIGUOUS] = "ambiguous",
    [DEFECT_REPEATED_TYPE] = "repeated_type",
    [DEFECT_REPEATED_PARAMETER] = "repeated_parameter",
    [DEFECT_NO_BOUNDARY] = "no_boundary",
    [DEFECT_ODD_BOUNDARY] = "odd_boundary",
    [DEFECT_NAMES_DIFFER] = "names_differ",
    [DEFECT_BASE64_PADDING] = "base64_padding",
    [DEFECT_ENCODED_MULTIPART] = "encoded_multipart",
    [DEFECT_HIDDEN_CONTENT] = "hidden_content",
    [DEFECT_ENCODED_MESSAGE] = "encoded_message",
};

const char *
finding_limit_name(enum finding_limit limit)
{
    assert((unsigned)limit < LIMIT_COUNT);
    return limit_names[limit];
}

const char *
finding_defect_name(enum finding_defect defect)
{
    assert((unsigned)defect < DEFECT_COUNT);
    return defect_names[defect];
}

enum finding_defect
finding_defect_find(struct span name)
{
    int defect = 0;

    while (defect < DEFECT_COUNT && !span_is_nocase(name, defect_names[defect]))
        defect++;
    return (enum finding_defect)defect;
}

struct findings *
findings_new(void)
{
    struct findings *findings = mem_zalloc(sizeof *findings);

    arena_init(&findings->arena, FINDINGS_MEMORY_MAX);
    return findings;
}

void
findings_free(struct findings **findings)
{
    if (*findings == NULL)
        return;
    arena_clear(&(*findings)->arena);
    mem_free(findings);
}

bool
findings_has_defect(const struct findings *findings, enum finding_defect defect)
{
    // Itself it stands nowhere: whoever asks for it means all of its kind.
    if (defect == DEFECT_AMBIGUOUS)
        return findings_is_ambiguous(findings);
    for (size_t i = 0; i < findings->mark_count; i++) {
        if (findings->marks[i].defect == defect)
            return true;
    }
    return false;
}

bool
findings_is_ambiguous(const struct findings *findings)
{
    for (size_t i = 0; i < findings->mark_count; i++) {
        if (findings->marks[i].defect > DEFECT_AMBIGUOUS)
            return true;
    }
    return false;
}

bool
findings_is_encrypted(const struct findings *findings)
{
    for (size_t i = 0; i < findings->part_count; i++) {
        if (findings->parts[i].is_encrypted)
            return true;
    }
    for (size_t i = 0; i < findings->member_count; i++) {
        if (findings->members[i].is_encrypted)
            return true;
    }
    return false;
}

const struct finding_header *
findings_header(const struct findings *findings, const char *name, size_t n)
{
    for (size_t i = 0; i < findings->header_count; i++) {
        if (span_is_nocase(findings->headers[i].name, name) && n-- == 0)
            return &findings->headers[i];
    }
    return NULL;
}

int
findings_compare_hits(const void *left, const void *right)
{
    const struct finding_hit *a = left;
    const struct finding_hit *b = right;

    if (a->pattern != b->pattern)
        return a->pattern < b->pattern ? -1 : 1;
    return a->rcpt < b->rcpt ? -1 : a->rcpt > b->rcpt ? 1 : 0;
}

bool
findings_has_hit(const struct findings *findings, uint32_t pattern, uint32_t rcpt)
{
    const struct finding_hit hit = {.pattern = pattern, .rcpt = rcpt};

    return findings->hit_count > 0 && bsearch(&hit, findings->hits, findings->hit_count,
                                              sizeof(hit), findings_compare_hits) != NULL;
}
