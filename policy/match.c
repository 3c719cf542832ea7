// SPDX-License-Identifier: BSD-2-Clause
#include "policy/match.h"

#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "base/glob.h"

enum { DIGITS_MAX = 15 }; // that a double keeps

// No strtod: it asks the locale, and takes "inf", "nan" and hexadecimal.
int
match_number_parse(struct span text, double *value_out)
{
    bool is_negative = text.len > 0 && text.data[0] == '-';
    bool has_point = false, is_digit = false;
    double value = 0, scale = 1;

    if (is_negative)
        text = span_skip(text, 1);
    if (text.len > DIGITS_MAX)
        return -1;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '.' && is_digit && !has_point) {
            has_point = true;
            is_digit = false;
            continue;
        }
        if (text.data[i] < '0' || text.data[i] > '9')
            return -1;
        is_digit = true;
        value = value * 10 + (text.data[i] - '0');
        scale *= has_point ? 10 : 1;
    }
    if (!is_digit)
        return -1;
    *value_out = (is_negative ? -value : value) / scale;
    return 0;
}

static int
parse_bound(struct span text, bool is_size, double *value_out)
{
    uint64_t bytes;

    if (!is_size)
        return match_number_parse(text, value_out);
    if (str_parse_size(text, &bytes) != 0)
        return -1;
    *value_out = (double)bytes;
    return 0;
}

static struct span
find_dots(struct span text)
{
    const char *dots = text.len > 0 ? memmem(text.data, text.len, "..", 2) : NULL;

    return dots == NULL ? (struct span){NULL, 0} : span_skip(text, (size_t)(dots - text.data));
}

int
match_range_parse(struct span text, bool is_size, struct match_range *range_out, struct err *err)
{
    struct match_range range = {.low = -INFINITY, .high = INFINITY};
    struct span dots = find_dots(text);
    struct span low = span_from(text.data, text.len - dots.len);
    struct span high = dots.len > 2 ? span_skip(dots, 2) : (struct span){NULL, 0};
    bool is_good = low.len > 0 || high.len > 0;

    range.is_single = dots.len == 0;
    if (low.len > 0 && parse_bound(low, is_size, &range.low) != 0)
        is_good = false;
    if (high.len > 0 && parse_bound(high, is_size, &range.high) != 0)
        is_good = false;
    if (!is_good)
        return err_set(err, ERR_PERM, "expected a range such as \"%s\", not \"%.*s\"",
                       is_size ? "10M.." : "6..15", (int)(text.len < 100 ? text.len : 100),
                       text.data);
    if (range.low >= range.high)
        return err_set(err, ERR_PERM, "nothing lies in the range \"%.*s\"", (int)text.len,
                       text.data);
    *range_out = range;
    return 0;
}

bool
match_range_has(const struct match_range *range, double value)
{
    if (range->is_single)
        return value >= range->low && value <= range->low;
    return value >= range->low && value < range->high;
}

static struct span
domain_of(struct span path)
{
    const char *at = path.len > 0 ? memrchr(path.data, '@', path.len) : NULL;

    return at == NULL ? path : span_skip(path, (size_t)(at - path.data) + 1);
}

// RFC 5321 4.1.2: "a\b"@c and ab@c are one mailbox.
static void
unquote(struct span path, struct buf *out)
{
    bool is_quoted = false;

    for (size_t i = 0; i < path.len; i++) {
        if (path.data[i] == '"')
            is_quoted = !is_quoted;
        else if (is_quoted && path.data[i] == '\\' && i + 1 < path.len)
            buf_add_char(out, path.data[++i]);
        else
            buf_add_char(out, path.data[i]);
    }
}

static bool
match_whole(struct span glob, struct span path)
{
    struct buf plain;
    bool is_match;

    if (glob_match(glob, path))
        return true;
    if (path.len == 0 || path.data[0] != '"')
        return false;
    buf_init(&plain, path.len);
    unquote(path, &plain);
    is_match = glob_match(glob, buf_span(&plain));
    buf_clear(&plain);
    return is_match;
}

bool
match_address(struct span glob, struct span path)
{
    if (span_is(glob, "<>"))
        return path.len == 0;
    if (glob.len > 0 && memchr(glob.data, '@', glob.len) != NULL)
        return match_whole(glob, path);
    return glob_match(glob, domain_of(path));
}

// "evil.exe. " is evil.exe to Windows.
static bool
match_spelling(struct span glob, struct span name)
{
    static const char blanks[] = {'.', ' ', '\t', '\r', '\n'};
    size_t begin = name.len;
    struct span last;

    if (glob_match(glob, name))
        return true;
    while (begin > 0 && name.data[begin - 1] != '/' && name.data[begin - 1] != '\\')
        begin--;
    last = span_skip(name, begin);
    while (last.len > 0 && memchr(blanks, last.data[last.len - 1], sizeof(blanks)) != NULL)
        last.len--;
    return last.len < name.len && glob_match(glob, last);
}

// "evil.exe\0.txt" and "evil.exe\0/a.txt" are evil.exe to who reads names as C does.
bool
match_file_name(struct span glob, struct span name)
{
    bool is_match = match_spelling(glob, name);

    if (name.len == 0 || memchr(name.data, '\0', name.len) == NULL)
        return is_match;
    while (!is_match && name.data != NULL)
        is_match = match_spelling(glob, span_cut(&name, '\0'));
    return is_match;
}

bool
match_is_list_sender(struct span path)
{
    static const char *const globs[] = {
        "owner-*",  "*-owner",       "*-request",     "*-bounces", "*-bounces[+=-]*",
        "*-bounce", "*-return",      "*-return-*",    "bounce",    "bounce[+=-]*",
        "bounces",  "bounces[+=-]*", "mailer-daemon", "listserv",  "majordomo"};
    struct span domain = domain_of(path);
    struct span local =
        span_from(path.data, domain.len < path.len ? path.len - domain.len - 1 : path.len);

    for (size_t i = 0; i < sizeof(globs) / sizeof(globs[0]); i++) {
        if (glob_match(span_of(globs[i]), local))
            return true;
    }
    return false;
}
