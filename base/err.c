// SPDX-License-Identifier: BSD-2-Clause
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { ERR_TEXT_SIZE = sizeof(((struct err *)NULL)->text) };

// The arguments may point into err->text itself (an error told further), so the new text is made
// beside it. A newline can come from a quoted peer; the text stays one line.
static void
take_text(struct err *err, const char *text)
{
    size_t len = strnlen(text, sizeof(err->text) - 1);

    for (size_t i = 0; i < len; i++)
        err->text[i] = text[i] == '\n' || text[i] == '\r' ? ' ' : text[i];
    err->text[len] = '\0';
}

static void __attribute__((format(printf, 3, 0)))
format_text(char *text, size_t size, const char *format, va_list args)
{
    if (vsnprintf(text, size, format, args) < 0)
        text[0] = '\0';
}

// Adds ": " and the tail, or what of it finds room.
static void
append(char text[ERR_TEXT_SIZE], const char *tail)
{
    size_t at = strlen(text);
    const char *const pieces[] = {": ", tail};

    for (size_t i = 0; i < 2; i++) {
        size_t len = strnlen(pieces[i], ERR_TEXT_SIZE - 1 - at);

        memcpy(text + at, pieces[i], len);
        at += len;
    }
    text[at] = '\0';
}

int
err_set(struct err *err, enum err_kind kind, const char *format, ...)
{
    char text[sizeof(err->text)];
    va_list args;

    if (err == NULL)
        return -1;
    va_start(args, format);
    format_text(text, sizeof(text), format, args);
    va_end(args);
    err->kind = kind;
    take_text(err, text);
    return -1;
}

int
err_sys(struct err *err, enum err_kind kind, int errnum, const char *format, ...)
{
    char text[sizeof(err->text)];
    char room[64];
    const char *reason;
    size_t reason_len;
    va_list args;

    if (err == NULL)
        return -1;
    reason = strerror_r(errnum, room, sizeof(room));
    reason_len = strnlen(reason, sizeof(room) - 1);
    va_start(args, format);
    format_text(text, sizeof(text), format, args);
    va_end(args);
    // A long head (a path) must not push out the reason.
    text[strnlen(text, sizeof(text) - 3 - reason_len)] = '\0';
    append(text, reason);
    err->kind = kind;
    take_text(err, text);
    return -1;
}

int
err_prefix(struct err *err, const char *format, ...)
{
    char text[sizeof(err->text)];
    va_list args;

    if (err == NULL)
        return -1;
    va_start(args, format);
    format_text(text, sizeof(text), format, args);
    va_end(args);
    append(text, err->text);
    take_text(err, text);
    return -1;
}

const char *
err_kind_name(enum err_kind kind)
{
    static const char *const names[] = {
        [ERR_NONE] = "none", [ERR_TEMP] = "temporary", [ERR_PERM] = "permanent"};

    return (size_t)kind < sizeof(names) / sizeof(names[0]) ? names[kind] : "unknown";
}
