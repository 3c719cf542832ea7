// SPDX-License-Identifier: BSD-2-Clause
// control/include.h - the files that make a configuration: reads one, finds those that one names.
//
// Only plain files of a bounded size are read, into memory: libconfuse's scanner would end the
// process at a directory or a read error.
#ifndef POSTERN_CONTROL_INCLUDE_H
#define POSTERN_CONTROL_INCLUDE_H

#include "base/buf.h"
#include "base/err.h"

enum { INCLUDE_FILE_MAX = 1 << 20, INCLUDE_FILES_MAX = 256 };

// The content is added to out. Errors name no file: the caller does.
int include_read(const char *path, struct buf *out, struct err *err);

struct include_list {
    char **paths;
    size_t count;
};

// What include("pattern") in the file `from` means: relative to its folder, sorted. Wildcards may
// match nothing; a plain name must be there.
int include_find(const char *from, const char *pattern, struct include_list *list_out,
                 struct err *err);
void include_list_clear(struct include_list *list);

#endif
