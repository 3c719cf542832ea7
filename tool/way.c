// SPDX-License-Identifier: BSD-2-Clause
#include "tool/way.h"

#include <getopt.h>

#include "track/ledger/ledger_read.h"

#define USAGE "trace ANY-ID..."

// What the ledger has is told however the rest goes.
static enum tool_exit
read_ledger(struct tool *tool, struct ways *ways, const char *any_id)
{
    const char *path = tool->settings->track.ledger;
    struct record *records = NULL;
    struct ledger_reader *reader;
    size_t count = 0;
    struct err err;
    int result = -1;

    reader = ledger_reader_open(path, &err);
    if (reader != NULL) {
        result = ledger_find(reader, any_id, &ways->arena, &records, &count, &err);
        if (result != 0)
            err_prefix(&err, "%s", path);
    }
    ledger_reader_close(&reader);
    for (size_t i = 0; i < count && result == 0; i++) {
        struct way *way = ways_add(ways, &records[i]);

        if (way != NULL)
            way->in_ledger = true;
    }
    if (result == 0)
        return TOOL_DONE;
    print_error(tool, "ledger %s", err.text);
    return TOOL_IO;
}

// Whether all of it is over, and nobody was made whom we do not know.
static bool
is_complete(const struct ways *ways)
{
    for (size_t i = 0; i < ways->count; i++) {
        const struct record *record = &ways->items[i].record;

        if (record->place != RECORD_DONE && record->place != RECORD_LEFT)
            return false;
        for (size_t k = 0; k < record->rcpt_count; k++) {
            if (record->rcpts[k].child.len > 0 && ways_find(ways, record->rcpts[k].child) == NULL)
                return false;
        }
    }
    return true;
}

static void
print_ways(struct tool *tool, const struct ways *ways)
{
    for (size_t i = 0; i < ways->count; i++) {
        if (ways->items[i].depth > 0)
            continue;
        if (i > 0 && !tool->as_json)
            (void)fputc('\n', tool->out);
        if (tool->as_json)
            way_json(tool, ways, i);
        else
            way_print(tool, ways, i);
    }
}

// The spool is asked where the ledger has not the last word; if it cannot be, that is told.
static enum tool_exit
trace(struct tool *tool, const char *any_id)
{
    enum tool_exit result, looked = TOOL_DONE;
    struct ways ways;

    ways_init(&ways);
    result = read_ledger(tool, &ways, any_id);
    if (ways.count == 0)
        looked = way_search(tool, &ways, any_id);
    else if (!is_complete(&ways))
        (void)way_look_for(tool, &ways);
    ways_order(&ways);
    print_ways(tool, &ways);
    if (ways.count == 0) {
        print_error(tool, "%s: there is no such message", any_id);
        result = print_worse(print_worse(result, looked), TOOL_NOTHING);
    }
    ways_clear(&ways);
    return result;
}

enum tool_exit
way_run(struct tool *tool, int argc, char **argv)
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'},
        {NULL,   0,           NULL, 0  }
    };
    enum tool_exit result = TOOL_DONE;
    int option;

    optind = 0;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option != 'j')
            return print_usage(tool, USAGE);
        tool->as_json = true;
    }
    if (optind == argc)
        return print_usage(tool, USAGE);
    for (int i = optind; i < argc; i++) {
        if (i > optind && !tool->as_json)
            (void)fputc('\n', tool->out);
        result = print_worse(result, trace(tool, argv[i]));
    }
    return result;
}
