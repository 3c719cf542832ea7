// SPDX-License-Identifier: BSD-2-Clause
// tests/unit/src/scribe/survey_stand.h - a spool, a counter page and a survey of them.
#ifndef POSTERN_TESTS_UNIT_SRC_SURVEY_STAND_H
#define POSTERN_TESTS_UNIT_SRC_SURVEY_STAND_H

#include "spool/place.h"
#include "src/scribe/survey.h"
#include "tests/unit/base/tempdir.h"

enum { STAND_ROWS = 3 };

struct survey_stand {
    struct tempdir dir;
    struct place_root root;
    struct settings settings;
    struct counter_page *page;
    struct figures *figures;
    struct loop *loop;
    struct pool *pool;
    struct survey *survey;
    struct metrics_view filled; // what the clerk would know
};

static inline void
stand_fill(void *arg, struct metrics_view *view)
{
    const struct survey_stand *stand = arg;

    view->events_dropped = stand->filled.events_dropped;
    view->is_ledger_up = stand->filled.is_ledger_up;
    view->ledger_behind_ms = stand->filled.ledger_behind_ms;
    view->ledger_rows = stand->filled.ledger_rows;
    view->ledger_trouble = stand->filled.ledger_trouble;
    view->has_redis = stand->filled.has_redis;
    view->redis = stand->filled.redis;
    view->redis_behind = stand->filled.redis_behind;
}

static inline void
stand_make(struct survey_stand *stand)
{
    static char config_file[] = "/etc/postern/postern.conf";
    static char ledger[] = "/var/lib/postern/ledger.db";
    struct err err;

    memset(stand, 0, sizeof *stand);
    tempdir_make(&stand->dir);
    stand->settings.file = config_file;
    stand->settings.spool.path = stand->dir.path;
    stand->settings.spool.max_messages = 100;
    stand->settings.track.ledger = ledger;
    stand->filled.ledger_trouble = "";
    stand->page = counter_page_new(STAND_ROWS, &err);
    stand->figures = figures_new(STAND_ROWS);
    stand->loop = loop_new(&err);
    stand->pool = pool_new(stand->loop, 1, &err);
    if (place_root_open(&stand->root, stand->dir.path, true, &err) != 0 || stand->pool == NULL)
        abort();
}

static inline void
stand_begin(struct survey_stand *stand)
{
    const struct survey_config config = {.loop = stand->loop,
                                         .pool = stand->pool,
                                         .settings = &stand->settings,
                                         .page = stand->page,
                                         .figures = stand->figures,
                                         .fill = stand_fill,
                                         .arg = stand};

    stand->survey = survey_new(&config);
}

static inline void
stand_stop(void *arg)
{
    loop_stop(arg);
}

// Until the look that is under way is done.
static inline void
stand_look(struct survey_stand *stand)
{
    struct loop_timer *timer = loop_timer_new(stand->loop, stand_stop, stand->loop);

    while (pool_pending(stand->pool) > 0) {
        loop_timer_start(timer, 1);
        loop_run(stand->loop);
    }
    loop_timer_free(&timer);
}

static inline void
stand_set_worker(struct survey_stand *stand, size_t row, pid_t pid, uint64_t silent_ms)
{
    atomic_store(&stand->page->worker[row].pid, pid);
    atomic_store(&stand->page->worker[row].heartbeat, loop_now_ms(stand->loop) - silent_ms);
}

static inline void
stand_remove(struct survey_stand *stand)
{
    pool_free(&stand->pool);
    survey_free(&stand->survey);
    loop_free(&stand->loop);
    figures_free(&stand->figures);
    counter_page_free(&stand->page);
    place_root_close(&stand->root);
    tempdir_remove(&stand->dir);
}

#endif
