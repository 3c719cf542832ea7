// SPDX-License-Identifier: BSD-2-Clause
// mime/reading/nursery.h - the program postern-dissect: loads everything once, then forks
// dissectors.
//
// Started with a channel to its parent at descriptor NURSERY_CHANNEL (base/channel: CHANNEL_READY
// out, CHANNEL_WORKER with a worker's line in) and its setup in a memfd at NURSERY_SETUP. Single-
// threaded; sees no mail. Dies with its parent, as its dissectors die with it. SIGTERM: it ends
// when the last worker's line has ended (workers drain first); SIGINT and SIGHUP are ignored.
#ifndef POSTERN_MIME_NURSERY_H
#define POSTERN_MIME_NURSERY_H

#include "mime/reading/look.h"

enum { NURSERY_CHANNEL = 3, NURSERY_SETUP = 4 };

// Until the channel and all workers' lines have ended. Returns the exit status. In a dissector it
// does not return.
int nursery_run(const char *build_id, struct look *look, const struct dissect_setup *setup);

// mime/reading/dissector.c: enters the jail, says hello from there, then one query after another.
// Returns when the line (which waits) ends; anything that is not right ends the process.
void dissector_run(int line, const char *build_id, struct look *look,
                   const struct dissect_settings *limits);

#endif
