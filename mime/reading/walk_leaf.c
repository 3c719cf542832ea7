// SPDX-License-Identifier: BSD-2-Clause
#include "mime/reading/walk_private.h"

#include <string.h>

#include "mime/reading/inline.h"
#include "mime/reading/look.h"

enum { TEXT_MAX = 8 << 20 };

static void
add_encoding(struct encodings *encodings, enum decode_encoding encoding)
{
    for (size_t i = 0; i < encodings->count; i++) {
        if (encodings->items[i] == encoding)
            return;
    }
    if (encodings->count < sizeof(encodings->items) / sizeof(encodings->items[0]))
        encodings->items[encodings->count++] = encoding;
}

// Written so that each reader takes it for the same.
static bool
is_plain_encoding(struct span value)
{
    static const char *const plain[] = {"7bit",      "8bit", "binary", "base64", "quoted-printable",
                                        "x-uuencode"};

    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        if (span_is_nocase(value, plain[i]))
            return true;
    }
    return value.len == 0;
}

void
walk_leaf_encodings(const struct entity *entity, const struct task *task,
                    struct encodings *encodings_out)
{
    *encodings_out = (struct encodings){.count = 0};
    for (size_t i = entity->encoding_count; i > 0; i--) {
        bool is_known = true;

        add_encoding(encodings_out, decode_encoding_find(entity->encodings[i - 1], &is_known));
        if (!is_known && entity->encodings[i - 1].len > 0)
            encodings_out->is_unknown = true;
    }
    if (entity->encoding_count == 0) {
        add_encoding(encodings_out, DECODE_IDENTITY);
        add_encoding(encodings_out, task->inherited);
    }
    for (size_t i = 0; i < entity->encoding_count; i++) {
        if (!is_plain_encoding(entity->encodings[i]))
            add_encoding(encodings_out, DECODE_IDENTITY);
    }
}

struct span
walk_leaf_decode(struct walker *walker, struct span raw, enum decode_encoding encoding,
                 struct buf *out, struct decode *decode_out)
{
    struct span rest = raw;
    unsigned before;
    int result = 0;

    decode_init(decode_out, encoding);
    if (encoding == DECODE_IDENTITY || !walker_spend(walker, raw.len))
        return raw;
    before = meter_turn(walker->in->meter, LOOK_DECODE);
    buf_clear(out);
    out->ceiling = raw.len + sizeof(decode_out->held);
    (void)buf_space(out, encoding == DECODE_BASE64 ? raw.len / 4 * 3 + 3 : raw.len);
    while (rest.len > 0 && result == 0) {
        size_t len = rest.len < EBB_STRIDE ? rest.len : EBB_STRIDE;

        ebb_at(walker->in->ebb, rest.data);
        result = decode_add(decode_out, span_from(rest.data, len), out);
        rest = span_skip(rest, len);
    }
    if (result == 0)
        (void)decode_end(decode_out, out);
    else
        decode_out->is_unpadded = true; // it grew (uuencode), and its end was not seen
    meter_turn(walker->in->meter, before);
    return buf_span(out);
}

static void
mark_decode(struct walker *walker, uint32_t part, const struct decode *decode)
{
    static const enum finding_defect bad[] = {
        [DECODE_IDENTITY] = DEFECT_UNKNOWN_ENCODING,
        [DECODE_BASE64] = DEFECT_BAD_BASE64,
        [DECODE_BASE64_URL] = DEFECT_BAD_BASE64,
        [DECODE_QUOTED_PRINTABLE] = DEFECT_BAD_QUOTED_PRINTABLE,
        [DECODE_UUENCODE] = DEFECT_BAD_UUENCODE,
    };

    if (decode->junk > 0 || decode->is_unpadded)
        collect_mark(walker->findings, bad[decode->encoding], part);
    if (decode->inner_padding > 0)
        collect_mark(walker->findings, DEFECT_BASE64_PADDING, part);
    if (decode->soft_blanks > 0)
        walker->findings->is_odd = true; // no defect, but some end the line elsewhere
}

static bool
is_utf8_name(struct span charset)
{
    return charset.len == 0 || span_is_nocase(charset, "utf-8") ||
           span_is_nocase(charset, "us-ascii");
}

// The text as UTF-8, in *out where it is not so already.
static struct span
read_text(struct walker *walker, const struct leaf *leaf, uint32_t index, struct span content,
          struct buf *out)
{
    unsigned before;

    if (!leaf->is_text)
        return span_of("");
    if (content.len > TEXT_MAX)
        content.len = TEXT_MAX;
    if (is_utf8_name(leaf->charset) && str_is_utf8(content))
        return content;
    before = meter_turn(walker->in->meter, LOOK_DECODE);
    if (charset_decode(walker->in->charsets, leaf->charset, content, out) == 1)
        collect_mark(walker->findings, DEFECT_UNKNOWN_CHARSET, index);
    meter_turn(walker->in->meter, before);
    return buf_span(out);
}

static void
tell_read(struct walker *walker, uint32_t index, struct pieces *content, struct span text)
{
    struct walk_part part = {
        .part = &walker->findings->parts[index], .content = content, .text = text};

    part.part->decoded_len = content->len;
    walker->in->found(walker->in->arg, index, &part);
}

static void
tell(struct walker *walker, uint32_t index, struct span content, struct span text)
{
    struct pieces pieces;

    pieces_init(&pieces, content, DECODE_IDENTITY, walker->in->ebb);
    walker->in->read(walker->in->arg, &pieces);
    tell_read(walker, index, &pieces, text);
    pieces_clear(&pieces);
}

// The same part in another reading, or what its text holds: a part in the one at hand.
static int32_t
add_other(struct walker *walker, const struct leaf *leaf, enum finding_reading reading)
{
    const struct finding_part like = walker->findings->parts[leaf->index];
    struct finding_part *part;
    struct task task = *leaf->task;
    int32_t index;

    task.parent = leaf->index;
    task.depth = like.depth + 1;
    task.reading = reading;
    index = walk_part_add(walker, &task, NULL);
    if (index < 0)
        return -1;
    part = &walker->findings->parts[index];
    part->is_located = like.is_located && reading != READING_INLINE;
    part->head_begin = part->body_begin = part->body_end = 0;
    if (part->is_located) {
        part->head_begin = like.head_begin;
        part->body_begin = like.body_begin;
        part->body_end = like.body_end;
    }
    if (reading != READING_INLINE) {
        part->type = like.type;
        part->charset = like.charset;
        part->encoding = like.encoding;
        part->disposition = like.disposition;
        part->names = like.names;
        part->name_count = like.name_count;
    }
    return index;
}

static void
tell_inline(struct walker *walker, const struct leaf *leaf, struct span content)
{
    struct inline_file file;

    if (!leaf->is_text)
        return;
    while (!walker_is_over(walker) && inline_next(&content, walker->in->ebb, &file)) {
        int32_t index = add_other(walker, leaf, READING_INLINE);
        uint64_t junk = 0;
        struct buf out;
        bool is_cut;

        if (index < 0 || !walker_spend(walker, file.raw.len))
            return;
        collect_name(walker->findings, &walker->findings->parts[index], file.name);
        walker->findings->parts[index].encoding =
            file.kind == INLINE_YENC ? span_of("x-yenc") : span_of("x-uuencode");
        buf_init(&out, file.raw.len + 1);
        is_cut = inline_decode(&file, &out, &junk) != 0;
        collect_mark(walker->findings, DEFECT_HIDDEN_CONTENT, (uint32_t)index);
        if (junk > 0 || is_cut)
            collect_mark(walker->findings, DEFECT_BAD_UUENCODE, (uint32_t)index);
        if (words_is_bad_name(file.name))
            collect_mark(walker->findings, DEFECT_BAD_NAME, (uint32_t)index);
        tell(walker, (uint32_t)index, buf_span(&out), span_of(""));
        buf_clear(&out);
    }
}

// What a mail in an attachment holds; decoded bytes are kept till it is read.
static void
read_mail_inside(struct walker *walker, const struct leaf *leaf, int32_t index, struct buf *decoded)
{
    struct task task = *leaf->task;

    task.kind = TASK_ENTITY;
    task.depth = walker->findings->parts[index].depth;
    task.reading = READING_OTHER;
    if (decoded->len > 0) {
        walker_push_message(walker, &task, walker_add_source(walker, decoded), index);
        return;
    }
    task.parent = index;
    task.depth++;
    task.begin = (size_t)(leaf->raw.data - task.source->bytes.data);
    task.end = task.begin + leaf->raw.len;
    walker_push(walker, &task);
}

// Nobody asks for more of it than its bytes, one after the other.
static void
tell_in_pieces(struct walker *walker, const struct leaf *leaf, int32_t index,
               enum decode_encoding encoding)
{
    struct pieces pieces;

    if (!walker_spend(walker, leaf->raw.len))
        encoding = DECODE_IDENTITY;
    pieces_init(&pieces, leaf->raw, encoding, walker->in->ebb);
    walker->in->read(walker->in->arg, &pieces);
    mark_decode(walker, (uint32_t)index, &pieces.decode);
    tell_read(walker, (uint32_t)index, &pieces, span_of(""));
    pieces_clear(&pieces);
}

static void
tell_whole(struct walker *walker, const struct leaf *leaf, int32_t index,
           enum decode_encoding encoding)
{
    struct buf out, text_out;
    struct decode decode;
    struct span content, text;

    buf_init(&out, 0);
    buf_init(&text_out, (size_t)TEXT_MAX * 2);
    content = walk_leaf_decode(walker, leaf->raw, encoding, &out, &decode);
    mark_decode(walker, (uint32_t)index, &decode);
    text = read_text(walker, leaf, (uint32_t)index, content, &text_out);
    tell(walker, (uint32_t)index, content, text);
    tell_inline(walker, leaf, content);
    if (leaf->is_mail_inside && content.len > 0)
        read_mail_inside(walker, leaf, index, &out);
    buf_clear(&text_out);
    buf_clear(&out);
}

static void
tell_one(struct walker *walker, const struct leaf *leaf, int32_t index,
         enum decode_encoding encoding)
{
    const bool is_longer = encoding == DECODE_UUENCODE; // than its raw bytes, maybe

    if (leaf->is_text || leaf->is_mail_inside || is_longer || encoding == DECODE_IDENTITY)
        tell_whole(walker, leaf, index, encoding);
    else
        tell_in_pieces(walker, leaf, index, encoding);
}

// A part for another encoding, where nobody saw it yet.
static void
tell_other(struct walker *walker, const struct leaf *leaf, enum decode_encoding encoding)
{
    int32_t index;

    if (walker_has_seen(walker, leaf->task->source, encoding, leaf->raw))
        return;
    index = add_other(walker, leaf, READING_OTHER);
    if (index >= 0)
        tell_one(walker, leaf, index, encoding);
}

// As those read it who stop at padding in the middle.
static void
tell_first_group(struct walker *walker, const struct leaf *leaf)
{
    const char *pad = ebb_find(walker->in->ebb, leaf->raw, '=');
    struct leaf first = *leaf;
    struct span rest;

    if (pad == NULL)
        return;
    rest = span_skip(leaf->raw, (size_t)(pad - leaf->raw.data));
    while (rest.len > 0 && (rest.data[0] == '=' || rest.data[0] == '\r' || rest.data[0] == '\n'))
        rest = span_skip(rest, 1);
    if (rest.len == 0)
        return;
    first.raw.len -= rest.len;
    tell_other(walker, &first, DECODE_BASE64);
}

// As those read it who know the URL's alphabet, too.
static void
tell_url_letters(struct walker *walker, const struct leaf *leaf)
{
    struct ebb *ebb = walker->in->ebb;

    if (ebb_find(ebb, leaf->raw, '-') != NULL || ebb_find(ebb, leaf->raw, '_') != NULL)
        tell_other(walker, leaf, DECODE_BASE64_URL);
}

void
walk_leaf_tell(struct walker *walker, const struct leaf *leaf, const struct encodings *encodings)
{
    const bool is_leaf = walker->findings->parts[leaf->index].kind == FINDING_LEAF;
    bool has_base64 = false;

    if (encodings->is_unknown)
        collect_mark(walker->findings, DEFECT_UNKNOWN_ENCODING, (uint32_t)leaf->index);
    for (size_t i = 0; i < encodings->count && !walker_is_over(walker); i++) {
        has_base64 = has_base64 || encodings->items[i] == DECODE_BASE64;
        if (i == 0 && is_leaf) {
            (void)walker_has_seen(walker, leaf->task->source, encodings->items[i], leaf->raw);
            tell_one(walker, leaf, leaf->index, encodings->items[i]);
        } else {
            tell_other(walker, leaf, encodings->items[i]);
        }
    }
    if (has_base64 && !walker_is_over(walker))
        tell_first_group(walker, leaf);
    if (has_base64 && !walker_is_over(walker))
        tell_url_letters(walker, leaf);
}
