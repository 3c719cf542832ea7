// SPDX-License-Identifier: BSD-2-Clause
// base/log_json.h - what a log line says, as members of a JSON object, in their order. Pure.
//
// Owns:    its text, until clear.
// Order:   begin, fields, end, clear.
// Promise: whatever the values are, the text is at most LOG_JSON_MAX bytes and valid between
//          braces, also behind the members that the sink writes: time, program, component, pid.
#ifndef POSTERN_BASE_LOG_JSON_H
#define POSTERN_BASE_LOG_JSON_H

#include "base/buf.h"

enum { LOG_JSON_MAX = 8000, LOG_JSON_KEYS_MAX = 64, LOG_JSON_VALUE_MAX = 2100 };

struct log_json_field {
    const char *key;
    size_t start, end; // of its value
    bool is_array;
};

struct log_json {
    struct buf text;
    struct log_json_field fields[LOG_JSON_KEYS_MAX];
    size_t count;
    size_t field, mark; // of the value that is being written: which, and where it begins
    bool is_cut;        // it is full; what came later is left out, and "cut":true says so
};

void log_json_begin(struct log_json *json, const char *level, struct span id); // id empty: left out
// Keys are literals and live as long as the line. A key that comes again makes its value an array;
// one that is a member of ours (time, program, component, pid, level, id, cut) gets "_" behind it.
// max: bytes of the escaped value, at most LOG_JSON_VALUE_MAX; a longer one is cut and ends in
// "...".
void log_json_text(struct log_json *json, const char *key, struct span value, size_t max);
void log_json_number(struct log_json *json, const char *key, uint64_t value);
void log_json_seconds(struct log_json *json, const char *key, uint64_t us); // 0.0031
struct span log_json_end(struct log_json *json);                            // valid until clear
void log_json_clear(struct log_json *json);

#endif
