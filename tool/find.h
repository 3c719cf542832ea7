// SPDX-License-Identifier: BSD-2-Clause
// tool/find.h - where in the spool messages lie; nothing is locked or changed.
//
// The daemon moves files while we look: what vanishes is passed over, what moves may be seen twice.
#ifndef POSTERN_TOOL_FIND_H
#define POSTERN_TOOL_FIND_H

#include "base/digest.h"
#include "spool/place.h"
#include "spool/reader.h"
#include "tool/tool.h"

struct find_place {
    enum spool_place place;
    char instance[64];
    char folder[64]; // a bucket, or the day in quarantine; "" none
    char name[256];
    bool is_slot;
};

struct find_found { // one message, open for reading
    struct find_place place;
    int fd;
    struct reader_message message;
};

enum { FIND_ALL = (1 << PLACE_ACTIVE) | (1 << PLACE_HOLD) | (1 << PLACE_QUARANTINE) };

// TOOL_DONE, or it was told on errors why not.
enum tool_exit find_open_spool(struct tool *tool, struct place_root *root);

// places: a mask of 1 << enum spool_place. dir_fd is borrowed for the call. Not 0: it ends.
typedef int find_visit(void *arg, int dir_fd, const struct find_place *place);
int find_walk(struct place_root *root, unsigned places, find_visit *visit, void *arg,
              struct err *err);

struct find_target {
    char id[ID_MAX + 1];
    bool is_found;
    struct find_place place;
};

// All of them in one walk; sorts targets by id.
int find_targets(struct place_root *root, struct find_target *targets, size_t count,
                 struct err *err);
// The folder of a place, to be closed; -1, errno ENOENT: it is gone.
int find_open_folder(struct place_root *root, const struct find_place *place, struct err *err);
// One message by its id, verified; looked for twice, since it may move meanwhile. Else it is told
// on errors why not.
enum tool_exit find_message(struct tool *tool, struct place_root *root, const char *id,
                            struct find_found *found_out);
// Of its content, read once more; "" where that is not as sealed any more.
void find_sha256(const struct find_found *found, char out[SHA256_TEXT_LEN + 1]);
void find_close(struct find_found *found);

#endif
