// SPDX-License-Identifier: BSD-2-Clause
#include <assert.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tool/ask.h"
#include "tool/offline.h"
#include "tool/print.h"
#include "tool/tool.h"

enum { BATCH_MAX = 1000 };

// What a command means in each place where a message may lie: the daemon's, ours, or no.
enum way { WAY_DAEMON, WAY_FILES, WAY_IS_SO, WAY_REFUSED };

struct row {
    const char *name, *usage;
    enum offline_wish wish;
    enum request_command request;
    enum way in_active, in_hold, in_quarantine;
    const char *refusal;
};

static const struct row rows[] = {
    {"retry",  "retry ID... | - | all",          OFFLINE_RETRY,  REQUEST_RETRY,  WAY_DAEMON,  WAY_REFUSED,
     WAY_REFUSED,                                                                                                     "it is not waiting for a try: it lies in"},
    {"hold",   "hold [--reason TEXT] ID... | -", OFFLINE_HOLD,   REQUEST_HOLD,   WAY_DAEMON,  WAY_IS_SO,
     WAY_REFUSED,                                                                                                     "it cannot be held: it lies in"          },
    {"unhold", "unhold ID... | -",               OFFLINE_UNHOLD, REQUEST_ADOPT,  WAY_REFUSED, WAY_FILES,
     WAY_REFUSED,                                                                                                     "it is not on hold: it lies in"          },
    {"delete", "delete ID... | -",               OFFLINE_DELETE, REQUEST_DELETE, WAY_DAEMON,  WAY_FILES,   WAY_FILES,
     "it cannot be deleted: it lies in"                                                                                                                        },
    {"rescan", "rescan ID... | -",               OFFLINE_RESCAN, REQUEST_RESCAN, WAY_DAEMON,  WAY_FILES,   WAY_FILES,
     "it cannot be looked at: it lies in"                                                                                                                      },
};

enum outcome { OUT_DONE, OUT_NOT_FOUND, OUT_UNDER_WAY, OUT_REFUSED, OUT_UNREACHABLE, OUT_FAILED };

static const struct {
    const char *name;
    enum tool_exit exit;
} outcomes[] = {
    [OUT_DONE] = {"done",        TOOL_DONE       },
    [OUT_NOT_FOUND] = {"not_found",   TOOL_NOTHING    },
    [OUT_UNDER_WAY] = {"under_way",   TOOL_NOTHING    },
    [OUT_REFUSED] = {"refused",     TOOL_NOTHING    },
    [OUT_UNREACHABLE] = {"unreachable", TOOL_UNREACHABLE},
    [OUT_FAILED] = {"failed",      TOOL_IO         },
};

struct queue {
    struct tool *tool;
    const struct row *row;
    const char *reason;
    struct place_root root;
    struct offline offline;
    bool is_daemon_there, has_moved_back;
    struct err nobody; // why nobody answered
    enum tool_exit result;
};

static void
tell(struct queue *queue, const char *id, enum outcome outcome, const char *text)
{
    struct tool *tool = queue->tool;

    queue->result = print_worse(queue->result, outcomes[outcome].exit);
    if (tool->as_json) {
        struct json *object = json_object_new();

        json_set_text(object, "queue_id", span_of(id));
        json_set_text(object, "status", span_of(outcomes[outcome].name));
        if (text[0] != '\0')
            json_set_text(object, "text", span_of(text));
        print_json(tool, &object);
    } else if (outcome == OUT_DONE) {
        print_text(tool->out, id);
        (void)fprintf(tool->out, ": %s%s", queue->row->name, text[0] == '\0' ? "" : ": ");
        print_text(tool->out, text);
        (void)fputc('\n', tool->out);
    } else {
        print_error(tool, "%s: %s", id, text);
    }
}

static void
do_files(struct queue *queue, const struct find_target *target)
{
    struct err err = {ERR_NONE, ""};
    char text[sizeof err.text + 100];

    switch (offline_do(&queue->offline, queue->row->wish, target->id, &target->place, &err)) {
    case OFFLINE_DONE:
        queue->has_moved_back = queue->has_moved_back || queue->row->wish == OFFLINE_UNHOLD ||
                                queue->row->wish == OFFLINE_RESCAN;
        tell(queue, target->id, OUT_DONE, "");
        return;
    case OFFLINE_GONE:
        tell(queue, target->id, OUT_NOT_FOUND, "there is no such message any more");
        return;
    case OFFLINE_LOCKED:
        if (queue->is_daemon_there || target->place.place != PLACE_ACTIVE) {
            tell(queue, target->id, OUT_UNDER_WAY, "another process is at it: try again");
            return;
        }
        (void)snprintf(text, sizeof text, "a running process has it, but %s", queue->nobody.text);
        tell(queue, target->id, OUT_UNREACHABLE, text);
        return;
    case OFFLINE_REFUSED:
        tell(queue, target->id, OUT_REFUSED, err.text);
        return;
    default:
        tell(queue, target->id, OUT_FAILED, err.text);
    }
}

static const struct find_target *
find_target(const struct find_target *targets, size_t count, const char *id)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(targets[i].id, id) == 0)
            return &targets[i];
    }
    return NULL;
}

// What no worker knows may lie in an instance that nobody has: that of one who died just now.
static void
take_answer(struct queue *queue, const struct find_target *target, const struct response_item *item)
{
    switch (item->status) {
    case RESPONSE_DONE:
        tell(queue, target->id, OUT_DONE, item->text);
        return;
    case RESPONSE_UNDER_WAY:
        tell(queue, target->id, OUT_UNDER_WAY, "it is being delivered: try again");
        return;
    case RESPONSE_FAILED:
        tell(queue, target->id, OUT_FAILED, item->text[0] == '\0' ? "it failed" : item->text);
        return;
    default:
        do_files(queue, target);
    }
}

static void
take_response(struct queue *queue, const struct find_target *targets, size_t count,
              const struct response *response)
{
    bool is_told[ASK_IDS_MAX] = {false};

    for (size_t i = 0; i < response->item_count; i++) {
        const struct response_item *item = &response->items[i];
        const struct find_target *target = find_target(targets, count, item->id);

        if (target == NULL || is_told[target - targets])
            continue;
        is_told[target - targets] = true;
        take_answer(queue, target, item);
    }
    for (size_t i = 0; i < count; i++) {
        const char *text = response->item_count > 0 ? response->items[0].text : "";

        if (!is_told[i])
            tell(queue, targets[i].id, OUT_FAILED, text[0] == '\0' ? "no worker answered" : text);
    }
}

// At most ASK_IDS_MAX. Without a daemon we are at the files ourselves.
static void
ask_for(struct queue *queue, const struct find_target *targets, size_t count)
{
    struct request request = {.command = queue->row->request, .id_count = count};
    struct response response;
    enum ask_result asked;
    struct err err;

    assert(count <= ASK_IDS_MAX);
    request.ids = mem_zarray(count, sizeof request.ids[0]);
    for (size_t i = 0; i < count; i++)
        (void)snprintf(request.ids[i], sizeof request.ids[i], "%s", targets[i].id);
    (void)snprintf(request.reason, sizeof request.reason, "%s", queue->reason);
    asked = ask_daemon(&queue->tool->settings->control.socket, &request, ASK_TIMEOUT_MS, &response,
                       &err);
    request_clear(&request);
    queue->is_daemon_there = asked != ASK_NOBODY;
    if (asked == ASK_ANSWERED) {
        take_response(queue, targets, count, &response);
        response_clear(&response);
        return;
    }
    queue->nobody = err;
    for (size_t i = 0; i < count; i++) {
        if (asked == ASK_NOBODY)
            do_files(queue, &targets[i]);
        else
            tell(queue, targets[i].id, OUT_UNREACHABLE, err.text);
    }
    if (asked == ASK_FORBIDDEN)
        queue->result = TOOL_FORBIDDEN;
}

static enum way
way_of(const struct queue *queue, const struct find_target *target)
{
    switch (target->place.place) {
    case PLACE_ACTIVE:
        return queue->row->in_active;
    case PLACE_HOLD:
        return queue->row->in_hold;
    default:
        return queue->row->in_quarantine;
    }
}

// True: it must be asked for.
static bool
take_target(struct queue *queue, const struct find_target *target)
{
    const char *where = spool_place_name(target->place.place);
    char text[120];

    if (!target->is_found) {
        tell(queue, target->id, OUT_NOT_FOUND, "there is no such message");
        return false;
    }
    switch (way_of(queue, target)) {
    case WAY_DAEMON:
        return true;
    case WAY_FILES:
        do_files(queue, target);
        return false;
    case WAY_IS_SO:
        tell(queue, target->id, OUT_DONE, "it was so already");
        return false;
    default:
        (void)snprintf(text, sizeof text, "%s %s%s", queue->row->refusal, where,
                       target->place.place == PLACE_QUARANTINE
                           ? " (release lets it go, rescan looks at it again)"
                           : "");
        tell(queue, target->id, OUT_REFUSED, text);
        return false;
    }
}

static void
take_batch(struct queue *queue, struct find_target *targets, size_t count)
{
    struct find_target *wanted = mem_zarray(ASK_IDS_MAX, sizeof *wanted);
    size_t wanted_count = 0;
    struct err err;

    // What is being moved while we look may be seen the second time.
    for (int tries = 0; tries < 2; tries++) {
        size_t missing = 0;

        if (find_targets(&queue->root, targets, count, &err) != 0) {
            print_error(queue->tool, "%s", err.text);
            queue->result = print_worse(queue->result, TOOL_IO);
            mem_free(&wanted);
            return;
        }
        for (size_t i = 0; i < count; i++)
            missing += targets[i].is_found ? 0 : 1;
        if (missing == 0)
            break;
    }
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && strcmp(targets[i].id, targets[i - 1].id) == 0)
            continue;
        if (take_target(queue, &targets[i]))
            wanted[wanted_count++] = targets[i];
        if (wanted_count == ASK_IDS_MAX) {
            ask_for(queue, wanted, wanted_count);
            wanted_count = 0;
        }
    }
    if (wanted_count > 0)
        ask_for(queue, wanted, wanted_count);
    mem_free(&wanted);
}

struct batch {
    struct queue *queue;
    struct find_target *targets;
    size_t count, total;
};

static void
flush_batch(struct batch *batch)
{
    if (batch->count > 0)
        take_batch(batch->queue, batch->targets, batch->count);
    batch->count = 0;
}

static void
add_id(struct batch *batch, struct span id)
{
    batch->total++;
    if (!id_is_valid(id)) {
        char text[64];

        (void)snprintf(text, sizeof text, "%.*s", (int)(id.len < 40 ? id.len : 40), id.data);
        tell(batch->queue, text, OUT_NOT_FOUND, "that is no message id");
        return;
    }
    batch->targets[batch->count] = (struct find_target){.is_found = false};
    memcpy(batch->targets[batch->count].id, id.data, id.len);
    if (++batch->count == BATCH_MAX)
        flush_batch(batch);
}

// One id a line, as postsuper takes them; what follows the id is not looked at.
static void
add_input(struct batch *batch)
{
    char line[4096];

    while (fgets(line, sizeof line, batch->queue->tool->in) != NULL) {
        size_t start = strspn(line, " \t\r\n");
        size_t len = strcspn(line + start, " \t\r\n");

        if (len > 0)
            add_id(batch, span_from(line + start, len));
    }
}

static void
take_ids(struct queue *queue, int count, char **ids)
{
    struct batch batch = {.queue = queue};

    batch.targets = mem_zarray(BATCH_MAX, sizeof *batch.targets);
    for (int i = 0; i < count; i++) {
        if (strcmp(ids[i], "-") == 0)
            add_input(&batch);
        else
            add_id(&batch, span_of(ids[i]));
    }
    flush_batch(&batch);
    if (batch.total == 0)
        queue->result = TOOL_NOTHING;
    mem_free(&batch.targets);
}

static void
retry_all_files(struct queue *queue)
{
    struct err err;
    size_t done, locked;
    char text[100];

    if (offline_retry_all(&queue->offline, &done, &locked, &err) != 0) {
        tell(queue, "all", OUT_FAILED, err.text);
        return;
    }
    (void)snprintf(text, sizeof text, "%zu messages, as soon as Postern runs", done);
    if (locked > 0)
        tell(queue, "all", OUT_UNREACHABLE, queue->nobody.text);
    else
        tell(queue, "all", OUT_DONE, text);
}

static void
retry_all(struct queue *queue)
{
    struct request request = {.command = REQUEST_RETRY, .all = true};
    struct response response;

    switch (ask_daemon(&queue->tool->settings->control.socket, &request, ASK_TIMEOUT_MS, &response,
                       &queue->nobody)) {
    case ASK_ANSWERED:
        tell(queue, "all", response.items[0].status == RESPONSE_DONE ? OUT_DONE : OUT_FAILED,
             response.items[0].text);
        response_clear(&response);
        return;
    case ASK_NOBODY:
        retry_all_files(queue);
        return;
    case ASK_FORBIDDEN:
        tell(queue, "all", OUT_UNREACHABLE, queue->nobody.text);
        queue->result = TOOL_FORBIDDEN;
        return;
    default:
        tell(queue, "all", OUT_UNREACHABLE, queue->nobody.text);
    }
}

static enum tool_exit
run(struct queue *queue, int count, char **ids)
{
    bool is_all = count == 1 && strcasecmp(ids[0], "all") == 0;

    queue->result = find_open_spool(queue->tool, &queue->root);
    if (queue->result != TOOL_DONE)
        return queue->result;
    offline_init(&queue->offline, &queue->root, queue->tool->now_ms,
                 queue->tool->settings->spool.sync);
    queue->offline.reason = queue->reason;
    if (is_all)
        retry_all(queue);
    else
        take_ids(queue, count, ids);
    offline_clear(&queue->offline);
    if (queue->has_moved_back)
        ask_to_adopt(&queue->tool->settings->control.socket);
    place_root_close(&queue->root);
    return queue->result;
}

static const struct row *
find_row(const char *name)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    }
    return NULL;
}

enum tool_exit
queue_run(struct tool *tool, int argc, char **argv)
{
    static const struct option options[] = {
        {"reason", required_argument, NULL, 'r'},
        {"json",   no_argument,       NULL, 'j'},
        {NULL,     0,                 NULL, 0  }
    };
    struct queue queue = {.tool = tool, .row = find_row(argv[0]), .reason = "operator"};
    int option, count;

    assert(queue.row != NULL);
    optind = 0;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'r' && queue.row->wish == OFFLINE_HOLD && strlen(optarg) < 200)
            queue.reason = optarg;
        else if (option == 'j')
            tool->as_json = true;
        else
            return print_usage(tool, queue.row->usage);
    }
    count = argc - optind;
    if (count == 0)
        return print_usage(tool, queue.row->usage);
    for (int i = optind; i < argc; i++) {
        if (strcasecmp(argv[i], "all") == 0 && (queue.row->wish != OFFLINE_RETRY || count > 1))
            return print_usage(tool, queue.row->usage);
    }
    return run(&queue, count, argv + optind);
}
