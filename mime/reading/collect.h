// SPDX-License-Identifier: BSD-2-Clause
// mime/reading/collect.h - findings as they grow, piece by piece, while a message is looked into.
// Pure.
//
// Arrays double in the arena, so a pointer to an item is good until the next one is added. Where
// the arena is full, LIMIT_FINDINGS is set and NULL or nothing comes.
#ifndef POSTERN_MIME_COLLECT_H
#define POSTERN_MIME_COLLECT_H

#include "mime/findings.h"

// Kept if it is the first.
void collect_limit(struct findings *findings, enum finding_limit limit, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void collect_mark(struct findings *findings, enum finding_defect defect, uint32_t part);

struct finding_header *collect_header(struct findings *findings);
struct finding_part *collect_part(struct findings *findings);
struct finding_member *collect_member(struct findings *findings);
void collect_hit(struct findings *findings, uint32_t pattern, uint32_t rcpt);
// Copies; each text once. False: no more will be taken.
bool collect_link(struct findings *findings, struct span link);
void collect_name(struct findings *findings, struct finding_part *part, struct span name);
// A copy; the empty span where there is no room (the limit tells).
struct span collect_text(struct findings *findings, struct span text);

#endif
