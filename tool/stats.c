// SPDX-License-Identifier: BSD-2-Clause
#include <getopt.h>

#include "base/arena.h"
#include "tool/print.h"
#include "tool/since.h"
#include "track/ledger/ledger_read.h"

#define USAGE "stats [--since T]"

enum { DAY_MS = 86400000, STATS_MAX = 16 << 20 };

struct figures_page {
    struct tool *tool;
    const struct ledger_stats *stats;
    int64_t since_ms, until_ms;
};

// --- rows that both forms share ---

struct count {
    const char *name;
    uint64_t value;
};

struct table {
    struct count rows[STATUS_COUNT + 1];
    size_t count;
};

static void
add_count(struct table *table, const char *name, uint64_t value)
{
    table->rows[table->count++] = (struct count){name, value};
}

static void
fill_classes(const struct ledger_stats *stats, struct table *table)
{
    table->count = 0;
    for (int i = 0; i <= CLASS_VIRUS; i++)
        add_count(table, class_name((enum track_class)i), stats->by_class[i]);
}

static void
fill_verdicts(const struct ledger_stats *stats, struct table *table)
{
    table->count = 0;
    for (int i = 0; i <= VERDICT_REDIRECT; i++)
        add_count(table, i == VERDICT_NONE ? "none" : verdict_name((enum verdict)i),
                  stats->rcpts_by_verdict[i]);
}

static void
fill_statuses(const struct ledger_stats *stats, struct table *table)
{
    table->count = 0;
    for (int i = 0; i < STATUS_COUNT; i++)
        add_count(table, status_name((enum track_status)i), stats->rcpts_by_status[i]);
}

static uint64_t
average_us(const struct ledger_stats *stats, int stage)
{
    return stats->stage_messages[stage] == 0
               ? 0
               : stats->stage_us[stage] / stats->stage_messages[stage];
}

// --- for people ---

static void
print_table(const struct figures_page *page, const char *label, const struct table *table,
            uint64_t whole)
{
    FILE *out = page->tool->out;

    for (size_t i = 0; i < table->count; i++) {
        if (table->rows[i].value == 0)
            continue;
        (void)fprintf(out, "%-12s %-12s %10llu  %5.1f%%\n", label, table->rows[i].name,
                      (unsigned long long)table->rows[i].value,
                      whole == 0 ? 0 : 100.0 * (double)table->rows[i].value / (double)whole);
        label = "";
    }
}

static void
print_top(const struct figures_page *page, const char *label, const struct ledger_top *top,
          size_t count)
{
    FILE *out = page->tool->out;

    for (size_t i = 0; i < count; i++) {
        (void)fprintf(out, "%-12s %10llu  ", label, (unsigned long long)top[i].count);
        print_escaped(out, top[i].text);
        (void)fputc('\n', out);
        label = "";
    }
}

static double
span_seconds(const struct figures_page *page)
{
    int64_t ms = page->until_ms - page->since_ms;

    return ms > 0 ? (double)ms / 1000 : 1;
}

static void
print_sums(const struct figures_page *page)
{
    const struct ledger_stats *stats = page->stats;
    FILE *out = page->tool->out;
    char span[32];

    print_wait(span, page->until_ms - page->since_ms);
    (void)fprintf(out, "%-12s ", "since");
    print_time(out, page->since_ms);
    (void)fprintf(out, ", %s\n", span);
    (void)fprintf(out, "%-12s %llu, %.2f a second, %.1f an hour\n", "messages",
                  (unsigned long long)stats->messages, (double)stats->messages / span_seconds(page),
                  (double)stats->messages * 3600 / span_seconds(page));
    (void)fprintf(out, "%-12s %llu\n", "recipients", (unsigned long long)stats->recipients);
    (void)fprintf(out, "%-12s %llu, %llu a message\n", "bytes", (unsigned long long)stats->bytes,
                  (unsigned long long)(stats->messages == 0 ? 0 : stats->bytes / stats->messages));
}

static void
print_stages(const struct figures_page *page)
{
    const char *label = "mean time";

    for (int i = 0; i < STAGE_COUNT; i++) {
        if (page->stats->stage_messages[i] == 0)
            continue;
        (void)fprintf(page->tool->out, "%-12s %-12s %10.1f ms\n", label,
                      record_stage_name((enum record_stage)i),
                      (double)average_us(page->stats, i) / 1000);
        label = "";
    }
}

static void
print_stats(const struct figures_page *page)
{
    const struct ledger_stats *stats = page->stats;
    struct table table;

    print_sums(page);
    fill_classes(stats, &table);
    print_table(page, "class", &table, stats->messages);
    fill_verdicts(stats, &table);
    print_table(page, "verdict", &table, stats->recipients);
    fill_statuses(stats, &table);
    print_table(page, "status", &table, stats->recipients);
    print_stages(page);
    print_top(page, "viruses", stats->viruses, stats->virus_count);
    print_top(page, "rules", stats->rules, stats->rule_count);
    print_top(page, "senders", stats->senders, stats->sender_count);
    print_top(page, "recipients", stats->recipients_top, stats->recipient_count);
}

// --- for programs ---

static void
set_table(struct json *object, const char *key, const struct table *table)
{
    struct json *counts = json_object_new();

    for (size_t i = 0; i < table->count; i++)
        json_set_number(counts, table->rows[i].name, (int64_t)table->rows[i].value);
    json_set_take(object, key, &counts);
}

static void
set_top(struct json *object, const char *key, const struct ledger_top *top, size_t count)
{
    struct json *list = json_array_new();

    for (size_t i = 0; i < count; i++) {
        struct json *item = json_object_new();

        json_set_text(item, "text", top[i].text);
        json_set_number(item, "count", (int64_t)top[i].count);
        json_add_take(list, &item);
    }
    json_set_take(object, key, &list);
}

static void
set_stages(struct json *object, const struct ledger_stats *stats)
{
    struct json *stages = json_object_new();

    for (int i = 0; i < STAGE_COUNT; i++) {
        struct json *stage = json_object_new();

        json_set_number(stage, "messages", (int64_t)stats->stage_messages[i]);
        json_set_number(stage, "mean_us", (int64_t)average_us(stats, i));
        json_set_take(stages, record_stage_name((enum record_stage)i), &stage);
    }
    json_set_take(object, "stages", &stages);
}

static void
print_object(const struct figures_page *page)
{
    const struct ledger_stats *stats = page->stats;
    struct json *object = json_object_new();
    struct table table;

    json_set_number(object, "since_ms", page->since_ms);
    json_set_number(object, "until_ms", page->until_ms);
    json_set_number(object, "first_ms", stats->first_ms);
    json_set_number(object, "last_ms", stats->last_ms);
    json_set_number(object, "messages", (int64_t)stats->messages);
    json_set_number(object, "recipients", (int64_t)stats->recipients);
    json_set_number(object, "bytes", (int64_t)stats->bytes);
    fill_classes(stats, &table);
    set_table(object, "messages_by_class", &table);
    fill_verdicts(stats, &table);
    set_table(object, "recipients_by_verdict", &table);
    fill_statuses(stats, &table);
    set_table(object, "recipients_by_status", &table);
    set_stages(object, stats);
    set_top(object, "viruses", stats->viruses, stats->virus_count);
    set_top(object, "rules", stats->rules, stats->rule_count);
    set_top(object, "senders", stats->senders, stats->sender_count);
    set_top(object, "top_recipients", stats->recipients_top, stats->recipient_count);
    print_json(page->tool, &object);
}

// --- the command ---

static enum tool_exit
read_and_print(struct tool *tool, int64_t since_ms)
{
    const char *path = tool->settings->track.ledger;
    struct ledger_stats stats = {.messages = 0};
    struct figures_page page = {tool, &stats, since_ms, tool->now_ms};
    struct ledger_reader *reader;
    struct arena arena;
    struct err err;
    int result = -1;

    arena_init(&arena, STATS_MAX);
    reader = ledger_reader_open(path, &err);
    if (reader != NULL) {
        result = ledger_stats_read(reader, since_ms, page.until_ms, &arena, &stats, &err);
        if (result != 0)
            err_prefix(&err, "%s", path);
    }
    ledger_reader_close(&reader);
    if (result != 0)
        print_error(tool, "ledger %s", err.text);
    else if (tool->as_json)
        print_object(&page);
    else
        print_stats(&page);
    arena_clear(&arena);
    return result == 0 ? TOOL_DONE : TOOL_IO;
}

enum tool_exit
stats_run(struct tool *tool, int argc, char **argv)
{
    static const struct option options[] = {
        {"since", required_argument, NULL, 's'},
        {"json",  no_argument,       NULL, 'j'},
        {NULL,    0,                 NULL, 0  }
    };
    int64_t since_ms = tool->now_ms - DAY_MS;
    int option, result = 0;

    optind = 0;
    while (result == 0 && (option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 's')
            result = since_parse(span_of(optarg), tool->now_ms, &since_ms);
        else if (option == 'j')
            tool->as_json = true;
        else
            result = -1;
    }
    if (result != 0 || optind != argc)
        return print_usage(tool, USAGE);
    return read_and_print(tool, since_ms);
}
