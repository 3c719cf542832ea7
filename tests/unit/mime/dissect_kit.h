// SPDX-License-Identifier: BSD-2-Clause
// tests/unit/mime/dissect_kit.h - a worker's dissectors with a nursery of their own, and what came
// of each message that they were asked about.
#ifndef POSTERN_TESTS_UNIT_MIME_DISSECT_KIT_H
#define POSTERN_TESTS_UNIT_MIME_DISSECT_KIT_H

#include "mime/dissect.h"
#include "tests/unit/harness.h"
#include "tests/unit/mime/nursery_stand.h"

struct outcome {
    unsigned count;
    enum dissect_end end;
    struct err err;
    char text[200]; // of an echo
    uint64_t asked;
    enum finding_limit limit;
    size_t members;
};

static struct fixture {
    struct loop *loop;
    struct dissect *dissect;
    struct dissect_settings settings;
    struct loop_timer *timer;
    struct nursery_stand nursery;
    size_t open; // outcomes that are awaited
    bool is_late;
} fix;

static inline void
start_nursery(void)
{
    nursery_stand_start(&fix.nursery, &fix.settings);
    dissect_set_nursery(fix.dissect, nursery_stand_line(&fix.nursery));
}

static inline void
on_late(void *arg)
{
    struct fixture *f = arg;

    f->is_late = true;
    loop_stop(f->loop);
}

static inline void
set_up(size_t max, uint64_t timeout_ms)
{
    struct dissect_config config = {.build_id = "test-1", .settings = &fix.settings, .max = max};
    struct err err = {0};

    fix = (struct fixture){
        .settings = {.timeout = timeout_ms, .memory = UINT64_C(512) << 20}
    };
    fix.loop = loop_new(&err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(fix.loop);
    config.loop = fix.loop;
    fix.dissect = dissect_new(&config);
    fix.timer = loop_timer_new(fix.loop, on_late, &fix);
}

static inline void
tear_down(void)
{
    dissect_free(&fix.dissect);
    CU_ASSERT_EQUAL(nursery_stand_stop(&fix.nursery), 0);
    loop_timer_free(&fix.timer);
    loop_free(&fix.loop);
}

static inline void
on_done(void *arg, enum dissect_end end, struct findings *findings_take, const struct err *err)
{
    struct outcome *outcome = arg;

    outcome->count++;
    outcome->end = end;
    outcome->err = *err;
    CU_ASSERT_EQUAL(findings_take != NULL, end == DISSECT_FOUND);
    if (findings_take != NULL) {
        (void)snprintf(outcome->text, sizeof outcome->text, "%.*s",
                       (int)findings_take->limit_text.len, findings_take->limit_text.data);
        outcome->asked = findings_take->header_len;
        outcome->limit = findings_take->limit;
        outcome->members = findings_take->member_count;
    }
    findings_free(&findings_take);
    if (--fix.open == 0)
        loop_stop(fix.loop);
}

static inline struct dissect_job *
ask(const char *id, struct span content, struct outcome *outcome)
{
    struct dissect_request request = {
        .query = {.id = span_of(id), .len = content.len, .content = content},
        .fd = -1,
        .wait_ms = 20000
    };

    *outcome = (struct outcome){.count = 0};
    fix.open++;
    return dissect_start(fix.dissect, &request, on_done, outcome);
}

// Until all outcomes are there; at most so long.
static inline void
run(uint64_t ms)
{
    fix.is_late = false;
    loop_timer_start(fix.timer, ms);
    loop_run(fix.loop);
    loop_timer_stop(fix.timer);
}

#endif
