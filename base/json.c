// SPDX-License-Identifier: BSD-2-Clause
#include "base/json.h"

#include <assert.h>
#include <string.h>

#include <jansson.h>

#include "base/mem.h"

// A struct json is a json_t under a name that needs no header of jansson's.
static json_t *
inside(struct json *json)
{
    return (json_t *)(void *)json;
}

static const json_t *
inside_const(const struct json *json)
{
    return (const json_t *)(const void *)json;
}

static struct json *
outside(json_t *value)
{
    assert(value != NULL); // lack of memory
    return (struct json *)(void *)value;
}

static struct json *
outside_take(struct json **json_take)
{
    struct json *json = *json_take;

    *json_take = NULL;
    return json;
}

struct json *
json_object_new(void)
{
    return outside(json_object());
}

struct json *
json_array_new(void)
{
    return outside(json_array());
}

void
json_free(struct json **json)
{
    if (*json != NULL)
        json_decref(inside(*json));
    *json = NULL;
}

// A JSON text is UTF-8 (RFC 8259, section 8.1), but addresses and headers may hold any byte.
static json_t *
repaired(struct span value)
{
    struct buf text;
    json_t *string;
    size_t len;

    buf_init(&text, SIZE_MAX / 4);
    while (value.len > 0) {
        len = str_utf8_len(value);
        if (len > 0)
            buf_add(&text, value.data, len);
        else
            buf_add_text(&text, "\xef\xbf\xbd");
        value = span_skip(value, len > 0 ? len : 1);
    }
    string = json_stringn(text.data, text.len);
    buf_clear(&text);
    return string;
}

static struct json *
text_new(struct span value)
{
    if (!str_is_utf8(value))
        return outside(repaired(value));
    return outside(json_stringn(value.len > 0 ? value.data : "", value.len));
}

static void
set(struct json *object, const char *key, struct json *value)
{
    int result = json_object_set_new(inside(object), key, inside(value));

    assert(result == 0); // no object, a key that is not UTF-8, or lack of memory
}

static void
add(struct json *array, struct json *value)
{
    int result = json_array_append_new(inside(array), inside(value));

    assert(result == 0); // no array, or lack of memory
}

void
json_set_text(struct json *object, const char *key, struct span value)
{
    set(object, key, text_new(value));
}

void
json_set_number(struct json *object, const char *key, int64_t value)
{
    set(object, key, outside(json_integer(value)));
}

void
json_set_bool(struct json *object, const char *key, bool value)
{
    set(object, key, outside(json_boolean(value)));
}

void
json_set_take(struct json *object, const char *key, struct json **value_take)
{
    set(object, key, outside_take(value_take));
}

void
json_add_text(struct json *array, struct span value)
{
    add(array, text_new(value));
}

void
json_add_take(struct json *array, struct json **value_take)
{
    add(array, outside_take(value_take));
}

// DEL is ASCII to the library, and a control to a terminal.
static int
on_dump(const char *data, size_t len, void *out)
{
    struct span rest = span_from(data, len);

    for (;;) {
        struct span plain = span_cut(&rest, 0x7f);

        if (buf_add_span(out, plain) != 0)
            return -1;
        if (rest.data == NULL)
            return 0;
        if (buf_add_text(out, "\\u007F") != 0)
            return -1;
    }
}

int
json_print(const struct json *json, struct buf *out)
{
    size_t before = out->len;

    if (json_dump_callback(inside_const(json), on_dump, out, JSON_COMPACT | JSON_ENSURE_ASCII) == 0)
        return 0;
    buf_cut(out, before);
    return -1;
}

struct json *
json_parse_up_to(struct span text, size_t max, struct err *err)
{
    json_error_t error;
    json_t *value;

    if (text.len > max) {
        err_set(err, ERR_PERM, "expected JSON of at most %zu bytes, not %zu", max, text.len);
        return NULL;
    }
    value = json_loadb(text.len > 0 ? text.data : "", text.len, JSON_REJECT_DUPLICATES, &error);
    if (value == NULL) {
        err_set(err, ERR_PERM, "no JSON: %s at byte %d", error.text, error.position);
        return NULL;
    }
    if (!json_is_object(value)) {
        json_decref(value);
        err_set(err, ERR_PERM, "expected a JSON object");
        return NULL;
    }
    return outside(value);
}

struct json *
json_parse(struct span text, struct err *err)
{
    return json_parse_up_to(text, JSON_TEXT_MAX, err);
}

const char *
json_get_text(const struct json *object, const char *key)
{
    return json_string_value(json_object_get(inside_const(object), key));
}

bool
json_get_bool(const struct json *object, const char *key, bool absent)
{
    const json_t *value = json_object_get(inside_const(object), key);

    return json_is_boolean(value) ? json_is_true(value) : absent;
}

int64_t
json_get_number(const struct json *object, const char *key, int64_t absent)
{
    const json_t *value = json_object_get(inside_const(object), key);

    return json_is_integer(value) ? json_integer_value(value) : absent;
}

double
json_get_real(const struct json *object, const char *key, double absent)
{
    const json_t *value = json_object_get(inside_const(object), key);

    return json_is_number(value) ? json_number_value(value) : absent;
}

const struct json *
json_get_object(const struct json *object, const char *key)
{
    const json_t *value = json_object_get(inside_const(object), key);

    return json_is_object(value) ? (const struct json *)(const void *)value : NULL;
}

const char *
json_next_key(const struct json *object, const char *key)
{
    json_t *inner = (json_t *)(uintptr_t)object; // an iterator could change it; this one does not
    void *at = key == NULL ? json_object_iter(inner) : json_object_iter_at(inner, key);

    if (key != NULL)
        at = json_object_iter_next(inner, at);
    return at != NULL ? json_object_iter_key(at) : NULL;
}

// NULL where it is no array or has no such item.
static const json_t *
get_item(const struct json *object, const char *key, size_t index)
{
    return json_array_get(json_object_get(inside_const(object), key), index);
}

size_t
json_get_count(const struct json *object, const char *key)
{
    return json_array_size(json_object_get(inside_const(object), key));
}

const char *
json_get_item_text(const struct json *object, const char *key, size_t index)
{
    return json_string_value(get_item(object, key, index));
}

const struct json *
json_get_item(const struct json *object, const char *key, size_t index)
{
    const json_t *item = get_item(object, key, index);

    return json_is_object(item) ? (const struct json *)(const void *)item : NULL;
}
