// SPDX-License-Identifier: BSD-2-Clause
#include "track/ledger/ledger_read.h"

#include "track/ledger/frequent.h"
#include "track/ledger/ledger_reader.h"

// A transaction reads so many: a long one would keep the writer's log from being folded.
enum { CHUNK = 500, CHUNK_BYTES = 256 << 20 };

struct stats {
    struct ledger_reader *reader;
    struct ledger_stats *sums;
    struct frequent *viruses, *rules, *senders, *recipients;
    int64_t last_ms, last_number; // seen
    struct err *err;
};

// --- one message ---

static void
add_viruses(struct stats *stats, const struct record *record)
{
    for (size_t i = 0; i < record->result_count; i++) {
        const struct record_result *result = &record->results[i];
        struct span left = result->names;

        while (result->kind == RESULT_HIT && result->is_virus && left.len > 0) {
            struct span name = span_trim(span_cut(&left, ','));

            if (name.len > 0)
                frequent_add(stats->viruses, name);
        }
    }
}

// Groups may share a rule: it has caught the message once.
static void
add_rules(struct stats *stats, const struct record *record)
{
    for (size_t i = 0; i < record->group_count; i++) {
        struct span rule = record->groups[i].rule;
        size_t before = 0;

        while (before < i && !span_equal(record->groups[before].rule, rule))
            before++;
        if (rule.len > 0 && before == i)
            frequent_add(stats->rules, rule);
    }
}

static void
add_rcpts(struct stats *stats, const struct record *record)
{
    struct ledger_stats *sums = stats->sums;

    for (size_t i = 0; i < record->rcpt_count; i++) {
        const struct record_rcpt *rcpt = &record->rcpts[i];
        bool is_decided = rcpt->group < record->group_count;

        sums->rcpts_by_status[status_of_rcpt(record, rcpt)]++;
        sums->rcpts_by_verdict[is_decided ? record->groups[rcpt->group].verdict : VERDICT_NONE]++;
        frequent_add(stats->recipients, rcpt->to);
    }
    sums->recipients += record->rcpt_count;
}

static void
add_record(struct stats *stats, const struct record *record)
{
    struct ledger_stats *sums = stats->sums;

    if (sums->messages == 0 || record->arrived_ms < sums->first_ms)
        sums->first_ms = record->arrived_ms;
    if (sums->messages == 0 || record->arrived_ms > sums->last_ms)
        sums->last_ms = record->arrived_ms;
    sums->messages++;
    sums->bytes += record->size;
    sums->by_class[class_of(record)]++;
    for (size_t i = 0; i < STAGE_COUNT; i++) {
        sums->stage_us[i] += record->stage_us[i];
        sums->stage_messages[i] += record->stage_us[i] > 0 ? 1 : 0;
    }
    add_rcpts(stats, record);
    add_viruses(stats, record);
    add_rules(stats, record);
    frequent_add(stats->senders, record->from);
}

// --- all ---

// What does not fit any more comes with the next chunk; what fits into none is not counted.
static bool
is_put_off(enum ledger_answer loaded, size_t count)
{
    return loaded == LEDGER_NO_ROOM && count > 0;
}

// 1: there may be more; 0: that was all; -1.
static int
add_chunk(struct stats *stats, int64_t until_ms, struct arena *arena)
{
    struct sql_query *query = stats->reader->queries[READER_ARRIVALS];
    size_t count = 0;
    int answer;

    sql_put_int(query, stats->last_ms);
    sql_put_int(query, stats->last_number);
    sql_put_int(query, until_ms);
    sql_put_int(query, CHUNK);
    while ((answer = sql_step(query, stats->err)) == 1) {
        int64_t number = sql_take_int(query);
        struct record record;
        enum ledger_answer loaded =
            ledger_load(&stats->reader->loader, number, arena, &record, stats->err);

        if (loaded == LEDGER_FAILED || is_put_off(loaded, count)) {
            sql_reset(query);
            return loaded == LEDGER_FAILED ? -1 : 1;
        }
        if (loaded == LEDGER_LOADED)
            add_record(stats, &record);
        stats->last_number = number;
        stats->last_ms = sql_take_int(query);
        count++;
    }
    return answer < 0 ? -1 : count == CHUNK ? 1 : 0;
}

static int
add_chunks(struct stats *stats, int64_t until_ms)
{
    int answer = 1;

    while (answer == 1) {
        struct arena arena;

        arena_init(&arena, CHUNK_BYTES);
        answer = ledger_reader_begin(stats->reader, stats->err);
        if (answer == 0)
            answer = add_chunk(stats, until_ms, &arena);
        ledger_reader_end(stats->reader);
        arena_clear(&arena);
    }
    return answer;
}

// -1: no room in the arena.
static int
list_top(const struct frequent *frequent, struct arena *arena, struct ledger_top **top_out,
         size_t *count_out)
{
    struct frequent_text texts[LEDGER_TOP_MAX];
    size_t count = frequent_list(frequent, LEDGER_TOP_MAX, texts);
    struct ledger_top *top = arena_array(arena, count, sizeof(top[0]));

    if (top == NULL)
        return -1;
    for (size_t i = 0; i < count; i++) {
        top[i] = (struct ledger_top){arena_copy(arena, texts[i].text), texts[i].count};
        if (top[i].text.data == NULL)
            return -1;
    }
    *top_out = top;
    *count_out = count;
    return 0;
}

static int
list_tops(const struct stats *stats, struct arena *arena)
{
    struct ledger_stats *sums = stats->sums;

    if (list_top(stats->viruses, arena, &sums->viruses, &sums->virus_count) == 0 &&
        list_top(stats->rules, arena, &sums->rules, &sums->rule_count) == 0 &&
        list_top(stats->senders, arena, &sums->senders, &sums->sender_count) == 0 &&
        list_top(stats->recipients, arena, &sums->recipients_top, &sums->recipient_count) == 0)
        return 0;
    return err_set(stats->err, ERR_PERM, "the figures do not fit into memory");
}

int
ledger_stats_read(struct ledger_reader *reader, int64_t since_ms, int64_t until_ms,
                  struct arena *arena, struct ledger_stats *stats_out, struct err *err)
{
    struct stats stats = {.reader = reader,
                          .sums = stats_out,
                          .viruses = frequent_new(),
                          .rules = frequent_new(),
                          .senders = frequent_new(),
                          .recipients = frequent_new(),
                          .last_ms = since_ms,
                          .last_number = 0,
                          .err = err};
    int answer;

    *stats_out = (struct ledger_stats){0};
    answer = add_chunks(&stats, until_ms);
    if (answer == 0)
        answer = list_tops(&stats, arena);
    frequent_free(&stats.viruses);
    frequent_free(&stats.rules);
    frequent_free(&stats.senders);
    frequent_free(&stats.recipients);
    return answer;
}
