// SPDX-License-Identifier: BSD-2-Clause
#include "tool/offline.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "spool/amend.h"
#include "spool/reader.h"
#include "spool/store.h"

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

static enum offline_result
open_message(int dir_fd, const char *name, const char *id, struct opened *opened, struct err *err)
{
    enum reader_result result;
    int locked;

    opened->dir_fd = dir_fd;
    opened->fd = fs_open_write(dir_fd, name, err);
    if (opened->fd < 0)
        return errno == ENOENT ? OFFLINE_GONE : OFFLINE_FAILED;
    locked = place_lock_file(dir_fd, name, opened->fd);
    if (locked != 1)
        return close_with(opened->fd, locked == 0 ? OFFLINE_LOCKED : OFFLINE_GONE);
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

static int
append(const struct offline *offline, struct opened *opened, const char *event, const char *reason,
       struct err *err)
{
    struct amend amend;

    amend_begin(&amend, opened->fd, &opened->message, offline->now_ms, event);
    journal_field_text(&amend.writer, "reason", reason);
    return amend_end(&amend, false, err);
}

static int
sync_file(const struct offline *offline, int fd, struct err *err)
{
    return offline->sync ? fs_sync(fd, err) : 0;
}

// `retry`, `rescan`, `unheld`: it is due now.
static int
make_due(const struct offline *offline, struct opened *opened, const char *event, struct err *err)
{
    if (append(offline, opened, event, NULL, err) != 0 ||
        store_set_due(opened->fd, offline->now_ms, err) != 0)
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

int
offline_open_bucket(struct offline *offline, struct err *err)
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

// Out of hold/ or quarantine/.
static int
move_back(struct offline *offline, struct opened *opened, const char *name, const char *event,
          struct err *err)
{
    if (offline_open_bucket(offline, err) != 0 || make_due(offline, opened, event, err) != 0 ||
        fs_move(opened->dir_fd, name, offline->bucket_fd, opened->message.envelope.id, err) != 0)
        return -1;
    offline->bucket_files++;
    return 0;
}

// Whom a release may have let go would get it a second time; and where all were, nobody is left.
static int
may_rescan(const struct opened *opened, struct err *err)
{
    const struct spool_state *state = &opened->message.state;
    bool has_open = false;

    if (state->releasing > 0)
        return err_set(err, ERR_PERM,
                       "a release was cut short: it may be out already (release --again)");
    for (size_t i = 0; i < state->rcpt_count; i++)
        has_open = has_open ||
                   (!state_rcpt_is_retired(&state->rcpts[i]) && state->rcpts[i].released == NULL);
    return has_open ? 0 : err_set(err, ERR_PERM, "all its recipients were let go");
}

static int
do_rescan(struct offline *offline, struct opened *opened, const struct find_place *place,
          struct err *err)
{
    if (place->place == PLACE_ACTIVE)
        return make_due(offline, opened, "rescan", err);
    if (may_rescan(opened, err) != 0)
        return -1;
    return move_back(offline, opened, place->name, "rescan", err);
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
        result = make_due(offline, &opened, "retry", err);
    else if (wish == OFFLINE_RESCAN)
        result = do_rescan(offline, &opened, place, err);
    else if (wish == OFFLINE_HOLD)
        result = do_hold(offline, &opened, place->name, err);
    else if (wish == OFFLINE_UNHOLD)
        result = move_back(offline, &opened, place->name, "unheld", err);
    else
        result = do_delete(offline, &opened, place->name, err);
    close_message(&opened);
    if (result != 0)
        return close_with(dir_fd, err->kind == ERR_PERM ? OFFLINE_REFUSED : OFFLINE_FAILED);
    return close_with(dir_fd, OFFLINE_DONE);
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
            result = make_due(all->offline, &opened, "retry", all->err);
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
