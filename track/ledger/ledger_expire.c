// SPDX-License-Identifier: BSD-2-Clause
#include "track/ledger/ledger.h"

#include "base/mem.h"
#include "track/ledger/ledger_store.h"

enum { WEIGH_EVERY = 50 }; // messages

struct oldest {
    int64_t number, arrived_ms;
    int64_t digests[2]; // of its names
};

static int
get_number(struct ledger *ledger, enum ledger_query which, int64_t *number_out, struct err *err)
{
    struct sql_query *query = ledger->queries[which];
    int answer = sql_step(query, err);

    if (answer == 1) {
        *number_out = sql_take_int(query);
        sql_reset(query);
    }
    return answer < 0 ? -1 : 0;
}

// What the file holds: free pages are used again, the file itself never shrinks.
static int
weigh(struct ledger *ledger, uint64_t *bytes_out, struct err *err)
{
    int64_t pages = 0, free_pages = 0, size = 0;

    if (get_number(ledger, QUERY_PAGES, &pages, err) != 0 ||
        get_number(ledger, QUERY_FREE_PAGES, &free_pages, err) != 0 ||
        get_number(ledger, QUERY_PAGE_SIZE, &size, err) != 0)
        return -1;
    *bytes_out = (uint64_t)(pages - free_pages) * (uint64_t)size;
    return 0;
}

// 1, 0: there is none, or -1.
static int
find_oldest(struct ledger *ledger, struct oldest *out, struct err *err)
{
    struct sql_query *query = ledger->queries[QUERY_FIND_OLDEST];
    int answer = sql_step(query, err);

    if (answer != 1)
        return answer;
    out->number = sql_take_int(query);
    out->arrived_ms = sql_take_int(query);
    for (size_t i = 0; i < 2; i++)
        out->digests[i] = ledger_name_digest(sql_take_text(query));
    sql_reset(query);
    return 1;
}

static int
cut_out(struct ledger *ledger, const struct oldest *message, int64_t day, struct span queue_id,
        struct err *err)
{
    struct sql_query *query = ledger->queries[QUERY_CUT_OUT];

    sql_put_int(query, day);
    sql_put_key(query, queue_id);
    sql_put_int(query, message->number);
    return sql_do(query, err);
}

static int
cut_outs(struct ledger *ledger, const struct oldest *message, struct err *err)
{
    struct sql_query *query = ledger->queries[QUERY_LIST_OUTS];
    int answer;

    sql_put_int(query, ledger_key(message->number, 0));
    sql_put_int(query, ledger_key(message->number + 1, 0) - 1);
    while ((answer = sql_step(query, err)) == 1) {
        int64_t day = ledger_out_day(sql_take_int(query), message->arrived_ms);

        if (cut_out(ledger, message, day, sql_take_text(query), err) != 0) {
            sql_reset(query);
            return -1;
        }
    }
    return answer;
}

static int
cut_names(struct ledger *ledger, const struct oldest *message, struct err *err)
{
    struct sql_query *query = ledger->queries[QUERY_CUT_NAMES];

    sql_put_int(query, ledger_bucket(message->number));
    sql_put_int(query, message->digests[0]);
    sql_put_int(query, message->digests[1]);
    sql_put_int(query, message->number);
    return sql_do(query, err);
}

static int
cut_message(struct ledger *ledger, const struct oldest *message, struct err *err)
{
    static const enum ledger_query by_key[] = {QUERY_CUT_RECIPIENTS, QUERY_CUT_DECISIONS,
                                               QUERY_CUT_RESULTS};

    static const enum ledger_query by_number[] = {QUERY_CUT_DELIVERIES, QUERY_CUT_MESSAGE};

    if (cut_outs(ledger, message, err) != 0 || cut_names(ledger, message, err) != 0)
        return -1;
    for (size_t i = 0; i < sizeof(by_key) / sizeof(by_key[0]); i++) {
        struct sql_query *query = ledger->queries[by_key[i]];

        sql_put_int(query, ledger_key(message->number, 0));
        sql_put_int(query, ledger_key(message->number + 1, 0) - 1);
        if (sql_do(query, err) != 0)
            return -1;
    }
    for (size_t i = 0; i < sizeof(by_number) / sizeof(by_number[0]); i++) {
        struct sql_query *query = ledger->queries[by_number[i]];

        sql_put_int(query, message->number);
        if (sql_do(query, err) != 0)
            return -1;
    }
    return 0;
}

// What a message left under a name, day or queue id that it had before.
static int
sweep(struct ledger *ledger, struct err *err)
{
    for (enum ledger_query i = QUERY_SWEEP_NAMES; i <= QUERY_SWEEP_DELIVERIES; i++) {
        if (sql_do(ledger->queries[i], err) != 0)
            return -1;
    }
    return 0;
}

static int
expire(struct ledger *ledger, const struct ledger_expiry *expiry, bool *left_out, struct err *err)
{
    struct oldest message;
    uint64_t bytes = 0;
    int answer = 1;

    for (size_t i = 0; answer == 1; i++) {
        if (expiry->max_bytes > 0 && i % WEIGH_EVERY == 0 && weigh(ledger, &bytes, err) != 0)
            return -1;
        answer = find_oldest(ledger, &message, err);
        if (answer != 1 || (message.arrived_ms >= expiry->before_ms &&
                            (expiry->max_bytes == 0 || bytes <= expiry->max_bytes)))
            break;
        *left_out = i == expiry->max_rows;
        if (*left_out)
            break;
        if (cut_message(ledger, &message, err) != 0)
            return -1;
    }
    return answer < 0 ? -1 : sweep(ledger, err);
}

int
ledger_expire(struct ledger *ledger, const struct ledger_expiry *expiry, bool *left_out,
              struct err *err)
{
    *left_out = false;
    if (ledger_check(ledger, err) != 0)
        return -1;
    return expire(ledger, expiry, left_out, err) == 0 ? 0 : ledger_fail(ledger, err);
}
