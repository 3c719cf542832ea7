// SPDX-License-Identifier: BSD-2-Clause
// spool/spool.h - one worker's part of the spool: its instance, slots, buckets and what waits
// there.
//
// Everything that can block runs in the pool; every callback comes from the loop, exactly once.
// Slots:   files made and written through ahead of use, taken last-freed first, synced when idle;
//          the pool grows while busy and shrinks when idle.
// Waiting: a message that waits costs an entry of at most 200 bytes, no descriptor; due ones are
//          given to on_file in order of time. Its next try is the file's mtime.
// Adopts:  at start, once a minute and when asked, takes free instances and their files over.
#ifndef POSTERN_SPOOL_SPOOL_H
#define POSTERN_SPOOL_SPOOL_H

#include "base/counter.h"
#include "base/pool.h"
#include "spool/place.h"
#include "spool/reader.h"
#include "spool/settings.h"

struct remember;
struct spool;
struct spool_file;

typedef void spool_done(void *arg, const struct err *err); // err NULL: it worked

struct spool_handler {
    // A message found by adoption, or due after waiting: the file is handed over. It is verified.
    // adopted: another process had it before; with state.attempt_open it may have been delivered.
    void (*on_file)(void *arg, struct spool_file *file_take, bool adopted);
    // May one more on_file come now? The spool waits for spool_poke otherwise.
    bool (*is_ready)(void *arg);
    // One that was found or waited has left active/ and does not come to on_file: its journal said
    // so when its owner died, or the operator wished it. Where to; PLACE_NOWHERE: it is gone.
    void (*on_left)(void *arg, const struct reader_message *message, enum spool_place place);
};

// counters may be NULL. Blocks (start-up): makes folders, instance and the first slots. Adoption
// begins with spool_start, in the background.
struct spool *spool_open(struct loop *loop, struct pool *pool,
                         const struct spool_settings *settings, struct counter_worker *counters,
                         struct err *err);
void spool_start(struct spool *spool, const struct spool_handler *handler, void *arg);
void spool_poke(struct spool *spool);  // is_ready may have become true
void spool_adopt(struct spool *spool); // look for free instances now
// No more on_file.
void spool_stop(struct spool *spool);
// All files were given up. What of ours is still in the pool is worked off by it (pool_free at the
// latest), then the instance is unlocked, or removed if it is empty.
void spool_free(struct spool **spool);

// 0, or TEMP: too little space, inodes, or too many messages (counted over page, may be NULL).
int spool_check_room(const struct spool *spool, const struct counter_page *page, uint64_t size,
                     struct err *err);
size_t spool_waiting_count(const struct spool *spool);

// The operator's, on messages of this worker that wait (not on those under way). `found` tells
// whether the id is ours.
// SPOOL_RESCAN: as RETRY, and open recipients are undecided again.
enum spool_wish { SPOOL_RETRY, SPOOL_HOLD, SPOOL_DELETE, SPOOL_RESCAN };

enum spool_wish_result {
    SPOOL_WISH_DONE,
    SPOOL_WISH_NOT_OURS,
    SPOOL_WISH_UNDER_WAY,
    SPOOL_WISH_FAILED
};

typedef void spool_wish_done(void *arg, enum spool_wish_result result, const struct err *err);
void spool_wish(struct spool *spool, enum spool_wish wish, const char *id, const char *reason,
                spool_wish_done *done, void *arg);
// All that wait become due now.
void spool_retry_all(struct spool *spool);

// Removes what has expired, and the oldest above the bound, from quarantine/; at start and once an
// hour, by whichever worker is first. NULL: never (tests).
void spool_keep_quarantine(struct spool *spool, const struct quarantine_settings *settings);
// Where unnamed copies of messages may be made; borrowed.
int spool_dir_fd(const struct spool *spool);
// What became of recipients (spool/remember.h); borrowed; NULL: nothing is remembered.
struct remember *spool_remember(const struct spool *spool);

// --- one message, open (struct spool_file) ---

const char *spool_file_id(const struct spool_file *file);
const struct smtp_envelope *spool_file_envelope(const struct spool_file *file);
struct spool_state *spool_file_state(struct spool_file *file); // as of the last note
uint64_t spool_file_len(const struct spool_file *file);        // of the message
struct digest_value spool_file_digest(const struct spool_file *file);
bool spool_file_is_durable(const struct spool_file *file); // false: relay, not in the spool
// The whole message while it is still in memory (fresh and small), else {NULL, 0}.
struct span spool_file_memory(const struct spool_file *file);

// A read-only description of its own of the file that holds the message at *offset_out, whether it
// has a name or not; the caller's. -1: in memory only, or TEMP.
int spool_file_open_read(struct spool_file *file, uint64_t *offset_out, struct err *err);

// Journal: a note is formatted, applied to the state at once and kept until flush, which writes all
// of them with one call. durable: done comes after an fsync; else after the write (the fsync is
// shared and at most 100 ms later). One flush at a time. Not durable files keep notes in memory
// only.
void spool_note_begin(struct spool_file *file, struct journal_writer *writer, const char *event);
void spool_note_end(struct spool_file *file, struct journal_writer *writer);
void spool_file_flush(struct spool_file *file, bool durable, spool_done *done, void *arg);
// Half of what a journal may be is left for what must be told: who has more to decide than fits
// into the other half cannot have it written.
bool spool_file_is_crowded(const struct spool_file *file);

// Reads len bytes of the message at offset into data; one read at a time. Never past the end. done
// comes even if the file was given up meanwhile; data must live until then.
void spool_file_read(struct spool_file *file, uint64_t offset, char *data, size_t len,
                     spool_done *done, void *arg);

// The ways to give a file up (each takes it; *file is NULL at once). What was noted is flushed
// first, in the same pool job, but where the file goes: that says as much, and they are written if
// it cannot go. What was begun is answered before. Where the disk refuses, the file
// is copied, and if that fails too it stays with us and is tried again each minute, with an alarm.
// Only what is durable can wait or be held.
void
spool_file_finish(struct spool_file **file); // all retired: the slot is freed or the file unlinked
void spool_file_wait(struct spool_file **file,
                     int64_t until_ms); // leaves the slot, waits for its time
void spool_file_hold(struct spool_file **file,
                     const char *reason); // note `held`, rename to hold/, durable
// Note `quarantined`, rename to quarantine/<day>/, durable. All open recipients share the verdict.
void spool_file_quarantine(struct spool_file **file, const char *rule, const char *reason);
void
spool_file_release(struct spool_file **file); // leaves it as it lies for the next owner (shutdown)
void spool_file_discard(struct spool_file **file); // never acknowledged: gone

// Relay: makes it durable in the spool with all its notes (take-over). After err it is as before.
void spool_file_take_over(struct spool_file *file, spool_done *done, void *arg);

#endif
