// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/src/job/job_stand.h"

#include <string.h>

#include "tests/unit/src/job/fake_line.h"
#include "tests/unit/src/job/fake_verdict.h"

static int anything;
static struct loop *loop;
static struct counter_worker counters;
static struct settings settings;
static struct hearing heard;
static uint64_t retry_delays[] = {30000};

struct jobs *
job_stand_new(void)
{
    struct err err;
    struct jobs_config config = {.spool = (struct spool *)&anything,
                                 .routes = (struct routes *)&anything,
                                 .settings = &settings,
                                 .counters = &counters,
                                 .teller = &heard.teller};

    memset(&settings, 0, sizeof settings);
    settings.smtp.hostname = (char *)"mx.example";
    settings.smtp.trace = true;
    settings.spool.lifetime = UINT64_C(10000000) * 86400000;
    settings.spool.retry.items = retry_delays;
    settings.spool.retry.count = 1;
    settings.delivery.relay_deadline = 1000;
    settings.dissect.attempts = 3;
    fake_verdict_reset();
    memset(&counters, 0, sizeof counters);
    if (heard.rings != NULL)
        hearing_clear(&heard);
    hearing_init(&heard);
    if (loop == NULL)
        loop = loop_new(&err);
    config.loop = loop;
    fake_reset();
    return jobs_new(&config);
}

struct settings *
job_stand_settings(void)
{
    return &settings;
}

struct hearing *
job_stand_hearing(void)
{
    return &heard;
}

struct counter_worker *
job_stand_counters(void)
{
    return &counters;
}

void
job_stand_turn(void)
{
    for (int turns = 0; fake_turn(); turns++)
        CU_ASSERT_FATAL(turns < 10000);
}

void
job_stand_end(void)
{
    hearing_clear(&heard);
    loop_free(&loop);
}
