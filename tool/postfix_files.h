// SPDX-License-Identifier: BSD-2-Clause
// tool/postfix_files.h - main.cf and master.cf changed together: on copies in a folder aside, which
// come into their place when all is done.
//
// Order:   open, change the copies, any number of times take, close.
// Promise: each file is replaced in whole. If the second cannot be, the first is put back.
#ifndef POSTERN_TOOL_POSTFIX_FILES_H
#define POSTERN_TOOL_POSTFIX_FILES_H

#include "base/buf.h"
#include "base/err.h"
#include <sys/stat.h>

enum postfix_file { POSTFIX_MASTER_CF, POSTFIX_MAIN_CF, POSTFIX_FILES };

extern const char *const postfix_file_names[POSTFIX_FILES];

struct postfix_files {
    char *folder, *aside; // where the files are; where their copies are
    int folder_fd;
    struct buf before[POSTFIX_FILES];    // as they were when they were opened
    struct stat replaced[POSTFIX_FILES]; // whose they were
};

// folder: NULL, where postconf says. TEMP, or PERM where one of them is not a plain file.
int postfix_files_open(const char *folder, struct postfix_files *files, struct err *err);
void postfix_files_close(struct postfix_files *files); // the copies go

// first: which is replaced before the other. What is replaced is kept beside as NAME + suffix.
// Refused where somebody else has changed one meanwhile. Nothing is written that has not changed;
// 1: something was, 0: nothing.
int postfix_files_take(struct postfix_files *files, enum postfix_file first, const char *suffix,
                       struct err *err);

#endif
