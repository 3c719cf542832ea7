// SPDX-License-Identifier: BSD-2-Clause
#include "control/request.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"

// What a command must be told; the reader refuses everything else.
struct command_row {
    const char *name;
    bool takes_ids;
    bool takes_all;
};

static const struct command_row commands[] = {
    [REQUEST_RETRY] = {"retry",  true,  true },
      [REQUEST_HOLD] = {"hold",   true,  false},
    [REQUEST_DELETE] = {"delete", true,  false},
      [REQUEST_RESCAN] = {"rescan", true,  false},
    [REQUEST_ADOPT] = {"adopt",  false, false},
      [REQUEST_RELOAD] = {"reload", false, false},
    [REQUEST_PING] = {"ping",   false, false},
      [REQUEST_STATUS] = {"status", false, false},
};

static const char *const statuses[] = {
    [RESPONSE_DONE] = "done",
    [RESPONSE_NOT_FOUND] = "not_found",
    [RESPONSE_UNDER_WAY] = "under_way",
    [RESPONSE_FAILED] = "failed",
};

// Of two workers' answers about one message the lower one tells more.
static const int ranks[] = {
    [RESPONSE_DONE] = 0,
    [RESPONSE_UNDER_WAY] = 1,
    [RESPONSE_FAILED] = 2,
    [RESPONSE_NOT_FOUND] = 3,
};

enum { COMMAND_COUNT = sizeof commands / sizeof commands[0] };

enum { STATUS_COUNT = sizeof statuses / sizeof statuses[0] };

const char *
request_command_name(enum request_command command)
{
    assert((size_t)command < COMMAND_COUNT);
    return commands[command].name;
}

const char *
response_status_name(enum response_status status)
{
    assert((size_t)status < STATUS_COUNT);
    return statuses[status];
}

static int
find_command(const char *name, enum request_command *command_out)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            *command_out = (enum request_command)i;
            return 0;
        }
    }
    return -1;
}

static int
find_status(const char *name, enum response_status *status_out)
{
    for (size_t i = 0; i < STATUS_COUNT; i++) {
        if (strcmp(statuses[i], name) == 0) {
            *status_out = (enum response_status)i;
            return 0;
        }
    }
    return -1;
}

// A control character or a byte that is no UTF-8 would become six bytes of JSON; without them
// RESPONSE_LINE_MAX holds REQUEST_IDS_MAX items and all facts whatever their texts are.
static struct span
make_plain(const char *text, char *room, size_t size)
{
    size_t len = strnlen(text, size);
    bool is_utf8 = str_is_utf8(span_from(text, len));

    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)text[i];

        room[i] = byte < ' ' || byte == 0x7f ? ' ' : byte >= 0x80 && !is_utf8 ? '?' : text[i];
    }
    return span_from(room, len);
}

static int
print_line(const struct json *json, struct buf *out)
{
    size_t start = out->len;

    if (json_print(json, out) == 0 && buf_add_char(out, '\n') == 0)
        return 0;
    buf_cut(out, start);
    return -1;
}

int
request_write(const struct request *request, struct buf *out)
{
    struct json *json = json_object_new();
    char room[sizeof request->reason];
    int result;

    json_set_text(json, "command", span_of(request_command_name(request->command)));
    if (request->all)
        json_set_bool(json, "all", true);
    if (request->id_count > 0) {
        struct json *ids = json_array_new();

        for (size_t i = 0; i < request->id_count; i++)
            json_add_text(ids, span_of(request->ids[i]));
        json_set_take(json, "ids", &ids);
    }
    if (request->reason[0] != '\0')
        json_set_text(json, "reason", make_plain(request->reason, room, sizeof room));
    result = print_line(json, out);
    json_free(&json);
    return result;
}

static struct json *
parse_line(struct span line, size_t max, struct err *err)
{
    if (line.len > 0 && line.data[line.len - 1] == '\n')
        line.len--;
    if (line.len > max) {
        (void)err_set(err, ERR_PERM, "expected a line of at most %zu bytes", max);
        return NULL;
    }
    return json_parse_up_to(line, max, err);
}

static int
read_ids(const struct json *json, struct request *request, struct err *err)
{
    size_t count = json_get_count(json, "ids");

    if (count > REQUEST_IDS_MAX)
        return err_set(err, ERR_PERM, "expected at most %d ids, not %zu", REQUEST_IDS_MAX, count);
    if (count == 0)
        return 0;
    request->ids = mem_zarray(count, sizeof request->ids[0]);
    for (size_t i = 0; i < count; i++) {
        const char *id = json_get_item_text(json, "ids", i);

        if (id == NULL || !id_is_valid(span_of(id)))
            return err_set(err, ERR_PERM, "ids: expected message ids, not \"%s\"",
                           id == NULL ? "?" : id);
        (void)snprintf(request->ids[i], sizeof request->ids[i], "%s", id);
        request->id_count++;
    }
    return 0;
}

static int
check_shape(const struct request *request, struct err *err)
{
    const struct command_row *row = &commands[request->command];

    if (request->all && !row->takes_all)
        return err_set(err, ERR_PERM, "%s: does not go for all messages", row->name);
    if (request->id_count > 0 && !row->takes_ids)
        return err_set(err, ERR_PERM, "%s: expected no ids", row->name);
    if (request->all && request->id_count > 0)
        return err_set(err, ERR_PERM, "%s: expected either ids or all", row->name);
    if (row->takes_ids && !request->all && request->id_count == 0)
        return err_set(err, ERR_PERM, "%s: expected ids", row->name);
    return 0;
}

static int
read_request(const struct json *json, struct request *request, struct err *err)
{
    const char *command = json_get_text(json, "command");
    const char *reason = json_get_text(json, "reason");

    if (command == NULL || find_command(command, &request->command) != 0)
        return err_set(err, ERR_PERM, "command: unknown, \"%s\"", command == NULL ? "" : command);
    request->all = json_get_bool(json, "all", false);
    if (reason != NULL && strlen(reason) >= sizeof request->reason)
        return err_set(err, ERR_PERM, "reason: expected at most %zu bytes",
                       sizeof request->reason - 1);
    if (reason != NULL)
        (void)snprintf(request->reason, sizeof request->reason, "%s", reason);
    if (read_ids(json, request, err) != 0)
        return -1;
    return check_shape(request, err);
}

int
request_read(struct span line, struct request *request_out, struct err *err)
{
    struct request request = {.command = REQUEST_PING};
    struct json *json = parse_line(line, REQUEST_LINE_MAX, err);
    int result;

    if (json == NULL)
        return err_prefix(err, "request");
    result = read_request(json, &request, err);
    json_free(&json);
    if (result != 0) {
        request_clear(&request);
        return err_prefix(err, "request");
    }
    *request_out = request;
    return 0;
}

void
request_clear(struct request *request)
{
    mem_free(&request->ids);
    *request = (struct request){.command = REQUEST_PING};
}

bool
response_add_fact(struct response *response, struct span fact)
{
    if (fact.len > RESPONSE_FACT_MAX || response->fact_count == RESPONSE_FACTS_MAX)
        return false;
    response->facts =
        mem_regrow(response->facts, response->fact_count + 1, sizeof response->facts[0]);
    response->facts[response->fact_count++] = mem_strndup(fact.data, fact.len);
    return true;
}

static void
write_facts(const struct response *response, struct json *json)
{
    struct json *facts = json_array_new();
    char room[RESPONSE_FACT_MAX];

    for (size_t i = 0; i < response->fact_count; i++)
        json_add_text(facts, make_plain(response->facts[i], room, sizeof room));
    json_set_take(json, "facts", &facts);
}

int
response_write(const struct response *response, struct buf *out)
{
    struct json *json = json_object_new();
    struct json *items = json_array_new();
    int result;

    for (size_t i = 0; i < response->item_count; i++) {
        const struct response_item *item = &response->items[i];
        struct json *object = json_object_new();
        char room[sizeof item->text];

        json_set_text(object, "id", span_of(item->id));
        json_set_text(object, "status", span_of(response_status_name(item->status)));
        json_set_text(object, "text", make_plain(item->text, room, sizeof room));
        json_add_take(items, &object);
    }
    json_set_take(json, "items", &items);
    if (response->fact_count > 0)
        write_facts(response, json);
    result = print_line(json, out);
    json_free(&json);
    return result;
}

static int
read_item(const struct json *json, struct response_item *item, struct err *err)
{
    const char *id = json == NULL ? NULL : json_get_text(json, "id");
    const char *status = json == NULL ? NULL : json_get_text(json, "status");
    const char *text = json == NULL ? NULL : json_get_text(json, "text");

    if (id == NULL || (id[0] != '\0' && !id_is_valid(span_of(id))))
        return err_set(err, ERR_PERM, "id: expected a message id");
    if (status == NULL || find_status(status, &item->status) != 0)
        return err_set(err, ERR_PERM, "status: unknown, \"%s\"", status == NULL ? "" : status);
    (void)snprintf(item->id, sizeof item->id, "%s", id);
    (void)snprintf(item->text, sizeof item->text, "%s", text == NULL ? "" : text);
    return 0;
}

static int
read_facts(const struct json *json, struct response *response, struct err *err)
{
    size_t count = json_get_count(json, "facts");

    for (size_t i = 0; i < count; i++) {
        const char *fact = json_get_item_text(json, "facts", i);

        if (fact == NULL || !response_add_fact(response, span_of(fact)))
            return err_set(err, ERR_PERM, "facts: expected at most %d texts of %d bytes",
                           RESPONSE_FACTS_MAX, RESPONSE_FACT_MAX);
    }
    return 0;
}

static int
read_response(const struct json *json, struct response *response, struct err *err)
{
    size_t count = json_get_count(json, "items");

    if (count > REQUEST_IDS_MAX)
        return err_set(err, ERR_PERM, "expected at most %d items, not %zu", REQUEST_IDS_MAX, count);
    if (count == 0)
        return err_set(err, ERR_PERM, "expected items");
    response->items = mem_zarray(count, sizeof response->items[0]);
    for (size_t i = 0; i < count; i++) {
        if (read_item(json_get_item(json, "items", i), &response->items[i], err) != 0)
            return -1;
        response->item_count++;
    }
    return read_facts(json, response, err);
}

int
response_read(struct span line, struct response *response_out, struct err *err)
{
    struct response response = {.items = NULL};
    struct json *json = parse_line(line, RESPONSE_LINE_MAX, err);
    int result;

    if (json == NULL)
        return err_prefix(err, "response");
    result = read_response(json, &response, err);
    json_free(&json);
    if (result != 0) {
        response_clear(&response);
        return err_prefix(err, "response");
    }
    *response_out = response;
    return 0;
}

void
response_clear(struct response *response)
{
    for (size_t i = 0; i < response->fact_count; i++)
        mem_free(&response->facts[i]);
    mem_free(&response->facts);
    mem_free(&response->items);
    response->fact_count = response->item_count = 0;
}

// Workers answer in the order of the request, so the item is nearly always at the same place.
static struct response_item *
find_item(struct response *response, const char *id, size_t guess)
{
    if (guess < response->item_count && strcmp(response->items[guess].id, id) == 0)
        return &response->items[guess];
    for (size_t i = 0; i < response->item_count; i++) {
        if (strcmp(response->items[i].id, id) == 0)
            return &response->items[i];
    }
    return NULL;
}

void
response_merge(struct response *into, const struct response *other)
{
    for (size_t i = 0; i < other->item_count; i++) {
        const struct response_item *item = &other->items[i];
        struct response_item *known = find_item(into, item->id, i);

        if (known != NULL) {
            if (ranks[item->status] < ranks[known->status])
                *known = *item;
            continue;
        }
        if (into->item_count == REQUEST_IDS_MAX)
            continue;
        into->items = mem_regrow(into->items, into->item_count + 1, sizeof *into->items);
        into->items[into->item_count++] = *item;
    }
}
