// SPDX-License-Identifier: BSD-2-Clause
#include "policy/authres.h"

#include <string.h>

#include "base/buf.h"
#include "base/glob.h"
#include "base/mem.h"

enum { RECEIVED_BELIEVED = 1 };

// Takes one character of a comment or quoted string, the one behind a backslash with it.
static char
take_quoted(struct span *rest)
{
    if (rest->data[0] == '\\' && rest->len > 1)
        *rest = span_skip(*rest, 1);
    return rest->data[0];
}

static struct span
skip_comment(struct span rest)
{
    size_t depth = 0;

    while (rest.len > 0) {
        char byte = rest.data[0];

        if (byte == '\\' && rest.len > 1)
            rest = span_skip(rest, 1);
        else if (byte == '(')
            depth++;
        else if (byte == ')' && --depth == 0)
            return span_skip(rest, 1);
        rest = span_skip(rest, 1);
    }
    return rest;
}

// What a quoted string holds can end nothing: its separators become "_".
static struct span
copy_quoted(struct span rest, struct buf *out)
{
    rest = span_skip(rest, 1);
    while (rest.len > 0 && rest.data[0] != '"') {
        char byte = take_quoted(&rest);

        buf_add_char(out, (unsigned char)byte <= ' ' || strchr(";=/", byte) != NULL ? '_' : byte);
        rest = span_skip(rest, 1);
    }
    return span_skip(rest, rest.len > 0 ? 1 : 0);
}

// The value without comments, quotes and folding: separators are separators then.
static void
flatten(struct span rest, struct buf *out)
{
    while (rest.len > 0) {
        if (rest.data[0] == '(') {
            buf_add_char(out, ' ');
            rest = skip_comment(rest);
        } else if (rest.data[0] == '"') {
            rest = copy_quoted(rest, out);
        } else {
            buf_add_char(out, (unsigned char)rest.data[0] <= ' ' ? ' ' : rest.data[0]);
            rest = span_skip(rest, 1);
        }
    }
}

static bool
is_told_above(const struct authres *authres, struct span method, size_t field)
{
    for (size_t i = 0; i < authres->count; i++) {
        const struct authres_entry *entry = &authres->items[i];

        if (entry->field != field && span_is_nocase(method, entry->method))
            return true;
    }
    return false;
}

// "dkim/1 = pass reason..."
static void
add_entry(struct authres *authres, struct span text, size_t field)
{
    struct span method = span_cut(&text, '=');
    struct span result = span_trim(text);

    method = span_trim(span_cut(&method, '/'));
    result = span_cut(&result, ' ');
    if (method.len == 0 || result.len == 0 || memchr(method.data, ' ', method.len) != NULL)
        return;
    if (authres->count == AUTHRES_MAX || is_told_above(authres, method, field))
        return;
    authres->items = mem_regrow(authres->items, authres->count + 1, sizeof(authres->items[0]));
    authres->items[authres->count++] =
        (struct authres_entry){.method = mem_strndup(method.data, method.len),
                               .result = mem_strndup(result.data, result.len),
                               .field = field};
}

void
authres_add(struct authres *authres, struct span value, const char *authserv_id, size_t field)
{
    struct buf flat;
    struct span rest, id;

    buf_init(&flat, value.len);
    flatten(value, &flat);
    rest = buf_span(&flat);
    id = span_trim(span_cut(&rest, ';'));
    id = span_cut(&id, ' '); // a version may follow
    if (id.len > 0 && span_is_nocase(id, authserv_id)) {
        while (rest.len > 0)
            add_entry(authres, span_trim(span_cut(&rest, ';')), field);
    }
    buf_clear(&flat);
}

void
authres_read(const struct findings *findings, const char *authserv_id, struct authres *authres_out)
{
    size_t received = 0;

    *authres_out = (struct authres){NULL, 0};
    for (size_t i = 0; i < findings->header_count; i++) {
        const struct finding_header *header = &findings->headers[i];

        if (span_is_nocase(header->name, "Received") && ++received > RECEIVED_BELIEVED)
            return;
        if (span_is_nocase(header->name, "Authentication-Results"))
            authres_add(authres_out, header->raw, authserv_id, i);
    }
}

void
authres_clear(struct authres *authres)
{
    for (size_t i = 0; i < authres->count; i++) {
        mem_free(&authres->items[i].method);
        mem_free(&authres->items[i].result);
    }
    mem_free(&authres->items);
    authres->count = 0;
}

bool
authres_has(const struct authres *authres, struct span method, struct span result)
{
    for (size_t i = 0; i < authres->count; i++) {
        if (glob_match(method, span_of(authres->items[i].method)) &&
            glob_match(result, span_of(authres->items[i].result)))
            return true;
    }
    return false;
}
