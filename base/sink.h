// SPDX-License-Identifier: BSD-2-Clause
// base/sink.h - where log lines go: syslog, files, standard error.
//
// Owns:  its descriptors and names. Never blocks on syslog: our own datagrams to its socket, in the
//        local form of RFC 3164; what it does not take is lost and counted. Files get an ISO 8601
//        local time with microseconds before the same text. As JSON, what is behind syslog's tag
//        and what is in the files is an object of program, component, pid, (files) time, and text.
// Order: SINK_INITIAL (standard error), sink_set any number of times, sink_clear.
// Gather: lines for files and standard error may wait for sink_flush, to be written by one call.
//        None overtakes another, and those of severity 4 and worse do not wait.
// Full:  what a disk does not take is lost; what comes after half a line begins a line of its own.
#ifndef POSTERN_BASE_SINK_H
#define POSTERN_BASE_SINK_H

#include "base/err.h"
#include "base/str.h"
#include <sys/types.h>
#include <time.h>

enum {
    SINK_TEXT_MAX = 8000,
    SINK_GATHER_MAX = 4096 // PIPE_BUF: what writers to one pipe may write without mixing
};

struct sink_file {
    char *path;   // NULL: not wanted
    int fd;       // -1: not open
    bool is_new;  // it was not there: we made it
    bool is_torn; // what was written last is half a line
};

struct sink {
    char *program; // NULL: "postern"
    struct sink_file file, error_file;
    char *syslog_path; // NULL: not wanted
    int syslog_fd;     // -1: not connected
    int facility;
    bool to_stderr, is_json;
    uint64_t dropped;
    time_t stamp_second; // what the next three were made for
    char stamp_syslog[64], stamp_file[32], stamp_zone[16];
    pid_t gatherer; // 0: nothing waits
    size_t gathered_len;
    char gathered[SINK_GATHER_MAX];
};

#define SINK_INITIAL                                                                               \
    {                                                                                              \
        .file = {NULL, -1, false, false}, .error_file = {NULL, -1, false, false}, .syslog_fd = -1, \
        .to_stderr = true, .stamp_second = -1                                                      \
    }

struct sink_settings {
    const char *program;
    const char *facility;    // "mail", "daemon", "local0".. "local7"
    const char *syslog_path; // NULL or "": no syslog
    const char *file;        // NULL or "": none
    const char *error_file;  // the same; lines of severity 4 (warning) and worse go here too
    bool to_stderr;
    bool is_json;
};

// All or nothing: on error (PERM) the sink is as it was.
int sink_set(struct sink *sink, const struct sink_settings *settings, struct err *err);
void sink_clear(struct sink *sink); // standard error again
// After rotation. A file that cannot be opened stays the former one; -1 with err.
int sink_reopen(struct sink *sink, struct err *err);
// The files that were made when they were opened last become another user's. Best effort.
void sink_give(struct sink *sink, uid_t uid, gid_t gid);

// severity: syslog's, 0 to 7. component: a literal. text: one line, at most SINK_TEXT_MAX bytes; as
// JSON, members of an object.
void sink_put(struct sink *sink, int severity, const char *component, struct span text);
// From now on, in a process that does not fork. Until sink_clear.
void sink_gather(struct sink *sink);
void sink_flush(struct sink *sink); // what waits is written; no more than write(2) is called

#endif
