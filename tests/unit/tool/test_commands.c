// SPDX-License-Identifier: BSD-2-Clause
#include "tool/commands.h"

#include "tests/unit/tool/stand.h"

static const struct {
    const char *name;
    const char *arguments[5]; // "@" is the configuration
    enum tool_exit result;
    const char *out, *errors; // parts
} rows[] = {
    {"nothing",            {NULL},                               TOOL_USAGE,         "",                         "usage: postern"                },
    {"help",               {"--help", NULL},                     TOOL_DONE,          "usage: postern [-c FILE]", ""                              },
    {"version",            {"--version", NULL},                  TOOL_DONE,          "postern ",                 ""                              },
    {"no option",          {"--nonsense", NULL},                 TOOL_USAGE,         "",                         "usage: "                       },
    {"no command",         {"frobnicate", NULL},                 TOOL_USAGE,         "",                         "there is no command frobnicate"},
    {"no file",
     {"-c", "/none/x", "list", NULL},
     TOOL_CONFIGURATION,                                                             "",
     "postern: /none/x: cannot open it: No such file or directory\n"                                                                             },
    {"a folder",           {"-c", "/", "list", NULL},            TOOL_CONFIGURATION, "",                         "expected a plain file"         },
    {"list",               {"-c", "@", "list", NULL},            TOOL_DONE,          STAND_A,                    ""                              },
    {"JSON in front",      {"-c", "@", "--json", "list", NULL},  TOOL_DONE,          "{\"queue_name\"",          ""                              },
    {"JSON behind",        {"-c", "@", "list", "--json", NULL},  TOOL_DONE,          "{\"queue_name\"",          ""                              },
    {"show",               {"-c", "@", "show", STAND_B, NULL},   TOOL_DONE,          "sB@example.org",           ""                              },
    {"cat",                {"-c", "@", "cat", STAND_B, NULL},    TOOL_DONE,          "body b",                   ""                              },
    {"config",             {"-c", "@", "config", "-n", NULL},    TOOL_DONE,          "user = ",                  ""                              },
    {"unhold",             {"-c", "@", "unhold", STAND_D, NULL}, TOOL_DONE,          "unhold",                   ""                              },
    {"reload",             {"-c", "@", "reload", NULL},          TOOL_UNREACHABLE,   "",                         "nobody answers at"             },
    {"usage of a command", {"-c", "@", "show", NULL},            TOOL_USAGE,         "",                         "show ID..."                    },
};

static void
rows_hold(void)
{
    struct stand stand;

    stand_make(&stand);
    stand_fill(&stand);
    opterr = 0;
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        char name[] = "postern", *argv[7] = {name};
        enum tool_exit result;
        int argc = 1;

        for (size_t j = 0; rows[i].arguments[j] != NULL; j++)
            argv[argc++] = mem_strdup(
                strcmp(rows[i].arguments[j], "@") == 0 ? stand.config_file : rows[i].arguments[j]);
        stand_rewind(&stand);
        stand.tool.as_json = false;
        result = commands_run(&stand.tool, argc, argv);
        fflush(stand.tool.out);
        fflush(stand.tool.errors);
        UNIT_CHECK_ROW(rows[i].name, result == rows[i].result);
        UNIT_CHECK_ROW(rows[i].name, stand_has(stand.out, rows[i].out));
        UNIT_CHECK_ROW(rows[i].name, stand_has(stand.errors, rows[i].errors));
        UNIT_CHECK_ROW(rows[i].name, rows[i].errors[0] != '\0' || stand.errors_len == 0);
        while (argc > 1)
            mem_free(&argv[--argc]);
    }
    stand_remove(&stand);
}

static void
full_disk_is_told(void)
{
    struct stand stand;
    char name[] = "postern", option[] = "-c", command[] = "list", *argv[5] = {name, option};

    stand_make(&stand);
    stand_fill(&stand);
    argv[2] = stand.config_file;
    argv[3] = command;
    fclose(stand.tool.out);
    stand.tool.out = fopen("/dev/full", "w");
    CU_ASSERT_FATAL(stand.tool.out != NULL);
    CU_ASSERT(commands_run(&stand.tool, 4, argv) == TOOL_IO);
    fflush(stand.tool.errors);
    CU_ASSERT(stand_has(stand.errors, "cannot write the output"));
    stand_remove(&stand);
}

static const struct unit_test tests[] = {
    {"rows hold",         rows_hold        },
    {"full disk is told", full_disk_is_told},
};

UNIT_MAIN("tool/commands", tests)
