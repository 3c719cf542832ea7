// SPDX-License-Identifier: BSD-2-Clause
// src/scribe/survey.h - how the whole service is: its processes, its spool, and what the scribe has
// seen.
//
// Files are counted and /proc is read in the pool, every few seconds; whoever asks gets what was
// seen last, at once.
#ifndef POSTERN_SRC_SURVEY_H
#define POSTERN_SRC_SURVEY_H

#include "base/fs.h"
#include "base/pool.h"
#include "control/settings.h"
#include "track/web/metrics.h"

struct survey;

enum { SURVEY_EVERY_MS = 5000, SURVEY_FILES_EVERY = 3, SURVEY_PROCESSES_MAX = 1024 };

struct survey_config { // borrowed
    struct loop *loop;
    struct pool *pool; // one that does not wait for the ledger
    const struct settings *settings;
    const struct counter_page *page;
    struct figures *figures;
    // Fills in what the clerk knows: of ledger, Redis and what was dropped.
    void (*fill)(void *arg, struct metrics_view *view);
    void *arg;
};

// The master is the parent of who calls this. The first look begins at once.
struct survey *survey_new(const struct survey_config *config);
void survey_free(struct survey **survey); // the pool is gone already: it may have had our work
// Valid until the loop's next turn.
void survey_view(const struct survey *survey, struct metrics_view *view_out);
const struct survey_config *survey_config(const struct survey *survey);

bool survey_has_master(const struct survey *survey);
// Of rows of the counter page: somebody is there and has given a sign of life lately.
bool survey_is_alive(const struct survey *survey, size_t row);
// Is there room in the spool for one more message? TEMP says why not.
int survey_check_room(const struct survey *survey, struct err *err);

#endif
