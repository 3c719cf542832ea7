// SPDX-License-Identifier: BSD-2-Clause
#include "base/log_json.h"

#include <assert.h>
#include <string.h>

#define CUT ",\"cut\":true"

// A comma, a colon, two pairs of quotes, and brackets and a comma of an array; the "_".
enum { AROUND_MAX = 10, ID_MAX_LEN = 64, NUMBER_MAX = 24, LINE_USUAL = 500 };

static void
add_string(struct buf *text, struct span value, size_t max)
{
    buf_add_char(text, '"');
    str_escape_json(text, value, max);
    buf_add_char(text, '"');
}

void
log_json_begin(struct log_json *json, const char *level, struct span id)
{
    buf_init(&json->text, LOG_JSON_MAX);
    json->count = 0;
    json->is_cut = false;
    (void)buf_space(&json->text, LINE_USUAL);
    buf_add_text(&json->text, "\"level\":");
    add_string(&json->text, span_of(level), ID_MAX_LEN);
    if (id.len == 0)
        return;
    buf_add_text(&json->text, ",\"id\":");
    add_string(&json->text, id, ID_MAX_LEN);
}

static bool
is_ours(const char *key)
{
    static const char *const names[] = {"time",  "program", "component", "pid",
                                        "level", "id",      "cut"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(key, names[i]) == 0)
            return true;
    }
    return false;
}

static size_t
find_field(const struct log_json *json, const char *key)
{
    size_t i = 0;

    while (i < json->count && strcmp(json->fields[i].key, key) != 0)
        i++;
    return i;
}

static bool
begin_value(struct log_json *json, const char *key, size_t max)
{
    size_t need = strlen(key) + max + AROUND_MAX + strlen(CUT);
    size_t field = find_field(json, key);

    assert(max <= LOG_JSON_VALUE_MAX);
    if (json->is_cut || field == LOG_JSON_KEYS_MAX || json->text.len + need > LOG_JSON_MAX) {
        json->is_cut = true;
        return false;
    }
    if (field == json->count) {
        buf_add(&json->text, ",\"", 2);
        buf_add_text(&json->text, key);
        buf_add_text(&json->text, is_ours(key) ? "_\":" : "\":");
    }
    json->field = field;
    json->mark = json->text.len;
    return true;
}

static void
insert(struct log_json *json, size_t at, const char *data, size_t len)
{
    struct buf *text = &json->text;
    char *space = buf_space(text, len);

    assert(space != NULL); // begin_value has seen to it
    memmove(text->data + at + len, text->data + at, text->len - at);
    memcpy(text->data + at, data, len);
    buf_filled(text, len);
    for (size_t i = 0; i < json->count; i++) {
        json->fields[i].start += json->fields[i].start >= at ? len : 0;
        json->fields[i].end += json->fields[i].end >= at ? len : 0;
    }
}

// The value that was written at the end goes to where those of its key are.
static void
join(struct log_json *json, struct log_json_field *field)
{
    char piece[LOG_JSON_VALUE_MAX + 2];
    size_t len = json->text.len - json->mark;

    assert(len <= sizeof piece);
    memcpy(piece, json->text.data + json->mark, len);
    buf_cut(&json->text, json->mark);
    if (!field->is_array) {
        insert(json, field->start, "[", 1);
        insert(json, field->end, "]", 1);
        field->is_array = true;
    }
    insert(json, field->end - 1, ",", 1);
    insert(json, field->end - 1, piece, len);
}

static void
end_value(struct log_json *json, const char *key)
{
    struct log_json_field *field = &json->fields[json->field];

    if (json->field < json->count) {
        join(json, field);
        return;
    }
    *field = (struct log_json_field){.key = key, .start = json->mark, .end = json->text.len};
    json->count++;
}

void
log_json_text(struct log_json *json, const char *key, struct span value, size_t max)
{
    if (!begin_value(json, key, max))
        return;
    add_string(&json->text, value, max);
    end_value(json, key);
}

void
log_json_number(struct log_json *json, const char *key, uint64_t value)
{
    if (!begin_value(json, key, NUMBER_MAX))
        return;
    buf_printf(&json->text, "%llu", (unsigned long long)value);
    end_value(json, key);
}

void
log_json_seconds(struct log_json *json, const char *key, uint64_t us)
{
    unsigned long long fraction = us % 1000000;
    int digits = 6;

    if (!begin_value(json, key, NUMBER_MAX))
        return;
    buf_printf(&json->text, "%llu", (unsigned long long)us / 1000000);
    for (; digits > 0 && fraction % 10 == 0; digits--)
        fraction /= 10;
    if (digits > 0)
        buf_printf(&json->text, ".%0*llu", digits, fraction);
    end_value(json, key);
}

struct span
log_json_end(struct log_json *json)
{
    if (json->is_cut)
        buf_add_text(&json->text, CUT);
    return buf_span(&json->text);
}

void
log_json_clear(struct log_json *json)
{
    buf_clear(&json->text);
}
