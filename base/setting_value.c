// SPDX-License-Identifier: BSD-2-Clause
#include "base/setting_value.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

enum { TEXT_MAX = 4096, QUOTE_MAX = 80 };

static int
fail(const struct setting_row *row, const char *expected, struct span text, struct err *err)
{
    if (row->is_secret)
        return err_set(err, ERR_PERM, "%s: expected %s", row->name, expected);
    return err_set(err, ERR_PERM, "%s: expected %s, not \"%.*s%s\"", row->name, expected,
                   (int)(text.len < QUOTE_MAX ? text.len : QUOTE_MAX),
                   text.len > 0 ? text.data : "", text.len > QUOTE_MAX ? "..." : "");
}

static int
parse_bool(const struct setting_row *row, struct span text, void *value, struct err *err)
{
    static const char *const words[] = {"no", "yes", "false", "true", "off", "on"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (span_is_nocase(text, words[i])) {
            *(bool *)value = i % 2 == 1;
            return 0;
        }
    }
    return fail(row, "yes or no", text, err);
}

static void
format_bool(const struct setting_row *row, const void *value, struct buf *out)
{
    (void)row;
    buf_add_text(out, *(const bool *)value ? "yes" : "no");
}

void
setting_number_text(enum setting_type type, uint64_t value, char out[32])
{
    if (type == SETTING_TIME)
        str_format_time(value, out);
    else if (type == SETTING_SIZE)
        str_format_size(value, out);
    else
        snprintf(out, 32, "%" PRIu64, value);
}

// Tells the bounds too; text is what did not keep to them, or was no value at all.
static int
fail_bounds(const struct setting_row *row, const char *what, struct span text, struct err *err)
{
    char min[32], max[32], expected[128];

    setting_number_text(row->type, row->min, min);
    setting_number_text(row->type, row->max, max);
    if (row->max > 0)
        snprintf(expected, sizeof(expected), "%s between %s and %s", what, min, max);
    else if (row->min > 0)
        snprintf(expected, sizeof(expected), "%s of at least %s", what, min);
    else
        snprintf(expected, sizeof(expected), "%s", what);
    return fail(row, expected, text, err);
}

static bool
is_within(const struct setting_row *row, uint64_t value)
{
    return value >= row->min && (row->max == 0 || value <= row->max);
}

static int
parse_number(const struct setting_row *row, struct span text, void *value, struct err *err)
{
    uint64_t number;

    if (str_parse_u64(text, UINT64_MAX, &number) != 0 || !is_within(row, number))
        return fail_bounds(row, "a number", text, err);
    *(uint64_t *)value = number;
    return 0;
}

static void
format_number(const struct setting_row *row, const void *value, struct buf *out)
{
    (void)row;
    buf_printf(out, "%" PRIu64, *(const uint64_t *)value);
}

static int
parse_time(const struct setting_row *row, struct span text, void *value, struct err *err)
{
    uint64_t ms;

    if (str_parse_time(text, &ms) != 0 || !is_within(row, ms))
        return fail_bounds(row, "a time such as 30s", text, err);
    *(uint64_t *)value = ms;
    return 0;
}

// Of a list: min and max bound its count, not its items.
static int
parse_times_item(const struct setting_row *row, struct span text, void *value, struct err *err)
{
    if (str_parse_time(text, value) != 0)
        return fail(row, "a time such as 30s", text, err);
    return 0;
}

static void
format_time(const struct setting_row *row, const void *value, struct buf *out)
{
    char text[32];

    (void)row;
    str_format_time(*(const uint64_t *)value, text);
    buf_printf(out, "\"%s\"", text);
}

static int
parse_size(const struct setting_row *row, struct span text, void *value, struct err *err)
{
    uint64_t bytes;

    if (str_parse_size(text, &bytes) != 0 || !is_within(row, bytes))
        return fail_bounds(row, "a size such as 10M", text, err);
    *(uint64_t *)value = bytes;
    return 0;
}

static void
format_size(const struct setting_row *row, const void *value, struct buf *out)
{
    char text[32];

    (void)row;
    str_format_size(*(const uint64_t *)value, text);
    buf_printf(out, "\"%s\"", text);
}

// A control character in a path or a name would end up in a header, a log line or a command.
static bool
is_printable(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];

        if (c < 0x20 || c == 0x7f)
            return false;
    }
    return true;
}

static int
take_text(const struct setting_row *row, struct span text, char **value, struct err *err)
{
    if (!is_printable(text))
        return fail(row, "a text without control characters", text, err);
    *value = mem_strndup(text.data, text.len);
    return 0;
}

static int
parse_text(const struct setting_row *row, struct span text, void *value, struct err *err)
{
    uint64_t max = row->max > 0 ? row->max : TEXT_MAX;
    char expected[64];

    if (text.len == 0 && row->min > 0)
        return fail(row, "a text that is not empty", text, err);
    if (text.len < row->min || text.len > max) {
        snprintf(expected, sizeof(expected), "a text of %" PRIu64 " to %" PRIu64 " bytes", row->min,
                 max);
        return fail(row, expected, text, err);
    }
    return take_text(row, text, value, err);
}

static int
parse_texts_item(const struct setting_row *row, struct span text, void *value, struct err *err)
{
    char expected[64];

    if (text.len == 0 || text.len > TEXT_MAX) {
        snprintf(expected, sizeof(expected), "texts of 1 to %d bytes", TEXT_MAX);
        return fail(row, expected, text, err);
    }
    return take_text(row, text, value, err);
}

// The configuration's syntax unescapes a backslash and expands ${...} between double quotes.
static void
format_text(const struct setting_row *row, const void *value, struct buf *out)
{
    const char *text = *(char *const *)value;

    (void)row;
    buf_add_char(out, '"');
    for (; text != NULL && *text != '\0'; text++) {
        if (*text == '"' || *text == '\\' || *text == '$')
            buf_add_char(out, '\\');
        buf_add_char(out, *text);
    }
    buf_add_char(out, '"');
}

static int
parse_choice(const struct setting_row *row, struct span text, void *value, struct err *err)
{
    char expected[256] = "";
    size_t len = 0;

    for (int i = 0; row->choices[i] != NULL; i++) {
        if (span_is(text, row->choices[i])) {
            *(int *)value = i;
            return 0;
        }
        if (len < sizeof(expected))
            len += (size_t)snprintf(expected + len, sizeof(expected) - len, "%s%s",
                                    i == 0                        ? ""
                                    : row->choices[i + 1] == NULL ? " or "
                                                                  : ", ",
                                    row->choices[i]);
    }
    return fail(row, expected, text, err);
}

static void
format_choice(const struct setting_row *row, const void *value, struct buf *out)
{
    buf_add_text(out, row->choices[*(const int *)value]);
}

static int
parse_mode(const struct setting_row *row, struct span text, void *value, struct err *err)
{
    uint64_t mode = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '7' || mode > 0777)
            return fail(row, "an octal mode such as 0660", text, err);
        mode = mode * 8 + (uint64_t)(text.data[i] - '0');
    }
    if (text.len == 0)
        return fail(row, "an octal mode such as 0660", text, err);
    *(uint64_t *)value = mode;
    return 0;
}

static void
format_mode(const struct setting_row *row, const void *value, struct buf *out)
{
    (void)row;
    buf_printf(out, "%04" PRIo64, *(const uint64_t *)value);
}

static int
parse_addrs_item(const struct setting_row *row, struct span text, void *value, struct err *err)
{
    if (addr_parse(text, value, err) != 0)
        return err_prefix(err, "%s", row->name);
    return 0;
}

static int
parse_addr(const struct setting_row *row, struct span text, void *value, struct err *err)
{
    if (text.len > 0)
        return parse_addrs_item(row, text, value, err);
    *(struct addr *)value = (struct addr){.len = 0};
    return 0;
}

static void
format_addr(const struct setting_row *row, const void *value, struct buf *out)
{
    char text[ADDR_TEXT_MAX];
    const char *borrowed = text;

    addr_format(value, text);
    format_text(row, (const void *)&borrowed, out);
}

static int
parse_nets_item(const struct setting_row *row, struct span text, void *value, struct err *err)
{
    if (net_parse(text, value, err) != 0)
        return err_prefix(err, "%s", row->name);
    return 0;
}

static void
format_net(const struct setting_row *row, const void *value, struct buf *out)
{
    char text[ADDR_TEXT_MAX];

    (void)row;
    net_format(value, text);
    buf_printf(out, "\"%s\"", text);
}

static const struct setting_value_type types[] = {
    [SETTING_BOOL] = {sizeof(bool),        false, false, parse_bool,       format_bool  },
    [SETTING_NUMBER] = {sizeof(uint64_t),    false, false, parse_number,     format_number},
    [SETTING_TIME] = {sizeof(uint64_t),    false, false, parse_time,       format_time  },
    [SETTING_SIZE] = {sizeof(uint64_t),    false, false, parse_size,       format_size  },
    [SETTING_TEXT] = {sizeof(char *),      false, true,  parse_text,       format_text  },
    [SETTING_CHOICE] = {sizeof(int),         false, false, parse_choice,     format_choice},
    [SETTING_MODE] = {sizeof(uint64_t),    false, false, parse_mode,       format_mode  },
    [SETTING_ADDR] = {sizeof(struct addr), false, false, parse_addr,       format_addr  },
    [SETTING_TEXTS] = {sizeof(char *),      true,  true,  parse_texts_item, format_text  },
    [SETTING_TIMES] = {sizeof(uint64_t),    true,  false, parse_times_item, format_time  },
    [SETTING_NETS] = {sizeof(struct net),  true,  false, parse_nets_item,  format_net   },
    [SETTING_ADDRS] = {sizeof(struct addr), true,  false, parse_addrs_item, format_addr  },
};

const struct setting_value_type *
setting_value_type(enum setting_type type)
{
    assert((size_t)type < sizeof(types) / sizeof(types[0]));
    return &types[type];
}
