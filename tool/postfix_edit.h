// SPDX-License-Identifier: BSD-2-Clause
// tool/postfix_edit.h - puts the lines of postfix_lines.h into a folder's main.cf and master.cf, or
// takes them out, with postconf. Others' settings stay; what is there already is not written.
#ifndef POSTERN_TOOL_POSTFIX_EDIT_H
#define POSTERN_TOOL_POSTFIX_EDIT_H

#include "tool/postfix_files.h"
#include "tool/postfix_lines.h"

struct postfix_change {
    enum postfix_file file;
    char *name;           // of the setting or the service
    char *before, *after; // "" where there is none
};

struct postfix_edit {
    const char *folder; // whose files are changed
    const struct postfix_lines *lines;
    struct postfix_change changes[POSTFIX_PARAMS + POSTFIX_SERVICES];
    size_t change_count;
};

void postfix_edit_init(struct postfix_edit *edit, const char *folder,
                       const struct postfix_lines *lines);
void postfix_edit_clear(struct postfix_edit *edit);

// PERM where something else has the place: another filter, another service of that name. Then the
// files may be half changed: do it on copies.
int postfix_edit_put(struct postfix_edit *edit, struct err *err);
int postfix_edit_remove(struct postfix_edit *edit, struct err *err);

#endif
