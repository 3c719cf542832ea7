// SPDX-License-Identifier: BSD-2-Clause
// tool/postfix_lines.h - what Postfix's main.cf and master.cf need so that mail of one listener
// goes through Postern and comes back. Pure: out of the settings.
//
// These are the settings that tests/bench/endtoend measures with, and README prints.
#ifndef POSTERN_TOOL_POSTFIX_LINES_H
#define POSTERN_TOOL_POSTFIX_LINES_H

#include "control/settings.h"

enum { POSTFIX_PARAMS = 6, POSTFIX_SERVICES = 2, POSTFIX_TEXT_MAX = 1 << 16 };

#define POSTFIX_TRANSPORT "postern"
#define POSTFIX_OVERRIDE "no_address_mappings" // a word among others in receive_override_options

struct postfix_param { // of main.cf
    const char *name;
    char *value;
};

struct postfix_service { // of master.cf
    char *id;            // "127.0.0.1:10025/inet", as postconf -M calls it
    char *line;          // fields and options, one blank between two; no value has blanks
};

struct postfix_lines {
    struct postfix_param params[POSTFIX_PARAMS];
    struct postfix_service services[POSTFIX_SERVICES]; // the way in, the way back
};

// PERM where Postfix cannot be what the settings want: says which address, and why.
int postfix_lines_make(const struct settings *settings,
                       const struct smtp_listener_settings *listener,
                       struct postfix_lines *lines_out, struct err *err);
void postfix_lines_clear(struct postfix_lines *lines);

// Both files' lines with comments between them, as an editor would paste them.
void postfix_lines_print(const struct postfix_lines *lines, struct buf *out);

#endif
