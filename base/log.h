// SPDX-License-Identifier: BSD-2-Clause
// base/log.h - one line a fact, to syslog (our own non-blocking datagrams), a file, or stderr.
//
// "posternd/smtp[812]: ID: key=value, key=value". Values are escaped (str_escape; quotes, angle
// brackets and the comma that parts fields as well) and cut at a bound: none can forge a field or a
// line. The only mutable global of the tree lives here. Only the loop's thread logs.
//
// Format json: each line is one object: time (not for syslog, which has its own), program,
// component, pid, level, id; then the fields in their order.
#ifndef POSTERN_BASE_LOG_H
#define POSTERN_BASE_LOG_H

#include "base/buf.h"
#include "base/err.h"
#include "base/log_json.h"
#include <sys/types.h>

enum log_level { LOG_DEBUG_, LOG_INFO_, LOG_NOTICE_, LOG_WARNING_, LOG_ERROR_, LOG_ALARM_ };

struct log_settings {
    bool syslog;
    char *facility;    // "mail", "local0".. "local7", "daemon"
    char *file;        // "" none
    char *error_file;  // warnings and above go here too; "" none
    char *format;      // "text", "json"
    char *syslog_path; // "/dev/log"
};

// Opens what the settings name; may be called again (reload, rotation). verbosity 0: info and
// above. to_stderr: foreground; not where it is the journal, which has syslog's lines. Before it is
// called, lines go to standard error.
int log_open(const char *program, const struct log_settings *settings, bool to_stderr,
             int verbosity, struct err *err);
void log_close(void);
void log_reopen_files(void); // after rotation
// Those that opening made become the user's, who could else not open them again.
void log_give_files(uid_t uid, gid_t gid);
uint64_t log_dropped(void); // lines that syslog did not take
// For a process that runs a loop and does not fork: until log_close, lines below warning that go to
// files or standard error are written together, by log_flush, which loop_run calls before it waits.
// An assertion that fails writes them, too; a process that is killed may lose those of one turn.
void log_gather(void);
void log_flush(void);

// Free text about the process itself. component: "master", "smtp", "spool", "send", ...
void log_debug(const char *component, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void log_info(const char *component, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_warning(const char *component, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void log_error(const char *component, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
// Something that a human must see: logged at crit with "alarm: " before the text.
void log_alarm(const char *component, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// A fact about a message or connection, field by field. Keys are literals.
struct log_line {
    enum log_level level;
    const char *component;
    bool is_json;
    struct log_json json; // if is_json, else the next three
    struct buf text;
    unsigned fields;
    bool is_cut; // the line is full; what came later is left out, "..." says so
};

// In JSON: a string each, escaped as str_escape_json says and cut at the same bounds; a key that
// comes again makes an array of its values, in the place of the first; where the line is full,
// "cut":true ends it; free text is "message".
void log_begin(struct log_line *line, enum log_level level, const char *component,
               const char *id);                                            // id NULL: "-" left out
void log_value(struct log_line *line, const char *key, struct span value); // key=escaped
void log_text(struct log_line *line, const char *key,
              const char *value); // the same; NULL: left out
void log_path(struct log_line *line, const char *key, struct span value); // key=<escaped>
void log_number(struct log_line *line, const char *key, uint64_t value);  // in JSON too
// key=3.1ms, key=14ms, key=2.5s. In JSON a number of seconds: 0.003128, 0.014, 2.5.
void log_duration(struct log_line *line, const char *key, uint64_t us);
// status=sent (why): a reply keeps its commas, quotes and brackets; parentheses that do not pair
// are escaped, so that the first closing one that pairs ends the field. In JSON two strings,
// "status":"sent","reply":"why".
void log_status(struct log_line *line, const char *status, struct span why);
void log_end(struct log_line *line);
bool log_is_wanted(enum log_level level);
const char *log_level_name(enum log_level level);

#endif
