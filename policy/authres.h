// SPDX-License-Identifier: BSD-2-Clause
// policy/authres.h - Authentication-Results (RFC 8601) as the condition `auth` asks for them. Pure.
//
// Believed are fields with our authserv-id that stand above the second Received: what is above the
// first, or between it and the next, was put there inside our border; whatever came from outside
// and forged our id is the border's to strip. Where several fields tell of one method, the topmost
// counts.
#ifndef POSTERN_POLICY_AUTHRES_H
#define POSTERN_POLICY_AUTHRES_H

#include "mime/findings.h"

struct authres_entry {
    char *method, *result; // "dkim", "pass"
    size_t field;          // which field said so
};

enum { AUTHRES_MAX = 100 }; // entries; what comes after is not read

struct authres {
    struct authres_entry *items;
    size_t count;
};

// Adds what one field tells, if it is of that id. field: its number, counted from the top.
void authres_add(struct authres *authres, struct span value, const char *authserv_id, size_t field);
void authres_read(const struct findings *findings, const char *authserv_id,
                  struct authres *authres_out);
void authres_clear(struct authres *authres);
// Is there an entry whose method and result match these globs?
bool authres_has(const struct authres *authres, struct span method, struct span result);

#endif
