// SPDX-License-Identifier: BSD-2-Clause
// track/maillog/follow.h - follows a log file as it grows: over rotation, truncation and our own
// restarts.
//
// Poll it; it never waits, and reads at most FOLLOW_READ_MAX bytes a call. A line is handed over
// once it has its line feed; what a rotated file still holds, and rotations that were missed, are
// read before the new file is begun; a line over MAILLOG_LINE_MAX is dropped and counted, and so is
// one that rotation tore: nothing is ever read as a line from its middle on. A place is a file
// (device, inode, a digest of its first bytes) and an offset: it is found again after a restart,
// also under the name that rotation gave it (FILE.1, FILE-*); where it is not, reading goes on with
// the next file there is, and a note says so. Without a place (first start): at the end.
#ifndef POSTERN_TRACK_FOLLOW_H
#define POSTERN_TRACK_FOLLOW_H

#include "base/buf.h"
#include "base/err.h"

struct follow;

enum { FOLLOW_READ_MAX = 1 << 20, FOLLOW_PLACE_MAX = 300 };

// So many polls in a row, a file may be away or a half line may lack its rest while a newer file is
// there, as in the middle of a rotation.
enum { FOLLOW_PATIENCE = 25 };

// place: what follow_place gave, or empty. Never fails: a file that is missing may come.
struct follow *follow_new(const char *path, struct span place);
void follow_free(struct follow **follow);

typedef void follow_line(void *arg, struct span line); // valid within the call
// -1: TEMP, for as long as the file cannot be read (the caller tells it once for each reason); what
// can be is read. The next call tries again.
int follow_poll(struct follow *follow, follow_line *each, void *arg, struct err *err);
// Behind the last line that was handed over; text, at most FOLLOW_PLACE_MAX bytes. Within `each`:
// in front of that line.
void follow_place(const struct follow *follow, struct buf *out);
// What a human should know since the last call (log lost, truncated), or NULL; valid until the next
// poll.
const char *follow_note(struct follow *follow);
uint64_t follow_dropped(const struct follow *follow); // lines

#endif
