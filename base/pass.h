// SPDX-License-Identifier: BSD-2-Clause
// base/pass.h - bytes and descriptors over a UNIX stream socket (SCM_RIGHTS), for our own lines.
//
// One call is one sendmsg or recvmsg; EINTR is retried. Received descriptors are close-on-exec and
// the caller's; where more come than it has room for, all are closed and the call fails (EBADMSG).
#ifndef POSTERN_BASE_PASS_H
#define POSTERN_BASE_PASS_H

#include "base/str.h"
#include <sys/types.h>

enum { PASS_FDS_MAX = 4 };

// The descriptors go with the first byte; bytes may not be empty where there are any. Returns the
// number of bytes taken, or -1 with errno (EAGAIN: none was, and no descriptor either). Never a
// SIGPIPE.
ssize_t pass_send(int socket, struct span bytes, const int *fds, size_t fd_count);

// At most *fd_count_io descriptors into fds_out; *fd_count_io becomes how many came. 0: end.
ssize_t pass_receive(int socket, void *data, size_t len, int *fds_out, size_t *fd_count_io);

#endif
