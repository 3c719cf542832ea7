// SPDX-License-Identifier: BSD-2-Clause
// mime/reading/look.h as somebody would have it who has taken the dissector over: what it sends to
// the worker stands in the local part of the sender's address.
#include "mime/reading/look.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/frame.h"
#include "base/mem.h"
#include "base/parcel.h"
#include "mime/reading/nursery.h"

enum { LAST_TYPE = 9, MANY = 64 };

struct look {
    unsigned asked;
};

struct look *
look_new(const struct dissect_setup *setup, struct err *err)
{
    (void)setup;
    (void)err;
    return mem_zalloc(sizeof(struct look));
}

void
look_free(struct look **look)
{
    mem_free(look);
}

static void
tell(struct span bytes)
{
    while (bytes.len > 0) {
        ssize_t taken = write(NURSERY_CHANNEL, bytes.data, bytes.len);

        if (taken <= 0)
            _exit(0);
        bytes = span_skip(bytes, (size_t)taken);
    }
}

static void
tell_frame(uint16_t type, struct span payload)
{
    struct buf frame;

    buf_init(&frame, FRAME_HEAD + FRAME_PAYLOAD_MAX);
    (void)frame_add(&frame, type, payload);
    tell(buf_span(&frame));
    buf_clear(&frame);
}

static void
tell_noise(const struct dissect_query *query)
{
    (void)query;
    tell(span_from("\xff\xff\xff\xff\xff\xff\xff\xff", 8));
}

static void
tell_no_findings(const struct dissect_query *query)
{
    (void)query;
    tell_frame(QUERY_FOUND, span_of("abc"));
}

static void
tell_nothing_found(const struct dissect_query *query)
{
    (void)query;
    tell_frame(QUERY_FOUND, span_from("", 0));
}

static void
tell_much(const struct dissect_query *query)
{
    char *bytes = mem_zalloc(FRAME_PAYLOAD_MAX);

    (void)query;
    memset(bytes, 0xff, FRAME_PAYLOAD_MAX);
    tell_frame(QUERY_FOUND, span_from(bytes, FRAME_PAYLOAD_MAX));
    mem_free(&bytes);
}

static void
tell_types(const struct dissect_query *query)
{
    (void)query;
    for (uint16_t type = 0; type <= LAST_TYPE; type++)
        tell_frame(type == QUERY_FOUND || type == QUERY_FAILED ? 0 : type, span_of("1 1"));
}

static void
tell_hello(const struct dissect_query *query)
{
    (void)query;
    (void)parcel_send_hello(NURSERY_CHANNEL, "postern-" POSTERN_VERSION);
    (void)parcel_send_hello(NURSERY_CHANNEL, "postern-0");
}

static void
pass_descriptors(const struct dissect_query *query)
{
    const int mine = NURSERY_CHANNEL;

    (void)query;
    for (int i = 0; i < MANY; i++)
        (void)pass_send(NURSERY_CHANNEL, span_of("x"), &mine, 1);
}

// True findings with one byte changed, another for each message.
static void
tell_changed(const struct dissect_query *query)
{
    struct findings *findings = findings_new();
    struct buf payload;
    struct span local = span_skip(query->from, strlen("changed-"));
    uint64_t at = 0;

    findings->len = query->len;
    buf_init(&payload, FRAME_PAYLOAD_MAX);
    (void)findings_write(findings, &payload);
    local.len = local.len < 3 ? local.len : 3;
    (void)str_parse_u64(local, UINT16_MAX, &at);
    payload.data[at % payload.len] = (char)~payload.data[at % payload.len];
    tell_frame(QUERY_FOUND, buf_span(&payload));
    buf_clear(&payload);
    findings_free(&findings);
}

static void
say_nothing(const struct dissect_query *query)
{
    (void)query;
    for (;;)
        (void)getpid();
}

static void
leave(const struct dissect_query *query)
{
    (void)query;
    _exit(0);
}

static void
die(const struct dissect_query *query)
{
    (void)query;
    abort();
}

static const struct {
    const char *beginning;
    void (*run)(const struct dissect_query *query);
} lies[] = {
    {"noise",    tell_noise        },
    {"none",     tell_no_findings  },
    {"nothing",  tell_nothing_found},
    {"much",     tell_much         },
    {"types",    tell_types        },
    {"hello",    tell_hello        },
    {"pass",     pass_descriptors  },
    {"changed-", tell_changed      },
    {"silence",  say_nothing       },
    {"leave",    leave             },
    {"die",      die               },
};

struct findings *
look_at(struct look *look, const struct dissect_query *query, int fd, struct err *err)
{
    struct findings *findings;

    (void)fd;
    (void)err;
    look->asked++;
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        if (span_starts_nocase(query->from, lies[i].beginning)) {
            lies[i].run(query);
            _exit(0);
        }
    }
    findings = findings_new();
    findings->len = query->len;
    return findings;
}
