// SPDX-License-Identifier: BSD-2-Clause
#include "smtp/trace.h"

#include <time.h>

#include "tests/unit/harness.h"

static void
set_zone(const char *zone)
{
    CU_ASSERT(setenv("TZ", zone, 1) == 0);
    tzset();
}

struct format_row {
    const char *name;
    struct smtp_envelope envelope;
    const char *expected;
};

#define DATE "Thu, 1 Jan 1970 00:00:12 +0000\r\n"

static const struct format_row format_rows[] = {
    {"esmtp",
     {.id = "0Abcdefghij",
      .esmtp = true,
      .hostname = "mx.example",
      .client = "127.0.0.1",
      .helo = "there.example",
      .from_params = "",
      .arrived_ms = 12345},
     "Received: from there.example (localhost [127.0.0.1])\r\n\tby mx.example (Postern) with ESMTP "
     "id "
     "0Abcdefghij;\r\n\t" DATE                                                            },
    {"helo, IPv6",
     {.id = "i",
      .hostname = "mx",
      .client = "::1",
      .helo = "[IPv6:::1]",
      .from_params = "",
      .arrived_ms = 12345},
     "Received: from [IPv6:::1] (localhost [IPv6:::1])\r\n\tby mx (Postern) with SMTP id "
     "i;\r\n\t" DATE                                                                      },
    {"lmtps, unix",
     {.id = "i",
      .protocol = SMTP_PROTOCOL_LMTP,
      .esmtp = true,
      .tls = true,
      .hostname = "mx",
      .client = "local",
      .helo = "h",
      .from_params = "SIZE=1",
      .arrived_ms = 12345},
     "Received: from h (local)\r\n\tby mx (Postern) with LMTPS id i;\r\n\t" DATE          },
    {"utf8",
     {.id = "i",
      .esmtp = true,
      .tls = true,
      .hostname = "mx",
      .client = "192.0.2.1",
      .helo = "h",
      .from_params = "SMTPUTF8",
      .arrived_ms = 12345},
     "Received: from h ([192.0.2.1])\r\n\tby mx (Postern) with UTF8SMTPS id i;\r\n\t" DATE},
    {"utf8 lmtp",
     {.id = "i",
      .protocol = SMTP_PROTOCOL_LMTP,
      .esmtp = true,
      .hostname = "mx",
      .client = "local",
      .helo = "h",
      .from_params = "BODY=8BITMIME SMTPUTF8",
      .arrived_ms = 12345},
     "Received: from h (local)\r\n\tby mx (Postern) with UTF8LMTP id i;\r\n\t" DATE       },
    {"nothing breaks out",
     {.id = "i",
      .esmtp = true,
      .hostname = "mx",
      .client = "127.0.0.1",
      .helo = "a) by b (Postern\r\nX: \xc3\xbc;\"",
      .arrived_ms = 12345},
     "Received: from a??by?b??Postern??X:?????"
     " (localhost [127.0.0.1])\r\n\tby mx (Postern) with ESMTP id i;\r\n\t" DATE          },
    {"nothing known",
     {.id = "i", .hostname = "mx", .helo = "", .arrived_ms = 12345},
     "Received: from unknown (local)\r\n\tby mx (Postern) with SMTP id i;\r\n\t" DATE     },
};

static void
test_format(void)
{
    set_zone("UTC");
    for (size_t i = 0; i < UNIT_COUNT(format_rows); i++) {
        struct buf out;
        struct trace_guard guard;

        buf_init(&out, 2000);
        trace_format(&format_rows[i].envelope, &out);
        UNIT_CHECK_ROW(format_rows[i].name, span_is(buf_span(&out), format_rows[i].expected));
        trace_guard_init(&guard);
        trace_guard_feed(&guard, buf_span(&out));
        UNIT_CHECK_ROW(format_rows[i].name, guard.received == 1 && guard.ours <= 1);
        trace_guard_feed(&guard, SPAN_LITERAL("\r\n"));
        UNIT_CHECK_ROW(format_rows[i].name, guard.ours == 1);
        buf_clear(&out);
    }
}

static void
test_long_helo(void)
{
    char helo[2000];
    struct smtp_envelope envelope = {.id = "i", .hostname = helo, .helo = helo, .client = "local"};
    struct buf out;

    memset(helo, 'x', sizeof(helo) - 1);
    helo[sizeof(helo) - 1] = '\0';
    buf_init(&out, 2000);
    trace_format(&envelope, &out);
    for (struct span rest = buf_span(&out), line; rest.len > 0;) {
        line = span_cut(&rest, '\n');
        CU_ASSERT(line.len < 998);
    }
    buf_clear(&out);
}

struct date_row {
    const char *zone;
    int64_t ms;
    const char *expected;
};

static const struct date_row date_rows[] = {
    {"UTC",      0,               "Thu, 1 Jan 1970 00:00:00 +0000" },
    {"UTC",      1732172345678,   "Thu, 21 Nov 2024 06:59:05 +0000"},
    {"UTC",      951782400000,    "Tue, 29 Feb 2000 00:00:00 +0000"},
    {"AAA-5:30", 1732172345000,   "Thu, 21 Nov 2024 12:29:05 +0530"},
    {"AAA8",     1732172345000,   "Wed, 20 Nov 2024 22:59:05 -0800"},
    {"AAA0:30",  1732172345000,   "Thu, 21 Nov 2024 06:29:05 -0030"},
    {"UTC",      253402300799000, "Fri, 31 Dec 9999 23:59:59 +0000"},
};

static void
test_date(void)
{
    char out[48];

    for (size_t i = 0; i < UNIT_COUNT(date_rows); i++) {
        set_zone(date_rows[i].zone);
        trace_format_date(date_rows[i].ms, out);
        UNIT_CHECK_ROW(date_rows[i].expected, strcmp(out, date_rows[i].expected) == 0);
    }
    trace_format_date(INT64_MAX, out);
    CU_ASSERT(strlen(out) > 20);
    set_zone("UTC");
}

struct guard_row {
    const char *name;
    struct span content;
    unsigned received, ours;
};

#define OURS                                                                                       \
    "Received: from a (localhost [127.0.0.1])\r\n\tby mx.example (Postern) with ESMTP id "         \
    "i;\r\n\tdate\r\n"

static const struct guard_row guard_rows[] = {
    {"none",              SPAN_LITERAL("Subject: Received: x\r\n\r\nReceived: x\r\n"),         0, 0},
    {"one",               SPAN_LITERAL("Received: from x by y\r\n\r\n"),                       1, 0},
    {"any case",          SPAN_LITERAL("RECEIVED: x\r\nreceived:x\r\nReceived : x\r\n\r\n"),   3, 0},
    {"longer name",
     SPAN_LITERAL("Received-SPF: by x (Postern)\r\nX-Received: by x (Postern)\r\n\r\n"),       0, 0},
    {"ours",              SPAN_LITERAL(OURS "\r\n"),                                           1, 1},
    {"ours, twice",       SPAN_LITERAL(OURS OURS "Subject: x\r\n\r\n" OURS),                   2, 2},
    {"folded elsewhere",  SPAN_LITERAL("Received: from a\r\n by\r\n b\r\n (Postern)\r\n\r\n"), 1, 1},
    {"once a field",      SPAN_LITERAL("Received: by a (Postern) by b (Postern)\r\n\r\n"),     1, 1},
    {"another's",         SPAN_LITERAL("Received: from a by b (Postfix) by c\r\n\r\n"),        1, 0},
    {"not behind by",     SPAN_LITERAL("Received: from (Postern) by b\r\n\r\n"),               1, 0},
    {"host called by",    SPAN_LITERAL("Received: from by (x) by by (Postern)\r\n\r\n"),       1, 1},
    {"long words",
     SPAN_LITERAL("Received: by aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa (Postern)\r\n\r\n"),      1, 1},
    {"word like ours",    SPAN_LITERAL("Received: by a (Postern)x\r\n\r\n"),                   1, 0},
    {"in a continuation", SPAN_LITERAL("Subject: x\r\n Received: by a (Postern)\r\n\r\n"),     0, 0},
    {"empty header",      SPAN_LITERAL("\r\nReceived: by a (Postern)\r\n"),                    0, 0},
    {"blank first",       SPAN_LITERAL(" x\r\nReceived: by a (Postern)\r\n\r\n"),              1, 1},
    {"no colon",          SPAN_LITERAL("Received by a (Postern)\r\nReceived: x\r\n\r\n"),      1, 0},
    {"NUL",               SPAN_LITERAL("Received\0: x\r\nReceived: by a\0 (Postern)\r\n\r\n"), 1, 1},
};

static void
check_guard(const struct guard_row *row, const struct trace_guard *guard)
{
    UNIT_CHECK_ROW(row->name, guard->received == row->received);
    UNIT_CHECK_ROW(row->name, guard->ours == row->ours);
}

static void
test_guard(void)
{
    for (size_t i = 0; i < UNIT_COUNT(guard_rows); i++) {
        const struct guard_row *row = &guard_rows[i];
        struct trace_guard guard;

        trace_guard_init(&guard);
        for (size_t at = 0; at < row->content.len; at++)
            trace_guard_feed(&guard, span_from(row->content.data + at, 1));
        check_guard(row, &guard);
        for (size_t at = 0; at <= row->content.len; at++) {
            trace_guard_init(&guard);
            trace_guard_feed(&guard, span_from(row->content.data, at));
            trace_guard_feed(&guard, span_skip(row->content, at));
            check_guard(row, &guard);
        }
    }
}

struct loop_row {
    unsigned others, ours;
    bool is_loop;
};

static const struct loop_row loop_rows[] = {
    {0,  0, false},
    {50, 0, false},
    {51, 0, true },
    {0,  3, false},
    {0,  4, true },
    {47, 3, false},
    {48, 3, true },
};

static void
test_loop(void)
{
    for (size_t i = 0; i < UNIT_COUNT(loop_rows); i++) {
        struct trace_guard guard;

        trace_guard_init(&guard);
        for (unsigned n = 0; n < loop_rows[i].others; n++)
            trace_guard_feed(&guard, SPAN_LITERAL("Received: from a by b\r\n"));
        for (unsigned n = 0; n < loop_rows[i].ours; n++)
            trace_guard_feed(&guard, SPAN_LITERAL(OURS));
        trace_guard_feed(&guard, SPAN_LITERAL("\r\nbody\r\n"));
        CU_ASSERT(trace_guard_is_loop(&guard) == loop_rows[i].is_loop);
    }
}

static const struct unit_test tests[] = {
    {"format",    test_format   },
    {"long helo", test_long_helo},
    {"date",      test_date     },
    {"guard",     test_guard    },
    {"loop",      test_loop     },
};

UNIT_MAIN("smtp/trace", tests)
