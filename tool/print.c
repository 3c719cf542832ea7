// SPDX-License-Identifier: BSD-2-Clause
#include "tool/print.h"

#include <stdarg.h>
#include <time.h>

enum { BLOCK = 4096, LINE_MAX_BYTES = 4096 };

static void
escape(FILE *out, struct span text)
{
    struct buf escaped;

    buf_init(&escaped, (size_t)BLOCK * 8);
    str_escape(&escaped, text, NULL, (size_t)BLOCK * 8);
    if (escaped.len > 0)
        (void)fwrite(escaped.data, 1, escaped.len, out);
    buf_clear(&escaped);
}

// In pieces that end between two characters where there is such a place.
void
print_escaped(FILE *out, struct span text)
{
    while (text.len > 0) {
        size_t len = text.len;

        if (len > BLOCK) {
            len = BLOCK;
            for (int i = 0; i < 3 && ((unsigned char)text.data[len] & 0xc0) == 0x80; i++)
                len--;
        }
        escape(out, span_from(text.data, len));
        text = span_skip(text, len);
    }
}

void
print_text(FILE *out, const char *text)
{
    print_escaped(out, span_of(text));
}

void
print_time(FILE *out, int64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm when;
    char text[32];

    if (localtime_r(&seconds, &when) == NULL ||
        strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &when) == 0)
        (void)snprintf(text, sizeof text, "%lld", (long long)seconds);
    (void)fputs(text, out);
}

void
print_wait(char out[32], int64_t ms)
{
    static const struct {
        int64_t seconds;
        char unit;
    } units[] = {
        {86400, 'd'},
        {3600,  'h'},
        {60,    'm'},
        {1,     's'},
    };

    int64_t seconds = ms <= 0 ? 0 : (ms + 999) / 1000;

    (void)snprintf(out, 32, "now");
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (seconds < units[i].seconds)
            continue;
        (void)snprintf(out, 32, "%lld%c", (long long)(seconds / units[i].seconds), units[i].unit);
        return;
    }
}

void
print_json(struct tool *tool, struct json **object)
{
    struct buf line;

    buf_init(&line, (size_t)1 << 28);
    if (json_print(*object, &line) == 0 && buf_add_char(&line, '\n') == 0)
        (void)fwrite(line.data, 1, line.len, tool->out);
    else
        print_error(tool, "a line of JSON is too long: left out");
    buf_clear(&line);
    json_free(object);
}

void
print_error(struct tool *tool, const char *format, ...)
{
    char text[LINE_MAX_BYTES];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    (void)fputs("postern: ", tool->errors);
    print_text(tool->errors, text);
    (void)fputc('\n', tool->errors);
}

enum tool_exit
print_usage(struct tool *tool, const char *usage)
{
    (void)fprintf(tool->errors, "usage: postern [-c FILE] [--json] %s\n", usage);
    return TOOL_USAGE;
}

enum tool_exit
print_worse(enum tool_exit a, enum tool_exit b)
{
    static const enum tool_exit order[] = {TOOL_USAGE,     TOOL_CONFIGURATION, TOOL_IO,
                                           TOOL_FORBIDDEN, TOOL_UNREACHABLE,   TOOL_NOTHING};

    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        if (a == order[i] || b == order[i])
            return order[i];
    }
    return TOOL_DONE;
}
