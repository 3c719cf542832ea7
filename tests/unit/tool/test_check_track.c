// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/tool/stand.h"
#include "tool/check.h"

// clang-format off
// In a configuration without the stand's own sections; "@" is the scratch folder.
static const struct {
    const char *name, *text;
    enum tool_exit result;
    const char *expected; // on errors; "": nothing there
} rows[] = {
    {"good", "dissect { program = \"/bin/sh\" }  track { ledger = \"@/ledger.db\" }", TOOL_DONE, ""},
    {"no program", "dissect { program = \"/none/x\" }", TOOL_CONFIGURATION,
     "/postern.conf:2: program: /none/x: No such file or directory"},
    {"no program, not needed", "dissect { enabled = no  program = \"/none/x\" }", TOOL_DONE, ""},
    {"mail that is too large", "max_size = 101M  dissect { program = \"/bin/sh\"  memory = 400M }",
     TOOL_DONE,
     "postern: warning: @/postern.conf:2: max_size: mail above 100M is unscannable, a quarter of the "
     "memory of dissect"},
    {"just not too large", "max_size = 100M  dissect { program = \"/bin/sh\"  memory = 400M }",
     TOOL_DONE, ""},
    {"mail of any size", "max_size = 0  dissect { program = \"/bin/sh\" }", TOOL_DONE,
     ":2: max_size: mail above 128M is unscannable"},
    {"mail of a filter",
     "dissect { program = \"/bin/sh\"  memory = 128M  max_unpacked = 32M }\n"
     "filter \"f\" { type = clamd  servers = {\"unix:/x\"}\n max_size = 33M }",
     TOOL_DONE, ":4: max_size: mail above 32M is unscannable"},
    {"folder that is none", "dissect { enabled = no }  track { ledger = \"/dev/null/ledger.db\" }",
     TOOL_CONFIGURATION, ":2: ledger: root cannot write to \"/dev/null\": Not a directory"},
    {"folder that is made", "dissect { enabled = no }  track { ledger = \"@/a/b/ledger.db\" }",
     TOOL_DONE, ""},
    {"ledger that is none", "dissect { enabled = no }\ntrack { ledger = \"@/postern.conf\" }",
     TOOL_CONFIGURATION, "postern: @/postern.conf:3: ledger: "},
    {"log", "dissect { enabled = no }  track { postfix_log = \"@/postern.conf\" }", TOOL_DONE, ""},
    {"no log yet", "dissect { enabled = no }\ntrack { postfix_log = \"@/mail.log\" }", TOOL_DONE,
     "postern: warning: @/postern.conf:3: postfix_log: \"@/mail.log\" is not there yet"},
    {"log that is none", "dissect { enabled = no }\ntrack { postfix_log = \"/dev/null\" }",
     TOOL_CONFIGURATION, ":3: postfix_log: expected a plain file, \"/dev/null\""},
};

// clang-format on

// "@" becomes the folder.
static const char *
fill_in(const struct stand *stand, const char *text, struct buf *out)
{
    buf_init(out, 1 << 16);
    for (; *text != '\0'; text++) {
        if (*text == '@')
            buf_add_text(out, stand->scratch.path);
        else
            buf_add_char(out, *text);
    }
    return buf_text(out);
}

static void
load(struct stand *stand, const char *user, const char *text)
{
    struct buf whole, filled;
    struct err err;

    settings_free(&stand->settings);
    buf_init(&whole, 1 << 16);
    buf_printf(&whole, "user = %s  spool { path = \"@/spool\" }  log { syslog = no }\n%s\n", user,
               text);
    scratch_write(&stand->scratch, "postern.conf", fill_in(stand, buf_text(&whole), &filled));
    if (settings_load(stand->config_file, &stand->settings, &err) != 0) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
    stand->tool.settings = stand->settings;
    buf_clear(&filled);
    buf_clear(&whole);
}

static void
rows_hold(void)
{
    struct stand stand;

    stand_make(&stand);
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct buf expected;

        load(&stand, "root", rows[i].text);
        UNIT_CHECK_ROW(rows[i].name, stand_run(&stand, check_run, "check", NULL) == rows[i].result);
        UNIT_CHECK_ROW(rows[i].name,
                       stand_has(stand.errors, fill_in(&stand, rows[i].expected, &expected)));
        UNIT_CHECK_ROW(rows[i].name, rows[i].expected[0] != '\0' || stand.errors_len == 0);
        buf_clear(&expected);
    }
    stand_remove(&stand);
}

// What root may do is not what the daemon may.
static void
the_user_is_asked_for(void)
{
    struct stand stand;
    char path[1024];

    if (geteuid() != 0)
        return;
    stand_make(&stand);
    scratch_name(&stand.scratch, "mail.log", path);
    scratch_write(&stand.scratch, "mail.log", "");
    scratch_write(&stand.scratch, "ledger.db", "");
    CU_ASSERT_FATAL(chmod(stand.scratch.path, 0755) == 0 && chmod(path, 0640) == 0);
    load(&stand, "nobody",
         "dissect { enabled = no }\ntrack { postfix_log = \"@/mail.log\"  ledger = \"@/x.db\" }");
    CU_ASSERT(stand_run(&stand, check_run, "check", NULL) == TOOL_CONFIGURATION);
    CU_ASSERT(stand_has(stand.errors, ":3: postfix_log: nobody cannot read "));
    CU_ASSERT(stand_has(stand.errors, ":3: ledger: nobody cannot write to "));
    CU_ASSERT_FATAL(chmod(path, 0644) == 0 && chmod(stand.scratch.path, 0777) == 0);
    CU_ASSERT(stand_run(&stand, check_run, "check", NULL) == TOOL_DONE);
    load(&stand, "nobody", "dissect { enabled = no }\ntrack { ledger = \"@/ledger.db\" }");
    CU_ASSERT(stand_run(&stand, check_run, "check", NULL) == TOOL_CONFIGURATION);
    CU_ASSERT(stand_has(stand.errors, "/ledger.db\": Permission denied"));
    stand_remove(&stand);
}

static const struct unit_test tests[] = {
    {"rows hold",             rows_hold            },
    {"the user is asked for", the_user_is_asked_for},
};

UNIT_MAIN("tool/check_track", tests)
