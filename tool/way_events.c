// SPDX-License-Identifier: BSD-2-Clause
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tool/way_line.h"

struct event { // Postfix's word, or where there is none, ours
    const struct record_rcpt *rcpt;
    const struct record_final *final;
};

static int
compare_spans(struct span a, struct span b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len == 0 ? 0 : memcmp(a.data, b.data, len);

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

// Postfix's log may have whole seconds only: nothing is delivered before it was handed over.
static int64_t
time_of(const struct event *event)
{
    int64_t ours = event->rcpt->at_ms, theirs = event->final == NULL ? 0 : event->final->at_ms;

    return theirs > ours ? theirs : ours;
}

static int
compare_finals(const struct record_final *a, const struct record_final *b)
{
    int order = (int)a->status - (int)b->status;

    order = order != 0 ? order : compare_spans(a->relay, b->relay);
    order = order != 0 ? order : compare_spans(a->dsn, b->dsn);
    return order != 0 ? order : compare_spans(a->reply, b->reply);
}

static int
compare_rcpts(const struct record_rcpt *a, const struct record_rcpt *b)
{
    int order = (int)a->status - (int)b->status;

    order = order != 0 ? order : compare_spans(a->queue_id, b->queue_id);
    order = order != 0 ? order : compare_spans(a->relay, b->relay);
    order = order != 0 ? order : compare_spans(a->child, b->child);
    return order != 0 ? order : compare_spans(a->reply, b->reply);
}

// Postfix's behind all of ours, then by time; 0: they share a line.
static int
compare_facts(const struct event *a, const struct event *b)
{
    if ((a->final != NULL) != (b->final != NULL))
        return a->final != NULL ? 1 : -1;
    if (time_of(a) != time_of(b))
        return time_of(a) < time_of(b) ? -1 : 1;
    return a->final != NULL ? compare_finals(a->final, b->final) : compare_rcpts(a->rcpt, b->rcpt);
}

static int
compare_events(const void *a, const void *b)
{
    const struct event *one = a, *other = b;
    int order = compare_facts(one, other);

    return order != 0 ? order : (one->rcpt > other->rcpt) - (one->rcpt < other->rcpt);
}

static void
say_event(FILE *out, const struct event *event)
{
    way_say_path(out, event->rcpt->to);
    if (event->final == NULL)
        way_say(out, " redirected to <", event->rcpt->redirected, ">");
    else
        way_say(out, " as <", event->final->to, ">");
}

static void
say_events(FILE *out, const struct event *events, size_t count)
{
    for (size_t i = 0; i < count && i < WAY_PATHS_SHOWN; i++) {
        (void)fputs(i > 0 ? ", " : "", out);
        say_event(out, &events[i]);
    }
    if (count > WAY_PATHS_SHOWN)
        (void)fprintf(out, " and %zu more", count - WAY_PATHS_SHOWN);
}

void
way_say_rcpts(FILE *out, const struct record_rcpt *const *rcpts, size_t count)
{
    struct event *events = mem_zarray(count + 1, sizeof *events);

    for (size_t i = 0; i < count; i++)
        events[i].rcpt = rcpts[i];
    say_events(out, events, count);
    mem_free(&events);
}

static void
print_final(const struct way_page *page, const struct event *events, size_t count)
{
    const struct record_final *final = events[0].final;
    bool is_sent = final->status == STATUS_SENT;
    const char *label = is_sent ? "delivered" : status_name((enum track_status) final->status);
    FILE *out = way_line_begin(page, time_of(&events[0]), label);

    say_events(out, events, count);
    (void)fputs(is_sent ? "" : " by Postfix", out);
    way_say(out, ", relay ", final->relay, "");
    way_say(out, ", dsn ", final->dsn, "");
    way_say(out, " (", final->reply, ")");
    (void)fputc('\n', out);
}

static const char *
label_of(const struct record_rcpt *rcpt)
{
    switch (rcpt->status) {
    case RCPT_SENT:
        return "reinjected";
    case RCPT_FAILED:
        return "refused";
    case RCPT_OPEN:
        return rcpt->child.len > 0 ? "released" : "open";
    default:
        return rcpt_status_name(rcpt->status);
    }
}

static void
say_reply(FILE *out, const struct record_rcpt *rcpt)
{
    if (rcpt->code != 0)
        (void)fprintf(out, " (%u", rcpt->code);
    way_say(out, rcpt->code != 0 ? " " : " (", rcpt->reply, "");
    (void)fputs(rcpt->code != 0 || rcpt->reply.len > 0 ? ")\n" : "\n", out);
}

static void
print_ours(const struct way_page *page, const struct event *events, size_t count)
{
    const struct record_rcpt *rcpt = events[0].rcpt;
    FILE *out = way_line_begin(page, rcpt->at_ms, label_of(rcpt));
    char wait[32];

    say_events(out, events, count);
    way_say(out, " to ", rcpt->relay, "");
    way_say(out, " as ", rcpt->queue_id, "");
    way_say(out, rcpt->status == RCPT_BOUNCED ? ", told by " : " into ", rcpt->child, "");
    if (rcpt->status == RCPT_DEFERRED) {
        print_wait(wait, rcpt->until_ms - page->tool->now_ms);
        (void)fprintf(out, ", tried %u times, next %s", rcpt->tries, wait);
    }
    say_reply(out, rcpt);
}

static size_t
list_events(const struct record *record, struct event *events)
{
    size_t count = 0;

    for (size_t i = 0; i < record->rcpt_count; i++) {
        const struct record_rcpt *rcpt = &record->rcpts[i];

        if (rcpt->status != RCPT_OPEN || rcpt->child.len > 0)
            events[count++] = (struct event){.rcpt = rcpt};
        for (size_t k = 0; k < rcpt->final_count; k++) {
            if (rcpt->finals[k].status < STATUS_COUNT)
                events[count++] = (struct event){.rcpt = rcpt, .final = &rcpt->finals[k]};
        }
    }
    return count;
}

void
way_print_events(const struct way_page *page)
{
    const struct record *record = &page->way->record;
    size_t room = 1, count, len;
    struct event *events;

    for (size_t i = 0; i < record->rcpt_count; i++)
        room += 1 + record->rcpts[i].final_count;
    events = mem_zarray(room, sizeof *events);
    count = list_events(record, events);
    qsort(events, count, sizeof *events, compare_events);
    for (size_t i = 0; i < count; i += len) {
        for (len = 1; i + len < count && compare_facts(&events[i], &events[i + len]) == 0;)
            len++;
        if (events[i].final != NULL)
            print_final(page, &events[i], len);
        else
            print_ours(page, &events[i], len);
    }
    mem_free(&events);
}
