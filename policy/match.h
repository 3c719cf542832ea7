// SPDX-License-Identifier: BSD-2-Clause
// policy/match.h - how one value of a condition is held against one number, address or name. Pure.
//
// Globs are those of base/glob.h.
#ifndef POSTERN_POLICY_MATCH_H
#define POSTERN_POLICY_MATCH_H

#include "base/err.h"
#include "base/str.h"

struct match_range {
    double low, high; // inclusive low, exclusive high; -INFINITY, INFINITY where open
    bool is_single;   // "5": exactly this (low)
};

// "-1.5", "10": digits with a sign and a fraction, nothing else. -1: no such number.
int match_number_parse(struct span text, double *value_out);
// "6..15", "15..", "..6", "5"; with is_size 10M and the like. PERM with what was expected.
int match_range_parse(struct span text, bool is_size, struct match_range *range_out,
                      struct err *err);
bool match_range_has(const struct match_range *range, double value);

// path: what stood between < and >. "<>" is the null sender; a glob with an "@" is held against the
// whole address, any other against its domain (the whole path where it has none). Quotes that a
// local part needs not hide nothing.
bool match_address(struct span glob, struct span path);
// A file's name as it stands, and its last component, without what Windows leaves out at the end.
bool match_file_name(struct span glob, struct span name);
// Does the sender look like one of those who send lists and bounces? Nobody should bounce to it.
bool match_is_list_sender(struct span path);

#endif
