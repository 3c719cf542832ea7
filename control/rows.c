// SPDX-License-Identifier: BSD-2-Clause
#include "control/rows.h"

#include <stddef.h>

#include "control/settings.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define DAEMON(member) offsetof(struct daemon_settings, member)
#define CONTROL(member) offsetof(struct control_settings, member)
#define LOG(member) offsetof(struct log_settings, member)

const struct setting_row daemon_rows[] = {
    {.name = "workers",
     .type = SETTING_NUMBER,
     .offset = DAEMON(workers),
     .max = SETTINGS_WORKERS_MAX,
     .initial = "0",
     .help = "Processes that carry mail; 0: one a core."                                      },
    {              .name = "dissectors",
     .type = SETTING_NUMBER,
     .offset = DAEMON(dissectors),
     .max = 1024,
     .initial = "0",
     .help = "Processes that look into mail, at most; 0: four a worker."                    },
    { .name = "user",
     .type = SETTING_TEXT,
     .offset = DAEMON(user),
     .min = 1,
     .max = 64,
     .initial = "postern",
     .help = "Whose rights the workers have; not used where Postern is not started by root."},
};

const size_t daemon_row_count = COUNT(daemon_rows);

const struct setting_row control_rows[] = {
    {.name = "socket",
     .type = SETTING_ADDR,
     .offset = CONTROL(socket),
     .initial = "unix:/run/postern/control.sock",
     .help = "UNIX socket where the tool talks to the daemon."                              },
    {               .name = "mode",
     .type = SETTING_MODE,
     .offset = CONTROL(mode),
     .initial = "0660",
     .help = "Access rights of that socket; who may write to it may hold and delete mail."},
    { .name = "group",
     .type = SETTING_TEXT,
     .offset = CONTROL(group),
     .max = 64,
     .initial = "",
     .help = "Group of that socket; empty: the daemon's own."},
};

const size_t control_row_count = COUNT(control_rows);

const struct setting_row log_rows[] = {
    {.name = "syslog",
     .type = SETTING_BOOL,
     .offset = LOG(syslog),
     .initial = "yes",
     .help = "Log to the system's log."                                                          },
    { .name = "facility",
     .type = SETTING_TEXT,
     .offset = LOG(facility),
     .min = 1,
     .max = 16,
     .initial = "mail",
     .help = "Its facility: mail, daemon or local0 to local7."},
    {                                    .name = "file",
     .type = SETTING_TEXT,
     .offset = LOG(file),
     .max = 4095,
     .initial = "",
     .help = "A log file of our own; empty: none."},
    {                           .name = "error_file",
     .type = SETTING_TEXT,
     .offset = LOG(error_file),
     .max = 4095,
     .initial = "",
     .help = "Warnings, errors and alarms go into this file too; empty: none."},
    {                                                                           .name = "format",
     .type = SETTING_TEXT,
     .offset = LOG(format),
     .min = 1,
     .max = 16,
     .initial = "text",
     .help = "How lines are written: text or json."},
    {                                                                           .name = "syslog_path",
     .type = SETTING_TEXT,
     .offset = LOG(syslog_path),
     .min = 1,
     .max = 107,
     .initial = "/dev/log",
     .help = "The socket of the system's log."},
};

const size_t log_row_count = COUNT(log_rows);
