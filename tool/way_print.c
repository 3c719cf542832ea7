// SPDX-License-Identifier: BSD-2-Clause
#include "base/mem.h"
#include "tool/way_line.h"

// --- the head: in a word, and for whom ---

static void
print_status(const struct way_page *page, enum track_status status, struct span to, size_t more)
{
    FILE *out = page->tool->out;

    (void)fprintf(out, "%*s%-11s ", (int)page->way->depth * WAY_INDENT, "", status_name(status));
    if (more > 0)
        (void)fprintf(out, "%zu more", more);
    else
        way_say_path(out, to);
    (void)fputc('\n', out);
}

static void
print_statuses(const struct way_page *page)
{
    const struct record *record = &page->way->record;
    size_t count[STATUS_COUNT] = {0};

    for (size_t i = 0; i < record->rcpt_count; i++) {
        enum track_status status = way_rcpt_status(page->ways, page->way, &record->rcpts[i]);

        if (count[status]++ < WAY_PATHS_SHOWN)
            print_status(page, status, record->rcpts[i].to, 0);
    }
    for (int i = 0; i < STATUS_COUNT; i++) {
        if (count[i] > WAY_PATHS_SHOWN)
            print_status(page, (enum track_status)i, span_of(""), count[i] - WAY_PATHS_SHOWN);
    }
}

static void
print_head(const struct way_page *page)
{
    FILE *out = page->tool->out;

    (void)fprintf(out, "%*s", (int)page->way->depth * WAY_INDENT, "");
    print_escaped(out, page->way->record.id);
    way_say(out, " (", page->way->record.kind, ")");
    (void)fprintf(out, "  %s\n", status_name(way_status(page->ways, page->way)));
    print_statuses(page);
}

// --- received ---

static void
print_arrival(const struct way_page *page)
{
    const struct record *record = &page->way->record;
    FILE *out = way_line_begin(page, record->arrived_ms, "received");

    if (page->way->depth > 0) {
        (void)fputs("from its parent\n", out);
        return;
    }
    print_time(out, record->arrived_ms);
    (void)fprintf(out, " over %s, hand-off %s", smtp_protocol_name(record->protocol),
                  smtp_handoff_name(record->handoff));
    way_say(out, ", by ", record->listener, "");
    way_say(out, ", for ", record->next_hop, "");
    (void)fputc('\n', out);
}

static void
print_client(const struct way_page *page)
{
    const struct record *record = &page->way->record;
    FILE *out;

    if (record->client.len == 0 && record->client_name.len == 0)
        return;
    out = way_line_begin(page, 0, "client");
    print_escaped(out, record->client_name);
    way_say(out, "[", record->client, "]");
    way_say(out, ", helo ", record->helo, "");
    (void)fputc('\n', out);
}

// A child has most of it from its parent: what is the same is not told again.
static void
print_received(const struct way_page *page)
{
    static const struct record nothing;

    const struct record *record = &page->way->record, *known = &nothing;

    if (page->way->parent != WAY_NOBODY)
        known = &page->ways->items[page->way->parent].record;
    print_arrival(page);
    if (!span_equal(record->client, known->client))
        print_client(page);
    if (!span_equal(record->queue_id, known->queue_id))
        way_fact(page, "queue id", record->queue_id);
    if (known == &nothing || !span_equal(record->from, known->from)) {
        way_say_path(way_line_begin(page, 0, "from"), record->from);
        (void)fputc('\n', page->tool->out);
    }
    if (!span_equal(record->message_id, known->message_id))
        way_fact(page, "message id", record->message_id);
    if (!span_equal(record->subject, known->subject))
        way_fact(page, "subject", record->subject);
    if (record->size != known->size)
        (void)fprintf(way_line_begin(page, 0, "size"), "%llu bytes\n",
                      (unsigned long long)record->size);
}

// --- scanned, decided ---

static void
print_result(const struct way_page *page, const struct record_result *result)
{
    FILE *out = way_line_begin(page, 0, "scanned");

    print_escaped(out, result->filter);
    (void)fprintf(out, ": %s", result_kind_name(result->kind));
    if (result->has_score)
        (void)fprintf(out, ", score %.2f of %.2f", result->score, result->required_score);
    way_say(out, ", action ", result->action, "");
    way_say(out, result->is_virus ? ", virus " : ", ", result->names, "");
    way_say(out, ", ", result->reason, "");
    way_say(out, ", from ", result->server, "");
    (void)fputs(", ", out);
    way_say_ms(out, result->took_us);
    (void)fputc('\n', out);
}

static void
print_group(const struct way_page *page, uint32_t index, const struct record_rcpt **rcpts)
{
    const struct record *record = &page->way->record;
    const struct record_group *group = &record->groups[index];
    size_t count = 0;
    FILE *out;

    for (size_t i = 0; i < record->rcpt_count; i++) {
        if (record->rcpts[i].group == index)
            rcpts[count++] = &record->rcpts[i];
    }
    if (group->verdict == VERDICT_NONE || count == 0)
        return; // of a look before the last one
    out = way_line_begin(page, 0, "decided");
    (void)fprintf(out, "%s for ", verdict_name(group->verdict));
    way_say_rcpts(out, rcpts, count);
    way_say(out, ", rule ", group->rule, "");
    way_say(out, ", reason ", group->reason, "");
    if (group->edits > 0)
        (void)fprintf(out, ", %u edit%s", group->edits, group->edits == 1 ? "" : "s");
    (void)fputc('\n', out);
}

static void
print_scan(const struct way_page *page)
{
    const struct record *record = &page->way->record;
    const struct record_rcpt **rcpts = mem_zarray(record->rcpt_count + 1, sizeof(void *));

    for (size_t i = 0; i < record->result_count; i++)
        print_result(page, &record->results[i]);
    if (record->result_count > 0 || record->group_count > 0)
        (void)fprintf(way_line_begin(page, 0, "class"), "%s\n", class_name(class_of(record)));
    for (uint32_t i = 0; i < record->group_count; i++)
        print_group(page, i, rcpts);
    mem_free(&rcpts);
}

// --- where it is, and what it took ---

static void
print_file(const struct way_page *page)
{
    const struct find_place *place = &page->way->place;
    FILE *out = way_line_begin(page, 0, "file");

    (void)fputs(spool_place_name(place->place), out);
    way_say(out, "/", span_of(place->instance), "");
    way_say(out, "/", span_of(place->folder), "");
    way_say(out, "/", span_of(place->name), "");
    (void)fputs(page->way->in_ledger ? "\n" : ", not in the ledger\n", out);
}

// A message that is relayed has no file, unless it is taken over.
static bool
is_file_missing(const struct way_page *page)
{
    const struct record *record = &page->way->record;

    return page->ways->has_looked && !page->way->in_spool && record->place != RECORD_DONE &&
           record->place != RECORD_LEFT && record->handoff != SMTP_HANDOFF_RELAY;
}

static void
print_place(const struct way_page *page)
{
    const struct record *record = &page->way->record;
    FILE *out = way_line_begin(page, 0, "place");

    (void)fputs(record_place_name(record->place), out);
    way_say(out, " (", record->place_reason, ")");
    (void)fputs(is_file_missing(page) ? ", but its file is gone: the ledger is behind\n" : "\n",
                out);
    if (page->way->in_spool)
        print_file(page);
}

static void
print_times(const struct way_page *page)
{
    const struct record *record = &page->way->record;
    FILE *out = way_line_begin(page, 0, "times");
    const char *before = ": ";
    char total[24];

    way_format_time(way_end_ms(page->way) - record->arrived_ms, total);
    (void)fprintf(out, "%s in all", total);
    for (int i = 0; i < STAGE_COUNT; i++) {
        if (record->stage_us[i] == 0)
            continue;
        (void)fprintf(out, "%s%s ", before, record_stage_name((enum record_stage)i));
        way_say_ms(out, record->stage_us[i]);
        before = ", ";
    }
    (void)fputc('\n', out);
}

void
way_print(struct tool *tool, const struct ways *ways, size_t root)
{
    struct way_page page = {
        .tool = tool, .ways = ways, .begin_ms = ways->items[root].record.arrived_ms};

    for (size_t i = root; i < ways->count && (i == root || ways->items[i].depth > 0); i++) {
        page.way = &ways->items[i];
        print_head(&page);
        print_received(&page);
        print_scan(&page);
        way_print_events(&page);
        print_place(&page);
        print_times(&page);
    }
}
