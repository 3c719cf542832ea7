// SPDX-License-Identifier: BSD-2-Clause
#include "filters/rspamd.h"

#include "tests/unit/filters/fake.h"

struct fixture {
    struct fake fake;
    struct pool *pool;
    struct filter_shared *shared;
    struct filter_settings settings;
    struct smtp_envelope envelope;
    struct filter_message message;
    struct filter_run *run;
    struct loop_timer *later;
    unsigned told;
    enum filter_end end;
    struct result result;
    struct err err;
};

static void
on_done(void *arg, enum filter_end end, struct result *result_take, const struct err *err)
{
    struct fixture *f = arg;

    CU_ASSERT_PTR_NOT_NULL(f->run); // not from within start
    f->told++;
    f->end = end;
    f->run = NULL;
    if (result_take != NULL)
        f->result = *result_take;
    if (err != NULL)
        f->err = *err;
    CU_ASSERT((end == FILTER_TROUBLE) == (err != NULL));
    loop_stop(f->fake.loop);
}

static void
on_later(void *arg)
{
    struct fixture *f = arg;

    rspamd_type.cancel(f->run);
    f->run = NULL;
    loop_stop(f->fake.loop);
}

static void
set_up(struct fixture *f, const char *text)
{
    memset(f, 0, sizeof(*f));
    fake_start(&f->fake, FAKE_UNIX);
    f->fake.until = span_of(text[0] != '\0' ? text : "\r\n\r\n");
    f->pool = pool_new(f->fake.loop, 1, NULL);
    f->shared = rspamd_type.open(f->fake.loop);
    f->later = loop_timer_new(f->fake.loop, on_later, f);
    filter_settings_init(&f->settings, "spam");
    envelope_init(&f->envelope);
    snprintf(f->envelope.id, sizeof(f->envelope.id), "own");
    mem_free(&f->envelope.from);
    f->envelope.from = mem_strdup("a@b");
    envelope_add_rcpt(&f->envelope, span_of("c@d"), span_of(""));
    f->message.envelope = &f->envelope;
    f->message.content = fake_content(&f->fake, f->pool, span_of(text), false);
    result_init(&f->result);
}

static void
tear_down(struct fixture *f)
{
    rspamd_type.close(f->shared);
    content_free(&f->message.content);
    pool_free(&f->pool);
    loop_timer_free(&f->later);
    result_clear(&f->result);
    envelope_clear(&f->envelope);
    filter_settings_clear(&f->settings);
    fake_stop(&f->fake);
}

static void
ask(struct fixture *f, const char *reply,
    struct filter_run *(*how)(const struct filter_try *attempt), uint64_t timeout_ms)
{
    struct filter_try attempt = {.loop = f->fake.loop,
                                 .shared = f->shared,
                                 .settings = &f->settings,
                                 .server = &f->fake.addr,
                                 .message = how == rspamd_type.start ? &f->message : NULL,
                                 .timeout_ms = timeout_ms,
                                 .done = on_done,
                                 .arg = f};

    f->fake.reply = span_of(reply);
    f->run = how(&attempt);
}

#define OK "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
#define REPLY(action)                                                                              \
    OK "{\"is_skipped\":false,\"score\":1.5,\"required_score\":15,\"action\":\"" action            \
       "\",\"symbols\":{\"A\":{}}}"

static const struct {
    const char *name, *text, *reply;
    enum filter_end end;
    enum result_kind kind;
} rows[] = {
    {"clean",          "text", REPLY("no action"),                     FILTER_ANSWERED, RESULT_CLEAN      },
    {"hit",            "text", REPLY("reject"),                        FILTER_ANSWERED, RESULT_HIT        },
    {"no reply",       "text", "",                                     FILTER_TROUBLE,  RESULT_PENDING    },
    {"another status", "text", "HTTP/1.1 500 No\r\n\r\n",              FILTER_TROUBLE,  RESULT_PENDING    },
    {"no JSON",        "text", OK "hello",                             FILTER_TROUBLE,  RESULT_PENDING    },
    {"half a reply",   "text", OK "{\"is_skipped\":false,\"score\":1", FILTER_TROUBLE,
     RESULT_PENDING                                                                                       },
    {"empty message",  "",     REPLY("no action"),                     FILTER_ANSWERED, RESULT_UNSCANNABLE},
};

static void
test_answers(void)
{
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        for (size_t bite = 0; bite < 2; bite++) {
            struct fixture f;

            set_up(&f, rows[i].text);
            f.fake.bite = bite;
            ask(&f, rows[i].reply, rspamd_type.start, 10000);
            loop_run(f.fake.loop);
            UNIT_CHECK_ROW(rows[i].name, f.told == 1 && f.end == rows[i].end);
            UNIT_CHECK_ROW(rows[i].name, f.result.kind == rows[i].kind);
            tear_down(&f);
        }
    }
}

static void
test_request(void)
{
    struct fixture f;

    set_up(&f, "text");
    ask(&f, REPLY("no action"), rspamd_type.start, 10000);
    loop_run(f.fake.loop);
    CU_ASSERT_STRING_EQUAL(buf_text(&f.fake.input),
                           "POST /checkv2 HTTP/1.1\r\nHost: localhost\r\nQueue-Id: own\r\n"
                           "From: a@b\r\nRcpt: c@d\r\nContent-Length: 4\r\n\r\ntext");
    tear_down(&f);
}

// No part of a reply is an answer.
static void
test_cut_at_each_byte(void)
{
    static const char reply[] = REPLY("no action");

    for (size_t len = 0; len < sizeof(reply); len++) {
        char *part = mem_strndup(reply, len);
        struct fixture f;

        set_up(&f, "text");
        ask(&f, part, rspamd_type.start, 10000);
        loop_run(f.fake.loop);
        CU_ASSERT_EQUAL(f.end, len + 1 == sizeof(reply) ? FILTER_ANSWERED : FILTER_TROUBLE);
        tear_down(&f);
        mem_free(&part);
    }
}

static void
test_probe(void)
{
    static const struct {
        const char *name, *reply;
        enum filter_end end;
    } pongs[] = {
        {"pong",           OK "pong\r\n",                 FILTER_ANSWERED},
        {"another word",   OK "ping\r\n",                 FILTER_TROUBLE },
        {"half a pong",    OK "pon",                      FILTER_TROUBLE },
        {"another status", "HTTP/1.1 503 No\r\n\r\npong", FILTER_TROUBLE },
        {"nothing",        "",                            FILTER_TROUBLE },
    };

    for (size_t i = 0; i < UNIT_COUNT(pongs); i++) {
        struct fixture f;

        set_up(&f, "");
        ask(&f, pongs[i].reply, rspamd_type.probe, 10000);
        loop_run(f.fake.loop);
        UNIT_CHECK_ROW(pongs[i].name, f.told == 1 && f.end == pongs[i].end);
        UNIT_CHECK_ROW(pongs[i].name, memcmp(f.fake.input.data, "GET /ping HTTP/1.1\r\n", 20) == 0);
        tear_down(&f);
    }
}

static void
test_silence_and_cancel(void)
{
    struct fixture f;

    set_up(&f, "text");
    f.fake.then = FAKE_STAY;
    ask(&f, "", rspamd_type.start, 60);
    loop_run(f.fake.loop);
    CU_ASSERT_EQUAL(f.end, FILTER_TROUBLE);
    CU_ASSERT_PTR_NOT_NULL(strstr(f.err.text, "within 60 ms"));
    ask(&f, "", rspamd_type.start, 60);
    rspamd_type.cancel(f.run);
    ask(&f, "", rspamd_type.probe, 10000);
    loop_timer_start(f.later, 80);
    loop_run(f.fake.loop);
    CU_ASSERT_EQUAL(f.told, 1);
    tear_down(&f);
}

static const struct unit_test tests[] = {
    {"answers",            test_answers           },
    {"request",            test_request           },
    {"cut at each byte",   test_cut_at_each_byte  },
    {"probe",              test_probe             },
    {"silence and cancel", test_silence_and_cancel},
};

UNIT_MAIN("filters/rspamd", tests)
