// SPDX-License-Identifier: BSD-2-Clause
// base/json.h - one JSON object on one line, in and out; door to jansson.
//
// Strings that are not UTF-8 are written with U+FFFD for each bad byte. Reading is bounded by the
// caller's span; depth and size limits are jansson's and ours (1 MB).
#ifndef POSTERN_BASE_JSON_H
#define POSTERN_BASE_JSON_H

#include "base/buf.h"
#include "base/err.h"

struct json; // an object or an array

struct json *json_object_new(void);
struct json *json_array_new(void);
void json_free(struct json **json);

void json_set_text(struct json *object, const char *key, struct span value);
void json_set_number(struct json *object, const char *key, int64_t value);
void json_set_bool(struct json *object, const char *key, bool value);
void json_set_take(struct json *object, const char *key, struct json **value_take);
void json_add_text(struct json *array, struct span value);
void json_add_take(struct json *array, struct json **value_take);

int json_print(const struct json *json,
               struct buf *out); // one line, no newline, keys in order of setting

struct json *json_parse(struct span text, struct err *err); // an object, else NULL and PERM
const char *json_get_text(const struct json *object,
                          const char *key); // NULL if absent or no string
bool json_get_bool(const struct json *object, const char *key, bool absent);
int64_t json_get_number(const struct json *object, const char *key, int64_t absent);
size_t json_get_count(const struct json *object, const char *key); // of an array member, else 0
const char *json_get_item_text(const struct json *object, const char *key, size_t index);
// Borrowed view of an array member's object; NULL if it is none.
const struct json *json_get_item(const struct json *object, const char *key, size_t index);

#endif
