// SPDX-License-Identifier: BSD-2-Clause
// tests/unit/mime/look_kit.h - looks into messages that a test writes down, and tells what was
// seen.
//
// In a message "{E}" stands for the EICAR string, "{B}" for it in base64 (one line).
#ifndef POSTERN_TESTS_UNIT_MIME_LOOK_KIT_H
#define POSTERN_TESTS_UNIT_MIME_LOOK_KIT_H

#include <locale.h>

#include "base/mem.h"
#include "mime/reading/look.h"
#include "tests/unit/harness.h"
#include "tests/unit/mime/samples.h"

static inline void
kit_setup(struct dissect_setup *setup)
{
    memset(setup, 0, sizeof(*setup));
    setup->limits = (struct dissect_settings){.memory = UINT64_C(512) << 20,
                                              .max_depth = 32,
                                              .max_parts = 2000,
                                              .max_members = 10000,
                                              .max_unpacked = 200 << 20,
                                              .max_ratio = 250,
                                              .max_header = 256 << 10,
                                              .max_field = 64 << 10,
                                              .max_fields = 2000,
                                              .max_parameters = 200};
}

static inline struct look *
kit_look(const struct dissect_setup *setup)
{
    struct err err = {.kind = ERR_NONE};
    struct look *look;

    setlocale(LC_CTYPE, "C.UTF-8"); // as the nursery does
    look = look_new(setup, &err);
    if (look == NULL) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
    return look;
}

// The message that a template stands for.
static inline void
kit_fill(const char *template, struct buf *out)
{
    for (const char *at = template; *at != '\0'; at++) {
        if (strncmp(at, "{E}", 3) == 0)
            (void)buf_add_span(out, sample_eicar());
        else if (strncmp(at, "{B}", 3) == 0)
            sample_base64(out, sample_eicar());
        else
            (void)buf_add_char(out, *at);
        at += *at == '{' && (at[1] == 'E' || at[1] == 'B') && at[2] == '}' ? 2 : 0;
    }
}

static inline struct findings *
kit_see(struct look *look, struct span message)
{
    struct dissect_query query = {.content = message, .len = message.len};
    struct err err = {.kind = ERR_NONE};
    struct findings *findings = look_at(look, &query, -1, &err);

    CU_ASSERT_PTR_NOT_NULL_FATAL(findings);
    return findings;
}

static inline struct findings *
kit_look_at(struct look *look, const char *template)
{
    struct buf message;
    struct findings *findings;

    buf_init(&message, 16 << 20);
    kit_fill(template, &message);
    // Of just that length: who reads beyond it is seen.
    message.data = mem_regrow(message.data, message.len > 0 ? message.len : 1, 1);
    findings = kit_see(look, buf_span(&message));
    buf_clear(&message);
    return findings;
}

static inline bool
kit_has_content(const struct findings *findings, struct span content)
{
    struct sha256 *sha256 = sha256_new();
    uint8_t wanted[SHA256_LEN];
    bool is_seen = false;

    sha256_add(sha256, content.data, content.len);
    sha256_get(sha256, wanted);
    sha256_free(&sha256);
    for (size_t i = 0; i < findings->part_count; i++)
        is_seen = is_seen || (findings->parts[i].kind == FINDING_LEAF &&
                              memcmp(findings->parts[i].sha256, wanted, SHA256_LEN) == 0);
    return is_seen;
}

static inline bool
kit_has_eicar(const struct findings *findings)
{
    return kit_has_content(findings, sample_eicar());
}

static inline bool
kit_has_member(const struct findings *findings, const char *name)
{
    for (size_t i = 0; i < findings->member_count; i++) {
        if (span_is(findings->members[i].name, name))
            return true;
    }
    return false;
}

// A line for each part: depth as blanks, "F" first, "O" other, "P" prologue, "E" epilogue, "I"
// inline; the type or "-"; its length if it is a leaf; its names.
static inline const char *
kit_tree(const struct findings *findings, struct buf *out)
{
    buf_init(out, 1 << 20);
    for (size_t i = 0; i < findings->part_count; i++) {
        const struct finding_part *part = &findings->parts[i];

        (void)buf_printf(out, "%*s%c %.*s", (int)part->depth, "", "FOPEI"[part->reading],
                         part -> type.len > 0 ? (int)part->type.len : 1,
                         part->type.len > 0 ? part->type.data : "-");
        if (part->kind == FINDING_LEAF)
            (void)buf_printf(out, " %llu", (unsigned long long)part->decoded_len);
        for (size_t n = 0; n < part->name_count; n++)
            (void)buf_printf(out, " %.*s", (int)part->names[n].len, part->names[n].data);
        (void)buf_add_char(out, '\n');
    }
    return buf_text(out);
}

static inline void
kit_marks(const struct findings *findings)
{
    for (size_t i = 0; i < findings->mark_count; i++)
        fprintf(stderr, "  %u %s x%u\n", findings->marks[i].part,
                finding_defect_name(findings->marks[i].defect), findings->marks[i].count);
    if (findings->limit != LIMIT_NONE)
        fprintf(stderr, "  limit %s\n", finding_limit_name(findings->limit));
}

#endif
