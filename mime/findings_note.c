// SPDX-License-Identifier: BSD-2-Clause
#include "mime/findings.h"

#include <inttypes.h>
#include <string.h>

#include "spool/journal.h"

// Of the line as it stands in the journal; an item is begun only where it fits, whatever is in it.
enum { NOTE_MAX = 16 << 10, ITEM_MAX = 600, TEXT_MAX = 100, NAMES_MAX = 3, ESCAPED = 3 };

enum { MESSAGE_ID_MAX = 500, SUBJECT_MAX = 200 };

static bool
has_room(const struct journal_writer *writer)
{
    return !writer->failed &&
           writer->out->len - writer->start + (size_t)ITEM_MAX * ESCAPED < NOTE_MAX;
}

// A blank parts the texts of an item, so one inside becomes \x20.
static void
add_text(struct buf *item, struct span text)
{
    (void)buf_add_char(item, ' ');
    if (text.len == 0)
        (void)buf_add_char(item, '-');
    str_escape(item, text, " ", TEXT_MAX);
}

static void
note_item(struct journal_writer *writer, const char *key, struct buf *item)
{
    journal_field(writer, key, buf_span(item));
    buf_reset(item);
}

static void
note_marks(const struct findings *findings, struct journal_writer *writer, struct buf *item)
{
    for (size_t i = 0; i < findings->mark_count && has_room(writer); i++) {
        const struct finding_mark *mark = &findings->marks[i];

        (void)buf_printf(item, "%s %" PRIu32 " %" PRIu32, finding_defect_name(mark->defect),
                         mark->part, mark->count);
        note_item(writer, "defect", item);
    }
}

static void
note_parts(const struct findings *findings, struct journal_writer *writer, struct buf *item)
{
    for (size_t i = 0; i < findings->part_count && has_room(writer); i++) {
        const struct finding_part *part = &findings->parts[i];

        (void)buf_printf(item, "%zu %" PRId32 " %" PRIu64, i, part->parent, part->decoded_len);
        add_text(item, part->type);
        add_text(item, part->sniffed);
        for (size_t k = 0; k < part->name_count && k < NAMES_MAX; k++)
            add_text(item, part->names[k]);
        note_item(writer, "part", item);
    }
}

static void
note_members(const struct findings *findings, struct journal_writer *writer, struct buf *item)
{
    for (size_t i = 0; i < findings->member_count && has_room(writer); i++) {
        const struct finding_member *member = &findings->members[i];

        (void)buf_printf(item, "%" PRIu32 " %" PRIu32 " %" PRIu64, member->part, member->level,
                         member->size);
        add_text(item, member->sniffed);
        add_text(item, member->name);
        note_item(writer, "member", item);
    }
}

// Folded behind its name, it begins in the next line.
static struct span
trim(struct span text)
{
    while (text.len > 0 && strchr(" \t\r\n", text.data[0]) != NULL && text.data[0] != '\0')
        text = span_skip(text, 1);
    return span_trim(text);
}

// Between two characters of UTF-8.
static struct span
cut(struct span text, size_t max)
{
    if (text.len <= max)
        return text;
    text.len = max;
    while (text.len > 0 && ((unsigned char)text.data[text.len] & 0xc0) == 0x80)
        text.len--;
    return text;
}

// How people and other logs know the message.
static void
note_names(const struct findings *findings, struct journal_writer *writer)
{
    const struct finding_header *id = findings_header(findings, "Message-ID", 0);
    const struct finding_header *subject = findings_header(findings, "Subject", 0);

    if (id != NULL)
        journal_field(writer, "message_id", cut(trim(id->raw), MESSAGE_ID_MAX));
    if (subject != NULL)
        journal_field(writer, "subject", cut(trim(subject->decoded), SUBJECT_MAX));
}

void
findings_note(const struct findings *findings, struct journal_writer *writer)
{
    struct buf item;

    journal_field_number(writer, "len", (int64_t)findings->len);
    journal_field_number(writer, "headers", (int64_t)findings->header_count);
    journal_field_number(writer, "parts", (int64_t)findings->part_count);
    journal_field_number(writer, "members", (int64_t)findings->member_count);
    journal_field_number(writer, "links", (int64_t)findings->link_count);
    journal_field_number(writer, "hits", (int64_t)findings->hit_count);
    note_names(findings, writer);
    buf_init(&item, ITEM_MAX);
    if (findings->limit != LIMIT_NONE) {
        (void)buf_add_text(&item, finding_limit_name(findings->limit));
        add_text(&item, findings->limit_text);
        note_item(writer, "limit", &item);
    }
    note_marks(findings, writer, &item);
    note_parts(findings, writer, &item);
    note_members(findings, writer, &item);
    buf_clear(&item);
}
