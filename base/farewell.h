// SPDX-License-Identifier: BSD-2-Clause
// base/farewell.h - writes the last words of a connection whose owner is gone, then closes it.
//
// Owns:  all that it is given, until the peer has taken the words and closed its side too, or the
//        time is up, or the loop is freed. Nobody is told.
// Why:   to close a TCP socket while unread input waits sends a reset, which may overtake the last
//        reply; so that input is read and thrown away.
#ifndef POSTERN_BASE_FAREWELL_H
#define POSTERN_BASE_FAREWELL_H

#include "base/buf.h"
#include "base/loop.h"

// Sends at once what the socket takes. input_is_ended: the peer's EOF was read before.
// *words_take is empty afterwards. linger_ms 0: this one write must do.
void farewell_start(struct loop *loop, int fd_take, struct buf *words_take, bool input_is_ended,
                    uint64_t linger_ms);

#endif
