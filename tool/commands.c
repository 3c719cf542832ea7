// SPDX-License-Identifier: BSD-2-Clause
#include "tool/commands.h"

#include <getopt.h>
#include <string.h>

#include "tool/print.h"

// clang-format off
const struct command command_rows[] = {
    {"list", list_run, "[--where P,..] [--from A] [--to A] [--older T] [--newer T]",
     "one line a message; P is active, hold, quarantine or corrupt"},
    {"show", show_run, "ID...", "envelope, recipients, decisions, journal"},
    {"trace", way_run, "ANY-ID...",
     "the whole way of a message; any of its ids: ours, Postfix's in or out, Message-ID"},
    {"cat", cat_run, "[--raw] [--headers] ID...", "the message"},
    {"retry", queue_run, "ID... | - | all", "try it now (-: ids from standard input)"},
    {"hold", queue_run, "[--reason TEXT] ID... | -", "keep it until unhold"},
    {"unhold", queue_run, "ID... | -", "let it go on"},
    {"delete", queue_run, "ID... | -", "remove it for good"},
    {"release", release_run, "[--to A] [--again] ID...",
     "out of quarantine, past the rule that caught it"},
    {"rescan", queue_run, "ID... | -", "look at it and decide about it again"},
    {"test", test_run, "[--from A] [--to A].. [--client IP] [--helo H] [--listener L] FILE",
     "what would happen to that message; nothing is sent or kept"},
    {"check", check_run, "[--connect]",
     "check the configuration and what it names; --connect: asks Redis, too"},
    {"config", config_run, "[-d | -n]", "all settings; -d: defaults; -n: non-defaults"},
    {"status", daemon_status_run, "", "how the daemon is: processes, servers, queue, ledger, Redis"},
    {"stats", stats_run, "[--since T]",
     "what came and what became of it; T is a time like 24h, or a date"},
    {"setup-postfix", setup_postfix_run, "[--apply | --remove] [--listener L] [-c DIR]",
     "print what Postfix needs in main.cf and master.cf; --apply: put it there"},
    {"reload", reload_run, "", "have the daemon read its configuration"},
};
// clang-format on

const size_t command_row_count = sizeof command_rows / sizeof command_rows[0];

static void
print_command(FILE *out, const struct command *row)
{
    (void)fprintf(out, "  %s%s%s\n             %s\n", row->name, row->usage[0] == '\0' ? "" : " ",
                  row->usage, row->help);
}

static void
print_help(FILE *out)
{
    (void)fputs("usage: postern [-c FILE] [--json] COMMAND\n"
                "  -c FILE    configuration [" POSTERN_CONFIG_FILE "]\n"
                "  --json     one JSON object a line\n"
                "  --version  print the version\n"
                "  --help     print this\n\n",
                out);
    for (size_t i = 0; i < command_row_count; i++)
        print_command(out, &command_rows[i]);
    (void)fputs("\nexit: 0 done, 1 found nothing or refused, 64 usage, 69 no daemon, 74 I/O,\n"
                "77 not permitted, 78 configuration\n",
                out);
}

static const struct command *
find_row(const char *name)
{
    for (size_t i = 0; i < command_row_count; i++) {
        if (strcmp(command_rows[i].name, name) == 0)
            return &command_rows[i];
    }
    return NULL;
}

static enum tool_exit
run(struct tool *tool, const struct command *row, int argc, char **argv)
{
    struct settings *settings = NULL;
    enum tool_exit result;
    struct err err;

    if (settings_load(tool->config_file, &settings, &err) != 0) {
        print_error(tool, "%s", err.text);
        return TOOL_CONFIGURATION;
    }
    tool->settings = settings;
    result = row->run(tool, argc, argv);
    tool->settings = NULL;
    settings_free(&settings);
    if (fflush(tool->out) != 0 || ferror(tool->out) != 0) {
        print_error(tool, "cannot write the output");
        result = print_worse(result, TOOL_IO);
    }
    return result;
}

enum tool_exit
commands_run(struct tool *tool, int argc, char **argv)
{
    static const struct option options[] = {
        {"json",    no_argument, NULL, 'j'},
        {"version", no_argument, NULL, 'V'},
        {"help",    no_argument, NULL, 'h'},
        {NULL,      0,           NULL, 0  }
    };
    const struct command *row;
    int option, first;

    tool->config_file = POSTERN_CONFIG_FILE;
    optind = 0;
    while ((option = getopt_long(argc, argv, "+c:h", options, NULL)) != -1) {
        if (option == 'c') {
            tool->config_file = optarg;
        } else if (option == 'j') {
            tool->as_json = true;
        } else if (option == 'V') {
            (void)fputs("postern " POSTERN_VERSION "\n", tool->out);
            return TOOL_DONE;
        } else {
            print_help(option == 'h' ? tool->out : tool->errors);
            return option == 'h' ? TOOL_DONE : TOOL_USAGE;
        }
    }
    first = optind;
    row = first < argc ? find_row(argv[first]) : NULL;
    if (row != NULL)
        return run(tool, row, argc - first, argv + first);
    if (first < argc)
        print_error(tool, "there is no command %s", argv[first]);
    print_help(tool->errors);
    return TOOL_USAGE;
}
