// SPDX-License-Identifier: BSD-2-Clause
// mime/dissector_line.h - a worker's line to one dissector: a question, its answer, the next.
//
// The other end has read hostile mail: whatever it says is bounded and checked.
// Owns: the socket. Every callback runs from the loop; the line may be freed in each. ENDED and
//       NONSENSE are the last.
#ifndef POSTERN_MIME_DISSECTOR_LINE_H
#define POSTERN_MIME_DISSECTOR_LINE_H

#include "base/loop.h"
#include "mime/findings.h"
#include "mime/query.h"

struct dissector_line;

enum dissector_event {
    DISSECTOR_READY,    // it is in its jail, and may be asked
    DISSECTOR_ANSWER,   // findings_take
    DISSECTOR_FAILED,   // it could not read the bytes: err
    DISSECTOR_NONSENSE, // err
    DISSECTOR_ENDED     // the other end is gone
};

typedef void dissector_callback(void *arg, enum dissector_event event,
                                struct findings *findings_take, const struct err *err);

// *end_out: the dissector's end (it waits), for the nursery; the caller's to close.
struct dissector_line *dissector_line_new(struct loop *loop, const char *build_id,
                                          dissector_callback *callback, void *arg, int *end_out,
                                          struct err *err);
void dissector_line_free(struct dissector_line **line);
// fd (-1: none) and the query's parts_fd are borrowed until the answer; that seals the latter. -1:
// PERM the query is more than a frame may hold, TEMP the other end is gone, and has seen nothing of
// it.
int dissector_line_ask(struct dissector_line *line, const struct dissect_query *query, int fd,
                       struct err *err);

#endif
