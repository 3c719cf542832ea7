// SPDX-License-Identifier: BSD-2-Clause
#include "track/ledger/ledger.h"

#include <math.h>

#include "track/ledger/ledger_store.h"

// Changes that are too old to be told, of one call: a first look at a large ledger takes several.
enum { LOOK_MAX = 20000 };

struct change {
    int64_t change, number, changed_ms;
};

// 1, 0: no more, or -1.
static int
next_change(struct sql_query *query, struct change *out, struct err *err)
{
    int answer = sql_step(query, err);

    if (answer != 1)
        return answer;
    out->change = sql_take_int(query);
    out->number = sql_take_int(query);
    out->changed_ms = sql_take_int(query);
    return 1;
}

int
ledger_read_changes(struct ledger *ledger, uint64_t after, int64_t since_ms, size_t max,
                    struct arena *arena, struct record *records_out, size_t *count_out,
                    uint64_t *last_out, struct err *err)
{
    struct sql_query *query = ledger->queries[QUERY_LIST_CHANGES];
    struct change change;
    int answer;

    *count_out = 0;
    *last_out = after;
    sql_put_int(query, after > (uint64_t)INT64_MAX ? INT64_MAX : (int64_t)after);
    sql_put_int(query, LOOK_MAX);
    while ((answer = next_change(query, &change, err)) == 1 && *count_out < max) {
        enum ledger_answer loaded = LEDGER_NOT_THERE;

        if (change.changed_ms >= since_ms)
            loaded =
                ledger_load(&ledger->loader, change.number, arena, &records_out[*count_out], err);
        if (loaded == LEDGER_FAILED) {
            sql_reset(query);
            return ledger_fail(ledger, err);
        }
        if (loaded == LEDGER_NO_ROOM && *count_out > 0)
            break; // with the next call
        *count_out += loaded == LEDGER_LOADED ? 1 : 0;
        *last_out = (uint64_t)change.change;
        if (loaded == LEDGER_NO_ROOM)
            break; // passed over; what it has left of the arena may hold nobody else
    }
    if (answer == 1)
        sql_reset(query);
    return answer < 0 ? ledger_fail(ledger, err) : 0;
}
