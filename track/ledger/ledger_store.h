// SPDX-License-Identifier: BSD-2-Clause
// track/ledger/ledger_store.h - what the writer's files share: the open ledger. Private to
// ledger*.c.
//
// Numbers of changes and of messages are counted here and written with each batch: they never come
// again, whatever is expired.
#ifndef POSTERN_TRACK_LEDGER_STORE_H
#define POSTERN_TRACK_LEDGER_STORE_H

#include "track/ledger/ledger_load.h"
#include "track/ledger/ledger_schema.h"

enum ledger_query {
    QUERY_FIND_ID,
    QUERY_ADD_MESSAGE,
    QUERY_PUT_MESSAGE, // in the place of one that is known
    QUERY_PUT_RECIPIENT,
    QUERY_PUT_DECISION,
    QUERY_PUT_RESULT,
    QUERY_CUT_RECIPIENTS, // all from a key to another one
    QUERY_CUT_DECISIONS,
    QUERY_CUT_RESULTS,
    QUERY_PUT_OUT,
    QUERY_PUT_NAME,
    QUERY_FIND_OUT,
    QUERY_FIND_NAME,
    QUERY_GET_QUEUE_ID,
    QUERY_GET_DELIVERY,
    QUERY_IS_OPEN,
    QUERY_PUT_DELIVERY,
    QUERY_CHANGE_MESSAGE,
    QUERY_LIST_CHANGES,
    QUERY_PUT_MARK,
    QUERY_GET_MARK,
    QUERY_GET_COUNTERS,
    QUERY_PUT_COUNTERS,
    QUERY_FIND_OLDEST,
    QUERY_LIST_OUTS,
    QUERY_CUT_OUT,
    QUERY_CUT_NAMES,
    QUERY_CUT_DELIVERIES,
    QUERY_CUT_MESSAGE,
    QUERY_SWEEP_NAMES,
    QUERY_SWEEP_OUTS,
    QUERY_SWEEP_DELIVERIES,
    QUERY_PAGES,
    QUERY_FREE_PAGES,
    QUERY_PAGE_SIZE,
    QUERY_COUNT
};

struct ledger_counts {
    int64_t change, number; // the last ones that were given
};

struct ledger {
    struct sql *sql;
    char *path;
    struct sql_query *queries[QUERY_COUNT];
    struct ledger_loader loader;
    struct ledger_counts counts, committed;
    bool is_void; // a call of this batch has failed
    char *damage; // what showed it; NULL
};

// -1: this batch is void, TEMP. It has to be begun.
int ledger_check(const struct ledger *ledger, struct err *err);
// After an error of SQLite's: the batch is void, and damage is remembered. Always -1.
int ledger_fail(struct ledger *ledger, const struct err *err);

// The day of which a recipient's queue id out is.
static inline int64_t
ledger_out_day(int64_t at_ms, int64_t arrived_ms)
{
    return (at_ms > 0 ? at_ms : arrived_ms) / LEDGER_DAY_MS;
}

#endif
