// SPDX-License-Identifier: BSD-2-Clause
// base/priv.h - whose rights a process runs with.
#ifndef POSTERN_BASE_PRIV_H
#define POSTERN_BASE_PRIV_H

#include "base/err.h"
#include <sys/types.h>

struct priv_user {
    char *name;
    uid_t uid;
    gid_t gid;
};

int priv_find_user(const char *name, struct priv_user *user_out,
                   struct err *err); // PERM if unknown
int priv_find_group(const char *name, gid_t *gid_out, struct err *err);
void priv_user_clear(struct priv_user *user);

// For good: supplementary groups, gid, uid, all capabilities, no_new_privs; then the process is
// made to die with its parent (PR_SET_PDEATHSIG is lost by a change of user, so it comes last).
int priv_drop(const struct priv_user *user, struct err *err);
int priv_drop_capabilities(struct err *err); // without the first three: who is that user already
int priv_die_with_parent(pid_t parent);      // -1: it is gone already

// Where memory ends, the kernel takes this process by so much (to 1000) before its parent. Best
// effort; while it has the parent's rights, since one that has changed its user owns no such file.
void priv_die_first(int more);

// The master's own, for good: all capabilities but those that a reload needs, no_new_privs.
int priv_keep_master_capabilities(struct err *err);

#endif
