// SPDX-License-Identifier: BSD-2-Clause
#include "src/scribe/pages.h"

#include "src/scribe/survey.h"
#include "track/web/exposition.h"

enum { GOOD = 200, BAD = 503 };

static int
write_metrics(void *arg, struct buf *body)
{
    const struct survey *survey = arg;
    struct metrics_view view;

    survey_view(survey, &view);
    metrics_write(survey_config(survey)->figures, &view, body);
    return GOOD;
}

static size_t
count_workers(const struct survey *survey, bool wants_draining)
{
    const struct counter_page *page = survey_config(survey)->page;
    size_t count = 0;

    for (size_t i = 0; i < counter_rows(page); i++) {
        if (survey_is_alive(survey, i) &&
            (wants_draining || atomic_load(&page->worker[i].draining) == 0))
            count++;
    }
    return count;
}

static int
finish(struct buf *body)
{
    if (body->len > 0)
        return BAD;
    (void)buf_add_text(body, "ok\n");
    return GOOD;
}

static int
write_health(void *arg, struct buf *body)
{
    const struct survey *survey = arg;

    if (!survey_has_master(survey))
        (void)buf_add_text(body, "the master is gone\n");
    if (count_workers(survey, true) == 0)
        (void)buf_add_text(body, "no worker has given a sign of life\n");
    return finish(body);
}

static int
write_readiness(void *arg, struct buf *body)
{
    const struct survey *survey = arg;
    struct err err = {0};

    if (count_workers(survey, false) == 0)
        (void)buf_add_text(body, "no worker takes mail\n");
    if (survey_check_room(survey, &err) != 0)
        (void)buf_printf(body, "%s\n", err.text);
    return finish(body);
}

const struct web_page pages_table[PAGES_COUNT] = {
    {"/metrics", EXPOSITION_TYPE,             write_metrics  },
    {"/healthz", "text/plain; charset=utf-8", write_health   },
    {"/readyz",  "text/plain; charset=utf-8", write_readiness},
};
