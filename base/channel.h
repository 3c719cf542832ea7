// SPDX-License-Identifier: BSD-2-Clause
// base/channel.h - the master's line to each of its children: short messages, with a descriptor
// each.
//
// A SOCK_SEQPACKET pair: a message is whole or not there. Only our own processes are at its ends;
// what does not fit the form is a bug of ours or a stranger's binary, and the line is given up.
#ifndef POSTERN_BASE_CHANNEL_H
#define POSTERN_BASE_CHANNEL_H

#include "base/err.h"

enum channel_type {
    CHANNEL_READY = 1,  // child: I can work
    CHANNEL_TROUBLE,    // child: why I cannot work; it ends
    CHANNEL_ADOPT,      // to a worker: somebody died, look for what he left
    CHANNEL_SCRIBE,     // to a worker, with fd: your end of a new line to the scribe; from it: I
                        // have none
    CHANNEL_WORKER,     // to the scribe or a nursery, with fd: a worker's line
    CHANNEL_NURSERY,    // the same, to the nursery
    CHANNEL_RELOAD,     // scribe: the operator asks for a reload
    CHANNEL_RELOADED,   // to the scribe: it went well (text empty), or why not
    CHANNEL_LOG_REOPEN, // to all: the log files were rotated
};

enum { CHANNEL_TEXT_MAX = 400 };

struct channel_message {
    enum channel_type type;
    char text[CHANNEL_TEXT_MAX + 1];
    int fd; // -1: none; the receiver's to close
};

int channel_pair(int ends_out[2], struct err *err); // both close-on-exec, non-blocking
// fd -1: none. A child that does not read is not waited for: -1, and the master replaces it.
int channel_send(int channel, enum channel_type type, const char *text, int fd);
// Hands over all that is there. A descriptor that the callback does not take (by setting fd to -1)
// is closed. -1 as below.
typedef void channel_callback(void *arg, struct channel_message *message);
int channel_each(int channel, channel_callback *callback, void *arg);
// 1: *message_out is filled; 0: nothing there now; -1: the other end is gone or talks nonsense.
int channel_receive(int channel, struct channel_message *message_out);

#endif
