// SPDX-License-Identifier: BSD-2-Clause
// src/master/upgrade.h - a new binary in place: same process id, same listeners, the old children
// drain.
//
// What the next binary needs to know travels in two environment variables: the listening
// descriptors, and the children with their channels. Both are taken out of the environment by
// whoever reads them.
#ifndef POSTERN_SRC_UPGRADE_H
#define POSTERN_SRC_UPGRADE_H

#include "src/master/child.h"
#include "src/master/listen.h"

// Sockets and children that the binary before us left; generation 0. Nothing where there was none.
void upgrade_inherit(struct listen_set *set, struct child **children);
bool upgrade_is_one(void); // before upgrade_inherit: were we started by an upgrade?

// Starts "BINARY -t -c FILE": its process id, or -1. A zero exit status allows upgrade_exec.
pid_t upgrade_check(const char *binary, const char *config_file, struct err *err);
// Executes the binary with the same arguments. Returns only if that fails: everything is as before.
int upgrade_exec(const char *binary, char *const *argv, const struct listen_set *set,
                 const struct child *children, struct err *err);

#endif
