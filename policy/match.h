// SPDX-License-Identifier: BSD-2-Clause
// policy/match.h - how one value of a condition is held against one text, number or address. Pure.
#ifndef POSTERN_POLICY_MATCH_H
#define POSTERN_POLICY_MATCH_H

#include "base/addr.h"
#include "base/err.h"

// Case of ASCII letters ignored; linear in the text but for the number of stars, whatever the
// glob: * any text, ? one character (UTF-8), [a-z] [!a-z], \ the next as it stands.
bool match_glob(struct span glob, struct span text);

struct match_range {
    double low, high; // inclusive low, exclusive high; -INFINITY, INFINITY where open
    bool is_single;   // "5": exactly this (low)
};

// "6..15", "15..", "..6", "5"; with is_size 10M and the like. PERM with what was expected.
int match_range_parse(struct span text, bool is_size, struct match_range *range_out,
                      struct err *err);
bool match_range_has(const struct match_range *range, double value);

#endif
