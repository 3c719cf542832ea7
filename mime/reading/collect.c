// SPDX-License-Identifier: BSD-2-Clause
#include "mime/reading/collect.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { FIRST_ROOM = 8, LINK_LOOK_BACK = 64, PART_NAMES_MAX = 500 };

void
collect_limit(struct findings *findings, enum finding_limit limit, const char *format, ...)
{
    char text[200];
    va_list args;

    if (findings->limit != LIMIT_NONE)
        return;
    findings->limit = limit;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    findings->limit_text = arena_copy(&findings->arena, span_of(text));
    if (findings->limit_text.data == NULL)
        findings->limit_text = span_of("");
}

static void
is_full(struct findings *findings)
{
    collect_limit(findings, LIMIT_FINDINGS, "more than %d MB of findings",
                  FINDINGS_MEMORY_MAX >> 20);
}

// The next item of an array of count; there is room for the next power of two.
static void *
next_item(struct findings *findings, void *items_at, size_t *count, size_t size)
{
    void *items, *grown;
    char *item;

    memcpy(&items, items_at, sizeof(items));
    if (*count == 0 || (*count >= FIRST_ROOM && (*count & (*count - 1)) == 0)) {
        grown = arena_array(&findings->arena, *count == 0 ? FIRST_ROOM : *count * 2, size);
        if (grown == NULL) {
            is_full(findings);
            return NULL;
        }
        if (*count > 0)
            memcpy(grown, items, *count * size);
        memcpy(items_at, &grown, sizeof(grown));
        items = grown;
    }
    item = (char *)items + *count * size;
    (*count)++;
    return item;
}

struct span
collect_text(struct findings *findings, struct span text)
{
    struct span copy = arena_copy(&findings->arena, text);

    if (copy.data != NULL)
        return copy;
    is_full(findings);
    return span_of("");
}

void
collect_mark(struct findings *findings, enum finding_defect defect, uint32_t part)
{
    struct finding_mark *mark;

    for (size_t i = findings->mark_count; i > 0; i--) {
        mark = &findings->marks[i - 1];
        if (mark->part == part && mark->defect == defect) {
            mark->count += mark->count < UINT32_MAX;
            return;
        }
    }
    mark = next_item(findings, &findings->marks, &findings->mark_count, sizeof(*mark));
    if (mark != NULL)
        *mark = (struct finding_mark){.defect = defect, .part = part, .count = 1};
}

struct finding_header *
collect_header(struct findings *findings)
{
    return next_item(findings, &findings->headers, &findings->header_count,
                     sizeof(*findings->headers));
}

struct finding_part *
collect_part(struct findings *findings)
{
    return next_item(findings, &findings->parts, &findings->part_count, sizeof(*findings->parts));
}

struct finding_member *
collect_member(struct findings *findings)
{
    return next_item(findings, &findings->members, &findings->member_count,
                     sizeof(*findings->members));
}

void
collect_hit(struct findings *findings, uint32_t pattern, uint32_t rcpt)
{
    struct finding_hit *hit =
        next_item(findings, &findings->hits, &findings->hit_count, sizeof(*findings->hits));

    if (hit != NULL)
        *hit = (struct finding_hit){.pattern = pattern, .rcpt = rcpt};
}

bool
collect_link(struct findings *findings, struct span link)
{
    size_t count = findings->link_count;
    struct span *item;

    if (count >= FINDINGS_LINKS_MAX)
        return false;
    // Repetitions stand near each other: the plain and the HTML half, a logo's link and its text.
    for (size_t i = count; i > 0 && count - i < LINK_LOOK_BACK; i--) {
        if (span_equal(findings->links[i - 1], link))
            return true;
    }
    item = next_item(findings, &findings->links, &findings->link_count, sizeof(*findings->links));
    if (item == NULL)
        return false;
    *item = collect_text(findings, link);
    return true;
}

void
collect_name(struct findings *findings, struct finding_part *part, struct span name)
{
    struct span *item;

    if (name.len == 0)
        return;
    for (size_t i = 0; i < part->name_count; i++) {
        if (span_equal(part->names[i], name))
            return;
    }
    if (part->name_count == PART_NAMES_MAX || findings->name_count == FINDINGS_NAMES_MAX) {
        collect_limit(findings, LIMIT_FINDINGS, "more than %d names of a part, or %d in all",
                      PART_NAMES_MAX, FINDINGS_NAMES_MAX);
        return;
    }
    item = next_item(findings, &part->names, &part->name_count, sizeof(*part->names));
    if (item == NULL)
        return;
    *item = collect_text(findings, name);
    findings->name_count++;
}
