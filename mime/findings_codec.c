// SPDX-License-Identifier: BSD-2-Clause
#include "mime/findings.h"

#include "base/frame.h"
#include "base/pack.h"

// Bytes that one takes at least, so that no count makes room for more than can follow.
enum { HEADER_LEAST = 5, PART_LEAST = 13, MEMBER_LEAST = 6, LINK_LEAST = 1, MARK_LEAST = 3 };

enum { HIT_LEAST = 2, NAME_LEAST = 1 };

// --- writing ---

static void
write_part(struct pack *pack, const struct finding_part *part)
{
    pack_number(pack, (uint64_t)((int64_t)part->parent + 1));
    pack_number(pack, part->depth);
    pack_number(pack, part->kind);
    pack_number(pack, part->reading);
    pack_span(pack, part->type);
    pack_span(pack, part->sniffed);
    pack_span(pack, part->charset);
    pack_span(pack, part->encoding);
    pack_span(pack, part->disposition);
    pack_number(pack, part->name_count);
    for (size_t i = 0; i < part->name_count; i++)
        pack_span(pack, part->names[i]);
    pack_number(pack, part->is_located);
    if (part->is_located) {
        pack_number(pack, part->head_begin);
        pack_number(pack, part->body_begin);
        pack_number(pack, part->body_end);
    }
    pack_number(pack, part->decoded_len);
    if (part->kind == FINDING_LEAF)
        pack_bytes(pack, part->sha256, SHA256_LEN);
    pack_number(pack, part->is_encrypted);
}

static void
write_headers(struct pack *pack, const struct findings *findings)
{
    pack_number(pack, findings->header_count);
    for (size_t i = 0; i < findings->header_count; i++) {
        const struct finding_header *header = &findings->headers[i];

        pack_span(pack, header->name);
        pack_span(pack, header->raw);
        pack_span(pack, header->decoded);
        pack_number(pack, header->offset);
        pack_number(pack, header->len);
    }
}

static void
write_members(struct pack *pack, const struct findings *findings)
{
    pack_number(pack, findings->member_count);
    for (size_t i = 0; i < findings->member_count; i++) {
        const struct finding_member *member = &findings->members[i];

        pack_number(pack, member->part);
        pack_number(pack, member->level);
        pack_span(pack, member->name);
        pack_span(pack, member->sniffed);
        pack_number(pack, member->size);
        pack_number(pack, member->is_encrypted);
    }
}

static void
write_short(struct pack *pack, const struct findings *findings)
{
    pack_number(pack, findings->link_count);
    for (size_t i = 0; i < findings->link_count; i++)
        pack_span(pack, findings->links[i]);
    pack_number(pack, findings->mark_count);
    for (size_t i = 0; i < findings->mark_count; i++) {
        pack_number(pack, findings->marks[i].defect);
        pack_number(pack, findings->marks[i].part);
        pack_number(pack, findings->marks[i].count);
    }
    pack_number(pack, findings->hit_count);
    for (size_t i = 0; i < findings->hit_count; i++) {
        pack_number(pack, findings->hits[i].pattern);
        pack_number(pack, findings->hits[i].rcpt);
    }
}

int
findings_write(const struct findings *findings, struct buf *out)
{
    size_t start = out->len;
    struct pack pack;

    pack_begin(&pack, out);
    pack_number(&pack, findings->len);
    pack_number(&pack, findings->limit);
    pack_span(&pack, findings->limit_text);
    pack_number(&pack, findings->header_len);
    pack_number(&pack, findings->is_odd);
    pack_number(&pack, findings->parts_len);
    pack_number(&pack, findings->has_more_parts);
    write_headers(&pack, findings);
    pack_number(&pack, findings->part_count);
    for (size_t i = 0; i < findings->part_count && !pack.has_failed; i++)
        write_part(&pack, &findings->parts[i]);
    write_members(&pack, findings);
    write_short(&pack, findings);
    if (out->len - start > FRAME_PAYLOAD_MAX)
        pack.has_failed = true;
    return pack_end(&pack);
}

// --- reading ---

struct reading {
    struct unpack unpack;
    struct findings *findings;
};

static void
doubt(struct reading *in, bool is_wrong)
{
    if (is_wrong)
        in->unpack.has_failed = true;
}

static struct span
read_text(struct reading *in)
{
    struct span text = unpack_span(&in->unpack);

    if (text.len == 0)
        return span_from("", 0);
    text = arena_copy(&in->findings->arena, text);
    doubt(in, text.data == NULL);
    return text;
}

// NULL only where the count became 0.
static void *
read_array(struct reading *in, size_t least, size_t size, size_t *count_out)
{
    size_t count = unpack_count(&in->unpack, least);
    void *array = count == 0 ? NULL : arena_array(&in->findings->arena, count, size);

    doubt(in, count > 0 && array == NULL);
    *count_out = array == NULL ? 0 : count;
    return array;
}

static uint32_t
read_u32(struct reading *in)
{
    return (uint32_t)unpack_number(&in->unpack, UINT32_MAX);
}

static void
read_headers(struct reading *in)
{
    struct findings *findings = in->findings;

    findings->headers =
        read_array(in, HEADER_LEAST, sizeof *findings->headers, &findings->header_count);
    doubt(in, findings->header_count > FINDINGS_HEADERS_MAX);
    for (size_t i = 0; i < findings->header_count && !in->unpack.has_failed; i++) {
        struct finding_header *header = &findings->headers[i];

        header->name = read_text(in);
        header->raw = read_text(in);
        header->decoded = read_text(in);
        header->offset = unpack_number(&in->unpack, findings->len);
        header->len = unpack_number(&in->unpack, findings->len - header->offset);
    }
}

static void
read_place(struct reading *in, struct finding_part *part)
{
    part->is_located = unpack_flag(&in->unpack);
    if (!part->is_located)
        return;
    part->head_begin = unpack_number(&in->unpack, in->findings->len);
    part->body_begin = unpack_number(&in->unpack, in->findings->len);
    part->body_end = unpack_number(&in->unpack, in->findings->len);
    doubt(in, part->head_begin > part->body_begin || part->body_begin > part->body_end);
}

static void
read_part(struct reading *in, struct finding_part *part, size_t index)
{
    part->parent = (int32_t)unpack_number(&in->unpack, index) - 1;
    part->depth = read_u32(in);
    part->kind = (enum finding_kind)unpack_number(&in->unpack, FINDING_MESSAGE);
    part->reading = (enum finding_reading)unpack_number(&in->unpack, READING_INLINE);
    part->type = read_text(in);
    part->sniffed = read_text(in);
    part->charset = read_text(in);
    part->encoding = read_text(in);
    part->disposition = read_text(in);
    part->names = read_array(in, NAME_LEAST, sizeof *part->names, &part->name_count);
    in->findings->name_count += part->name_count;
    doubt(in, in->findings->name_count > FINDINGS_NAMES_MAX);
    for (size_t i = 0; i < part->name_count && !in->unpack.has_failed; i++)
        part->names[i] = read_text(in);
    read_place(in, part);
    part->decoded_len = unpack_number(&in->unpack, UINT64_MAX);
    if (part->kind == FINDING_LEAF)
        unpack_bytes(&in->unpack, part->sha256, SHA256_LEN);
    part->is_encrypted = unpack_flag(&in->unpack);
}

static void
read_parts(struct reading *in)
{
    struct findings *findings = in->findings;

    findings->parts = read_array(in, PART_LEAST, sizeof *findings->parts, &findings->part_count);
    doubt(in, findings->part_count > FINDINGS_PARTS_MAX);
    for (size_t i = 0; i < findings->part_count && !in->unpack.has_failed; i++)
        read_part(in, &findings->parts[i], i);
}

// Part 0 is the message itself, whether its parts could be told or not.
static uint32_t
read_part_number(struct reading *in)
{
    size_t count = in->findings->part_count;

    return (uint32_t)unpack_number(&in->unpack, count > 0 ? count - 1 : 0);
}

static void
read_members(struct reading *in)
{
    struct findings *findings = in->findings;

    findings->members =
        read_array(in, MEMBER_LEAST, sizeof *findings->members, &findings->member_count);
    // They are in a part, which is looked up.
    doubt(in, findings->member_count > (findings->part_count > 0 ? FINDINGS_MEMBERS_MAX : 0));
    for (size_t i = 0; i < findings->member_count && !in->unpack.has_failed; i++) {
        struct finding_member *member = &findings->members[i];

        member->part = read_part_number(in);
        member->level = read_u32(in);
        member->name = read_text(in);
        member->sniffed = read_text(in);
        member->size = unpack_number(&in->unpack, UINT64_MAX);
        member->is_encrypted = unpack_flag(&in->unpack);
    }
}

static void
read_hits(struct reading *in)
{
    struct findings *findings = in->findings;

    findings->hits = read_array(in, HIT_LEAST, sizeof *findings->hits, &findings->hit_count);
    for (size_t i = 0; i < findings->hit_count && !in->unpack.has_failed; i++) {
        struct finding_hit *hit = &findings->hits[i];

        hit->pattern = read_u32(in);
        hit->rcpt = read_u32(in);
        doubt(in, i > 0 && findings_compare_hits(hit - 1, hit) >= 0);
    }
}

static void
read_short(struct reading *in)
{
    struct findings *findings = in->findings;

    findings->links = read_array(in, LINK_LEAST, sizeof *findings->links, &findings->link_count);
    doubt(in, findings->link_count > FINDINGS_LINKS_MAX);
    for (size_t i = 0; i < findings->link_count && !in->unpack.has_failed; i++)
        findings->links[i] = read_text(in);
    findings->marks = read_array(in, MARK_LEAST, sizeof *findings->marks, &findings->mark_count);
    for (size_t i = 0; i < findings->mark_count && !in->unpack.has_failed; i++) {
        struct finding_mark *mark = &findings->marks[i];

        mark->defect = (enum finding_defect)unpack_number(&in->unpack, DEFECT_COUNT - 1);
        mark->part = read_part_number(in);
        mark->count = read_u32(in);
        doubt(in, mark->defect == DEFECT_AMBIGUOUS);
    }
    read_hits(in);
}

struct findings *
findings_read(struct span payload, struct err *err)
{
    struct findings *findings = findings_new();
    struct reading in = {.unpack = {.rest = payload}, .findings = findings};

    doubt(&in, payload.len > FRAME_PAYLOAD_MAX);
    findings->len = unpack_number(&in.unpack, UINT64_MAX);
    findings->limit = (enum finding_limit)unpack_number(&in.unpack, LIMIT_COUNT - 1);
    findings->limit_text = read_text(&in);
    doubt(&in, findings->limit_text.len > FINDINGS_LIMIT_TEXT_MAX);
    findings->header_len = unpack_number(&in.unpack, findings->len);
    findings->is_odd = unpack_flag(&in.unpack);
    findings->parts_len = unpack_number(&in.unpack, INT64_MAX);
    findings->has_more_parts = unpack_flag(&in.unpack);
    read_headers(&in);
    read_parts(&in);
    read_members(&in);
    read_short(&in);
    if (unpack_end(&in.unpack) == 0)
        return findings;
    err_set(err, ERR_PERM, "%zu bytes that are no findings", payload.len);
    findings_free(&findings);
    return NULL;
}
