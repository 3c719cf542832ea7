// SPDX-License-Identifier: BSD-2-Clause
// smtp/path.h - reverse-paths and forward-paths (RFC 5321 4.1.2, RFC 6531 3.3). Pure.
//
// Kept byte for byte; nothing is rewritten. What is refused and what is only counted: strictness.
// Lenient, dots side by side or at the ends of a local part and hyphens at the ends of a label pass
// as odd.
#ifndef POSTERN_SMTP_PATH_H
#define POSTERN_SMTP_PATH_H

#include "base/str.h"

enum path_result {
    PATH_OK,
    PATH_BAD_SYNTAX,   // 501 5.1.7 (sender), 501 5.1.3 (recipient)
    PATH_SOURCE_ROUTE, // "@a,@b:user@c" and sources = PATH_SOURCE_REJECT
    PATH_TOO_LONG,     // strict only
    PATH_NOT_ASCII,    // without SMTPUTF8: in a domain; strict: anywhere. 553 5.6.7
};

struct path_rules {
    bool is_reverse;   // "<>" is good; otherwise "<postmaster>" without domain is
    bool strict;       // strict_paths
    bool strip_routes; // source_routes = strip
    bool smtputf8;     // given at MAIL
};

struct path {
    struct span text; // between the brackets, a stripped route left out; {"" ,0} for "<>"
    struct span rest; // behind ">"
    bool is_odd;      // not refused, but beyond RFC limits or 8-bit without SMTPUTF8: count it
};

// Reads a path at the start of text ("<a@b> SIZE=1"). Quoted local parts may hold blanks, ">" and
// "@". Control characters and NUL never pass. UTF-8 must be valid.
enum path_result path_parse(struct span text, const struct path_rules *rules,
                            struct path *path_out);

#endif
