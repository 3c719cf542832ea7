// SPDX-License-Identifier: BSD-2-Clause
// src/master/premises.h - what must stand before the children start: the user, the folders, the
// sockets.
//
// As root: folders and sockets are made for the configured user. Unprivileged: for oneself; `user`
// is ignored then.
#ifndef POSTERN_SRC_PREMISES_H
#define POSTERN_SRC_PREMISES_H

#include "base/priv.h"
#include "control/settings.h"
#include "src/master/listen.h"

struct premises {          // of one generation
    struct priv_user user; // whose rights children take
    bool is_root;
    int *listener_fds; // as settings->listeners; borrowed from the listen_set
    int control_fd;
    int *http_fds;  // as settings->https
    char *program;  // as the setting names postern-dissect
    int program_fd; // opened once: a reload still runs the one that fits us; -1: not wanted
};

// Marks the sockets wanted in set. former: of the generation before, NULL at start. TEMP or PERM
// with what and where; set may hold new sockets then.
int premises_open(struct premises *premises, const struct settings *settings,
                  const struct premises *former, struct listen_set *set, struct err *err);
void premises_give_log(const struct premises *premises); // what was made of it, after opening it
void premises_clear(struct premises *premises);          // not the sockets

#endif
