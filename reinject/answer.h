// SPDX-License-Identifier: BSD-2-Clause
// reinject/answer.h - replies of a server, strictly read (RFC 5321 4.2). Pure.
#ifndef POSTERN_REINJECT_ANSWER_H
#define POSTERN_REINJECT_ANSWER_H

#include "base/buf.h"

enum { ANSWER_TEXT_MAX = 400, ANSWER_LINES_MAX = 128, ANSWER_LINE_MAX = 2048 };

enum answer_result { ANSWER_NEED_MORE, ANSWER_DONE, ANSWER_BAD };

struct answer {
    int code;                       // 200..599
    char enhanced[12];              // "" if there was none, or its class is not the code's
    char text[ANSWER_TEXT_MAX + 1]; // of all lines, without codes, joined by blanks, printable
    unsigned lines;
};

// One whole reply from the start of in. A code outside 2xx..5xx, codes that differ between lines, a
// line without CRLF, too many or too long lines: BAD. A bare "250" without text is good. on_line
// may be NULL: it gets each line's text (EHLO keywords).
enum answer_result answer_read(struct span in, struct answer *answer_out, size_t *used_out,
                               void (*on_line)(void *arg, struct span text), void *arg);

// An answer of our own where no reply came: code 0, text made printable.
void answer_set(struct answer *answer, const char *text);

// The queue id in the reply to the dot of Postfix, Exim, OpenSMTPD, Sendmail, Haraka; "" if none is
// found.
enum { ANSWER_QUEUE_ID_MAX = 64 };

void answer_queue_id(const struct answer *answer, char out[ANSWER_QUEUE_ID_MAX + 1]);

#endif
