// SPDX-License-Identifier: BSD-2-Clause
#include "base/frame.h"

#include <stdio.h>
#include <string.h>

// A number for the layout of frames; the build id stands for what they mean.
#define HELLO_HEAD "postern-frame 1 "

enum { HELLO_SIZE = sizeof(HELLO_HEAD) + FRAME_BUILD_ID_MAX + 2 };

// Length of the hello written to out, 0 if the build id cannot stand in one.
static size_t
make_hello(const char *build_id, char out[HELLO_SIZE])
{
    size_t len = strlen(build_id);

    if (len == 0 || len > FRAME_BUILD_ID_MAX || strpbrk(build_id, " \t\r\n") != NULL)
        return 0;
    return (size_t)snprintf(out, HELLO_SIZE, HELLO_HEAD "%s\n", build_id);
}

static uint32_t
get_u32(const char *data)
{
    const unsigned char *byte = (const unsigned char *)data;

    return (uint32_t)byte[0] << 24 | (uint32_t)byte[1] << 16 | (uint32_t)byte[2] << 8 | byte[3];
}

int
frame_hello_add(struct buf *out, const char *build_id)
{
    char hello[HELLO_SIZE];
    size_t len = make_hello(build_id, hello);

    return len == 0 ? -1 : buf_add(out, hello, len);
}

enum frame_result
frame_hello_read(struct span in, const char *build_id, size_t *used_out)
{
    char hello[HELLO_SIZE];
    size_t len = make_hello(build_id, hello);
    size_t seen = in.len < len ? in.len : len;

    // What does not begin like it will not become one: BAD at the first wrong byte.
    if (len == 0 || (seen > 0 && memcmp(in.data, hello, seen) != 0))
        return FRAME_BAD;
    if (seen < len)
        return FRAME_NEED_MORE;
    *used_out = len;
    return FRAME_DONE;
}

int
frame_add(struct buf *out, uint16_t type, struct span payload)
{
    unsigned char head[FRAME_HEAD];
    char *space;

    if (payload.len > FRAME_PAYLOAD_MAX)
        return -1;
    space = buf_space(out, FRAME_HEAD + payload.len);
    if (space == NULL)
        return -1;
    for (unsigned i = 0; i < 4; i++)
        head[i] = (unsigned char)(payload.len >> (24 - 8 * i) & 0xff);
    head[4] = (unsigned char)(type >> 8);
    head[5] = (unsigned char)(type & 0xff);
    memcpy(space, head, sizeof(head));
    if (payload.len > 0)
        memcpy(space + FRAME_HEAD, payload.data, payload.len);
    buf_filled(out, FRAME_HEAD + payload.len);
    return 0;
}

enum frame_result
frame_read(struct span in, size_t payload_max, struct frame *frame_out, size_t *used_out)
{
    uint32_t len;

    if (in.len < 4)
        return FRAME_NEED_MORE;
    len = get_u32(in.data);
    // Before more is waited for: a length out of bounds would fill the reader's buffer.
    if (len > payload_max || len > FRAME_PAYLOAD_MAX)
        return FRAME_BAD;
    if (in.len < FRAME_HEAD + (size_t)len)
        return FRAME_NEED_MORE;
    frame_out->type = (uint16_t)((unsigned char)in.data[4] << 8 | (unsigned char)in.data[5]);
    frame_out->payload = span_from(in.data + FRAME_HEAD, len);
    *used_out = FRAME_HEAD + (size_t)len;
    return FRAME_DONE;
}
