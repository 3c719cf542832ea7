// SPDX-License-Identifier: BSD-2-Clause
#include "smtp/dot.h"

#include <assert.h>
#include <string.h>

#include "base/crlf.h"

enum dot_state {
    LINE_START, // at the very start, or behind a CRLF of the wire
    IN_LINE,
    AFTER_CR,     // a CR that is not yet known to be bare
    AFTER_DOT,    // a dot at the start of a line
    AFTER_DOT_CR, // the same and a CR
    ENDED
};

enum { STEP_MAX = 2 }; // the most bytes that one step adds

void
dot_init(struct dot *dot, enum dot_mode mode)
{
    *dot = (struct dot){.mode = mode, .state = LINE_START};
}

static void
give(struct dot *dot, struct buf *out, const char *data, size_t len)
{
    int failed = buf_add(out, data, len);

    assert(failed == 0);
    dot->out_len += len;
}

static bool
is_in_content(const struct dot *dot)
{
    return dot->state == LINE_START || dot->state == IN_LINE;
}

// How much of in may go out as it is: whole CRLF lines, and the part of a line before a CR or LF
// that stands alone (or may, at the end of what is there).
static size_t
clean_len(const struct dot *dot, struct span in)
{
    bool has_dots = dot->mode == DOT_DATA;

    if (!is_in_content(dot) || in.len == 0 || in.data[0] == '\n' ||
        (dot->state == LINE_START && has_dots && in.data[0] == '.'))
        return 0;
    return crlf_plain_len(in, has_dots);
}

static void
note_clean(struct dot *dot, struct span clean)
{
    if (clean.len > 0)
        dot->state = clean.data[clean.len - 1] == '\n' ? LINE_START : IN_LINE;
}

static bool
mend_cr(struct dot *dot, struct buf *out)
{
    dot->bare_cr++;
    dot->state = IN_LINE;
    give(dot, out, " ", 1);
    return false;
}

static bool
mend_lf(struct dot *dot, struct buf *out)
{
    dot->bare_lf++;
    // Behind it a dot is an ordinary one: a sender that means this line end does not stuff.
    dot->state = dot->mode == DOT_CHUNK ? LINE_START : IN_LINE;
    give(dot, out, "\r\n", 2);
    return true;
}

static bool
move_to(struct dot *dot, enum dot_state state)
{
    dot->state = (int)state;
    return true;
}

// One byte that is not simply passed on. False: it is to be looked at again, in the new state.
static bool
step(struct dot *dot, char byte, struct buf *out)
{
    switch ((enum dot_state)dot->state) {
    case LINE_START:
    case IN_LINE:
        if (byte == '\n')
            return mend_lf(dot, out);
        return move_to(dot, byte == '\r' ? AFTER_CR : AFTER_DOT);
    case AFTER_CR:
        if (byte != '\n')
            return mend_cr(dot, out);
        give(dot, out, "\r\n", 2);
        return move_to(dot, LINE_START);
    case AFTER_DOT: // RFC 5321 4.5.2: the first dot goes, whatever follows it
        return move_to(dot, byte == '\r' ? AFTER_DOT_CR : IN_LINE) && byte == '\r';
    case AFTER_DOT_CR:
        return byte == '\n' ? move_to(dot, ENDED) : mend_cr(dot, out);
    case ENDED:
        break;
    }
    return false;
}

struct span
dot_pass(struct dot *dot, struct span in)
{
    struct span clean = span_from(in.data, clean_len(dot, in));

    note_clean(dot, clean);
    dot->out_len += clean.len;
    return clean;
}

// Returns how much of in is gone.
static size_t
feed_some(struct dot *dot, struct span in, struct buf *out)
{
    size_t room = out->ceiling - out->len;
    struct span clean = span_from(in.data, in.len < room ? in.len : room);

    clean.len = clean_len(dot, clean);
    if (clean.len == 0)
        return step(dot, in.data[0], out) ? 1 : 0;
    give(dot, out, clean.data, clean.len);
    note_clean(dot, clean);
    return clean.len;
}

enum dot_result
dot_feed(struct dot *dot, struct span in, struct buf *out, size_t *used_out)
{
    struct span rest = in;

    while (rest.len > 0 && dot->state != ENDED && out->ceiling - out->len >= STEP_MAX)
        rest = span_skip(rest, feed_some(dot, rest, out));
    *used_out = in.len - rest.len;
    if (dot->state == ENDED)
        return DOT_DONE;
    return rest.len > 0 ? DOT_FULL : DOT_NEED_MORE;
}

void
dot_finish(struct dot *dot, struct buf *out)
{
    assert(dot->mode == DOT_CHUNK && dot->state <= AFTER_CR);
    if (dot->state == AFTER_CR)
        mend_cr(dot, out);
    if (dot->state == IN_LINE)
        give(dot, out, "\r\n", 2);
    dot->state = LINE_START;
}
