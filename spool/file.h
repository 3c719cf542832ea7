// SPDX-License-Identifier: BSD-2-Clause
// spool/file.h - one message under way (struct spool_file), as the files of this room see it.
//
// Steps:  at most one step that changes the file is in the pool (flush, copy, leave); what is
//         wanted besides waits, and file_go begins it. A read may run beside flushes.
// Given up: nothing is begun for its former owner any more, but what was begun is answered; then
//         the file leaves (leave.c) and is freed.
// Broken: a file whose write or fsync failed is written no more: it is copied to a new one
// (copy.c). Counts: it is in spool->under_way and in its bucket as long as it has a name.
#ifndef POSTERN_SPOOL_FILE_H
#define POSTERN_SPOOL_FILE_H

#include "spool/room.h"

enum file_leave {
    LEAVE_NOT,
    LEAVE_FINISH,
    LEAVE_DISCARD,
    LEAVE_WAIT,
    LEAVE_HOLD,
    LEAVE_QUARANTINE,
    LEAVE_RELEASE
};

enum file_step { STEP_NONE, STEP_FLUSH, STEP_COPY, STEP_LEAVE };

struct file_answer { // owed to the owner, for one operation of his
    struct loop_deferred later;
    bool is_owed, is_begun;
    spool_done *done;
    void *arg;
    struct err err; // ERR_NONE: it worked
};

struct file_read {
    struct task task; // first
    struct spool_file *file;
    uint64_t offset;
    char *data;
    size_t len;
    struct file_answer answer;
};

struct spool_file {
    struct task task; // first: the step
    struct spool *spool;
    struct spool_file *next; // stuck
    struct ids_member under_way;
    struct smtp_envelope envelope;
    struct spool_state state;
    struct format_seal seal;
    struct digest_value digest;

    struct buf image;         // head, envelope and message, while fresh and small
    struct store_draft draft; // relay and large: its file without a name
    int fd;                   // -1: in memory only
    struct slot *slot;        // of our pool, or NULL
    struct bucket *bucket;    // where its name is, counted; NULL: it has none
    char name[STORE_NAME_MAX];
    uint64_t end; // behind the journal
    bool is_durable;
    bool is_adopted;  // for on_file
    bool is_reopened; // an append begins with a line feed
    bool is_broken, wants_copy;
    struct syncer_item own_sync; // where it is no slot

    struct buf notes;  // noted, and not yet being written
    struct buf flight; // being written by the step
    struct file_answer flush, take_over;
    bool flush_durable;
    struct file_read read;
    enum file_leave leave;
    bool has_tried_copy; // in this attempt to leave
    bool is_stuck;       // in the spool's list; nothing begins until it is taken out
    int64_t until_ms;    // WAIT: the next try; QUARANTINE: since when it lies there

    enum file_step step;
    bool step_sync, step_durable;
    struct bucket *target; // of a copy or a move, counted
    int target_fd;         // copy: the new file
    bool has_moved;
    struct err err; // of the step
};

struct spool_file *file_new(struct spool *spool);
void file_free(struct spool_file **file); // memory only
// It has its name and place now, and is under way; its callers count it.
void file_settle(struct spool_file *file);
void file_go(struct spool_file *file); // begins what is wanted and may begin
struct syncer_item *file_sync_item(struct spool_file *file);
void file_init_sync(struct spool_file *file); // fd, slot or bucket are set
// Appends flight to the journal's end; in the pool.
int file_append(struct spool_file *file, struct err *err);
void file_answer(struct spool_file *file, struct file_answer *answer, const struct err *err);
void file_answer_later(struct spool_file *file, struct file_answer *answer);

// copy.c: to a new file in the running bucket, with all its notes; for broken and for relay files.
void copy_start(struct spool_file *file);
// leave.c
void leave_start(struct spool_file *file);
void leave_retry_stuck(struct spool *spool);
void leave_drop_stuck(struct spool *spool); // at the end: they lie where they lie

#endif
