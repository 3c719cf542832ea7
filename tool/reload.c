// SPDX-License-Identifier: BSD-2-Clause
#include <string.h>

#include "tool/ask.h"
#include "tool/print.h"
#include "tool/tool.h"

static enum tool_exit
take_response(struct tool *tool, const struct response *response)
{
    const struct response_item *item = &response->items[0];

    if (tool->as_json) {
        struct json *object = json_object_new();

        json_set_text(object, "status", span_of(response_status_name(item->status)));
        json_set_text(object, "text", span_of(item->text));
        print_json(tool, &object);
    } else if (item->status == RESPONSE_DONE) {
        (void)fputs("the new configuration is in force\n", tool->out);
    }
    if (item->status == RESPONSE_DONE)
        return TOOL_DONE;
    print_error(tool, "the old configuration stays: %s", item->text);
    return TOOL_NOTHING;
}

enum tool_exit
reload_run(struct tool *tool, int argc, char **argv)
{
    struct request request = {.command = REQUEST_RELOAD};
    struct response response;
    enum tool_exit result;
    struct err err;

    (void)argv;
    if (argc > 1)
        return print_usage(tool, "reload");
    switch (
        ask_daemon(&tool->settings->control.socket, &request, ASK_TIMEOUT_MS, &response, &err)) {
    case ASK_ANSWERED:
        result = take_response(tool, &response);
        response_clear(&response);
        return result;
    case ASK_FORBIDDEN:
        print_error(tool, "%s", err.text);
        return TOOL_FORBIDDEN;
    default:
        print_error(tool, "%s", err.text);
        return TOOL_UNREACHABLE;
    }
}
