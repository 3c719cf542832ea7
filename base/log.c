// SPDX-License-Identifier: BSD-2-Clause
#include "base/log.h"

#include <assert.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/sink.h"

// A value longer than its bound is cut, with "..." set; a field that the line cannot take any more
// is left out, with "..." set at the end.
enum {
    ID_BOUND = 64,
    VALUE_MAX = 256,
    PATH_BOUND = 600,
    STATUS_MAX = 600,
    FREE_MAX = 2000,
    PREFIX_MAX = 10, // of free text
    LINE_USUAL = 500
};

_Static_assert((int)LOG_JSON_MAX <= (int)SINK_TEXT_MAX, "the sink takes any line");

static const struct {
    const char *name;
    int severity; // RFC 3164, 4.1.1
} levels[] = {
    [LOG_DEBUG_] = {"debug",   7},
      [LOG_INFO_] = {"info",    6},
      [LOG_NOTICE_] = {"notice",  5},
    [LOG_WARNING_] = {"warning", 4},
      [LOG_ERROR_] = {"error",   3},
      [LOG_ALARM_] = {"alarm",   2},
};

static struct {
    struct sink sink;
    enum log_level least;
    bool is_json;
} state = {.sink = SINK_INITIAL, .least = LOG_INFO_};

// Where a service manager keeps what we say there, and syslog's lines too.
static bool
is_stderr_the_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM"); // "device:inode"
    struct stat info;
    char own[64];

    if (stream == NULL || fstat(STDERR_FILENO, &info) != 0)
        return false;
    (void)snprintf(own, sizeof own, "%ju:%ju", (uintmax_t)info.st_dev, (uintmax_t)info.st_ino);
    return strcmp(stream, own) == 0;
}

int
log_open(const char *program, const struct log_settings *settings, bool to_stderr, int verbosity,
         struct err *err)
{
    struct sink_settings wanted = {
        .program = program,
        .facility = settings->facility,
        .syslog_path = settings->syslog ? settings->syslog_path : NULL,
        .file = settings->file,
        .error_file = settings->error_file,
        .to_stderr = to_stderr && !(settings->syslog && is_stderr_the_journal()),
        .is_json = strcmp(settings->format, "json") == 0,
    };

    if (!wanted.is_json && strcmp(settings->format, "text") != 0)
        return err_set(err, ERR_PERM, "expected the format text or json, not \"%s\"",
                       settings->format);
    if (sink_set(&state.sink, &wanted, err) < 0)
        return -1;
    state.least = verbosity > 0 ? LOG_DEBUG_ : LOG_INFO_;
    state.is_json = wanted.is_json;
    return 0;
}

void
log_close(void)
{
    sink_clear(&state.sink);
    state.least = LOG_INFO_;
    state.is_json = false;
}

void
log_reopen_files(void)
{
    struct err err;

    if (sink_reopen(&state.sink, &err) < 0)
        log_error("log", "%s; the former file is kept", err.text);
}

void
log_give_files(uid_t uid, gid_t gid)
{
    sink_give(&state.sink, uid, gid);
}

uint64_t
log_dropped(void)
{
    return state.sink.dropped;
}

void
log_flush(void)
{
    sink_flush(&state.sink);
}

// Somebody else may have sent it, who wants an end too: the second one is not caught any more.
static void
on_abort(int number)
{
    log_flush();
    (void)raise(number);
}

void
log_gather(void)
{
    struct sigaction action = {.sa_handler = on_abort, .sa_flags = (int)SA_RESETHAND};
    int failed = sigaction(SIGABRT, &action, NULL);

    assert(failed == 0);
    sink_gather(&state.sink);
}

bool
log_is_wanted(enum log_level level)
{
    return level >= state.least;
}

const char *
log_level_name(enum log_level level)
{
    return levels[level].name;
}

static void
put_text(enum log_level level, const char *component, struct span said, size_t max)
{
    struct buf text;

    buf_init(&text, SINK_TEXT_MAX);
    str_escape(&text, said, "", max);
    sink_put(&state.sink, levels[level].severity, component, buf_span(&text));
    buf_clear(&text);
}

static void
put_json(enum log_level level, const char *component, struct span said, size_t max)
{
    struct log_json json;

    log_json_begin(&json, levels[level].name, span_of(NULL));
    log_json_text(&json, "message", said, max);
    sink_put(&state.sink, levels[level].severity, component, log_json_end(&json));
    log_json_clear(&json);
}

static void __attribute__((format(printf, 4, 0)))
put_free(enum log_level level, const char *component, const char *prefix, const char *format,
         va_list args)
{
    char said[PREFIX_MAX + FREE_MAX];
    size_t len = strlen(prefix);

    if (!log_is_wanted(level))
        return;
    snprintf(said, sizeof said, "%s", prefix);
    vsnprintf(said + len, FREE_MAX, format, args);
    if (state.is_json)
        put_json(level, component, span_of(said), len + FREE_MAX);
    else
        put_text(level, component, span_of(said), len + FREE_MAX);
}

void
log_debug(const char *component, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    put_free(LOG_DEBUG_, component, "", format, args);
    va_end(args);
}

void
log_info(const char *component, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    put_free(LOG_INFO_, component, "", format, args);
    va_end(args);
}

void
log_warning(const char *component, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    put_free(LOG_WARNING_, component, "", format, args);
    va_end(args);
}

void
log_error(const char *component, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    put_free(LOG_ERROR_, component, "", format, args);
    va_end(args);
}

void
log_alarm(const char *component, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    put_free(LOG_ALARM_, component, "alarm: ", format, args);
    va_end(args);
}

void
log_begin(struct log_line *line, enum log_level level, const char *component, const char *id)
{
    line->level = level;
    line->component = component;
    line->is_json = state.is_json && log_is_wanted(level);
    if (line->is_json) {
        log_json_begin(&line->json, levels[level].name, span_of(id));
        return;
    }
    line->fields = 0;
    line->is_cut = false;
    buf_init(&line->text, SINK_TEXT_MAX);
    if (id == NULL || !log_is_wanted(level))
        return;
    (void)buf_space(&line->text, LINE_USUAL);
    str_escape(&line->text, span_of(id), "\"<>,:= ", ID_BOUND);
    buf_add(&line->text, ": ", 2);
}

// Each value is bounded, so that the ceiling is the sum of bounded fields; room for the marker is
// kept back.
static bool
begin_field(struct log_line *line, const char *key, size_t value_max)
{
    size_t need = strlen(key) + value_max + 32;

    if (!log_is_wanted(line->level) || line->is_cut)
        return false;
    if (line->fields > 0)
        buf_add(&line->text, ", ", 2);
    if (line->text.len + need > SINK_TEXT_MAX) {
        line->is_cut = true;
        buf_add(&line->text, "...", 3);
        return false;
    }
    line->fields++;
    buf_add_text(&line->text, key);
    buf_add_char(&line->text, '=');
    return true;
}

// The comma is what parts fields, so a value has none.
void
log_value(struct log_line *line, const char *key, struct span value)
{
    if (line->is_json)
        log_json_text(&line->json, key, value, VALUE_MAX);
    else if (begin_field(line, key, VALUE_MAX))
        str_escape(&line->text, value, "\"<>,", VALUE_MAX);
}

void
log_text(struct log_line *line, const char *key, const char *value)
{
    if (value != NULL)
        log_value(line, key, span_of(value));
}

void
log_path(struct log_line *line, const char *key, struct span value)
{
    if (line->is_json) {
        log_json_text(&line->json, key, value, PATH_BOUND);
        return;
    }
    if (!begin_field(line, key, PATH_BOUND))
        return;
    buf_add_char(&line->text, '<');
    str_escape(&line->text, value, "\"<>,", PATH_BOUND);
    buf_add_char(&line->text, '>');
}

void
log_number(struct log_line *line, const char *key, uint64_t value)
{
    if (line->is_json)
        log_json_number(&line->json, key, value);
    else if (begin_field(line, key, 20))
        buf_add_number(&line->text, value);
}

static void
add_tenths(struct buf *text, uint64_t tenths)
{
    buf_add_number(text, tenths / 10);
    buf_add_char(text, '.');
    buf_add_number(text, tenths % 10);
}

void
log_duration(struct log_line *line, const char *key, uint64_t us)
{
    uint64_t tenth_ms = us / 100 + (us % 100 >= 50);
    uint64_t ms = us / 1000 + (us % 1000 >= 500);
    uint64_t tenth_s = us / 100000 + (us % 100000 >= 50000);

    if (line->is_json) {
        log_json_seconds(&line->json, key, us);
        return;
    }
    if (!begin_field(line, key, 24))
        return;
    if (tenth_ms < 100)
        add_tenths(&line->text, tenth_ms);
    else if (ms < 1000)
        buf_add_number(&line->text, ms);
    else
        add_tenths(&line->text, tenth_s);
    buf_add_text(&line->text, ms < 1000 ? "ms" : "s");
}

static bool
has_paired_parentheses(struct span text)
{
    size_t open = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '(')
            open++;
        if (text.data[i] == ')' && open-- == 0)
            return false;
    }
    return open == 0;
}

// Replies are full of commas, and readers of Postfix's log take what stands up to the closing
// parenthesis. Parentheses in it are left as they are if they pair (in what is printed, so after
// cutting), else they are escaped: no reply can end its field or swallow the next one.
void
log_status(struct log_line *line, const char *status, struct span why)
{
    size_t start;
    struct span printed;

    if (line->is_json) {
        log_json_text(&line->json, "status", span_of(status), VALUE_MAX);
        log_json_text(&line->json, "reply", why, STATUS_MAX);
        return;
    }
    if (!begin_field(line, "status", strlen(status) + STATUS_MAX))
        return;
    buf_add_text(&line->text, status);
    buf_add(&line->text, " (", 2);
    start = line->text.len;
    str_escape(&line->text, why, "", STATUS_MAX);
    printed = span_skip(buf_span(&line->text), start);
    if (!has_paired_parentheses(printed)) {
        buf_cut(&line->text, start);
        str_escape(&line->text, why, "()", STATUS_MAX);
    }
    buf_add_char(&line->text, ')');
}

void
log_end(struct log_line *line)
{
    if (log_is_wanted(line->level))
        sink_put(&state.sink, levels[line->level].severity, line->component,
                 line->is_json ? log_json_end(&line->json) : buf_span(&line->text));
    if (line->is_json)
        log_json_clear(&line->json);
    else
        buf_clear(&line->text);
}
