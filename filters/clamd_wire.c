// SPDX-License-Identifier: BSD-2-Clause
#include "filters/clamd_wire.h"

#include <string.h>

static bool
starts(struct span span, const char *prefix)
{
    size_t len = strlen(prefix);

    return span.len >= len && memcmp(span.data, prefix, len) == 0;
}

// Cuts a suffix off: what stands in front of it. false: it does not end so.
static bool
cut_suffix(struct span *span, const char *suffix)
{
    size_t len = strlen(suffix);

    if (span->len < len || memcmp(span->data + span->len - len, suffix, len) != 0)
        return false;
    span->len -= len;
    return true;
}

// "stream: " of INSTREAM, "fd[12]: " of FILDES. false: neither.
static bool
cut_prefix(struct span *text)
{
    size_t at;

    if (starts(*text, "stream: ")) {
        *text = span_skip(*text, strlen("stream: "));
        return true;
    }
    if (!starts(*text, "fd["))
        return false;
    at = strlen("fd[");
    while (at < text->len && text->data[at] >= '0' && text->data[at] <= '9')
        at++;
    if (!starts(span_skip(*text, at), "]: "))
        return false;
    *text = span_skip(*text, at + strlen("]: "));
    return true;
}

static enum clamd_wire_result
read_error(struct span text, struct result *result, struct err *err)
{
    if (starts(text, "INSTREAM size limit exceeded")) {
        result_set(result, RESULT_UNSCANNABLE, "larger than clamd's StreamMaxLength");
        return CLAMD_ANSWER;
    }
    err_set(err, ERR_TEMP, "clamd said: %.*s", (int)text.len, text.data);
    return CLAMD_BAD;
}

static void
read_found(struct span name, struct result *result)
{
    // By default clamd calls a message clean that it did not look into far enough; told to alert,
    // it makes up these names.
    if (starts(name, "Heuristics.Limits.Exceeded") || starts(name, "Heuristics.Encrypted.")) {
        result_set(result, RESULT_UNSCANNABLE, "%.*s", (int)name.len, name.data);
        return;
    }
    result->kind = RESULT_HIT;
    result->is_virus = true;
    result_add_name(result, name);
}

// From its end: a name may hold anything.
static enum clamd_wire_result
read_line(struct span line, struct result *result, struct err *err)
{
    struct span text = line;

    if (cut_suffix(&text, " ERROR"))
        return read_error(text, result, err);
    if (cut_prefix(&text)) {
        if (span_is(text, "OK")) {
            result->kind = RESULT_CLEAN;
            return CLAMD_ANSWER;
        }
        if (cut_suffix(&text, " FOUND") && text.len > 0) {
            read_found(text, result);
            return CLAMD_ANSWER;
        }
    }
    err_set(err, ERR_TEMP, "clamd said: %.*s", (int)(line.len < 200 ? line.len : 200), line.data);
    return CLAMD_BAD;
}

enum clamd_wire_result
clamd_wire_read(struct span reply, bool is_end, struct result *result, struct err *err)
{
    size_t len = 0;

    while (len < reply.len && len < CLAMD_REPLY_MAX && reply.data[len] != '\0' &&
           reply.data[len] != '\n')
        len++;
    if (len == CLAMD_REPLY_MAX) {
        err_set(err, ERR_TEMP, "clamd's reply has no end");
        return CLAMD_BAD;
    }
    if (len == reply.len && !is_end)
        return CLAMD_NEED_MORE;
    if (len == reply.len && len == 0) {
        err_set(err, ERR_TEMP, "clamd said nothing");
        return CLAMD_BAD;
    }
    // Without its NUL it is a part of a reply, whatever it looks like.
    if (len == reply.len || reply.data[len] == '\n') {
        err_set(err, ERR_TEMP, "clamd broke off: %.*s", (int)(len < 200 ? len : 200), reply.data);
        return CLAMD_BAD;
    }
    if (len + 1 < reply.len) {
        err_set(err, ERR_TEMP, "clamd said more than one reply");
        return CLAMD_BAD;
    }
    return read_line(span_from(reply.data, len), result, err);
}

void
clamd_wire_chunk_head(uint32_t len, char out[4])
{
    for (int i = 0; i < 4; i++)
        out[i] = (char)(unsigned char)(len >> (24 - 8 * i));
}

bool
clamd_wire_is_pong(struct span reply)
{
    return reply.len == sizeof("PONG") && memcmp(reply.data, "PONG", sizeof("PONG")) == 0;
}
