// SPDX-License-Identifier: BSD-2-Clause
// base/json.h - one JSON object on one line, in and out; door to jansson.
//
// Strings that are not UTF-8 are written with U+FFFD for each bad byte, and what is not ASCII as
// \uNNNN: harmless on any terminal. Reading takes at most JSON_TEXT_MAX bytes, unless it is told
// another bound, jansson's depth, no key twice and no NUL in a string.
#ifndef POSTERN_BASE_JSON_H
#define POSTERN_BASE_JSON_H

#include "base/buf.h"
#include "base/err.h"

enum { JSON_TEXT_MAX = 1 << 20 };

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

// One line, no newline, keys in the order of setting. -1: out's ceiling; nothing was added.
int json_print(const struct json *json, struct buf *out);

struct json *json_parse(struct span text, struct err *err); // an object, else NULL and PERM
struct json *json_parse_up_to(struct span text, size_t max, struct err *err); // of max bytes
const char *json_get_text(const struct json *object,
                          const char *key); // NULL if absent or no string
bool json_get_bool(const struct json *object, const char *key, bool absent);
int64_t json_get_number(const struct json *object, const char *key, int64_t absent);
double json_get_real(const struct json *object, const char *key, double absent); // any number
// Borrowed view of an object member; NULL if it is none.
const struct json *json_get_object(const struct json *object, const char *key);
// Its first key (key NULL), then the one behind key; NULL behind the last, and if object is NULL.
const char *json_next_key(const struct json *object, const char *key);
size_t json_get_count(const struct json *object, const char *key); // of an array member, else 0
const char *json_get_item_text(const struct json *object, const char *key, size_t index);
// Borrowed view of an array member's object; NULL if it is none.
const struct json *json_get_item(const struct json *object, const char *key, size_t index);

#endif
