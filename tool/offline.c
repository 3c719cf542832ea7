// SPDX-License-Identifier: BSD-2-Clause
#include "tool/offline.h"

#include <errno.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "spool/reader.h"

struct opened { // a message that we may change
    int dir_fd, fd;
    struct reader_message message;
};

void
offline_init(struct offline *offline, struct place_root *root, int64_t now_ms, bool sync)
{
    *offline = (struct offline){.root = root,
                                .reason = "operator",
                                .now_ms = now_ms,
                                .sync = sync,
                                .instance = {.fd = -1},
                                .bucket_fd = -1};
}

void
offline_clear(struct offline *offline)
{
    if (offline->bucket_fd >= 0)
        close(offline->bucket_fd);
    if (offline->instance.fd >= 0)
        place_instance_close(&offline->instance);
    offline->bucket_fd = offline->instance.fd = -1;
}

static enum offline_result
close_with(int fd, enum offline_result result)
{
    close(fd);
    return result;
}

// The holder of a lock may have renamed or removed what we opened before it was ours.
static bool
is_still_there(int dir_fd, const char *name, int fd)
{
    struct stat opened, named;

    return fstat(fd, &opened) == 0 && fstatat(dir_fd, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

static enum offline_result
open_message(int dir_fd, const char *name, const char *id, struct opened *opened, struct err *err)
{
    enum reader_result result;

    opened->dir_fd = dir_fd;
    opened->fd = fs_open_write(dir_fd, name, err);
    if (opened->fd < 0)
        return errno == ENOENT ? OFFLINE_GONE : OFFLINE_FAILED;
    if (flock(opened->fd, LOCK_EX | LOCK_NB) != 0)
        return close_with(opened->fd, OFFLINE_LOCKED);
    if (!is_still_there(dir_fd, name, opened->fd))
        return close_with(opened->fd, OFFLINE_GONE);
    result = reader_load(opened->fd, &opened->message, err);
    if (result == READER_UNSEALED)
        return close_with(opened->fd, OFFLINE_GONE);
    if (result != READER_OK)
        return close_with(opened->fd, OFFLINE_FAILED);
    // A slot that has another message by now; a file that is done, but for its removal.
    if (strcmp(opened->message.envelope.id, id) == 0 && !opened->message.state.done)
        return OFFLINE_DONE;
    reader_message_clear(&opened->message);
    return close_with(opened->fd, OFFLINE_GONE);
}

static void
close_message(struct opened *opened)
{
    reader_message_clear(&opened->message);
    close(opened->fd);
}

// Behind the last good line; what a slot held before is cut off. The line feed ends a line that a
// power cut left in half.
static int
append(const struct offline *offline, struct opened *opened, const char *event, const char *reason,
       struct err *err)
{
    struct journal_writer writer;
    struct buf line;
    int result;

    buf_init(&line, JOURNAL_LINE_MAX);
    (void)buf_add_char(&line, '\n');
    journal_begin(&writer, &line, reader_journal_key(&opened->message),
                  opened->message.state.next_seq, offline->now_ms, event);
    journal_field_text(&writer, "reason", reason);
    if (journal_end(&writer) != 0)
        result = err_set(err, ERR_PERM, "the journal takes no such line");
    else if (ftruncate(opened->fd, (off_t)opened->message.journal_end) != 0)
        result = err_sys(err, ERR_TEMP, errno, "cannot cut the file");
    else
        result = fs_write_all_at(opened->fd, line.data, line.len,
                                 (off_t)opened->message.journal_end, err);
    buf_clear(&line);
    return result;
}

static int
make_due(const struct offline *offline, int fd, struct err *err)
{
    struct timespec times[2];

    times[0].tv_sec = 0;
    times[0].tv_nsec = UTIME_OMIT;
    times[1].tv_sec = (time_t)(offline->now_ms / 1000);
    times[1].tv_nsec = (long)(offline->now_ms % 1000) * 1000000;
    if (futimens(fd, times) != 0)
        return err_sys(err, ERR_TEMP, errno, "cannot set the time of the next try");
    return 0;
}

static int
sync_file(const struct offline *offline, int fd, struct err *err)
{
    return offline->sync ? fs_sync(fd, err) : 0;
}

static int
do_retry(const struct offline *offline, struct opened *opened, struct err *err)
{
    if (append(offline, opened, "retry", NULL, err) != 0 || make_due(offline, opened->fd, err) != 0)
        return -1;
    return sync_file(offline, opened->fd, err);
}

static int
do_hold(const struct offline *offline, struct opened *opened, const char *name, struct err *err)
{
    if (append(offline, opened, "held", offline->reason, err) != 0 ||
        sync_file(offline, opened->fd, err) != 0)
        return -1;
    return fs_move(opened->dir_fd, name, offline->root->hold_fd, opened->message.envelope.id, err);
}

static int
do_delete(const struct offline *offline, struct opened *opened, const char *name, struct err *err)
{
    if (unlinkat(opened->dir_fd, name, 0) != 0)
        return err_sys(err, ERR_TEMP, errno, "cannot remove it");
    return sync_file(offline, opened->dir_fd, err);
}

// What root makes must be the daemon's.
static int
give_to_owner(const struct offline *offline, int fd, struct err *err)
{
    struct stat info;

    if (geteuid() != 0)
        return 0;
    if (fstat(offline->root->active_fd, &info) != 0 || fchown(fd, info.st_uid, info.st_gid) != 0)
        return err_sys(err, ERR_TEMP, errno, "cannot give a folder to the owner of the spool");
    return 0;
}

static int
open_bucket(struct offline *offline, struct err *err)
{
    char name[PLACE_BUCKET_NAME];

    if (offline->bucket_fd >= 0 && offline->bucket_files < PLACE_BUCKET_FILES)
        return 0;
    if (offline->instance.fd < 0) {
        if (place_instance_new(offline->root, &offline->instance, err) != 0) {
            offline->instance.fd = -1;
            return -1;
        }
        if (give_to_owner(offline, offline->instance.fd, err) != 0)
            return -1;
    }
    if (offline->bucket_fd >= 0)
        close(offline->bucket_fd);
    offline->bucket_files = 0;
    (void)snprintf(name, sizeof name, "%02x", offline->bucket_number++);
    offline->bucket_fd = -1;
    if (fs_make_dir(offline->instance.fd, name, 0700, err) != 0)
        return -1;
    offline->bucket_fd = fs_open_dir(offline->instance.fd, name, err);
    if (offline->bucket_fd < 0 || give_to_owner(offline, offline->bucket_fd, err) != 0)
        return -1;
    return fs_sync(offline->instance.fd, err);
}

static int
do_unhold(struct offline *offline, struct opened *opened, const char *name, struct err *err)
{
    if (open_bucket(offline, err) != 0 || append(offline, opened, "unheld", NULL, err) != 0 ||
        make_due(offline, opened->fd, err) != 0 || sync_file(offline, opened->fd, err) != 0 ||
        fs_move(opened->dir_fd, name, offline->bucket_fd, opened->message.envelope.id, err) != 0)
        return -1;
    offline->bucket_files++;
    return 0;
}

static enum offline_result
do_locked(struct offline *offline, enum offline_wish wish, const char *id,
          const struct find_place *place, struct err *err)
{
    struct opened opened;
    enum offline_result found;
    int dir_fd = find_open_folder(offline->root, place, err), result;

    if (dir_fd < 0)
        return errno == ENOENT ? OFFLINE_GONE : OFFLINE_FAILED;
    found = open_message(dir_fd, place->name, id, &opened, err);
    if (found != OFFLINE_DONE)
        return close_with(dir_fd, found);
    if (wish == OFFLINE_RETRY)
        result = do_retry(offline, &opened, err);
    else if (wish == OFFLINE_HOLD)
        result = do_hold(offline, &opened, place->name, err);
    else if (wish == OFFLINE_UNHOLD)
        result = do_unhold(offline, &opened, place->name, err);
    else
        result = do_delete(offline, &opened, place->name, err);
    close_message(&opened);
    return close_with(dir_fd, result == 0 ? OFFLINE_DONE : OFFLINE_FAILED);
}

enum offline_result
offline_do(struct offline *offline, enum offline_wish wish, const char *id,
           const struct find_place *place, struct err *err)
{
    struct place_instance instance;
    enum offline_result result;
    int locked;

    if (place->place != PLACE_ACTIVE)
        return do_locked(offline, wish, id, place, err);
    locked = place_instance_try(offline->root, place->instance, &instance, err);
    if (locked <= 0)
        return locked == 0 ? OFFLINE_LOCKED : OFFLINE_FAILED;
    result = do_locked(offline, wish, id, place, err);
    place_instance_close(&instance);
    return result;
}

struct all {
    struct offline *offline;
    size_t done, locked;
    struct err *err;
};

// Damaged ones are the daemon's to set aside.
static int
retry_file(void *arg, int dir_fd, const char *bucket, const char *name, bool is_ours)
{
    struct all *all = arg;
    struct opened opened = {.dir_fd = dir_fd};
    struct err ignored;
    int result = 0;

    (void)bucket;
    if (!is_ours)
        return 0;
    opened.fd = fs_open_write(dir_fd, name, &ignored);
    if (opened.fd < 0)
        return 0;
    if (reader_load(opened.fd, &opened.message, &ignored) == READER_OK) {
        if (!opened.message.state.done) {
            result = do_retry(all->offline, &opened, all->err);
            all->done += result == 0 ? 1 : 0;
        }
        reader_message_clear(&opened.message);
    }
    close(opened.fd);
    return result;
}

static int
retry_instance(void *arg, const char *name)
{
    struct all *all = arg;
    struct place_instance instance;
    int locked = place_instance_try(all->offline->root, name, &instance, all->err), result;

    if (locked < 0)
        return -1;
    if (locked == 0) {
        all->locked++;
        return 0;
    }
    result = place_walk_instance(&instance, retry_file, all, all->err);
    place_instance_close(&instance);
    return result;
}

// One fsync of everything at the end: nothing is lost if it does not come to it.
int
offline_retry_all(struct offline *offline, size_t *done_out, size_t *locked_out, struct err *err)
{
    struct all all = {.offline = offline, .err = err};
    bool sync = offline->sync;
    int result;

    offline->sync = false;
    result = place_walk_instances(offline->root, retry_instance, &all, err);
    offline->sync = sync;
    if (result == 0 && sync && syncfs(offline->root->root_fd) != 0)
        result = err_sys(err, ERR_TEMP, errno, "sync the spool");
    *done_out = all.done;
    *locked_out = all.locked;
    return result;
}
