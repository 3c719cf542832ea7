// SPDX-License-Identifier: BSD-2-Clause
// smtp/command.h - cuts what a client says into command lines. Pure.
//
// What the lines mean, and when they may come: smtp/verb.h.
#ifndef POSTERN_SMTP_COMMAND_H
#define POSTERN_SMTP_COMMAND_H

#include "base/str.h"

enum command_result {
    COMMAND_NEED_MORE,
    COMMAND_LINE,     // *line_out without its CRLF, *used_out with it
    COMMAND_TOO_LONG, // over COMMAND_MAX: 500 5.5.6; *used_out bytes are to be dropped, up to and
                      // with the line's end
    COMMAND_BAD_BYTE, // NUL, another control character but HT, or a bare CR or LF in it: 500 5.5.2
};

enum { COMMAND_MAX = 4096 };

struct command_reader {
    bool skipping; // inside a line that was too long
};

// A line ends at CRLF only. A too long line is swallowed to its end and reported once, at its end:
// until then NEED_MORE comes with *used_out bytes to be dropped; otherwise NEED_MORE uses none.
enum command_result command_read(struct command_reader *reader, struct span in,
                                 struct span *line_out, size_t *used_out);

#endif
