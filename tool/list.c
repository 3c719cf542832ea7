// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <getopt.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "smtp/xtext.h"
#include "tool/find.h"
#include "tool/glance.h"
#include "tool/print.h"
#include "tool/tool.h"

#define USAGE                                                                                      \
    "list [--where active,hold,quarantine,corrupt] [--from A] [--to A] [--older T] [--newer T]"

struct filter {
    unsigned places;
    const char *from, *to; // patterns; NULL: any
    uint64_t older_ms, newer_ms;
};

struct listing {
    struct tool *tool;
    const struct filter *filter;
    struct glance *glance;
    size_t count;
};

// What became of a message so far, in a word.
static const char *
word_of(const struct find_place *place, const struct spool_state *state)
{
    if (place->place != PLACE_ACTIVE)
        return spool_place_name(place->place);
    if (state->attempt_open)
        return "sending";
    return state_next_try_ms(state) > 0 ? "waiting" : "active";
}

// `<>` and the empty text are the null sender.
static bool
matches(const char *pattern, const char *path)
{
    if (pattern == NULL)
        return true;
    if (strcmp(pattern, "<>") == 0)
        pattern = "";
    return fnmatch(pattern, path, FNM_CASEFOLD | FNM_NOESCAPE) == 0;
}

static bool
is_wanted(const struct listing *listing, const struct smtp_envelope *envelope)
{
    const struct filter *filter = listing->filter;
    int64_t age = listing->tool->now_ms - envelope->arrived_ms;
    bool has_rcpt = filter->to == NULL;

    if (filter->older_ms > 0 && age < (int64_t)filter->older_ms)
        return false;
    if (filter->newer_ms > 0 && age > (int64_t)filter->newer_ms)
        return false;
    for (size_t i = 0; !has_rcpt && i < envelope->rcpt_count; i++)
        has_rcpt = matches(filter->to, envelope->rcpts[i].path);
    return has_rcpt && matches(filter->from, envelope->from);
}

static const char *
reason_of(const struct spool_state *state)
{
    if ((state->held || state->quarantined) && state->held_reason != NULL)
        return state->held_reason;
    for (size_t i = 0; i < state->rcpt_count; i++) {
        if (!state_rcpt_is_retired(&state->rcpts[i]) && state->rcpts[i].reply != NULL)
            return state->rcpts[i].reply;
    }
    return NULL;
}

// What caught it, and how many were let go since.
static void
print_rule(struct tool *tool, const struct spool_state *state)
{
    size_t released = 0;

    for (size_t i = 0; i < state->rcpt_count; i++)
        released += state->rcpts[i].released != NULL ? 1 : 0;
    (void)fputs(" rule=", tool->out);
    print_text(tool->out, state->caught_rule == NULL ? "-" : state->caught_rule);
    if (released > 0)
        (void)fprintf(tool->out, " released=%zu", released);
}

static void
print_row(struct tool *tool, const struct find_place *place, const struct reader_message *message)
{
    const struct smtp_envelope *envelope = &message->envelope;
    const struct spool_state *state = &message->state;
    const char *reason = reason_of(state);
    int64_t next = state_next_try_ms(state);
    char count[48], wait[32] = "-";

    (void)snprintf(count, sizeof count, "%zu/%zu", state_open_count(state), state->rcpt_count);
    if (place->place == PLACE_ACTIVE)
        print_wait(wait, next - tool->now_ms);
    (void)fprintf(tool->out, "%-12s %-10s %9llu ", envelope->id, word_of(place, state),
                  (unsigned long long)message->seal.len);
    print_time(tool->out, envelope->arrived_ms);
    (void)fprintf(tool->out, " %7s %5s <", count, wait);
    print_text(tool->out, envelope->from);
    (void)fputc('>', tool->out);
    if (state->quarantined)
        print_rule(tool, state);
    if (reason != NULL) {
        (void)fputs(" (", tool->out);
        print_text(tool->out, reason);
        (void)fputc(')', tool->out);
    }
    (void)fputc('\n', tool->out);
}

static void
set_ident(struct json *object, const char *ident)
{
    struct buf plain;

    if (ident == NULL)
        return;
    buf_init(&plain, 4096);
    if (xtext_decode(&plain, span_of(ident)) == 0)
        json_set_text(object, "postfix_id", buf_span(&plain));
    buf_clear(&plain);
}

static struct json *
json_of_rcpt(const struct smtp_rcpt *rcpt, const struct rcpt_state *state)
{
    struct json *object = json_object_new();

    json_set_text(object, "address", span_of(rcpt->path));
    json_set_text(object, "status", span_of(rcpt_status_name(state->status)));
    if (state->reply != NULL)
        json_set_text(object, "delay_reason", span_of(state->reply));
    if (state->released != NULL)
        json_set_text(object, "released", span_of(state->released));
    return object;
}

// The names are postqueue's where it has them.
static void
print_object(struct tool *tool, const struct find_place *place,
             const struct reader_message *message)
{
    const struct smtp_envelope *envelope = &message->envelope;
    struct json *object = json_object_new(), *rcpts = json_array_new();
    int64_t next = state_next_try_ms(&message->state);

    json_set_text(object, "queue_name", span_of(spool_place_name(place->place)));
    json_set_text(object, "queue_id", span_of(envelope->id));
    set_ident(object, envelope->xforward[XFORWARD_IDENT]);
    json_set_number(object, "arrival_time", envelope->arrived_ms / 1000);
    json_set_number(object, "message_size", (int64_t)message->seal.len);
    json_set_text(object, "status", span_of(word_of(place, &message->state)));
    if (place->place == PLACE_ACTIVE && next > 0)
        json_set_number(object, "next_try", next / 1000);
    if (message->state.held_reason != NULL && message->state.held)
        json_set_text(object, "hold_reason", span_of(message->state.held_reason));
    if (message->state.quarantined && message->state.held_reason != NULL)
        json_set_text(object, "quarantine_reason", span_of(message->state.held_reason));
    if (message->state.caught_rule != NULL)
        json_set_text(object, "quarantine_rule", span_of(message->state.caught_rule));
    json_set_text(object, "sender", span_of(envelope->from));
    for (size_t i = 0; i < envelope->rcpt_count; i++) {
        struct json *rcpt = json_of_rcpt(&envelope->rcpts[i], &message->state.rcpts[i]);

        json_add_take(rcpts, &rcpt);
    }
    json_set_take(object, "recipients", &rcpts);
    print_json(tool, &object);
}

// What cannot be read: its name and size are known, and why.
static void
print_damaged(struct tool *tool, const struct find_place *place, const struct stat *info,
              const char *why)
{
    if (tool->as_json) {
        struct json *object = json_object_new();

        json_set_text(object, "queue_name", span_of(spool_place_name(place->place)));
        json_set_text(object, "queue_id", span_of(place->name));
        json_set_number(object, "file_size", (int64_t)info->st_size);
        json_set_text(object, "status", span_of("damaged"));
        json_set_text(object, "reason", span_of(why));
        print_json(tool, &object);
        return;
    }
    print_text(tool->out, place->name);
    (void)fprintf(tool->out, " damaged %lld (", (long long)info->st_size);
    print_text(tool->out, why);
    (void)fputs(")\n", tool->out);
}

static void
take_damaged(struct listing *listing, int dir_fd, const struct find_place *place, const char *why)
{
    struct stat info;

    if (listing->filter->from != NULL || listing->filter->to != NULL || place->is_slot ||
        fstatat(dir_fd, place->name, &info, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(info.st_mode))
        return;
    print_damaged(listing->tool, place, &info, why);
    listing->count++;
}

static void
take_message(struct listing *listing, const struct find_place *place,
             const struct reader_message *message)
{
    // All is done but the removal.
    if (message->state.done || state_is_retired(&message->state) ||
        !is_wanted(listing, &message->envelope))
        return;
    if (listing->tool->as_json)
        print_object(listing->tool, place, message);
    else
        print_row(listing->tool, place, message);
    listing->count++;
}

static int
on_place(void *arg, int dir_fd, const struct find_place *place)
{
    struct listing *listing = arg;
    enum reader_result result = READER_ERROR;
    struct reader_message message;
    struct err err;

    // A slot that is written anew under our eyes makes no sense; a moment later it does.
    for (int tries = 0; tries < 2 && result != READER_OK && result != READER_UNSEALED; tries++) {
        int fd = fs_open_read(dir_fd, place->name, &err);

        if (fd < 0 && errno == ENOENT)
            return 0;
        if (fd < 0)
            break;
        result = glance_read(listing->glance, fd, place->is_slot, &message, &err);
        close(fd);
    }
    if (result == READER_OK) {
        take_message(listing, place, &message);
        reader_message_clear(&message);
    } else if (result != READER_UNSEALED) {
        take_damaged(listing, dir_fd, place, err.text);
    }
    return ferror(listing->tool->out) != 0 ? 1 : 0;
}

static int
read_places(char *text, unsigned *places_out)
{
    struct span rest = span_of(text);

    *places_out = 0;
    while (rest.data != NULL) {
        struct span name = span_trim(span_cut(&rest, ','));
        int place = PLACE_ACTIVE;

        while (place < PLACE_NOWHERE && !span_is(name, spool_place_name((enum spool_place)place)))
            place++;
        if (place == PLACE_NOWHERE)
            return -1;
        *places_out |= 1U << place;
    }
    return 0;
}

static int
read_options(struct filter *filter, struct tool *tool, int argc, char **argv)
{
    static const struct option options[] = {
        {"where", required_argument, NULL, 'w'},
        {"from",  required_argument, NULL, 'f'},
        {"to",    required_argument, NULL, 't'},
        {"older", required_argument, NULL, 'o'},
        {"newer", required_argument, NULL, 'n'},
        {"json",  no_argument,       NULL, 'j'},
        {NULL,    0,                 NULL, 0  }
    };
    int option, result = 0;

    optind = 0;
    while (result == 0 && (option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'w')
            result = read_places(optarg, &filter->places);
        else if (option == 'f')
            filter->from = optarg;
        else if (option == 't')
            filter->to = optarg;
        else if (option == 'o')
            result = str_parse_time(span_of(optarg), &filter->older_ms);
        else if (option == 'n')
            result = str_parse_time(span_of(optarg), &filter->newer_ms);
        else if (option == 'j')
            tool->as_json = true;
        else
            result = -1;
    }
    return result == 0 && optind == argc ? 0 : -1;
}

enum tool_exit
list_run(struct tool *tool, int argc, char **argv)
{
    struct filter filter = {.places = FIND_ALL};
    struct listing listing = {.tool = tool, .filter = &filter};
    struct place_root root;
    enum tool_exit result;
    struct err err;

    if (read_options(&filter, tool, argc, argv) != 0)
        return print_usage(tool, USAGE);
    result = find_open_spool(tool, &root);
    if (result != TOOL_DONE)
        return result;
    if (tool->is_terminal && !tool->as_json)
        (void)fprintf(tool->out, "%-12s %-10s %9s %-19s %7s %5s %s\n", "ID", "state", "size",
                      "arrival", "open", "next", "sender (last answer)");
    listing.glance = glance_new();
    if (find_walk(&root, filter.places, on_place, &listing, &err) < 0) {
        print_error(tool, "%s", err.text);
        result = TOOL_IO;
    } else if (listing.count == 0) {
        result = TOOL_NOTHING;
    }
    glance_free(&listing.glance);
    place_root_close(&root);
    return result;
}
