// SPDX-License-Identifier: BSD-2-Clause
#include "smtp/dot.h"

#include <assert.h>
#include <string.h>

enum dot_state {
    LINE_START, // at the very start, or behind a CRLF of the wire
    IN_LINE,
    AFTER_CR,     // a CR that is not yet known to be bare
    AFTER_DOT,    // a dot at the start of a line
    AFTER_DOT_CR, // the same and a CR
    ENDED
};

enum { STEP_MAX = 2 }; // the most bytes that one step adds

// Both next marks are remembered, so that no byte is searched twice, whatever the mix of them.
struct scan {
    const char *at, *end;
    const char *cr, *lf; // the next of its kind, end if there is none
};

static const char *
find(const char *from, const char *end, char byte)
{
    const char *found = memchr(from, byte, (size_t)(end - from));

    return found == NULL ? end : found;
}

static void
scan_to(struct scan *scan, const char *at)
{
    scan->at = at;
    if (scan->cr < at)
        scan->cr = find(at, scan->end, '\r');
    if (scan->lf < at)
        scan->lf = find(at, scan->end, '\n');
}

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

// How much from scan.at on may go out as it is: whole CRLF lines, and the part of a line before a
// CR or LF that stands alone (or may, at the end of what is there).
static size_t
clean_len(const struct dot *dot, struct scan scan)
{
    const char *start = scan.at;
    bool is_line_start = dot->state == LINE_START;

    while (scan.at < scan.end) {
        if (is_line_start && dot->mode == DOT_DATA && scan.at[0] == '.')
            break;
        if (scan.lf == scan.end || scan.lf != scan.cr + 1) {
            scan_to(&scan, scan.cr < scan.lf ? scan.cr : scan.lf);
            break;
        }
        scan_to(&scan, scan.lf + 1);
        is_line_start = true;
    }
    return (size_t)(scan.at - start);
}

// Returns how much was taken: less than len where out has no room, but never half a CRLF.
static size_t
give_clean(struct dot *dot, struct buf *out, const char *data, size_t len)
{
    size_t room = out->ceiling - out->len;

    if (len > room)
        len = data[room - 1] == '\r' ? room - 1 : room;
    give(dot, out, data, len);
    dot->state = data[len - 1] == '\n' ? LINE_START : IN_LINE;
    return len;
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

enum dot_result
dot_feed(struct dot *dot, struct span in, struct buf *out, size_t *used_out)
{
    struct scan scan = {.at = in.data, .end = in.data};
    enum dot_result result = DOT_NEED_MORE;
    size_t len;

    if (in.len > 0) {
        scan.end = in.data + in.len;
        scan.cr = find(in.data, scan.end, '\r');
        scan.lf = find(in.data, scan.end, '\n');
    }
    while (scan.at < scan.end && dot->state != ENDED) {
        if (out->ceiling - out->len < STEP_MAX) {
            result = DOT_FULL;
            break;
        }
        len = dot->state == LINE_START || dot->state == IN_LINE ? clean_len(dot, scan) : 0;
        if (len > 0)
            len = give_clean(dot, out, scan.at, len);
        else
            len = step(dot, scan.at[0], out) ? 1 : 0;
        scan_to(&scan, scan.at + len);
    }
    *used_out = (size_t)(scan.at - in.data);
    return dot->state == ENDED ? DOT_DONE : result;
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
