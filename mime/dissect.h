// SPDX-License-Identifier: BSD-2-Clause
// mime/dissect.h - a worker's dissectors: jailed processes that look into its messages.
//
// Each works on one message at a time. Idle ones are kept; where all are busy the nursery is asked
// for another, up to a bound, and what comes on top waits in order. One that crashes, hangs past
// its time, or answers nonsense is killed through its pidfd, and the message it had is told so; it
// alone is suspect, since nobody shares its process. One is replaced after 1,000 messages.
// Memory does not grow with the number of large messages: few of them are looked into at once.
// Without a nursery (it died; the master starts another) messages wait for the next line.
#ifndef POSTERN_MIME_DISSECT_H
#define POSTERN_MIME_DISSECT_H

#include "base/loop.h"
#include "mime/findings.h"
#include "mime/query.h"

struct dissect;
struct dissect_job;

struct dissect_config {
    struct loop *loop;
    const char *build_id;
    const struct dissect_settings *settings;
    size_t max; // processes
};

struct dissect *dissect_new(const struct dissect_config *config);
void dissect_free(struct dissect **dissect); // no job may be open
// A line to a (new) nursery; the former is closed. Its dissectors are killed, and the messages they
// had are asked about again: they are innocent.
void dissect_set_nursery(struct dissect *dissect, int fd_take);
bool dissect_has_nursery(const struct dissect *dissect); // false too where its line broke

enum dissect_end {
    DISSECT_FOUND,
    DISSECT_CRASHED,    // it died, hung or talked nonsense on this message
    DISSECT_UNAVAILABLE // nobody looked: no nursery, no process; not the message's fault
};

struct dissect_request {
    struct dissect_query query; // borrowed until done; content or fd. parts_fd: of parts_file_new
    int fd;                     // borrowed; -1: the content is in the query
    uint64_t wait_ms;           // for a dissector to become free; DISSECT_UNAVAILABLE after it
};

// findings_take: with FOUND only. err tells why else.
typedef void dissect_done(void *arg, enum dissect_end end, struct findings *findings_take,
                          const struct err *err);
struct dissect_job *dissect_start(struct dissect *dissect, const struct dissect_request *request,
                                  dissect_done *done, void *arg);
void dissect_cancel(struct dissect_job **job); // a busy dissector is killed: it is not ours to wait

size_t dissect_crashes(const struct dissect *dissect); // since the start
size_t dissect_processes(const struct dissect *dissect);

// Starts a nursery (a child of the caller) for a program without a master, as the tool is, and
// waits until it is ready. It ends with *line_out, which is for dissect_set_nursery, and with its
// parent. -1: PERM the program is missing, or has said on standard error what it cannot load; TEMP
// else.
int dissect_start_nursery(const char *program, const struct dissect_setup *setup, int *line_out,
                          struct err *err);
// Opens the program for execution (O_PATH, close-on-exec): `program`, or where it is empty beside
// the running executable, else where it was installed. PERM with all places that were tried.
int dissect_open_program(const char *program, struct err *err);
// Becomes the nursery in a forked child: setup is written to a memfd. channel: base/channel, to the
// parent, on which workers' lines come (mime/reading/nursery.h). Every other descriptor but the
// standard ones is closed. Does not return where it worked.
int dissect_exec_nursery(int program_fd, const struct dissect_setup *setup, int channel,
                         struct err *err);

#endif
