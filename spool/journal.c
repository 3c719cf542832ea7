// SPDX-License-Identifier: BSD-2-Clause
#include "spool/journal.h"

#include <assert.h>
#include <string.h>

#include "base/digest.h"
#include "base/mem.h"
#include "smtp/xtext.h"

enum { SUM_DIGITS = 16, TAIL_LEN = SUM_DIGITS + 3 }; // " #<checksum>\n"

uint64_t
journal_key(const char *id, uint64_t checksum)
{
    return digest_sum64(span_of(id), checksum);
}

static bool
is_word(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((text.data[i] < 'a' || text.data[i] > 'z') && text.data[i] != '_')
            return false;
    }
    return text.len > 0;
}

static void
format_tail(struct span content, uint64_t key, char out[TAIL_LEN])
{
    static const char hex[] = "0123456789abcdef";
    uint64_t sum = digest_sum64(content, key);

    out[0] = ' ';
    out[1] = '#';
    for (size_t i = 0; i < SUM_DIGITS; i++)
        out[2 + i] = hex[sum >> (4 * (SUM_DIGITS - 1 - i)) & 15];
    out[TAIL_LEN - 1] = '\n';
}

void
journal_begin(struct journal_writer *writer, struct buf *out, uint64_t key, uint64_t seq,
              int64_t time_ms, const char *event)
{
    assert(is_word(span_of(event)) && seq <= INT64_MAX);
    *writer = (struct journal_writer){.out = out, .start = out->len, .key = key};
    writer->failed = buf_add_number(out, seq) != 0 || buf_add_char(out, ' ') != 0 ||
                     buf_add_number(out, time_ms > 0 ? (uint64_t)time_ms : 0) != 0 ||
                     buf_add_char(out, ' ') != 0 || buf_add_text(out, event) != 0;
}

// What cannot fit any more is not encoded at all, so that out stays bounded.
static bool
begin_field(struct journal_writer *writer, const char *key, size_t raw_len)
{
    struct buf *out = writer->out;

    assert(is_word(span_of(key)));
    writer->field_count++;
    writer->failed = writer->failed || writer->field_count > JOURNAL_FIELDS_MAX ||
                     raw_len > JOURNAL_LINE_MAX || out->len - writer->start > JOURNAL_LINE_MAX ||
                     buf_add_char(out, ' ') != 0 || buf_add_text(out, key) != 0 ||
                     buf_add_char(out, '=') != 0;
    return !writer->failed;
}

void
journal_field(struct journal_writer *writer, const char *key, struct span raw)
{
    if (begin_field(writer, key, raw.len))
        writer->failed = xtext_encode(writer->out, raw) != 0;
}

void
journal_field_text(struct journal_writer *writer, const char *key, const char *raw)
{
    if (raw != NULL)
        journal_field(writer, key, span_of(raw));
}

void
journal_field_number(struct journal_writer *writer, const char *key, int64_t value)
{
    uint64_t amount = value < 0 ? -(uint64_t)value : (uint64_t)value;

    if (begin_field(writer, key, 0))
        writer->failed = (value < 0 && buf_add_char(writer->out, '-') != 0) ||
                         buf_add_number(writer->out, amount) != 0;
}

int
journal_end(struct journal_writer *writer)
{
    struct buf *out = writer->out;
    char tail[TAIL_LEN];

    if (!writer->failed) {
        format_tail(span_skip(buf_span(out), writer->start), writer->key, tail);
        writer->failed = buf_add(out, tail, TAIL_LEN) != 0;
    }
    if (!writer->failed && out->len - writer->start <= JOURNAL_LINE_MAX)
        return 0;
    buf_cut(out, writer->start);
    return -1;
}

void
journal_reader_init(struct journal_reader *reader, struct span journal, uint64_t key)
{
    reader->whole = journal;
    reader->offset = 0;
    reader->good_end = 0;
    reader->bad_lines = 0;
    reader->bad_since = 0;
    reader->key = key;
}

int
journal_read_fields(struct span text, size_t max, struct journal_line *line)
{
    line->field_count = 0;
    while (text.data != NULL) {
        struct journal_field *field = &line->fields[line->field_count];

        if (line->field_count == max)
            return -1;
        field->value = span_cut(&text, ' ');
        field->key = span_cut(&field->value, '=');
        if (!is_word(field->key) || field->value.data == NULL)
            return -1;
        line->field_count++;
    }
    return 0;
}

static bool
parse_content(struct journal_reader *reader, struct span rest, struct journal_line *line)
{
    struct span seq = span_cut(&rest, ' ');
    struct span time = span_cut(&rest, ' ');
    uint64_t time_ms;

    line->event = span_cut(&rest, ' ');
    line->fields = reader->fields;
    line->field_count = 0;
    if (str_parse_u64(seq, INT64_MAX, &line->seq) != 0 ||
        str_parse_u64(time, INT64_MAX, &time_ms) != 0 || !is_word(line->event))
        return false;
    line->time_ms = (int64_t)time_ms;
    return journal_read_fields(rest, JOURNAL_FIELDS_MAX, line) == 0;
}

// The checksum first: nothing that is not ours is looked into.
static bool
parse_line(struct journal_reader *reader, struct span text, struct journal_line *line)
{
    struct span content = text;
    char tail[TAIL_LEN];

    if (text.len <= TAIL_LEN || text.len > JOURNAL_LINE_MAX)
        return false;
    content.len -= TAIL_LEN;
    if (memcmp(text.data + content.len, " #", 2) != 0)
        return false;
    format_tail(content, reader->key, tail);
    line->text = text;
    return memcmp(text.data + content.len, tail, TAIL_LEN) == 0 &&
           parse_content(reader, content, line);
}

bool
journal_next(struct journal_reader *reader, struct journal_line *line_out)
{
    struct span rest = span_skip(reader->whole, reader->offset);
    const char *end;

    while (rest.len > 0 && (end = memchr(rest.data, '\n', rest.len)) != NULL) {
        struct span text = {rest.data, (size_t)(end - rest.data) + 1};

        rest = span_skip(rest, text.len);
        reader->offset += text.len;
        if (parse_line(reader, text, line_out)) {
            reader->good_end = reader->offset;
            reader->bad_lines += reader->bad_since;
            reader->bad_since = 0;
            return true;
        }
        reader->bad_since += text.len > 1 ? 1 : 0;
    }
    reader->offset = reader->whole.len;
    return false;
}

struct span
journal_get(const struct journal_line *line, const char *key)
{
    for (size_t i = 0; i < line->field_count; i++) {
        if (span_is(line->fields[i].key, key))
            return line->fields[i].value;
    }
    return (struct span){NULL, 0};
}

int
journal_get_raw(const struct journal_line *line, const char *key, struct buf *out)
{
    struct span value = journal_get(line, key);

    return value.data == NULL ? -1 : xtext_decode(out, value);
}

char *
journal_decode(struct span value, size_t max)
{
    struct buf raw;
    char *text = NULL;
    size_t len;

    buf_init(&raw, JOURNAL_LINE_MAX);
    if (value.data != NULL && xtext_decode(&raw, value) == 0) {
        len = raw.len < max ? raw.len : max;
        // A byte that goes on a UTF-8 character must not be the first that is cut off.
        while (len > 0 && len < raw.len && ((unsigned char)raw.data[len] & 0xc0) == 0x80)
            len--;
        text = mem_strndup(raw.data, len);
    }
    buf_clear(&raw);
    return text;
}

char *
journal_get_text(const struct journal_line *line, const char *key, size_t max)
{
    return journal_decode(journal_get(line, key), max);
}
