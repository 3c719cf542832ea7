// SPDX-License-Identifier: BSD-2-Clause
#include "src/scribe/pages.h"

#include "tests/unit/harness.h"
#include "tests/unit/src/scribe/survey_stand.h"

static int
show(struct survey_stand *stand, const char *path, struct buf *body)
{
    buf_reset(body);
    for (size_t i = 0; i < PAGES_COUNT; i++) {
        if (strcmp(pages_table[i].path, path) == 0)
            return pages_table[i].write(stand->survey, body);
    }
    return 0;
}

static const struct {
    const char *name;
    uint64_t silent_ms; // the one worker
    bool is_draining, is_full;
    int health, readiness;
    const char *why_ill, *why_not_ready;
} rows[] = {
    {"well",            0,     false, false, 200, 200, "ok\n",                                 "ok\n"                  },
    {"draining",        0,     true,  false, 200, 503, "ok\n",                                 "no worker takes mail\n"},
    {"full",            0,     false, true,  200, 503, "ok\n",                                 "too little space in "  },
    {"silent",          60000, false, false, 503, 503, "no worker has given a sign of life\n",
     "no worker takes mail\n"                                                                                          },
    {"silent and full", 60000, false, true,  503, 503, "no worker has given a sign of life\n",
     "no worker takes mail\ntoo li"                                                                                    },
};

static void
rows_hold(void)
{
    struct survey_stand stand;
    struct buf body;

    stand_make(&stand);
    buf_init(&body, WEB_BODY_MAX);
    stand_begin(&stand);
    stand_look(&stand);
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        stand_set_worker(&stand, 1, getpid(), rows[i].silent_ms);
        atomic_store(&stand.page->worker[1].draining, rows[i].is_draining ? 1 : 0);
        stand.settings.spool.min_free = rows[i].is_full ? INT64_MAX : 0;
        UNIT_CHECK_ROW(rows[i].name, show(&stand, "/healthz", &body) == rows[i].health);
        UNIT_CHECK_ROW(rows[i].name, strcmp(buf_text(&body), rows[i].why_ill) == 0);
        UNIT_CHECK_ROW(rows[i].name, show(&stand, "/readyz", &body) == rows[i].readiness);
        UNIT_CHECK_ROW(rows[i].name, strncmp(buf_text(&body), rows[i].why_not_ready,
                                             strlen(rows[i].why_not_ready)) == 0);
        UNIT_CHECK_ROW(rows[i].name, body.data[body.len - 1] == '\n');
    }
    // One that takes mail is enough.
    stand_set_worker(&stand, 0, getpid(), 0);
    stand.settings.spool.min_free = 0;
    CU_ASSERT(show(&stand, "/readyz", &body) == 200);
    buf_clear(&body);
    stand_remove(&stand);
}

static void
metrics_are_shown(void)
{
    struct survey_stand stand;
    struct buf body;

    stand_make(&stand);
    stand.filled.is_ledger_up = true;
    buf_init(&body, WEB_BODY_MAX);
    stand_begin(&stand);
    CU_ASSERT(show(&stand, "/metrics", &body) == 200);
    CU_ASSERT_PTR_NULL(strstr(buf_text(&body), "place=\"hold\""));
    stand_look(&stand);
    CU_ASSERT(show(&stand, "/metrics", &body) == 200);
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_text(&body), "\npostern_queue_messages{place=\"hold\"} 0\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_text(&body), "\npostern_ledger_up 1\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_text(&body), "\npostern_processes{process=\"scribe\"} 1\n"));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(buf_text(&body), "\npostern_build_info{version=\"" POSTERN_VERSION "\"} 1\n"));
    buf_clear(&body);
    stand_remove(&stand);
}

static const struct unit_test tests[] = {
    {"rows hold",         rows_hold        },
    {"metrics are shown", metrics_are_shown},
};

UNIT_MAIN("src/scribe/pages", tests)
