// SPDX-License-Identifier: BSD-2-Clause
#include "mime/reading/nursery.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/jail.h"
#include "base/parcel.h"

// Standard error may be a regular file, which grows; what is given for decoded parts has a size of
// its own, at most max_unpacked. Nothing else that it may write to is a file.
enum { FILE_SIZE_LEAST = 256 << 20, DESCRIPTORS_MAX = 16, EXIT_GIVEN_UP = 70 };

struct dissector {
    int line;
    struct look *look;
    struct parcel_reader in;
};

_Noreturn static void
give_up(const char *why)
{
    (void)fprintf(stderr, "postern-dissect[%d]: %s\n", (int)getpid(), why);
    _exit(EXIT_GIVEN_UP);
}

static void
send_all(const struct dissector *dissector, struct span bytes)
{
    while (bytes.len > 0) {
        ssize_t taken = pass_send(dissector->line, bytes, NULL, 0);

        if (taken < 0)
            _exit(0); // the worker is gone, or wants no answer any more
        bytes = span_skip(bytes, (size_t)taken);
    }
}

static void
say_hello(const struct dissector *dissector, const char *build_id)
{
    struct buf hello;
    int failed;

    buf_init(&hello, (size_t)2 * FRAME_BUILD_ID_MAX);
    failed = frame_hello_add(&hello, build_id);
    assert(failed == 0);
    send_all(dissector, buf_span(&hello));
    buf_clear(&hello);
}

static void
send_frame(const struct dissector *dissector, enum query_frame type, struct span payload)
{
    struct buf frame;
    int failed;

    buf_init(&frame, FRAME_HEAD + FRAME_PAYLOAD_MAX);
    failed = frame_add(&frame, (uint16_t)type, payload);
    assert(failed == 0);
    send_all(dissector, buf_span(&frame));
    buf_clear(&frame);
}

// What a frame has no room for is left out, the most numerous first.
static void
write_findings(struct findings *findings, struct buf *out)
{
    for (unsigned i = 0; findings_write(findings, out) != 0; i++) {
        assert(i < 3);
        if (findings->limit == LIMIT_NONE) {
            findings->limit = LIMIT_FINDINGS;
            findings->limit_text = SPAN_LITERAL("more findings than can be told");
        }
        findings->member_count = 0;
        findings->link_count = 0;
        if (i == 0)
            continue;
        // The others name parts by number.
        findings->part_count = 0;
        findings->mark_count = 0;
        findings->hit_count = 0;
        if (i > 1)
            findings->header_count = 0;
    }
}

static void
look_into(const struct dissector *dissector, const struct dissect_query *query, int fd)
{
    struct err err = {0};
    struct findings *findings = look_at(dissector->look, query, fd, &err);
    struct buf payload;

    if (findings == NULL) {
        send_frame(dissector, QUERY_FAILED, span_of(err.text));
        return;
    }
    buf_init(&payload, FRAME_PAYLOAD_MAX);
    write_findings(findings, &payload);
    findings_free(&findings);
    send_frame(dissector, QUERY_FOUND, buf_span(&payload));
    buf_clear(&payload);
}

static void
serve(struct dissector *dissector, const struct frame *frame)
{
    struct dissect_query query;
    struct err err = {0};
    int fd;

    if (frame->type != QUERY_LOOK || query_read(frame->payload, &query, &err) != 0)
        give_up("not a query");
    if (query.parts_max > 0) {
        query.parts_fd = parcel_take_fd(&dissector->in);
        if (query.parts_fd < 0)
            give_up("a query for parts needs a descriptor for them");
    }
    fd = parcel_take_fd(&dissector->in);
    if ((fd >= 0) != (query.content.data == NULL))
        give_up("a query needs its content or a descriptor, and not both");
    look_into(dissector, &query, fd);
    if (fd >= 0)
        (void)close(fd);
    if (query.parts_fd >= 0)
        (void)close(query.parts_fd);
    query_clear(&query);
    // One at a time: nothing of this message stays, and nothing of another is here yet.
    if (!parcel_is_empty(&dissector->in))
        give_up("more than a query");
    parcel_reader_clear(&dissector->in);
}

void
dissector_run(int line, const char *build_id, struct look *look,
              const struct dissect_settings *limits)
{
    const struct jail_limits jail = {.memory = limits->memory,
                                     .file_size = limits->max_unpacked > FILE_SIZE_LEAST
                                                      ? limits->max_unpacked
                                                      : FILE_SIZE_LEAST,
                                     .descriptors = DESCRIPTORS_MAX};
    struct dissector dissector = {.line = line, .look = look};
    enum frame_result result;
    struct frame frame;
    struct err err = {0};

    if (jail_enter(&jail, &err) != 0)
        give_up(err.text);
    parcel_reader_init(&dissector.in, line, build_id, FRAME_PAYLOAD_MAX);
    say_hello(&dissector, build_id); // from the jail: who reads it may send hostile bytes
    while (parcel_receive(&dissector.in) > 0) {
        while ((result = parcel_next(&dissector.in, &frame)) == FRAME_DONE)
            serve(&dissector, &frame);
        if (result == FRAME_BAD)
            give_up("not a line of this build");
    }
    parcel_reader_clear(&dissector.in);
}
