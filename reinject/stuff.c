// SPDX-License-Identifier: BSD-2-Clause
#include "reinject/stuff.h"

#include <assert.h>
#include <string.h>

#include "base/crlf.h"

enum { LINE_START, IN_LINE, BEHIND_CR }; // BEHIND_CR: the CR is held back until its LF is seen

void
stuff_init(struct stuff *stuff, enum stuff_mode mode)
{
    *stuff = (struct stuff){.mode = mode, .state = LINE_START};
}

// How much of in may leave as it is: nearly always all, but for a CR at its end.
static size_t
plain_len(const struct stuff *stuff, struct span in)
{
    bool has_dots = stuff->mode == STUFF_DATA;

    if (in.len == 0 || stuff->state == BEHIND_CR || in.data[0] == '\n' ||
        (stuff->state == LINE_START && has_dots && in.data[0] == '.'))
        return 0;
    return crlf_plain_len(in, has_dots);
}

static void
note_plain(struct stuff *stuff, struct span plain)
{
    if (plain.len > 0)
        stuff->state = plain.data[plain.len - 1] == '\n' ? LINE_START : IN_LINE;
}

static char *
put(char *out, const char *data, size_t len)
{
    memcpy(out, data, len);
    return out + len;
}

// What of a line (up to its LF, or the input's end) may leave as it is: up to a bare CR.
static const char *
find_bare_cr(const char *at, const char *end, bool has_lf)
{
    const char *cr = memchr(at, '\r', (size_t)(end - at));

    return cr != NULL && has_lf && cr + 1 == end ? NULL : cr;
}

// A held CR was in the input before: what it is shows now.
static char *
release_cr(struct stuff *stuff, struct span *in, char *out)
{
    if (in->data[0] == '\n') {
        *in = span_skip(*in, 1);
        stuff->state = LINE_START;
        return put(out, "\r\n", 2);
    }
    stuff->mended++;
    stuff->state = IN_LINE;
    return put(out, " ", 1);
}

// [at, end) is a line without its LF, or the input's last part.
static char *
copy_line(struct stuff *stuff, const char *at, const char *end, bool has_lf, char *out)
{
    const char *cr;

    if (stuff->state == LINE_START && stuff->mode == STUFF_DATA && at < end && *at == '.')
        *out++ = '.';
    if (at < end)
        stuff->state = IN_LINE;
    while ((cr = find_bare_cr(at, end, has_lf)) != NULL) {
        out = put(out, at, (size_t)(cr - at));
        at = cr + 1;
        if (at == end && !has_lf) {
            stuff->state = BEHIND_CR;
            return out;
        }
        *out++ = ' ';
        stuff->mended++;
    }
    out = put(out, at, (size_t)(end - at));
    if (!has_lf)
        return out;
    if (at == end || end[-1] != '\r') {
        *out++ = '\r';
        stuff->mended++;
    }
    *out++ = '\n';
    stuff->state = LINE_START;
    return out;
}

bool
stuff_pass(struct stuff *stuff, struct span in, struct span *out)
{
    size_t len = plain_len(stuff, in);
    bool has_cr = len + 1 == in.len && in.data[len] == '\r';

    if (len == 0 || (len < in.len && !has_cr))
        return false;
    *out = span_from(in.data, len);
    note_plain(stuff, *out);
    if (has_cr)
        stuff->state = BEHIND_CR;
    return true;
}

void
stuff_feed(struct stuff *stuff, struct span in, struct buf *out)
{
    char *space, *to;
    const char *end;

    if (in.len == 0)
        return;
    space = buf_space(out, 2 * in.len + 2);
    assert(space != NULL);
    to = space;
    if (stuff->state == BEHIND_CR)
        to = release_cr(stuff, &in, to);
    while (in.len > 0) {
        struct span plain = span_from(in.data, plain_len(stuff, in));

        to = put(to, plain.data, plain.len);
        note_plain(stuff, plain);
        in = span_skip(in, plain.len);
        if (in.len == 0)
            break;
        end = memchr(in.data, '\n', in.len);
        if (end == NULL) {
            to = copy_line(stuff, in.data, in.data + in.len, false, to);
            break;
        }
        to = copy_line(stuff, in.data, end, true, to);
        in = span_skip(in, (size_t)(end - in.data) + 1);
    }
    buf_filled(out, (size_t)(to - space));
}

void
stuff_end(struct stuff *stuff, struct buf *out)
{
    int failed = 0;

    if (stuff->state == BEHIND_CR)
        failed |= buf_add_char(out, ' ');
    if (stuff->state != LINE_START) {
        failed |= buf_add(out, "\r\n", 2);
        stuff->mended++;
    }
    if (stuff->mode == STUFF_DATA)
        failed |= buf_add(out, ".\r\n", 3);
    assert(failed == 0);
    stuff->state = LINE_START;
}
