// SPDX-License-Identifier: BSD-2-Clause
#include "policy/strip.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { NAME_MAX_LEN = 200, REASON_MAX_LEN = 400, TEXT_MAX_LEN = 8192, QP_LINE_MAX = 72 };

struct strip_place { // of one or more attachments in the message
    uint64_t begin, end;
    struct span name;        // of the first
    const struct rule *rule; // that wants it removed
    bool with_header;        // a part of its own, not a piece of text
};

struct strip_list {
    struct strip_place items[STRIP_MAX];
    size_t count;
    uint32_t *places; // of each part: the part that it lies in
};

// Quoted-printable (RFC 2045 6.7): names are UTF-8, and the parts around may promise 7 bits.
static void
add_encoded(struct buf *out, struct span text)
{
    size_t column = 0;

    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.data[i];

        if (column >= QP_LINE_MAX) {
            buf_add_text(out, "=\r\n");
            column = 0;
        }
        if (byte >= ' ' && byte < 0x7f && byte != '=') {
            buf_add_char(out, (char)byte);
            column++;
        } else {
            buf_printf(out, "=%02X", byte);
            column += 3;
        }
    }
    buf_add_text(out, "\r\n");
}

void
strip_format(struct span name, const char *hostname, const char *reason, bool with_header,
             struct buf *out)
{
    struct buf text;

    buf_init(&text, TEXT_MAX_LEN);
    buf_add_text(&text, "The attachment \"");
    str_escape(&text, name, "\"", NAME_MAX_LEN);
    buf_add_text(&text, "\" was removed by ");
    str_escape(&text, span_of(hostname), NULL, NAME_MAX_LEN);
    buf_add_text(&text, ". Reason: ");
    str_escape(&text, span_of(reason), NULL, REASON_MAX_LEN);
    buf_add_text(&text, ".");
    if (with_header)
        buf_add_text(out, "Content-Type: text/plain; charset=utf-8\r\n"
                          "Content-Transfer-Encoding: quoted-printable\r\n\r\n");
    add_encoded(out, buf_span(&text));
    buf_clear(&text);
}

// The first rule of the course that wants a file of that name removed.
static const struct rule *
find_rule(const struct reading *reading, const struct reading_course *course, struct span name)
{
    for (size_t i = 0; i < course->fired_count; i++) {
        const struct rule *rule = &reading->evidence.question->rules->items[course->fired[i]];

        for (size_t k = 0; k < rule->strip_count; k++) {
            if (match_file_name(span_of(rule->strip[k]), name))
                return rule;
        }
    }
    return NULL;
}

// The part itself, or what is around it, that has a place in the message; part_count: nothing has.
// For all at once: parts in parts can be as many as parts.
static uint32_t *
locate_all(const struct findings *findings)
{
    uint32_t *places = mem_zarray(findings->part_count, sizeof(places[0]));

    for (size_t i = 0; i < findings->part_count; i++) {
        const struct finding_part *part = &findings->parts[i];

        if (part->is_located)
            places[i] = (uint32_t)i;
        else
            places[i] = part->parent < 0 ? (uint32_t)findings->part_count : places[part->parent];
    }
    return places;
}

static bool
is_piece_of_text(const struct finding_part *part)
{
    return part->reading == READING_INLINE || part->reading == READING_PROLOGUE ||
           part->reading == READING_EPILOGUE;
}

static bool
is_in(const struct strip_list *list, uint64_t begin, uint64_t end)
{
    for (size_t i = 0; i < list->count; i++) {
        if (begin >= list->items[i].begin && end <= list->items[i].end)
            return true;
    }
    return false;
}

static int
add_place(const struct findings *findings, uint32_t index, struct span name,
          const struct rule *rule, struct strip_list *list)
{
    const uint32_t place = list->places[index];
    const struct finding_part *part = place < findings->part_count ? &findings->parts[place] : NULL;
    bool is_text = part != NULL && is_piece_of_text(part);

    if (part == NULL || (part->depth == 0 && !is_text) || part->head_begin >= part->body_end ||
        part->head_begin < findings->header_len || part->body_end > findings->len)
        return -1;
    if (is_in(list, part->head_begin, part->body_end))
        return 0;
    if (list->count == STRIP_MAX)
        return -1;
    list->items[list->count++] = (struct strip_place){.begin = part->head_begin,
                                                      .end = part->body_end,
                                                      .name = name,
                                                      .rule = rule,
                                                      .with_header = !is_text};
    return 0;
}

static int
collect_part(const struct reading *reading, const struct reading_course *course, uint32_t index,
             struct strip_list *list)
{
    const struct findings *findings = reading->evidence.question->findings;
    const struct finding_part *part = &findings->parts[index];

    for (size_t n = 0; n < part->name_count; n++) {
        const struct rule *rule = find_rule(reading, course, part->names[n]);

        if (rule != NULL)
            return add_place(findings, index, part->names[n], rule, list);
    }
    return 0;
}

static int
collect(const struct reading *reading, const struct reading_course *course, struct strip_list *list)
{
    const struct findings *findings = reading->evidence.question->findings;

    for (size_t i = 0; i < findings->part_count; i++) {
        if (collect_part(reading, course, (uint32_t)i, list) != 0)
            return -1;
    }
    for (size_t i = 0; i < findings->member_count; i++) {
        const struct finding_member *member = &findings->members[i];
        const struct rule *rule = find_rule(reading, course, member->name);

        if (rule != NULL && add_place(findings, member->part, member->name, rule, list) != 0)
            return -1;
    }
    return 0;
}

static int
compare_places(const void *left, const void *right)
{
    const struct strip_place *a = left;
    const struct strip_place *b = right;

    if (a->begin != b->begin)
        return a->begin < b->begin ? -1 : 1;
    return a->end > b->end ? -1 : a->end < b->end ? 1 : 0;
}

// Who applies edits drops those that overlap, and an attachment with them.
static void
merge(struct strip_list *list)
{
    size_t kept = 0;

    qsort(list->items, list->count, sizeof(list->items[0]), compare_places);
    for (size_t i = 1; i < list->count; i++) {
        if (list->items[i].begin > list->items[kept].end)
            list->items[++kept] = list->items[i];
        else if (list->items[i].end > list->items[kept].end)
            list->items[kept].end = list->items[i].end;
    }
    list->count = list->count > 0 ? kept + 1 : 0;
}

static int
replace(const struct reading *reading, const struct strip_place *place, struct edit_list *edits,
        struct err *err)
{
    const char *reason = place->rule->reason != NULL ? place->rule->reason : place->rule->name;
    struct buf text;
    int result;

    buf_init(&text, TEXT_MAX_LEN);
    strip_format(place->name, reading->evidence.question->hostname, reason, place->with_header,
                 &text);
    result =
        edit_list_replace(edits, place->begin, place->end - place->begin, buf_span(&text), err);
    buf_clear(&text);
    return result;
}

static bool
wants_strip(const struct reading *reading, const struct reading_course *course)
{
    for (size_t i = 0; i < course->fired_count; i++) {
        if (reading->evidence.question->rules->items[course->fired[i]].strip_count > 0)
            return true;
    }
    return false;
}

int
strip_parts(const struct reading *reading, const struct reading_course *course,
            struct edit_list *edits, struct err *err)
{
    struct strip_list list = {.count = 0};
    int failed;

    if (reading->evidence.question->findings == NULL || !wants_strip(reading, course))
        return 0;
    list.places = locate_all(reading->evidence.question->findings);
    failed = collect(reading, course, &list);
    mem_free(&list.places);
    if (failed != 0)
        return err_set(err, ERR_PERM,
                       "an attachment that is to be removed is the message itself, has no place "
                       "in it, or is one of more than %d",
                       STRIP_MAX);
    merge(&list);
    for (size_t i = 0; i < list.count; i++) {
        if (replace(reading, &list.items[i], edits, err) != 0)
            return -1;
    }
    return 0;
}
