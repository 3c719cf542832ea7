// SPDX-License-Identifier: BSD-2-Clause
#include "mime/query.h"

#include <assert.h>

#include "base/frame.h"
#include "base/pack.h"

// What is read takes more memory than the payload it comes from: a span for each text.
enum { MEMORY_MAX = 64 << 20, PATTERN_LEAST = 3, RCPT_LEAST = 1 };

static const char *const target_names[PATTERN_TARGET_COUNT] = {
    [PATTERN_FROM] = "from",
    [PATTERN_TO] = "to",
    [PATTERN_HELO] = "helo",
    [PATTERN_USER] = "user",
    [PATTERN_CLIENT_NAME] = "client_name",
    [PATTERN_SUBJECT] = "subject",
    [PATTERN_HEADER] = "header",
    [PATTERN_ATTACHMENT] = "attachment",
    [PATTERN_MIME_TYPE] = "mime_type",
};

// Those that looking goes by; attempts and what follows them are the worker's.
static const size_t limit_offsets[] = {
    offsetof(struct dissect_settings, timeout),
    offsetof(struct dissect_settings, memory),
    offsetof(struct dissect_settings, max_depth),
    offsetof(struct dissect_settings, max_parts),
    offsetof(struct dissect_settings, max_members),
    offsetof(struct dissect_settings, max_unpacked),
    offsetof(struct dissect_settings, max_ratio),
    offsetof(struct dissect_settings, max_header),
    offsetof(struct dissect_settings, max_field),
    offsetof(struct dissect_settings, max_fields),
    offsetof(struct dissect_settings, max_parameters),
};

enum { LIMITS = sizeof limit_offsets / sizeof limit_offsets[0] };

const char *
pattern_target_name(enum pattern_target target)
{
    assert((unsigned)target < PATTERN_TARGET_COUNT);
    return target_names[target];
}

static int
end_payload(struct pack *pack)
{
    if (pack->out->len - pack->start > FRAME_PAYLOAD_MAX)
        pack->has_failed = true;
    return pack_end(pack);
}

// Texts are at most as long as their payload.
static struct span
copy_text(struct unpack *unpack, struct arena *arena)
{
    struct span text = unpack_span(unpack);

    text = arena_copy(arena, text);
    if (text.data == NULL)
        unpack->has_failed = true;
    return text;
}

int
query_setup_write(const struct dissect_setup *setup, struct buf *out)
{
    struct pack pack;

    pack_begin(&pack, out);
    for (size_t i = 0; i < LIMITS; i++)
        pack_number(&pack, *(const uint64_t *)((const char *)&setup->limits + limit_offsets[i]));
    pack_number(&pack, setup->pattern_count);
    for (size_t i = 0; i < setup->pattern_count; i++) {
        pack_number(&pack, setup->patterns[i].target);
        pack_number(&pack, setup->patterns[i].ignore_case);
        pack_span(&pack, setup->patterns[i].text);
    }
    return end_payload(&pack);
}

static void
read_patterns(struct unpack *unpack, struct dissect_setup *setup)
{
    size_t count = unpack_count(unpack, PATTERN_LEAST);

    if (count > PATTERNS_MAX) {
        unpack->has_failed = true;
        return;
    }
    setup->patterns = arena_array(&setup->arena, count, sizeof *setup->patterns);
    assert(setup->patterns != NULL); // PATTERNS_MAX of them fit
    setup->pattern_count = count;
    for (size_t i = 0; i < count && !unpack->has_failed; i++) {
        struct pattern_spec *spec = &setup->patterns[i];

        spec->target = (enum pattern_target)unpack_number(unpack, PATTERN_TARGET_COUNT - 1);
        spec->ignore_case = unpack_flag(unpack);
        spec->text = copy_text(unpack, &setup->arena);
        if (spec->text.len > PATTERN_TEXT_MAX)
            unpack->has_failed = true;
    }
}

int
query_setup_read(struct span payload, struct dissect_setup *setup_out, struct err *err)
{
    struct unpack unpack = {.rest = payload};

    *setup_out = (struct dissect_setup){.pattern_count = 0};
    arena_init(&setup_out->arena, MEMORY_MAX);
    for (size_t i = 0; i < LIMITS; i++)
        *(uint64_t *)((char *)&setup_out->limits + limit_offsets[i]) =
            unpack_number(&unpack, UINT64_MAX);
    read_patterns(&unpack, setup_out);
    if (payload.len <= FRAME_PAYLOAD_MAX && unpack_end(&unpack) == 0)
        return 0;
    query_setup_clear(setup_out);
    return err_set(err, ERR_PERM, "%zu bytes that are no setup", payload.len);
}

void
query_setup_clear(struct dissect_setup *setup)
{
    arena_clear(&setup->arena);
    *setup = (struct dissect_setup){.pattern_count = 0};
}

int
query_write(const struct dissect_query *query, struct buf *out)
{
    bool has_content = query->content.data != NULL;
    struct pack pack;

    assert(!has_content || query->content.len == query->len);
    pack_begin(&pack, out);
    pack_span(&pack, query->id);
    pack_number(&pack, query->offset);
    pack_number(&pack, query->len);
    pack_span(&pack, query->from);
    pack_span(&pack, query->helo);
    pack_span(&pack, query->user);
    pack_span(&pack, query->client_name);
    pack_number(&pack, query->rcpt_count);
    for (size_t i = 0; i < query->rcpt_count && !pack.has_failed; i++)
        pack_span(&pack, query->rcpts[i]);
    pack_number(&pack, query->parts_max);
    pack_number(&pack, has_content);
    if (has_content)
        pack_bytes(&pack, query->content.data, query->content.len);
    return end_payload(&pack);
}

static void
read_rcpts(struct unpack *unpack, struct dissect_query *query)
{
    size_t count = unpack_count(unpack, RCPT_LEAST);

    query->rcpts = arena_array(&query->arena, count, sizeof *query->rcpts);
    if (query->rcpts == NULL) {
        unpack->has_failed = true;
        return;
    }
    query->rcpt_count = count;
    for (size_t i = 0; i < count && !unpack->has_failed; i++)
        query->rcpts[i] = copy_text(unpack, &query->arena);
}

int
query_read(struct span payload, struct dissect_query *query_out, struct err *err)
{
    struct unpack unpack = {.rest = payload};

    *query_out = (struct dissect_query){.rcpt_count = 0};
    arena_init(&query_out->arena, MEMORY_MAX);
    query_out->id = copy_text(&unpack, &query_out->arena);
    query_out->offset = unpack_number(&unpack, INT64_MAX);
    query_out->len = unpack_number(&unpack, INT64_MAX - query_out->offset);
    query_out->from = copy_text(&unpack, &query_out->arena);
    query_out->helo = copy_text(&unpack, &query_out->arena);
    query_out->user = copy_text(&unpack, &query_out->arena);
    query_out->client_name = copy_text(&unpack, &query_out->arena);
    read_rcpts(&unpack, query_out);
    query_out->parts_max = unpack_number(&unpack, INT64_MAX);
    query_out->parts_fd = -1;
    // The content is what is left, which may be nothing at all but must be all of it.
    if (unpack_flag(&unpack)) {
        query_out->content = unpack.rest;
        unpack.rest = span_skip(unpack.rest, query_out->len);
    }
    if (unpack_end(&unpack) == 0 &&
        (query_out->content.data == NULL || query_out->content.len == query_out->len))
        return 0;
    query_clear(query_out);
    return err_set(err, ERR_PERM, "%zu bytes that are no query", payload.len);
}

void
query_clear(struct dissect_query *query)
{
    arena_clear(&query->arena);
    *query = (struct dissect_query){.rcpt_count = 0};
}
