// SPDX-License-Identifier: BSD-2-Clause
// tool/offline.h - the operator's wishes carried out on the files themselves, under the same locks
// as the daemon's.
//
// In active/ the lock of the instance's directory, in hold/ and quarantine/ that of the file. Each
// step leaves the message as it was or as it shall be, whenever it is killed.
#ifndef POSTERN_TOOL_OFFLINE_H
#define POSTERN_TOOL_OFFLINE_H

#include "tool/find.h"

enum offline_wish { OFFLINE_RETRY, OFFLINE_HOLD, OFFLINE_UNHOLD, OFFLINE_DELETE, OFFLINE_RESCAN };

enum offline_result {
    OFFLINE_DONE,
    OFFLINE_LOCKED, // another process has it
    OFFLINE_GONE,
    OFFLINE_REFUSED, // it is not to be done with this message
    OFFLINE_FAILED
};

struct offline {
    struct place_root *root;
    const char *reason;
    int64_t now_ms;
    bool sync;
    // Where released messages go, from the first one on.
    struct place_instance instance;
    int bucket_fd; // -1: none yet
    unsigned bucket_files, bucket_number;
};

void offline_init(struct offline *offline, struct place_root *root, int64_t now_ms, bool sync);
// There is room for one more in bucket_fd; who puts it there counts it in bucket_files.
int offline_open_bucket(struct offline *offline, struct err *err);
void offline_clear(struct offline *offline); // lets the new instance go: a worker may adopt it

// err where REFUSED or FAILED.
enum offline_result offline_do(struct offline *offline, enum offline_wish wish, const char *id,
                               const struct find_place *place, struct err *err);

// `retry` for all messages of active/ that nobody has. *locked_out counts instances in use.
int offline_retry_all(struct offline *offline, size_t *done_out, size_t *locked_out,
                      struct err *err);

#endif
