// SPDX-License-Identifier: BSD-2-Clause
#include "track/ledger/ledger.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "track/ledger/ledger_store.h"

struct putting {
    struct ledger *ledger;
    const struct record *record;
    int64_t number;
    bool is_known;
    int64_t changed_ms;
    int64_t stage_us[STAGE_COUNT]; // the ledger's
    struct err *err;
};

static int64_t
limit(uint64_t number)
{
    return number > (uint64_t)INT64_MAX ? INT64_MAX : (int64_t)number;
}

// 1: it is new, or newer than what is known; 0: it is not; -1.
static int
find(struct putting *put)
{
    struct sql_query *query = put->ledger->queries[QUERY_FIND_ID];
    int64_t step;
    int answer;

    sql_put_key(query, put->record->id);
    answer = sql_step(query, put->err);
    if (answer != 1)
        return answer == 0 ? 1 : -1;
    put->is_known = true;
    put->number = sql_take_int(query);
    step = sql_take_int(query);
    put->changed_ms = sql_take_int(query);
    for (size_t i = 0; i < STAGE_COUNT; i++)
        put->stage_us[i] = sql_take_int(query);
    sql_reset(query);
    return limit(put->record->step) > step ? 1 : 0;
}

static void
put_word(struct sql_query *query, const char *word)
{
    sql_put_text(query, span_of(word));
}

static int
put_message(struct putting *put)
{
    // SQLite prepares for taking a REPLACE back halfway, which costs more than the row.
    struct sql_query *query =
        put->ledger->queries[put->is_known ? QUERY_PUT_MESSAGE : QUERY_ADD_MESSAGE];
    const struct record *record = put->record;
    const struct span texts[] = {record->listener,    record->next_hop,   record->queue_id,
                                 record->client_name, record->client,     record->helo,
                                 record->from,        record->message_id, record->subject};

    sql_put_int(query, put->number);
    sql_put_key(query, record->id);
    sql_put_text(query, record->parent);
    sql_put_text(query, record->kind);
    sql_put_int(query, limit(record->step));
    sql_put_int(query, ++put->ledger->counts.change);
    sql_put_int(query, record->told_ms > put->changed_ms ? record->told_ms : put->changed_ms);
    put_word(query, record_place_name(record->place));
    sql_put_text(query, record->place_reason);
    sql_put_int(query, record->arrived_ms);
    sql_put_int(query, record->told_ms);
    put_word(query, smtp_protocol_name(record->protocol));
    put_word(query, smtp_handoff_name(record->handoff));
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        sql_put_text(query, texts[i]);
    sql_put_int(query, limit(record->size));
    sql_put_real(query, record->score);
    // Whoever adopted it does not know what its former worker measured.
    for (size_t i = 0; i < STAGE_COUNT; i++) {
        int64_t us = limit(record->stage_us[i]);

        sql_put_int(query, us > put->stage_us[i] ? us : put->stage_us[i]);
    }
    return sql_do(query, put->err);
}

static int
cut_lists(struct putting *put)
{
    static const enum ledger_query cuts[] = {QUERY_CUT_RECIPIENTS, QUERY_CUT_DECISIONS,
                                             QUERY_CUT_RESULTS};

    for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
        struct sql_query *query = put->ledger->queries[cuts[i]];

        sql_put_int(query, ledger_key(put->number, 0));
        sql_put_int(query, ledger_key(put->number + 1, 0) - 1);
        if (sql_do(query, put->err) != 0)
            return -1;
    }
    return 0;
}

static int
put_rcpt(struct putting *put, size_t n)
{
    struct sql_query *query = put->ledger->queries[QUERY_PUT_RECIPIENT];
    const struct record_rcpt *rcpt = &put->record->rcpts[n];

    sql_put_int(query, ledger_key(put->number, n));
    sql_put_text(query, rcpt->to);
    sql_put_text(query, rcpt->redirected);
    put_word(query, rcpt_status_name(rcpt->status));
    sql_put_int(query, rcpt->at_ms);
    sql_put_int(query, rcpt->until_ms);
    sql_put_int(query, rcpt->tries);
    if (rcpt->group < put->record->group_count)
        sql_put_int(query, rcpt->group);
    else
        sql_put_null(query);
    sql_put_int(query, rcpt->code);
    sql_put_text(query, rcpt->reply);
    sql_put_text(query, rcpt->relay);
    sql_put_text(query, rcpt->queue_id);
    sql_put_text(query, rcpt->child);
    return sql_do(query, put->err);
}

static int
put_decision(struct putting *put, size_t n)
{
    struct sql_query *query = put->ledger->queries[QUERY_PUT_DECISION];
    const struct record_group *group = &put->record->groups[n];

    sql_put_int(query, ledger_key(put->number, n));
    put_word(query, verdict_name(group->verdict));
    sql_put_text(query, group->rule);
    sql_put_text(query, group->reason);
    sql_put_int(query, group->edits);
    return sql_do(query, put->err);
}

static int
put_result(struct putting *put, size_t n)
{
    struct sql_query *query = put->ledger->queries[QUERY_PUT_RESULT];
    const struct record_result *result = &put->record->results[n];

    sql_put_int(query, ledger_key(put->number, n));
    sql_put_text(query, result->filter);
    put_word(query, result_kind_name(result->kind));
    sql_put_int(query, result->is_virus);
    sql_put_real(query, result->has_score ? result->score : NAN);
    sql_put_real(query, result->has_score ? result->required_score : NAN);
    sql_put_text(query, result->names);
    sql_put_text(query, result->action);
    put_word(query, result_wish_name(result->wish));
    sql_put_text(query, result->server);
    sql_put_text(query, result->reason);
    sql_put_int(query, limit(result->took_us));
    return sql_do(query, put->err);
}

// --- what it can be found by ---

static int
put_name(struct putting *put, struct span name)
{
    struct sql_query *query = put->ledger->queries[QUERY_PUT_NAME];

    if (name.len == 0)
        return 0;
    sql_put_int(query, ledger_bucket(put->number));
    sql_put_int(query, ledger_name_digest(name));
    sql_put_int(query, put->number);
    return sql_do(query, put->err);
}

// Recipients of one transaction follow each other mostly: they went out with one queue id.
static int
put_out(struct putting *put, size_t n)
{
    struct sql_query *query = put->ledger->queries[QUERY_PUT_OUT];
    const struct record_rcpt *rcpt = &put->record->rcpts[n];
    struct span before = n == 0 ? span_from(NULL, 0) : rcpt[-1].queue_id;

    if (rcpt->queue_id.len == 0 ||
        (span_equal(before, rcpt->queue_id) && rcpt[-1].at_ms == rcpt->at_ms))
        return 0;
    sql_put_int(query, ledger_out_day(rcpt->at_ms, put->record->arrived_ms));
    sql_put_key(query, rcpt->queue_id);
    sql_put_int(query, put->number);
    sql_put_int(query, rcpt->at_ms);
    return sql_do(query, put->err);
}

static int
put_lists(struct putting *put)
{
    const struct record *record = put->record;

    for (size_t i = 0; i < record->rcpt_count; i++) {
        if (put_rcpt(put, i) != 0 || put_out(put, i) != 0)
            return -1;
    }
    for (size_t i = 0; i < record->group_count; i++) {
        if (put_decision(put, i) != 0)
            return -1;
    }
    for (size_t i = 0; i < record->result_count; i++) {
        if (put_result(put, i) != 0)
            return -1;
    }
    return put_name(put, record->queue_id) != 0 || put_name(put, record->message_id) != 0 ? -1 : 0;
}

int
ledger_put_record(struct ledger *ledger, const struct record *record, struct err *err)
{
    struct putting put = {.ledger = ledger, .record = record, .err = err};
    int answer;

    assert(record->rcpt_count < (size_t)1 << LEDGER_KEY_BITS &&
           record->result_count < (size_t)1 << LEDGER_KEY_BITS);
    if (ledger_check(ledger, err) != 0)
        return -1;
    answer = find(&put);
    if (answer == 0)
        return 0;
    if (answer == 1 && !put.is_known)
        put.number = ++ledger->counts.number;
    if (answer < 0 || (put.is_known && cut_lists(&put) != 0) || put_message(&put) != 0 ||
        put_lists(&put) != 0)
        return ledger_fail(ledger, err);
    return 0;
}
