// SPDX-License-Identifier: BSD-2-Clause
#include "track/web/metrics.h"

#include "tests/unit/harness.h"

// clang-format off
static const struct metrics_process processes[] = {
    {.kind = "master", .pid = 10, .cpu_seconds = 1.5, .resident_bytes = 100, .start_seconds = 1000},
    {.kind = "worker", .pid = 11, .cpu_seconds = 2, .resident_bytes = 200, .open_fds = 20,
     .start_seconds = 1001},
    {.kind = "worker", .pid = 12, .cpu_seconds = 3.25, .resident_bytes = 300, .open_fds = 30,
     .start_seconds = 2000.5},
    {.kind = "dissector", .pid = 13, .resident_bytes = 7, .open_fds = 5},
    {.kind = "dissector", .pid = 14, .resident_bytes = 8},
};

// clang-format on

static struct counter_page *
make_page(void)
{
    struct err err;
    struct counter_page *page = counter_page_new(3, &err);

    CU_ASSERT_FATAL(page != NULL);
    atomic_store(&page->worker[0].pid, 11);
    atomic_store(&page->worker[0].messages, 10);
    atomic_store(&page->worker[0].connections, 4);
    atomic_store(&page->worker[0].received, 5);
    atomic_store(&page->worker[0].received_bytes, 1000);
    atomic_store(&page->worker[0].verdicts[VERDICT_ACCEPT], 4);
    atomic_store(&page->worker[0].rejects[counter_code_index(452)], 2);
    atomic_store(&page->worker[0].dissector_crashes, 1);
    atomic_store(&page->worker[0].joined, 3);
    // A worker that has ended: what it counted stays, what it had is gone.
    atomic_store(&page->worker[1].messages, 100);
    atomic_store(&page->worker[1].connections, 100);
    atomic_store(&page->worker[1].received, 2);
    atomic_store(&page->worker[1].received_bytes, 24);
    atomic_store(&page->worker[1].verdicts[VERDICT_ACCEPT], 1);
    atomic_store(&page->worker[1].verdicts[VERDICT_REDIRECT], 3);
    atomic_store(&page->worker[1].rejects[counter_code_index(999)], 6);
    atomic_store(&page->worker[1].sent, 8);
    return page;
}

static struct figures *
make_figures(void)
{
    struct figures *figures = figures_new(3);
    struct record_result result = {
        .filter = SPAN_LITERAL("clamav"), .kind = RESULT_FAILED, .took_us = 2000000};
    struct record record = {.is_looked = true, .results = &result, .result_count = 1};
    // clang-format off
    struct vitals_server servers[] = {
        {.owner = SPAN_LITERAL("clamav"), .address = SPAN_LITERAL("unix:/c")},
        {.owner = SPAN_LITERAL("rspamd"), .address = SPAN_LITERAL("inet:[::1]:1"), .is_up = true},
        {.owner = SPAN_LITERAL("in \"quotes\""), .address = SPAN_LITERAL("inet:127.0.0.1:25"),
         .is_hop = true, .is_up = true, .connections = 3},
    };
    // clang-format on
    struct vitals vitals = {.pid = 11, .waiting = 7, .servers = servers, .server_count = 3};

    record.stage_us[STAGE_DISSECT] = 600;
    figures_add_record(figures, &record);
    figures_add_vitals(figures, 0, &vitals, 5000);
    return figures;
}

static struct metrics_view
make_view(const struct counter_page *page)
{
    return (struct metrics_view){
        .page = page,
        .events_dropped = 17,
        .log_dropped = 18,
        .hold = 1,
        .quarantine = 2,
        .corrupt = 3,
        .processes = processes,
        .process_count = UNIT_COUNT(processes),
        .is_ledger_up = true,
        .ledger_rows = 99,
        .ledger_behind_ms = 1500,
        .has_redis = true,
        .redis = {.is_connected = true, .failures = 4},
        .redis_behind = 12,
        .version = "1.2.3",
        .now_ms = 5000
    };
}

static const char *const full_lines[] = {
    "# TYPE postern_messages_total counter",
    "postern_messages_total{verdict=\"accept\"} 5",
    "postern_messages_total{verdict=\"quarantine\"} 0",
    "postern_messages_total{verdict=\"redirect\"} 3",
    "postern_received_messages_total 7",
    "postern_received_bytes_total 1024",
    "postern_deliveries_total{result=\"sent\"} 8",
    "postern_smtp_rejects_total{code=\"452\"} 2",
    "postern_smtp_rejects_total{code=\"other\"} 6",
    "postern_connections 4",
    "postern_queue_messages{place=\"active\"} 3",
    "postern_queue_messages{place=\"deferred\"} 7",
    "postern_queue_messages{place=\"hold\"} 1",
    "postern_queue_messages{place=\"quarantine\"} 2",
    "postern_queue_messages{place=\"corrupt\"} 3",
    "# TYPE postern_filter_seconds histogram",
    "postern_filter_seconds_bucket{filter=\"clamav\",result=\"failed\",le=\"1\"} 0",
    "postern_filter_seconds_bucket{filter=\"clamav\",result=\"failed\",le=\"5\"} 1",
    "postern_filter_seconds_sum{filter=\"clamav\",result=\"failed\"} 2.000000",
    "postern_filter_seconds_count{filter=\"clamav\",result=\"failed\"} 1",
    "postern_stage_seconds_count{stage=\"receive\"} 0",
    "postern_stage_seconds_sum{stage=\"dissect\"} 0.000600",
    "postern_stage_seconds_bucket{stage=\"send\",le=\"+Inf\"} 0",
    "postern_upstream_up{filter=\"clamav\",server=\"unix:/c\"} 0",
    "postern_upstream_up{filter=\"rspamd\",server=\"inet:[::1]:1\"} 1",
    "postern_next_hop_up{next_hop=\"in \\\"quotes\\\"\",server=\"inet:127.0.0.1:25\"} 1",
    "postern_next_hop_connections{next_hop=\"in \\\"quotes\\\"\",server=\"inet:127.0.0.1:25\"} 3",
    "postern_dissector_crashes_total 1",
    "postern_joined_total 3",
    "postern_events_dropped_total 17",
    "postern_log_dropped_total 18",
    "postern_ledger_up 1",
    "postern_ledger_rows_total 99",
    "postern_ledger_behind_seconds 1.500",
    "postern_redis_up 1",
    "postern_redis_behind 12",
    "postern_redis_failures_total 4",
    "postern_build_info{version=\"1.2.3\"} 1",
    "postern_processes{process=\"worker\"} 2",
    "process_cpu_seconds_total{process=\"master\"} 1.500",
    "process_cpu_seconds_total{process=\"worker\"} 5.250",
    "process_resident_memory_bytes{process=\"worker\"} 500",
    "process_start_time_seconds{process=\"worker\"} 2000.500",
    "process_open_fds{process=\"worker\"} 50",
};

// What is not known is not said, rather than said to be 0.
static const char *const absent[] = {"process=\"nursery\"", "process_open_fds{process=\"master\"}",
                                     "process_open_fds{process=\"dissector\"}", "verdict=\"none\"",
                                     "result=\"clean\""};

static const char *const absent_at_first[] = {"postern_redis",        "place=\"hold\"",
                                              "place=\"quarantine\"", "place=\"corrupt\"",
                                              "postern_upstream_up",  "postern_filter_seconds"};

static bool
has_line(const char *text, const char *line)
{
    size_t len = strlen(line);

    for (const char *at = text; (at = strstr(at, line)) != NULL; at += len) {
        if ((at == text || at[-1] == '\n') && at[len] == '\n')
            return true;
    }
    return false;
}

static void
all_is_told(void)
{
    struct counter_page *page = make_page();
    struct figures *figures = make_figures();
    struct metrics_view view = make_view(page);
    struct buf out;

    buf_init(&out, 1 << 20);
    metrics_write(figures, &view, &out);
    for (size_t i = 0; i < UNIT_COUNT(full_lines); i++)
        UNIT_CHECK_ROW(full_lines[i], has_line(buf_text(&out), full_lines[i]));
    for (size_t i = 0; i < UNIT_COUNT(absent); i++)
        UNIT_CHECK_ROW(absent[i], strstr(buf_text(&out), absent[i]) == NULL);
    CU_ASSERT(out.len > 0 && out.data[out.len - 1] == '\n');
    buf_clear(&out);
    figures_free(&figures);
    counter_page_free(&page);
}

static void
what_is_not_known_is_left_out(void)
{
    struct counter_page *page = make_page();
    struct figures *figures = figures_new(3);
    struct metrics_view view = {.page = page,
                                .hold = UINT64_MAX,
                                .quarantine = UINT64_MAX,
                                .corrupt = UINT64_MAX,
                                .version = "1"};
    struct buf out;

    buf_init(&out, 1 << 20);
    metrics_write(figures, &view, &out);
    for (size_t i = 0; i < UNIT_COUNT(absent_at_first); i++)
        UNIT_CHECK_ROW(absent_at_first[i], strstr(buf_text(&out), absent_at_first[i]) == NULL);
    CU_ASSERT(has_line(buf_text(&out), "postern_ledger_up 0"));
    CU_ASSERT(has_line(buf_text(&out), "postern_queue_messages{place=\"active\"} 10"));
    buf_clear(&out);
    figures_free(&figures);
    counter_page_free(&page);
}

// Vitals are some seconds old: more may seem to wait than there are.
static void
queue_is_never_negative(void)
{
    struct counter_page *page = make_page();
    struct figures *figures = make_figures();
    struct metrics_view view = make_view(page);
    struct buf out;

    atomic_store(&page->worker[0].messages, 2);
    buf_init(&out, 1 << 20);
    metrics_write(figures, &view, &out);
    CU_ASSERT(has_line(buf_text(&out), "postern_queue_messages{place=\"active\"} 0"));
    buf_clear(&out);
    figures_free(&figures);
    counter_page_free(&page);
}

static const struct unit_test tests[] = {
    {"all is told",                   all_is_told                  },
    {"what is not known is left out", what_is_not_known_is_left_out},
    {"the queue is never negative",   queue_is_never_negative      },
};

UNIT_MAIN("track/web/metrics", tests)
