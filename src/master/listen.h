// SPDX-License-Identifier: BSD-2-Clause
// src/master/listen.h - the listening sockets of the daemon, opened by the master, shared by its
// children.
//
// A socket once open stays open over reloads and upgrades as long as the configuration names its
// address: no connection is refused. Passed-in sockets (LISTEN_FDS, an upgrade) are found by
// address.
#ifndef POSTERN_SRC_LISTEN_H
#define POSTERN_SRC_LISTEN_H

#include "base/addr.h"
#include "base/err.h"

struct listen_socket {
    struct addr addr;
    int fd;
    bool is_wanted;  // by the configuration being loaded
    bool is_foreign; // the service manager's: its path is neither changed nor removed
};

struct listen_set {
    struct listen_socket *sockets;
    size_t count;
};

// Sockets given by the service manager or by the binary before us. Others' kinds are refused.
void listen_inherit(struct listen_set *set, int first_fd, int count, bool is_foreign);

struct listen_owner { // of a UNIX socket
    uid_t uid;
    gid_t gid;
    mode_t mode;
};

// The socket for this address: an open one, or a new one. A UNIX path that is left over from a dead
// daemon is replaced, one that somebody answers on is an error. Borrowed; -1: TEMP where somebody
// else has the address now, else PERM.
int listen_open(struct listen_set *set, const struct addr *addr, const struct listen_owner *owner,
                struct err *err);
void listen_keep(struct listen_set *set, int fd); // marks an open one wanted, as it is
void listen_unmark(struct listen_set *set);       // before a configuration's addresses are opened
void listen_close_unwanted(struct listen_set *set, bool unlink_paths); // after it took effect
void listen_close_all(struct listen_set *set, bool unlink_paths);

#endif
