// SPDX-License-Identifier: BSD-2-Clause
// mime/pattern.h - rules' regular expressions; door to PCRE2.
#ifndef POSTERN_MIME_PATTERN_H
#define POSTERN_MIME_PATTERN_H

#include "base/err.h"
#include "base/str.h"

struct pattern;

// UTF, no \C, no callouts. PERM with position and reason.
struct pattern *pattern_new(struct span text, bool ignore_case, struct err *err);
void pattern_free(struct pattern **pattern);

enum pattern_result { PATTERN_NO, PATTERN_YES, PATTERN_LIMIT }; // LIMIT: match or depth limit

enum pattern_result pattern_match(const struct pattern *pattern, struct span subject);

#endif
