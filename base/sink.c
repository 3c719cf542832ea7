// SPDX-License-Identifier: BSD-2-Clause
#include "base/sink.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"

enum {
    NAME_BOUND = 60,                 // of a program or component
    LINE_SIZE = 512 + SINK_TEXT_MAX, // four names and the longest stamp are less
    WARNING = 4
};

// RFC 3164, 4.1.1
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

static void
close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

// May nobody but us and root put anything into the folder?
static bool
is_folder_ours(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash == NULL ? mem_strdup(".") : mem_strndup(path, (size_t)(slash - path) + 1);
    struct stat info;
    bool is_ours = stat(folder, &info) == 0 && (info.st_uid == 0 || info.st_uid == geteuid()) &&
                   (info.st_mode & (S_IWGRP | S_IWOTH)) == 0;

    mem_free(&folder);
    return is_ours;
}

static int
open_or_make(const char *path, int flags, bool *is_new_out)
{
    int fd = open(path, flags | O_CREAT | O_EXCL, 0640);

    *is_new_out = fd >= 0;
    // A link that leads to nothing yet is made what it leads to.
    return fd < 0 && errno == EEXIST ? open(path, flags | O_CREAT, 0640) : fd;
}

// Where others may, a link would have root write elsewhere, and a pipe have it wait.
static int
open_log(const char *path, bool *is_new_out, struct err *err)
{
    bool is_ours = is_folder_ours(path);
    int flags = O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY, fd;
    struct stat info;

    fd = open_or_make(path, is_ours ? flags : flags | O_NOFOLLOW | O_NONBLOCK, is_new_out);
    if (fd < 0)
        return err_sys(err, ERR_PERM, errno, "cannot open log file %s", path);
    if (is_ours || (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_nlink == 1))
        return fd;
    close(fd);
    return err_set(err, ERR_PERM, "log file %s: no regular file with no other name", path);
}

static int
new_file(const char *path, struct sink_file *file_out, struct err *err)
{
    *file_out = (struct sink_file){.path = copy_wanted(path), .fd = -1};
    if (file_out->path == NULL)
        return 0;
    file_out->fd = open_log(path, &file_out->is_new, err);
    if (file_out->fd >= 0)
        return 0;
    mem_free(&file_out->path);
    return -1;
}

static void
clear_file(struct sink_file *file)
{
    mem_free(&file->path);
    close_fd(&file->fd);
}

static int
connect_syslog(const char *path)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    size_t len = strlen(path);
    int fd;

    if (len >= sizeof sa.sun_path)
        return -1;
    memcpy(sa.sun_path, path, len);
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&sa, sizeof sa) == 0)
        return fd;
    close_fd(&fd);
    return -1;
}

static ssize_t
write_some(int fd, const char *data, size_t len)
{
    ssize_t written;

    do
        written = write(fd, data, len);
    while (written < 0 && errno == EINTR);
    return written;
}

// A log that cannot be written (disk full) must not stop mail, and there is nowhere to tell it.
static void
write_lines(struct sink_file *file, const char *data, size_t len)
{
    if (file->fd < 0 || (file->is_torn && write_some(file->fd, "\n", 1) != 1))
        return;
    file->is_torn = false;
    while (len > 0) {
        ssize_t written = write_some(file->fd, data, len);

        if (written <= 0)
            return;
        file->is_torn = data[written - 1] != '\n';
        data += written;
        len -= (size_t)written;
    }
}

static void
write_to_stderr(const char *data, size_t len)
{
    (void)!write_some(STDERR_FILENO, data, len);
}

void
sink_flush(struct sink *sink)
{
    size_t len = sink->gathered_len;

    if (len == 0)
        return;
    sink->gathered_len = 0;
    if (sink->to_stderr)
        write_to_stderr(sink->gathered, len);
    write_lines(&sink->file, sink->gathered, len);
}

int
sink_set(struct sink *sink, const struct sink_settings *settings, struct err *err)
{
    struct sink_file file, error_file;
    int facility = find_facility(settings->facility);

    if (facility < 0)
        return err_set(err, ERR_PERM, "expected mail, daemon or local0 to local7, not \"%s\"",
                       settings->facility);
    if (new_file(settings->file, &file, err) < 0)
        return -1;
    if (new_file(settings->error_file, &error_file, err) < 0) {
        clear_file(&file);
        return -1;
    }
    sink_clear(sink);
    sink->program = copy_wanted(settings->program);
    sink->file = file;
    sink->error_file = error_file;
    sink->syslog_path = copy_wanted(settings->syslog_path);
    sink->facility = facility;
    sink->to_stderr = settings->to_stderr;
    sink->is_json = settings->is_json;
    // Now, before the process is confined. One that is not there yet is tried with each line.
    if (sink->syslog_path != NULL)
        sink->syslog_fd = connect_syslog(sink->syslog_path);
    return 0;
}

void
sink_clear(struct sink *sink)
{
    sink_flush(sink);
    sink->gatherer = 0;
    mem_free(&sink->program);
    mem_free(&sink->syslog_path);
    close_fd(&sink->syslog_fd);
    clear_file(&sink->file);
    clear_file(&sink->error_file);
    sink->to_stderr = true;
    sink->is_json = false;
}

static int
reopen_file(struct sink_file *file, struct err *err)
{
    bool is_new;
    int fd;

    if (file->path == NULL)
        return 0;
    fd = open_log(file->path, &is_new, err);
    if (fd < 0)
        return -1;
    close_fd(&file->fd);
    file->fd = fd;
    file->is_new = is_new;
    file->is_torn = false;
    return 0;
}

int
sink_reopen(struct sink *sink, struct err *err)
{
    int result;

    sink_flush(sink);
    result = reopen_file(&sink->file, err);
    return reopen_file(&sink->error_file, err) < 0 ? -1 : result;
}

static void
give_file(struct sink_file *file, uid_t uid, gid_t gid)
{
    if (file->fd >= 0 && file->is_new && fchown(file->fd, uid, gid) == 0)
        file->is_new = false;
}

void
sink_give(struct sink *sink, uid_t uid, gid_t gid)
{
    give_file(&sink->file, uid, gid);
    give_file(&sink->error_file, uid, gid);
}

// localtime_r takes a lock and looks at TZ; once a second must do. Not strftime's %b: syslog's
// months are English in any locale.
static void
make_stamps(struct sink *sink, time_t second)
{
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct tm tm;
    char zone[8]; // +hhmm

    if (second == sink->stamp_second || localtime_r(&second, &tm) == NULL)
        return;
    sink->stamp_second = second;
    snprintf(sink->stamp_syslog, sizeof sink->stamp_syslog, "%s %2d %02d:%02d:%02d",
             months[tm.tm_mon], tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
    strftime(sink->stamp_file, sizeof sink->stamp_file, "%Y-%m-%dT%H:%M:%S", &tm);
    strftime(zone, sizeof zone, "%z", &tm);
    snprintf(sink->stamp_zone, sizeof sink->stamp_zone, "%.3s:%.2s", zone, zone + 3);
}

// Never waits and never repeats a line that is not taken: it is counted. A broken socket (syslogd
// was restarted) is connected anew, once for each line.
static void
send_syslog(struct sink *sink, const char *data, size_t len)
{
    for (unsigned attempt = 0; attempt < 2; attempt++) {
        if (sink->syslog_fd < 0)
            sink->syslog_fd = connect_syslog(sink->syslog_path);
        if (sink->syslog_fd < 0)
            break;
        if (send(sink->syslog_fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
            return;
        if (errno == EAGAIN || errno == ENOBUFS || errno == EMSGSIZE)
            break;
        close_fd(&sink->syslog_fd);
    }
    sink->dropped++;
}

static char *
add(char *at, const char *text, size_t max)
{
    return mempcpy(at, text, strnlen(text, max));
}

static char *
add_number(char *at, uint64_t number, unsigned min_digits)
{
    char digits[20]; // of 64 bits
    unsigned count = 0;

    for (; number > 0 || count < min_digits; number /= 10)
        digits[count++] = (char)('0' + number % 10);
    while (count > 0)
        *at++ = digits[--count];
    return at;
}

static const char *
program_of(const struct sink *sink)
{
    return sink->program != NULL ? sink->program : "postern";
}

static uint64_t
pid_of(const struct sink *sink)
{
    return (uint64_t)(sink->gatherer != 0 ? sink->gatherer : getpid());
}

// Who says it, for syslog and text.
static char *
add_tag(char *at, const struct sink *sink, const char *component)
{
    at = add(at, program_of(sink), NAME_BOUND);
    *at++ = '/';
    at = add(at, component, NAME_BOUND);
    *at++ = '[';
    at = add_number(at, pid_of(sink), 1);
    return add(at, "]: ", 3);
}

// The same, as members before those of the text. The names are ours: there is nothing to escape.
static char *
add_members(char *at, const struct sink *sink, const char *component)
{
    at = add(at, "\"program\":\"", SIZE_MAX);
    at = add(at, program_of(sink), NAME_BOUND);
    at = add(at, "\",\"component\":\"", SIZE_MAX);
    at = add(at, component, NAME_BOUND);
    at = add(at, "\",\"pid\":", SIZE_MAX);
    at = add_number(at, pid_of(sink), 1);
    *at++ = ',';
    return at;
}

static char *
add_text(char *at, struct span text)
{
    return text.len > 0 ? mempcpy(at, text.data, text.len) : at;
}

static void
put_to_syslog(struct sink *sink, int severity, const char *component, struct span text)
{
    char line[LINE_SIZE];
    char *at = line;

    *at++ = '<';
    at = add_number(at, (uint64_t)sink->facility * 8 + (uint64_t)severity, 1);
    *at++ = '>';
    at = add(at, sink->stamp_syslog, SIZE_MAX);
    *at++ = ' ';
    at = add_tag(at, sink, component);
    if (sink->is_json)
        at = add_members(add(at, "{", 1), sink, component);
    at = add_text(at, text);
    if (sink->is_json)
        *at++ = '}';
    send_syslog(sink, line, (size_t)(at - line));
}

static size_t
format_line(const struct sink *sink, const struct timespec *now, const char *component,
            struct span text, char out[LINE_SIZE])
{
    char *at = out;

    if (sink->is_json)
        at = add(at, "{\"time\":\"", SIZE_MAX);
    at = add(at, sink->stamp_file, SIZE_MAX);
    *at++ = '.';
    at = add_number(at, (uint64_t)now->tv_nsec / 1000, 6);
    at = add(at, sink->stamp_zone, SIZE_MAX);
    if (sink->is_json)
        at = add_members(add(at, "\",", 2), sink, component);
    else
        at = add_tag(add(at, " ", 1), sink, component);
    at = add_text(at, text);
    if (sink->is_json)
        *at++ = '}';
    *at++ = '\n';
    return (size_t)(at - out);
}

// False: it is too long for that.
static bool
gather(struct sink *sink, const char *line, size_t len)
{
    if (len > SINK_GATHER_MAX - sink->gathered_len)
        sink_flush(sink);
    if (len > SINK_GATHER_MAX)
        return false;
    memcpy(sink->gathered + sink->gathered_len, line, len);
    sink->gathered_len += len;
    return true;
}

void
sink_put(struct sink *sink, int severity, const char *component, struct span text)
{
    char line[LINE_SIZE];
    struct timespec now;
    size_t len;

    assert(text.len <= SINK_TEXT_MAX);
    clock_gettime(CLOCK_REALTIME, &now);
    make_stamps(sink, now.tv_sec);
    if (sink->syslog_path != NULL)
        put_to_syslog(sink, severity, component, text);
    if (!sink->to_stderr && sink->file.fd < 0 && sink->error_file.fd < 0)
        return;
    len = format_line(sink, &now, component, text, line);
    if (severity > WARNING && sink->gatherer != 0 && gather(sink, line, len))
        return;
    sink_flush(sink);
    if (sink->to_stderr)
        write_to_stderr(line, len);
    write_lines(&sink->file, line, len);
    if (severity <= WARNING)
        write_lines(&sink->error_file, line, len);
}

void
sink_gather(struct sink *sink)
{
    sink->gatherer = getpid();
}
