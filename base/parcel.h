// SPDX-License-Identifier: BSD-2-Clause
// base/parcel.h - frames with descriptors over a UNIX stream socket, between our own processes.
//
// The other end may have been taken over: whatever is not a hello of this build and then frames
// ends the line. A descriptor belongs to the frame whose first byte it came with; more than one
// frame's worth of them waiting is nonsense, too.
// Owns: its buffer and the descriptors that nobody has taken. The socket is the caller's.
#ifndef POSTERN_BASE_PARCEL_H
#define POSTERN_BASE_PARCEL_H

#include "base/frame.h"
#include "base/pass.h"

struct parcel_reader {
    int socket;
    const char *build_id;
    size_t payload_max;
    struct buf in;
    size_t used; // of in: consumed
    bool has_hello;
    int fds[PASS_FDS_MAX];
    size_t fd_count;
};

void parcel_reader_init(struct parcel_reader *reader, int socket, const char *build_id,
                        size_t payload_max);
// Forgets all bytes and closes descriptors; usable again, behind the hello if there was one.
void parcel_reader_clear(struct parcel_reader *reader);
// One recvmsg. 1: something came; 0: nothing now; -1: the end, or nonsense.
int parcel_receive(struct parcel_reader *reader);
// The next whole frame; its payload is valid until the next call of any of these.
enum frame_result parcel_next(struct parcel_reader *reader, struct frame *frame_out);
int parcel_take_fd(struct parcel_reader *reader); // the oldest; -1: none
bool parcel_is_empty(const struct parcel_reader *reader);

// All or nothing, and without waiting where the socket does not: -1: the other end does not read,
// or is gone. fd -1: none. A payload of at most PARCEL_SHORT_MAX bytes; what is longer is written
// by whoever can wait.
enum { PARCEL_SHORT_MAX = 1000 };

int parcel_send_hello(int socket, const char *build_id);
int parcel_send(int socket, uint16_t type, struct span payload, int fd);

#endif
