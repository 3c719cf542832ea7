// SPDX-License-Identifier: BSD-2-Clause
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

// A value longer than its bound is cut, with "..." set; a field that the line cannot take any more
// is left out, with "..." set at the end.
enum { LINE_CEILING = 8000, HEAD_MAX = 200, ID_BOUND = 64 };

enum { VALUE_MAX = 256, PATH_BOUND = 600, STATUS_MAX = 600, FREE_MAX = 2000 };

struct level_row {
    const char *name;
    int severity; // RFC 3164, 4.1.1
};

static const struct level_row levels[] = {
    [LOG_DEBUG_] = {"debug",   7},
      [LOG_INFO_] = {"info",    6},
      [LOG_NOTICE_] = {"notice",  5},
    [LOG_WARNING_] = {"warning", 4},
      [LOG_ERROR_] = {"error",   3},
      [LOG_ALARM_] = {"alarm",   2},
};

static const struct {
    const char *name;
    int number;
} facilities[] = {
    {"mail",   2 },
    {"daemon", 3 },
    {"local0", 16},
    {"local1", 17},
    {"local2", 18},
    {"local3", 19},
    {"local4", 20},
    {"local5", 21},
    {"local6", 22},
    {"local7", 23},
};

struct log_file {
    char *path; // NULL: not wanted
    int fd;     // -1: not open
};

static struct {
    char *program;
    struct log_file file, error_file;
    char *syslog_path; // NULL: not wanted
    int syslog_fd;     // -1: not connected
    int facility;
    bool to_stderr;
    enum log_level least;
    uint64_t dropped;
    time_t stamp_second; // what the next two were made for
    char stamp_syslog[32], stamp_file[32], stamp_zone[8];
} state = {
    .file = {NULL, -1},
    .error_file = {NULL, -1},
    .syslog_fd = -1,
    .facility = 2,
    .to_stderr = true,
    .least = LOG_INFO_,
    .stamp_second = -1,
};

// localtime_r takes a lock and looks at TZ, so once a second must do.
static void
make_stamps(time_t second)
{
    struct tm tm;
    char zone[8];
    // Not strftime's %b: syslog's months are English in any locale.
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

    if (second == state.stamp_second || localtime_r(&second, &tm) == NULL)
        return;
    state.stamp_second = second;
    snprintf(state.stamp_syslog, sizeof state.stamp_syslog, "%s %2d %02d:%02d:%02d",
             months[tm.tm_mon], tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
    strftime(state.stamp_file, sizeof state.stamp_file, "%Y-%m-%dT%H:%M:%S", &tm);
    strftime(zone, sizeof zone, "%z", &tm); // +hhmm
    snprintf(state.stamp_zone, sizeof state.stamp_zone, "%.3s:%.2s", zone, zone + 3);
}

static int
open_file(const char *path)
{
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
}

static int
connect_syslog(const char *path)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    int fd;

    if (strlen(path) >= sizeof sa.sun_path)
        return -1;
    strcpy(sa.sun_path, path);
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&sa, sizeof sa) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static void
close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

// Never blocks and never repeats: a full socket loses this line, which is counted. A broken one
// (syslogd was restarted) is connected anew, once for each line.
static void
send_syslog(const char *data, size_t len)
{
    for (unsigned attempt = 0; attempt < 2; attempt++) {
        if (state.syslog_fd < 0)
            state.syslog_fd = connect_syslog(state.syslog_path);
        if (state.syslog_fd < 0)
            break;
        if (send(state.syslog_fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
            return;
        if (errno == EAGAIN || errno == ENOBUFS || errno == EMSGSIZE)
            break;
        close_fd(&state.syslog_fd);
    }
    state.dropped++;
}

static void
write_line(int fd, const char *data, size_t len)
{
    ssize_t written;

    do
        written = write(fd, data, len);
    while (written < 0 && errno == EINTR);
    // A log that cannot be written (disk full) must not stop mail; there is nowhere to tell it.
}

static void
put(enum log_level level, const char *component, struct span text)
{
    char head[HEAD_MAX];
    char line[HEAD_MAX + LINE_CEILING + 2];
    struct timespec now;
    int head_len, len;
    const char *program = state.program != NULL ? state.program : "postern";

    clock_gettime(CLOCK_REALTIME, &now);
    make_stamps(now.tv_sec);
    head_len = snprintf(head, sizeof head, "%.60s/%.40s[%d]: ", program, component, (int)getpid());
    if (state.syslog_path != NULL) {
        len = snprintf(line, sizeof line, "<%d>%s %.*s%.*s",
                       state.facility * 8 + levels[level].severity, state.stamp_syslog, head_len,
                       head, (int)text.len, text.data);
        send_syslog(line, (size_t)len);
    }
    if (!state.to_stderr && state.file.fd < 0 && state.error_file.fd < 0)
        return;
    len = snprintf(line, sizeof line, "%s.%06ld%s %.*s%.*s\n", state.stamp_file, now.tv_nsec / 1000,
                   state.stamp_zone, head_len, head, (int)text.len, text.data);
    if (state.to_stderr)
        write_line(STDERR_FILENO, line, (size_t)len);
    if (state.file.fd >= 0)
        write_line(state.file.fd, line, (size_t)len);
    if (state.error_file.fd >= 0 && level >= LOG_WARNING_)
        write_line(state.error_file.fd, line, (size_t)len);
}

static int
find_facility(const char *name)
{
    for (size_t i = 0; i < sizeof facilities / sizeof facilities[0]; i++) {
        if (strcmp(facilities[i].name, name) == 0)
            return facilities[i].number;
    }
    return -1;
}

static char *
copy_wanted(const char *text)
{
    return text == NULL || text[0] == '\0' ? NULL : mem_strdup(text);
}

static int
new_file(const char *path, struct log_file *file_out, struct err *err)
{
    *file_out = (struct log_file){copy_wanted(path), -1};
    if (file_out->path == NULL)
        return 0;
    file_out->fd = open_file(path);
    if (file_out->fd >= 0)
        return 0;
    err_sys(err, ERR_PERM, errno, "cannot open log file %s", path);
    mem_free(&file_out->path);
    return -1;
}

static void
clear_file(struct log_file *file)
{
    mem_free(&file->path);
    close_fd(&file->fd);
}

int
log_open(const char *program, const struct log_settings *settings, bool to_stderr, int verbosity,
         struct err *err)
{
    struct log_file file, error_file;
    int facility = find_facility(settings->facility);

    if (facility < 0)
        return err_set(err, ERR_PERM, "expected mail, daemon or local0 to local7, not \"%s\"",
                       settings->facility);
    if (strcmp(settings->format, "text") != 0)
        return err_set(err, ERR_PERM, "expected the format text, not \"%s\"", settings->format);
    if (new_file(settings->file, &file, err) < 0)
        return -1;
    if (new_file(settings->error_file, &error_file, err) < 0) {
        clear_file(&file);
        return -1;
    }
    log_close();
    state.program = mem_strdup(program);
    state.file = file;
    state.error_file = error_file;
    state.syslog_path = settings->syslog ? copy_wanted(settings->syslog_path) : NULL;
    state.facility = facility;
    state.to_stderr = to_stderr;
    state.least = verbosity > 0 ? LOG_DEBUG_ : LOG_INFO_;
    // Before the process is confined; a syslog that is not there yet is tried again with each line.
    if (state.syslog_path != NULL)
        state.syslog_fd = connect_syslog(state.syslog_path);
    return 0;
}

void
log_close(void)
{
    mem_free(&state.program);
    mem_free(&state.syslog_path);
    close_fd(&state.syslog_fd);
    clear_file(&state.file);
    clear_file(&state.error_file);
    state.to_stderr = true;
    state.least = LOG_INFO_;
}

static void
reopen_file(struct log_file *file)
{
    int fd;

    if (file->path == NULL)
        return;
    fd = open_file(file->path);
    if (fd < 0) {
        log_error("log", "cannot open %s: %s; the former file is kept", file->path,
                  strerror(errno));
        return;
    }
    close_fd(&file->fd);
    file->fd = fd;
}

void
log_reopen_files(void)
{
    reopen_file(&state.file);
    reopen_file(&state.error_file);
}

uint64_t
log_dropped(void)
{
    return state.dropped;
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

static void __attribute__((format(printf, 4, 0)))
put_free(enum log_level level, const char *component, const char *prefix, const char *format,
         va_list args)
{
    char raw[FREE_MAX];
    struct buf text;

    if (!log_is_wanted(level))
        return;
    vsnprintf(raw, sizeof raw, format, args);
    buf_init(&text, LINE_CEILING);
    buf_add_text(&text, prefix);
    str_escape(&text, span_of(raw), "", FREE_MAX);
    put(level, component, buf_span(&text));
    buf_clear(&text);
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
    line->fields = 0;
    line->is_cut = false;
    buf_init(&line->text, LINE_CEILING);
    if (id == NULL || !log_is_wanted(level))
        return;
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
    if (line->text.len + need > LINE_CEILING) {
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
    if (begin_field(line, key, VALUE_MAX))
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
    if (!begin_field(line, key, PATH_BOUND))
        return;
    buf_add_char(&line->text, '<');
    str_escape(&line->text, value, "\"<>,", PATH_BOUND);
    buf_add_char(&line->text, '>');
}

void
log_number(struct log_line *line, const char *key, uint64_t value)
{
    if (begin_field(line, key, 20))
        buf_printf(&line->text, "%llu", (unsigned long long)value);
}

void
log_duration(struct log_line *line, const char *key, uint64_t us)
{
    unsigned long long tenth_ms = us / 100 + (us % 100 >= 50);
    unsigned long long ms = us / 1000 + (us % 1000 >= 500);
    unsigned long long tenth_s = us / 100000 + (us % 100000 >= 50000);

    if (!begin_field(line, key, 24))
        return;
    if (tenth_ms < 100)
        buf_printf(&line->text, "%llu.%llums", tenth_ms / 10, tenth_ms % 10);
    else if (ms < 1000)
        buf_printf(&line->text, "%llums", ms);
    else
        buf_printf(&line->text, "%llu.%llus", tenth_s / 10, tenth_s % 10);
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

    if (!begin_field(line, "status", strlen(status) + STATUS_MAX))
        return;
    buf_printf(&line->text, "%s (", status);
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
        put(line->level, line->component, buf_span(&line->text));
    buf_clear(&line->text);
}
