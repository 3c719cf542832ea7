// SPDX-License-Identifier: BSD-2-Clause
// mime/reading/prescan.h - the limits on raw bytes, before any library reads a message. Pure.
//
// One pass, linear in the bytes whatever they are. Sees what GMime would stumble over: header
// blocks, fields, parameters, boundary lines, depth. Errs on the strict side: what it lets through,
// every reader gets through in time.
#ifndef POSTERN_MIME_PRESCAN_H
#define POSTERN_MIME_PRESCAN_H

#include "base/buf.h"
#include "mime/findings.h"
#include "mime/reading/ebb.h"
#include "mime/settings.h"

struct prescan_field { // offsets in the bytes given
    size_t begin;      // of the name
    size_t name_len;   // without blanks in front of the colon
    size_t value;      // behind the colon
    size_t end;        // behind the last line end
};

struct prescan {
    enum finding_limit limit; // the first that was passed
    char limit_text[120];
    size_t header_len; // of the first block, with its empty line; all of it if there is none
    struct prescan_field *fields; // of the first block; at most max_fields
    size_t field_count;
    size_t boundary_lines; // that begin with "--", behind the first block
    size_t blocks;         // of header fields: the first, and those of parts and inner messages
    bool has_nul, has_bare_cr, has_long_line, has_mbox_from, has_bad_field, has_no_header;
    bool has_raw_8bit; // in the first block, and not UTF-8
};

// Always fills *prescan_out (fields may be fewer after a limit); prescan_clear frees. ebb may be
// NULL.
void prescan_run(struct span message, const struct dissect_settings *limits, struct ebb *ebb,
                 struct prescan *prescan_out);
void prescan_clear(struct prescan *prescan);

#endif
