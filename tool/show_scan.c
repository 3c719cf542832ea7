// SPDX-License-Identifier: BSD-2-Clause
#include "tool/show.h"

#include <string.h>

#include "base/mem.h"
#include "filters/result.h"

enum { NAMES_SHOWN = 20 };

// --- which lines tell of the last look ---

struct look {
    uint64_t found_seq; // 0: nobody looked
    uint64_t since_seq; // what filters said before is over
    void (*take)(void *arg, const struct journal_line *line, bool is_found);
    void *arg;
};

static void
find_look(void *arg, const struct journal_line *line)
{
    struct look *look = arg;

    if (span_is(line->event, "found"))
        look->found_seq = look->since_seq = line->seq;
    else if (span_is(line->event, "rescan"))
        *look = (struct look){.since_seq = line->seq};
}

static void
take_of_look(void *arg, const struct journal_line *line)
{
    const struct look *look = arg;

    if (span_is(line->event, "found") && line->seq == look->found_seq)
        look->take(look->arg, line, true);
    else if (span_is(line->event, "result") && line->seq > look->since_seq)
        look->take(look->arg, line, false);
}

static void
each_of_look(const struct reader_message *message,
             void (*take)(void *arg, const struct journal_line *line, bool is_found), void *arg)
{
    struct look look = {.found_seq = 0};

    show_each_line(message, find_look, &look);
    look.take = take;
    look.arg = arg;
    show_each_line(message, take_of_look, &look);
}

// --- as text ---

static void
print_said(FILE *out, const char *before, const char *text)
{
    if (text == NULL || text[0] == '\0')
        return;
    (void)fputs(before, out);
    print_text(out, text);
}

static void
print_result(FILE *out, const char *filter, const struct result *result)
{
    (void)fprintf(out, "%-12s ", "filter");
    print_text(out, filter);
    (void)fprintf(out, ": %s", result_kind_name(result->kind));
    if (result->has_score)
        (void)fprintf(out, ", score %.2f of %.2f", result->score, result->required_score);
    print_said(out, ", action ", result->action);
    for (size_t i = 0; i < result->name_count && i < NAMES_SHOWN; i++)
        print_said(out, ", ", result->names[i]);
    if (result->name_count > NAMES_SHOWN)
        (void)fprintf(out, " and %zu more", result->name_count - NAMES_SHOWN);
    print_said(out, ", ", result->reason);
    print_said(out, ", reply ", result->reply);
    print_said(out, ", from ", result->server);
    (void)fprintf(out, ", %.1f ms\n", (double)result->took_us / 1000);
}

static void
take_as_text(void *arg, const struct journal_line *line, bool is_found)
{
    struct result result;
    char *filter;

    if (is_found) {
        show_found(arg, line);
    } else if (result_read(line, &filter, &result) == 0) {
        print_result(arg, filter, &result);
        mem_free(&filter);
        result_clear(&result);
    }
}

void
show_scan(const struct shown *shown)
{
    each_of_look(shown->message, take_as_text, shown->tool->out);
}

// --- as JSON ---

struct objects {
    struct json *findings; // NULL: nobody looked
    struct json *results;
};

static void
set_said(struct json *object, const char *key, const char *text)
{
    if (text != NULL)
        json_set_text(object, key, span_of(text));
}

static struct json *
json_of_result(const char *filter, const struct result *result)
{
    struct json *object = json_object_new(), *names = json_array_new();
    char score[32];

    json_set_text(object, "filter", span_of(filter));
    json_set_text(object, "result", span_of(result_kind_name(result->kind)));
    (void)snprintf(score, sizeof score, "%.3f", result->score);
    if (result->has_score)
        json_set_text(object, "score", span_of(score));
    for (size_t i = 0; i < result->name_count; i++)
        json_add_text(names, span_of(result->names[i]));
    json_set_take(object, "names", &names);
    set_said(object, "action", result->action);
    set_said(object, "reason", result->reason);
    set_said(object, "reply", result->reply);
    set_said(object, "server", result->server);
    return object;
}

static void
take_as_object(void *arg, const struct journal_line *line, bool is_found)
{
    struct objects *objects = arg;
    struct result result;
    char *filter;

    if (is_found) {
        objects->findings = show_found_object(line);
    } else if (result_read(line, &filter, &result) == 0) {
        struct json *item = json_of_result(filter, &result);

        json_add_take(objects->results, &item);
        mem_free(&filter);
        result_clear(&result);
    }
}

void
show_scan_object(const struct shown *shown, struct json *object)
{
    struct objects objects = {.results = json_array_new()};

    each_of_look(shown->message, take_as_object, &objects);
    if (objects.findings != NULL)
        json_set_take(object, "findings", &objects.findings);
    json_set_take(object, "results", &objects.results);
}
