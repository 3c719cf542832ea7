// SPDX-License-Identifier: BSD-2-Clause
// track/maillog/logfile.h - log files on disk: opened without ever waiting, known again, and found
// under the names that rotation gives them (PATH.1, PATH-20261121, not what is compressed).
#ifndef POSTERN_TRACK_LOGFILE_H
#define POSTERN_TRACK_LOGFILE_H

#include "base/err.h"
#include "track/maillog/logplace.h"

// Links are followed. -1: TEMP, errno kept: it is missing, forbidden, or no regular file.
int logfile_open(const char *path, struct err *err);
// Is it the place's file, with at least len bytes in it?
bool logfile_is(int fd, const struct logplace *place, uint64_t len);
// Makes it the place's file; the first `known` bytes are there for certain.
void logfile_describe(int fd, uint64_t known, struct logplace *place);
bool logfile_is_line_start(int fd, uint64_t offset);

// The place's file, or a copy that goes on there; -1: there is none.
int logfile_find_rotated(const char *path, const struct logplace *place);
// The first that was rotated after the place's file; -1: path itself is what comes next.
int logfile_find_next(const char *path, const struct logplace *place);

#endif
