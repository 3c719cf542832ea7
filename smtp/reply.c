// SPDX-License-Identifier: BSD-2-Clause
#include "smtp/reply.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static size_t
digits_len(const char *text)
{
    return strspn(text, "0123456789");
}

// RFC 3463: class "." subject "." detail, with the class of the code (RFC 2034 4).
static bool
enhanced_fits(const char *enhanced, int code)
{
    size_t len;

    if (enhanced[0] != '0' + code / 100 || enhanced[1] != '.')
        return false;
    len = digits_len(enhanced + 2);
    if (len < 1 || len > 3 || enhanced[2 + len] != '.')
        return false;
    enhanced += 3 + len;
    len = digits_len(enhanced);
    return len >= 1 && len <= 3 && enhanced[len] == '\0';
}

static bool
is_control(const char *text)
{
    unsigned char byte = (unsigned char)text[0];

    // U+0080 to U+009F are two bytes; the text behind them is NUL-terminated.
    return byte < 0x20 || byte == 0x7f || (byte == 0xc2 && (unsigned char)text[1] < 0xa0);
}

// A cut may have fallen into a character.
static void
drop_half_character(char *text, size_t len)
{
    while (len > 0 && !str_is_utf8(span_from(text, len)) && (unsigned char)text[len - 1] >= 0x80)
        text[--len] = '\0';
}

static void
make_printable(char *text)
{
    size_t len = strlen(text);
    bool is_utf8 = str_is_utf8(span_from(text, len));

    for (size_t i = 0; i < len; i++) {
        if (is_control(text + i) || (!is_utf8 && (unsigned char)text[i] >= 0x80))
            text[i] = '?';
    }
    for (size_t i = 0; is_utf8 && i + 1 < len; i++) {
        if (text[i] == '?' && ((unsigned char)text[i + 1] & 0xc0) == 0x80)
            text[i + 1] = '?';
    }
}

void
reply_set(struct smtp_reply *reply, int code, const char *enhanced, const char *format, ...)
{
    char text[sizeof(reply->text)]; // the arguments may point into the reply itself
    char status[sizeof(reply->enhanced)] = "";
    va_list args;
    int len;

    assert(code >= 200 && code <= 599);
    va_start(args, format);
    len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (len < 0)
        text[0] = '\0';
    if (len >= (int)sizeof(text))
        drop_half_character(text, sizeof(text) - 1);
    make_printable(text);
    if (enhanced != NULL && code / 100 != 3 && enhanced_fits(enhanced, code))
        memcpy(status, enhanced, strlen(enhanced) + 1);
    else if (enhanced != NULL && code / 100 != 3) // RFC 2034 knows classes 2, 4 and 5
        snprintf(status, sizeof(status), "%d.0.0", code / 100);
    reply->code = code;
    memcpy(reply->enhanced, status, sizeof(status));
    memcpy(reply->text, text, strlen(text) + 1);
}

void
reply_write(const struct smtp_reply *reply, struct buf *out)
{
    buf_add_number(out, (uint64_t)reply->code);
    buf_add_char(out, ' ');
    buf_add_text(out, reply->enhanced);
    if (reply->enhanced[0] != '\0')
        buf_add_char(out, ' ');
    buf_add_text(out, reply->text);
    buf_add(out, "\r\n", 2);
}
