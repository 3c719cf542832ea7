// SPDX-License-Identifier: BSD-2-Clause
// tests/unit/mime/findings_sample.h - findings with something of everything in them.
#ifndef POSTERN_TESTS_UNIT_MIME_FINDINGS_SAMPLE_H
#define POSTERN_TESTS_UNIT_MIME_FINDINGS_SAMPLE_H

#include "mime/findings.h"

static struct finding_header sample_headers[] = {
    {.name = {"Subject", 7},
     .raw = {" =?utf-8?B?w6Q=?=", 17},
     .decoded = {"\xc3\xa4", 2},
     .offset = 0,
     .len = 26                                                                                 },
    {.name = {"From", 4},    .raw = {" a@b", 4}, .decoded = {"a@b", 3}, .offset = 26, .len = 11},
    {.name = {"subject", 7}, .raw = {" two", 4}, .decoded = {"two", 3}, .offset = 37, .len = 14},
};

static struct span sample_names[] = {
    {"a.exe",    5},
    {"b\0c.pdf", 7},
    {"../x y",   6},
    {"four",     4},
};

static struct finding_part sample_parts[] = {
    {.parent = -1,
     .depth = 0,
     .kind = FINDING_MULTIPART,
     .type = {"multipart/mixed", 15},
     .is_located = true,
     .head_begin = 0,
     .body_begin = 60,
     .body_end = 1000},
    {.parent = 0,
     .depth = 1,
     .kind = FINDING_LEAF,
     .reading = READING_OTHER,
     .type = {"application/pdf", 15},
     .sniffed = {"application/x-dosexec", 21},
     .charset = {"utf-8", 5},
     .encoding = {"base64", 6},
     .disposition = {"attachment", 10},
     .names = sample_names,
     .name_count = 4,
     .is_located = true,
     .head_begin = 70,
     .body_begin = 100,
     .body_end = 900,
     .decoded_len = 600,
     .sha256 = {1, 2, 3, 4, 5, 255},
     .is_encrypted = true},
    {.parent = 1,      .depth = 2, .kind = FINDING_MESSAGE,  .reading = READING_INLINE},
};

static struct finding_member sample_members[] = {
    {.part = 1,
     .level = 1,
     .name = {"inner.zip", 9},
     .sniffed = {"application/zip", 15},
     .size = 9                                                                              },
    {.part = 1, .level = 2, .name = {"evil.js", 7}, .size = UINT64_MAX, .is_encrypted = true},
};

static struct span sample_links[] = {
    {"http://example.com/?q=1", 23},
    {"https://[::1]/",          14},
};

static struct finding_mark sample_marks[] = {
    {.defect = DEFECT_NUL,            .part = 0, .count = 3         },
    {.defect = DEFECT_HIDDEN_CONTENT, .part = 2, .count = UINT32_MAX},
};

static struct finding_hit sample_hits[] = {
    {.pattern = 0,    .rcpt = FINDING_ALL_RCPTS},
    {.pattern = 4095, .rcpt = 7                },
};

static inline struct findings
findings_sample(void)
{
    return (struct findings){
        .len = 1000,
        .limit = LIMIT_RATIO,
        .limit_text = {"300 times its own size", 22},
        .header_len = 60,
        .is_odd = true,
        .has_more_parts = true,
        .headers = sample_headers,
        .header_count = 3,
        .parts = sample_parts,
        .part_count = 3,
        .members = sample_members,
        .member_count = 2,
        .links = sample_links,
        .link_count = 2,
        .marks = sample_marks,
        .mark_count = 2,
        .hits = sample_hits,
        .hit_count = 2
    };
}

#endif
