// SPDX-License-Identifier: BSD-2-Clause
#include "track/ledger/ledger.h"

#include "track/ledger/ledger_store.h"
#include "track/status.h"

// A queue id is looked for as far back as Postfix may keep a message, and a day ahead: clocks are
// set. One that came in is of interest for moments only, and of the newest messages.
enum { DAYS_AHEAD = 1, DAYS_NEAR = 1, DAYS_BACK = 40, IN_BUCKETS = 8 };

// By what the log's clock and ours may differ; until when whoever is spoken of for the first time
// is believed to be an alias of ours.
enum { LATE_MS = 5000, FIRST_MS = 600000, ADDRESS_MAX = 1000 };

struct finding {
    struct ledger *ledger;
    const struct maillog_line *line;
    int64_t number, late; // 0: none
    int64_t left_ms;      // when it left
    struct err *err;
};

enum news { NEWS_FAILED, NEWS_NONE, NEWS_NEW, NEWS_OF_ANOTHER };

static struct span
cut(struct span text, size_t max)
{
    text.len = text.len < max ? text.len : max;
    return text;
}

// Short queue ids come again: of several messages it is the last one that had left when the line
// was written, by a clock that counts seconds.
static int
find_out_on(struct finding *find, int64_t day)
{
    struct sql_query *query = find->ledger->queries[QUERY_FIND_OUT];
    int answer;

    sql_put_int(query, day);
    sql_put_key(query, find->line->queue_id);
    while ((answer = sql_step(query, find->err)) == 1) {
        int64_t number = sql_take_int(query);

        find->left_ms = sql_take_int(query);
        if (find->left_ms > find->line->at_ms + LATE_MS) {
            find->late = find->late == 0 ? number : find->late;
            continue;
        }
        find->number = number;
        sql_reset(query);
        return 0;
    }
    return answer;
}

static int
find_out(struct finding *find, int64_t newest, int64_t oldest)
{
    int64_t day = find->line->at_ms / LEDGER_DAY_MS;

    for (int64_t i = newest; i >= oldest && find->number == 0; i--) {
        if (find_out_on(find, day + i) != 0)
            return -1;
    }
    return 0;
}

// 1: it is that of a message; 0: it is not.
static int
came_in_with(struct finding *find, int64_t number)
{
    struct sql_query *query = find->ledger->queries[QUERY_GET_QUEUE_ID];
    int answer;

    sql_put_int(query, number);
    answer = sql_step(query, find->err);
    if (answer != 1)
        return answer;
    answer = span_equal(sql_take_text(query), find->line->queue_id) ? 1 : 0;
    sql_reset(query);
    return answer;
}

static int
came_in(struct finding *find)
{
    struct sql_query *query = find->ledger->queries[QUERY_FIND_NAME];
    int64_t bucket = ledger_bucket(find->ledger->counts.number);
    int answer = 0;

    for (int i = 0; i < IN_BUCKETS && answer == 0 && bucket - i >= 0; i++) {
        sql_put_int(query, bucket - i);
        sql_put_int(query, ledger_name_digest(find->line->queue_id));
        while (answer == 0 && (answer = sql_step(query, find->err)) == 1)
            answer = came_in_with(find, sql_take_int(query));
        sql_reset(query);
    }
    return answer;
}

static enum track_status
status_of(enum maillog_status status)
{
    static const enum track_status statuses[] = {[MAILLOG_SENT] = STATUS_SENT,
                                                 [MAILLOG_DEFERRED] = STATUS_DEFERRED,
                                                 [MAILLOG_BOUNCED] = STATUS_BOUNCED,
                                                 [MAILLOG_EXPIRED] = STATUS_EXPIRED};

    return statuses[status];
}

// Of whom nothing was said so far. Short queue ids come again: where all are final, the line is of
// another message, of which we have not heard yet or never will.
static enum news
first_news(struct finding *find)
{
    struct sql_query *query = find->ledger->queries[QUERY_IS_OPEN];
    bool is_open;

    if (find->line->at_ms <= find->left_ms + FIRST_MS)
        return NEWS_NEW;
    sql_put_int(query, find->number);
    sql_put_key(query, find->line->queue_id);
    sql_put_int(query, ledger_key(find->number, 0));
    sql_put_int(query, ledger_key(find->number + 1, 0) - 1);
    if (sql_step(query, find->err) < 0)
        return NEWS_FAILED;
    is_open = sql_take_int(query) != 0;
    sql_reset(query);
    return is_open ? NEWS_NEW : NEWS_OF_ANOTHER;
}

// Nothing follows what is final, but for what is read twice. What ends a deferral does, whatever
// its time is: the clock may have been set back.
static enum news
further_news(const struct maillog_line *line, enum track_status status, int64_t at_ms,
             struct span text)
{
    if (status != STATUS_DEFERRED)
        return line->at_ms > at_ms + LATE_MS ? NEWS_OF_ANOTHER : NEWS_NONE;
    if (line->status != MAILLOG_DEFERRED || at_ms < line->at_ms)
        return NEWS_NEW;
    return at_ms == line->at_ms && !span_equal(text, cut(line->text, RECORD_TEXT_MAX)) ? NEWS_NEW
                                                                                       : NEWS_NONE;
}

static enum news
look_for_news(struct finding *find)
{
    struct sql_query *query = find->ledger->queries[QUERY_GET_DELIVERY];
    enum track_status status;
    enum news news;
    int64_t at_ms;
    int answer;

    sql_put_int(query, find->number);
    sql_put_key(query, find->line->queue_id);
    sql_put_key(query, cut(find->line->to, ADDRESS_MAX));
    sql_put_key(query, cut(find->line->orig_to, ADDRESS_MAX));
    answer = sql_step(query, find->err);
    if (answer != 1)
        return answer == 0 ? first_news(find) : NEWS_FAILED;
    status = status_find(sql_take_text(query));
    at_ms = sql_take_int(query);
    news = further_news(find->line, status, at_ms, sql_take_text(query));
    sql_reset(query);
    return news;
}

static int
put(struct finding *find)
{
    const struct maillog_line *line = find->line;
    struct sql_query *query = find->ledger->queries[QUERY_PUT_DELIVERY];

    sql_put_int(query, find->number);
    sql_put_key(query, line->queue_id);
    sql_put_key(query, cut(line->to, ADDRESS_MAX));
    sql_put_key(query, cut(line->orig_to, ADDRESS_MAX));
    sql_put_text(query, span_of(status_name(status_of(line->status))));
    sql_put_int(query, line->at_ms);
    sql_put_text(query, cut(line->relay, RECORD_TEXT_MAX));
    sql_put_text(query, cut(line->dsn, RECORD_TEXT_MAX));
    sql_put_text(query, cut(line->text, RECORD_TEXT_MAX));
    if (sql_do(query, find->err) != 0)
        return -1;
    query = find->ledger->queries[QUERY_CHANGE_MESSAGE];
    sql_put_int(query, ++find->ledger->counts.change);
    sql_put_int(query, line->at_ms);
    sql_put_int(query, find->number);
    return sql_do(query, find->err);
}

// Most lines are of what has just left, or of what has just come in.
static int
find_message(struct finding *find, bool *known_out)
{
    int answer = find_out(find, DAYS_AHEAD, -DAYS_NEAR);

    if (answer == 0 && find->number == 0) {
        answer = came_in(find);
        *known_out = answer == 1;
    }
    if (answer == 0 && find->number == 0)
        answer = find_out(find, -DAYS_NEAR - 1, -DAYS_BACK);
    if (find->number == 0 && !*known_out)
        find->number = find->late;
    *known_out = *known_out || find->number != 0;
    return answer < 0 ? -1 : 0;
}

int
ledger_put_delivery(struct ledger *ledger, const struct maillog_line *line, bool *known_out,
                    struct err *err)
{
    struct finding find = {.ledger = ledger, .line = line, .err = err};
    enum news news = NEWS_NONE;

    *known_out = false;
    if (ledger_check(ledger, err) != 0)
        return -1;
    if (find_message(&find, known_out) != 0)
        return ledger_fail(ledger, err);
    if (find.number != 0)
        news = look_for_news(&find);
    if (news == NEWS_FAILED || (news == NEWS_NEW && put(&find) != 0))
        return ledger_fail(ledger, err);
    *known_out = *known_out && news != NEWS_OF_ANOTHER;
    return 0;
}
