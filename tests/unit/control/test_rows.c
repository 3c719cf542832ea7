// SPDX-License-Identifier: BSD-2-Clause
#include "control/rows.h"

#include "control/settings.h"
#include "tests/unit/harness.h"

static void
defaults_are_as_told(void)
{
    struct daemon_settings daemon;
    struct control_settings control;
    struct log_settings log;
    char text[ADDR_TEXT_MAX];

    setting_defaults(daemon_rows, daemon_row_count, &daemon);
    setting_defaults(control_rows, control_row_count, &control);
    setting_defaults(log_rows, log_row_count, &log);
    CU_ASSERT_STRING_EQUAL(daemon.user, "postern");
    CU_ASSERT(daemon.workers == 0);
    addr_format(&control.socket, text);
    CU_ASSERT_STRING_EQUAL(text, "unix:/run/postern/control.sock");
    CU_ASSERT(control.mode == 0660);
    CU_ASSERT_STRING_EQUAL(control.group, "");
    CU_ASSERT(log.syslog);
    CU_ASSERT_STRING_EQUAL(log.facility, "mail");
    CU_ASSERT_STRING_EQUAL(log.file, "");
    CU_ASSERT_STRING_EQUAL(log.error_file, "");
    CU_ASSERT_STRING_EQUAL(log.format, "text");
    CU_ASSERT_STRING_EQUAL(log.syslog_path, "/dev/log");
    setting_clear(daemon_rows, daemon_row_count, &daemon);
    setting_clear(control_rows, control_row_count, &control);
    setting_clear(log_rows, log_row_count, &log);
}

static void
rows_explain_themselves(void)
{
    const struct {
        const struct setting_row *rows;
        size_t count;
    } tables[] = {
        {daemon_rows,  daemon_row_count },
        {control_rows, control_row_count},
        {log_rows,     log_row_count    },
    };

    for (size_t i = 0; i < UNIT_COUNT(tables); i++) {
        for (size_t j = 0; j < tables[i].count; j++) {
            const char *help = tables[i].rows[j].help;

            UNIT_CHECK_ROW(tables[i].rows[j].name, help != NULL && strchr(help, '\n') == NULL);
            UNIT_CHECK_ROW(tables[i].rows[j].name, help != NULL && help[strlen(help) - 1] == '.');
        }
    }
}

static const struct unit_test tests[] = {
    {"defaults are as told",    defaults_are_as_told   },
    {"rows explain themselves", rows_explain_themselves},
};

UNIT_MAIN("control/rows", tests)
