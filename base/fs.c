// SPDX-License-Identifier: BSD-2-Clause
#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/mem.h"

enum { FLAGS = O_NOFOLLOW | O_CLOEXEC | O_NOCTTY };

// What fd is open on, for the error text alone. Where /proc may not be read, its number must do.
static const char *
path_of(int fd, char out[PATH_MAX])
{
    char link[40];
    ssize_t len;

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    len = readlink(link, out, PATH_MAX - 1);
    if (len < 0)
        snprintf(out, PATH_MAX, "descriptor %d", fd);
    else
        out[len] = '\0';
    return out;
}

// Both keep errno for the caller (EEXIST and ENOENT are often no mishap).
static int
fail_fd(struct err *err, const char *what, int fd)
{
    int errnum = errno;
    char path[PATH_MAX];

    err_sys(err, ERR_TEMP, errnum, "%s %s", what, path_of(fd, path));
    errno = errnum;
    return -1;
}

static int
fail_name(struct err *err, const char *what, int dir_fd, const char *name)
{
    int errnum = errno;
    char path[PATH_MAX];

    if (dir_fd == AT_FDCWD || name[0] == '/')
        err_sys(err, ERR_TEMP, errnum, "%s %s", what, name);
    else
        err_sys(err, ERR_TEMP, errnum, "%s %s/%s", what, path_of(dir_fd, path), name);
    errno = errnum;
    return -1;
}

static int
open_retry(int dir_fd, const char *name, int flags, mode_t mode)
{
    int fd;

    do
        fd = openat(dir_fd, name, flags | FLAGS, mode);
    while (fd < 0 && errno == EINTR);
    return fd;
}

int
fs_mkdir_path(const char *path, mode_t mode, struct err *err)
{
    char *part = mem_strdup(path);
    int fd;

    for (char *slash = strchr(part + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(part, mode) < 0 && errno != EEXIST && errno != EROFS && errno != EACCES) {
            fail_name(err, "mkdir", AT_FDCWD, part);
            mem_free(&part);
            return -1;
        }
        *slash = '/';
    }
    mem_free(&part);
    if (mkdir(path, mode) < 0 && errno != EEXIST)
        return fail_name(err, "mkdir", AT_FDCWD, path);
    fd = fs_open_dir(AT_FDCWD, path, err);
    if (fd < 0)
        return -1;
    close(fd);
    return 0;
}

int
fs_open_dir(int dir_fd, const char *name, struct err *err)
{
    int fd = open_retry(dir_fd, name, O_RDONLY | O_DIRECTORY, 0);

    return fd < 0 ? fail_name(err, "open directory", dir_fd, name) : fd;
}

int
fs_make_dir(int dir_fd, const char *name, mode_t mode, struct err *err)
{
    struct stat info;

    if (mkdirat(dir_fd, name, mode) == 0)
        return 0;
    if (errno != EEXIST)
        return fail_name(err, "mkdir", dir_fd, name);
    if (fstatat(dir_fd, name, &info, AT_SYMLINK_NOFOLLOW) < 0)
        return fail_name(err, "stat", dir_fd, name);
    if (S_ISDIR(info.st_mode))
        return 0;
    errno = ENOTDIR;
    return fail_name(err, "mkdir", dir_fd, name);
}

int
fs_create(int dir_fd, const char *name, mode_t mode, struct err *err)
{
    int fd = open_retry(dir_fd, name, O_RDWR | O_CREAT | O_EXCL, mode);

    return fd < 0 ? fail_name(err, "create", dir_fd, name) : fd;
}

// Only a regular file: a FIFO or a device that somebody put there would block or do worse.
static int
open_regular(int dir_fd, const char *name, int flags, struct err *err)
{
    struct stat info;
    int fd = open_retry(dir_fd, name, flags | O_NONBLOCK, 0);

    if (fd < 0)
        return fail_name(err, "open", dir_fd, name);
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode))
        return fd;
    close(fd);
    errno = EINVAL;
    return fail_name(err, "not a regular file: open", dir_fd, name);
}

int
fs_open_read(int dir_fd, const char *name, struct err *err)
{
    return open_regular(dir_fd, name, O_RDONLY, err);
}

int
fs_open_write(int dir_fd, const char *name, struct err *err)
{
    return open_regular(dir_fd, name, O_RDWR, err);
}

int
fs_write_all_at(int fd, const void *data, size_t len, off_t offset, struct err *err)
{
    const char *from = data;

    while (len > 0) {
        ssize_t written = pwrite(fd, from, len, offset);

        if (written < 0 && errno == EINTR)
            continue;
        if (written == 0)
            errno = EIO; // of some bytes, none taken and no reason given
        if (written <= 0)
            return fail_fd(err, "write", fd);
        from += written;
        len -= (size_t)written;
        offset += written;
    }
    return 0;
}

ssize_t
fs_read_at(int fd, void *data, size_t len, off_t offset, struct err *err)
{
    char *to = data;
    size_t got = 0;

    while (got < len) {
        ssize_t count = pread(fd, to + got, len - got, offset + (off_t)got);

        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return fail_fd(err, "read", fd);
        if (count == 0)
            break;
        got += (size_t)count;
    }
    return (ssize_t)got;
}

bool
fs_read_cached(int fd, void *data, size_t len, off_t offset)
{
    struct iovec part = {.iov_base = data, .iov_len = len};

    return preadv2(fd, &part, 1, offset, RWF_NOWAIT) == (ssize_t)len;
}

// An XFS that has shut itself down says of a folder whose changes it has thrown away that it is
// synced (and of a file, if it went down meanwhile). Its attributes it refuses to tell.
static int
ask_whether_alive(int fd, struct err *err)
{
    struct stat info;

    return fstat(fd, &info) < 0 ? fail_fd(err, "fstat", fd) : 0;
}

int
fs_sync(int fd, struct err *err)
{
    int result;

    do
        result = fsync(fd);
    while (result < 0 && errno == EINTR);
    return result < 0 ? fail_fd(err, "fsync", fd) : ask_whether_alive(fd, err);
}

int
fs_sync_data(int fd, struct err *err)
{
    int result;

    do
        result = fdatasync(fd);
    while (result < 0 && errno == EINTR);
    return result < 0 ? fail_fd(err, "fdatasync", fd) : ask_whether_alive(fd, err);
}

void
fs_start_writing(int fd)
{
    (void)sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
}

int
fs_move(int from_dir, const char *from, int to_dir, const char *to, struct err *err)
{
    if (renameat(from_dir, from, to_dir, to) < 0)
        return fail_name(err, "rename", from_dir, from);
    // Were the source synced first, a crash in between could leave the file in neither.
    if (fs_sync(to_dir, err) < 0)
        return -1;
    return from_dir == to_dir ? 0 : fs_sync(from_dir, err);
}

// A name that no other thread of any process uses now; one that is there was left by a crash.
static int
create_temporary(int dir_fd, const char *name, mode_t mode, char out[NAME_MAX + 1], struct err *err)
{
    int fd;

    snprintf(out, NAME_MAX + 1, ".%.200s.%d.new", name, (int)gettid());
    fd = open_retry(dir_fd, out, O_RDWR | O_CREAT | O_EXCL, mode);
    if (fd < 0 && errno == EEXIST && unlinkat(dir_fd, out, 0) == 0)
        fd = open_retry(dir_fd, out, O_RDWR | O_CREAT | O_EXCL, mode);
    return fd < 0 ? fail_name(err, "create", dir_fd, out) : fd;
}

int
fs_replace(int dir_fd, const char *name, struct span content, mode_t mode, struct err *err)
{
    char temporary[NAME_MAX + 1];
    int fd = create_temporary(dir_fd, name, mode, temporary, err);
    int result = -1;
    int errnum;

    if (fd < 0)
        return -1;
    if (fs_write_all_at(fd, content.data, content.len, 0, err) < 0 || fs_sync(fd, err) < 0)
        goto out;
    if (renameat(dir_fd, temporary, dir_fd, name) < 0) {
        fail_name(err, "rename to", dir_fd, name);
        goto out;
    }
    result = fs_sync(dir_fd, err);
out:
    errnum = errno;
    close(fd);
    if (result < 0)
        (void)unlinkat(dir_fd, temporary, 0);
    errno = errnum;
    return result;
}

int
fs_memory_file(const char *label, struct err *err)
{
    int fd = memfd_create(label, MFD_CLOEXEC | MFD_ALLOW_SEALING);

    return fd < 0 ? err_sys(err, ERR_TEMP, errno, "memfd_create %s", label) : fd;
}

int
fs_unnamed_file(int dir_fd, struct err *err)
{
    char temporary[NAME_MAX + 1];
    int fd = open_retry(dir_fd, ".", O_TMPFILE | O_EXCL | O_RDWR, 0600);

    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
        return fd < 0 ? fail_name(err, "open unnamed in", dir_fd, ".") : fd;
    // Some network file systems know no file without a name.
    fd = create_temporary(dir_fd, "unnamed", 0600, temporary, err);
    if (fd >= 0)
        (void)unlinkat(dir_fd, temporary, 0);
    return fd;
}

int
fs_reopen_read(int fd, struct err *err)
{
    char link[40];
    int again;

    // The link leads to what is open, under whatever name or none.
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    do
        again = open(link, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    while (again < 0 && errno == EINTR);
    return again < 0 ? fail_fd(err, "open again", fd) : again;
}

int
fs_get_space(int fd, struct fs_space *space_out, struct err *err)
{
    struct statvfs info;
    int result;

    do
        result = fstatvfs(fd, &info);
    while (result < 0 && errno == EINTR);
    if (result < 0)
        return fail_fd(err, "statvfs", fd);
    space_out->free_bytes = (uint64_t)info.f_bavail * info.f_frsize;
    // File systems that make inodes as they need them (btrfs) tell 0 of 0.
    space_out->free_inodes = info.f_files == 0 ? UINT64_MAX : info.f_favail;
    return 0;
}
