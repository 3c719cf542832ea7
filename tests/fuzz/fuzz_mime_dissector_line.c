// SPDX-License-Identifier: BSD-2-Clause
// A dissector that was taken over: what it says after the greeting (or instead, by the first bit)
// is at most one answer to one question, and nothing comes behind the end.
#include "tests/fuzz/fuzz.h"

#include <sys/socket.h>
#include <unistd.h>

#include "base/frame.h"
#include "mime/dissector_line.h"
#include "mime/parts_file.h"

enum { PARTS_MAX = 65536 };

static const char build_id[] = "fuzz-1";

struct run {
    struct loop *loop;
    struct dissector_line *line;
    struct dissect_query query;
    struct span said;
    int end;
    bool is_asked, is_over;
};

static void
say(struct run *run)
{
    (void)send(run->end, run->said.data, run->said.len, MSG_NOSIGNAL);
    (void)shutdown(run->end, SHUT_RDWR);
}

static void
on_event(void *arg, enum dissector_event event, struct findings *findings_take,
         const struct err *err)
{
    struct run *run = arg;

    FUZZ_CHECK(!run->is_over && (findings_take != NULL) == (event == DISSECTOR_ANSWER));
    findings_free(&findings_take);
    switch (event) {
    case DISSECTOR_READY:
        FUZZ_CHECK(!run->is_asked);
        run->is_asked = dissector_line_ask(run->line, &run->query, -1, NULL) == 0;
        say(run);
        break;
    case DISSECTOR_ANSWER:
    case DISSECTOR_FAILED:
        FUZZ_CHECK(run->is_asked);
        run->is_asked = false;
        break;
    default:
        FUZZ_CHECK(event == DISSECTOR_ENDED || err != NULL);
        run->is_over = true;
        loop_stop(run->loop);
    }
}

// As long as the findings say, if they are that: else hardly any would be taken.
static uint64_t
len_of(struct span said)
{
    struct findings *findings;
    struct frame frame;
    uint64_t len = 1;
    size_t used;

    if (frame_read(said, FRAME_PAYLOAD_MAX, &frame, &used) != FRAME_DONE)
        return len;
    findings = findings_read(frame.payload, NULL);
    if (findings != NULL)
        len = findings->len;
    findings_free(&findings);
    return len;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct run run = {.loop = loop_new(NULL)};
    struct buf hello;

    FUZZ_CHECK(run.loop != NULL);
    if (size > 0)
        run.said = fuzz_span(data + 1, size - 1);
    run.query = (struct dissect_query){.len = len_of(run.said), .parts_max = PARTS_MAX};
    run.query.parts_fd = parts_file_new(PARTS_MAX, NULL);
    run.line = dissector_line_new(run.loop, build_id, on_event, &run, &run.end, NULL);
    FUZZ_CHECK(run.line != NULL && run.query.parts_fd >= 0);
    buf_init(&hello, 100);
    FUZZ_CHECK(frame_hello_add(&hello, build_id) == 0);
    if (size > 0 && (data[0] & 1) == 0)
        (void)send(run.end, hello.data, hello.len, MSG_NOSIGNAL);
    else
        say(&run);
    loop_run(run.loop);
    FUZZ_CHECK(run.is_over);
    dissector_line_free(&run.line);
    loop_free(&run.loop);
    buf_clear(&hello);
    (void)close(run.end);
    (void)close(run.query.parts_fd);
    return 0;
}
