// SPDX-License-Identifier: BSD-2-Clause
#include "spool/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"

enum { FILE_MODE = 0600, PAGE = 4096, ROOM_BASE = 4096, ROOM_RCPT = 32 };

static const char hidden_end[] = ".new";

uint64_t
store_journal_room(size_t rcpt_count)
{
    return ROOM_BASE + (uint64_t)ROOM_RCPT * rcpt_count;
}

bool
store_is_hidden_name(const char *name)
{
    size_t len = strlen(name);

    return name[0] == '.' && len > sizeof hidden_end &&
           strcmp(name + len - (sizeof hidden_end - 1), hidden_end) == 0;
}

static void
name_hidden(const char *name, char out[STORE_NAME_MAX])
{
    snprintf(out, STORE_NAME_MAX, ".%s%s", name, hidden_end);
}

// The name that the kernel follows to a file without one (AT_EMPTY_PATH would ask for a right).
static int
link_unnamed(int fd, int dir_fd, const char *name)
{
    char path[40];

    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return linkat(AT_FDCWD, path, dir_fd, name, AT_SYMLINK_FOLLOW);
}

static int
open_unnamed(int dir_fd)
{
    int fd;

    do
        fd = openat(dir_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, FILE_MODE);
    while (fd < 0 && errno == EINTR);
    return fd;
}

bool
store_can_unnamed(int dir_fd)
{
    char probe[40];
    int fd = open_unnamed(dir_fd);
    bool can;

    if (fd < 0)
        return false;
    snprintf(probe, sizeof probe, ".probe-%d%s", (int)getpid(), hidden_end);
    can = link_unnamed(fd, dir_fd, probe) == 0;
    if (can)
        (void)unlinkat(dir_fd, probe, 0);
    close(fd);
    return can;
}

int
store_draft_make(int dir_fd, const char *name, bool unnamed, struct store_draft *draft_out,
                 struct err *err)
{
    *draft_out = (struct store_draft){.fd = -1, .dir_fd = dir_fd, .is_hidden = !unnamed};
    if (unnamed) {
        draft_out->fd = open_unnamed(dir_fd);
        return draft_out->fd < 0 ? err_sys(err, ERR_TEMP, errno, "create a file for %s", name) : 0;
    }
    name_hidden(name, draft_out->hidden);
    draft_out->fd = fs_create(dir_fd, draft_out->hidden, FILE_MODE, err);
    return draft_out->fd < 0 ? -1 : 0;
}

int
store_draft_publish(struct store_draft *draft, int dir_fd, const char *name, struct err *err)
{
    int result = draft->is_hidden ? linkat(draft->dir_fd, draft->hidden, dir_fd, name, 0)
                                  : link_unnamed(draft->fd, dir_fd, name);

    if (result < 0) {
        int errnum = errno;

        err_sys(err, ERR_TEMP, errnum, "name the file %s", name);
        errno = errnum;
        return -1;
    }
    if (draft->is_hidden)
        (void)unlinkat(draft->dir_fd, draft->hidden, 0);
    draft->is_hidden = false;
    return 0;
}

int
store_draft_replace(struct store_draft *draft, int dir_fd, const char *name, struct err *err)
{
    if (!draft->is_hidden) {
        name_hidden(name, draft->hidden);
        if (store_draft_publish(draft, dir_fd, draft->hidden, err) < 0)
            return -1;
        draft->dir_fd = dir_fd;
        draft->is_hidden = true;
    }
    if (store_rename(draft->dir_fd, draft->hidden, dir_fd, name, err) < 0)
        return -1;
    draft->is_hidden = false;
    return 0;
}

void
store_draft_drop(struct store_draft *draft)
{
    if (draft->fd < 0)
        return;
    if (draft->is_hidden)
        (void)unlinkat(draft->dir_fd, draft->hidden, 0);
    close(draft->fd);
    draft->fd = -1;
}

int
store_write_image(int fd, struct span image, struct err *err)
{
    // A fatal signal ends a write between two pages. The page with the seal comes last, so the seal
    // is never seen in front of what the slot held before.
    if (image.len > PAGE && fs_write_all_at(fd, image.data + PAGE, image.len - PAGE, PAGE, err) < 0)
        return -1;
    return fs_write_all_at(fd, image.data, image.len < PAGE ? image.len : PAGE, 0, err);
}

int
store_unseal(int fd, struct err *err)
{
    char head[FORMAT_HEAD_LEN];

    format_head_write(NULL, head);
    return fs_write_all_at(fd, head, sizeof head, 0, err);
}

int
store_reserve(int fd, uint64_t end, uint64_t room, struct err *err)
{
    int result;

    do
        result = fallocate(fd, FALLOC_FL_KEEP_SIZE, (off_t)end, (off_t)room);
    while (result < 0 && errno == EINTR);
    if (result == 0 || errno == EOPNOTSUPP || errno == ENOSYS)
        return 0;
    return err_sys(err, ERR_TEMP, errno, "reserve room for the journal");
}

int
store_cut(int fd, uint64_t end, uint64_t room, struct err *err)
{
    int result;

    do
        result = ftruncate(fd, (off_t)end);
    while (result < 0 && errno == EINTR);
    if (result < 0)
        return err_sys(err, ERR_TEMP, errno, "cut the journal back");
    // A disk that is full now may have room again when the next line comes.
    (void)store_reserve(fd, end, room, NULL);
    return 0;
}

int
store_set_due(int fd, int64_t due_ms, struct err *err)
{
    struct timespec times[2] = {
        {.tv_nsec = UTIME_OMIT                      },
        { .tv_sec = (time_t)(due_ms / 1000), .tv_nsec = (long)(due_ms % 1000) * 1000000},
    };

    return futimens(fd, times) < 0 ? err_sys(err, ERR_TEMP, errno, "set the time of a file") : 0;
}

int
store_rename(int from_dir, const char *from, int to_dir, const char *to, struct err *err)
{
    if (renameat(from_dir, from, to_dir, to) == 0)
        return 0;
    return err_sys(err, ERR_TEMP, errno, "rename %s to %s", from, to);
}

int
store_remove(int dir_fd, const char *name, struct err *err)
{
    if (unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT)
        return 0;
    return err_sys(err, ERR_TEMP, errno, "remove %s", name);
}

int
store_copy(int from_fd, int to_fd, uint64_t offset, uint64_t len, struct err *err)
{
    char *block = mem_zalloc(STORE_BLOCK);
    int result = 0;

    while (len > 0 && result == 0) {
        size_t size = len < STORE_BLOCK ? (size_t)len : (size_t)STORE_BLOCK;
        ssize_t got = fs_read_at(from_fd, block, size, (off_t)offset, err);

        if (got == 0)
            err_set(err, ERR_TEMP, "a file is shorter than it was");
        result = got <= 0 ? -1 : fs_write_all_at(to_fd, block, (size_t)got, (off_t)offset, err);
        offset += (uint64_t)(got > 0 ? got : 0);
        len -= (uint64_t)(got > 0 ? got : 0);
    }
    mem_free(&block);
    return result;
}
