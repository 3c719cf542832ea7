// SPDX-License-Identifier: BSD-2-Clause
#include "track/maillog/logfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"

// Two logs that begin with the same so many bytes are one: times and process ids stand in them.
enum { HEAD_SURE = 64 };

// Nothing but a regular file is even opened: a device may act on it, a FIFO wakes its writer.
int
logfile_open(const char *path, struct err *err)
{
    struct stat info;
    int fd;

    if (stat(path, &info) != 0)
        return err_sys(err, ERR_TEMP, errno, "cannot open %s", path);
    if (!S_ISREG(info.st_mode)) {
        errno = EINVAL;
        return err_set(err, ERR_TEMP, "%s is not a regular file", path);
    }
    fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return err_sys(err, ERR_TEMP, errno, "cannot open %s", path);
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode))
        return fd;
    close(fd);
    errno = EINVAL;
    return err_set(err, ERR_TEMP, "%s is not a regular file", path);
}

// -1: so many are not there.
static int
digest_head(int fd, uint64_t len, struct digest_value *head_out)
{
    char head[LOGPLACE_HEAD_MAX];

    if (fs_read_at(fd, head, (size_t)len, 0, NULL) != (ssize_t)len)
        return -1;
    *head_out = digest_of(span_from(head, (size_t)len));
    return 0;
}

static bool
has_inode(const struct stat *info, const struct logplace *place)
{
    return info->st_dev == place->device && info->st_ino == place->inode;
}

bool
logfile_is(int fd, const struct logplace *place, uint64_t len)
{
    struct digest_value head;
    struct stat info;

    if (fstat(fd, &info) != 0 || (uint64_t)info.st_size < len)
        return false;
    if (place->head_len < HEAD_SURE && !has_inode(&info, place))
        return false;
    return place->head_len == 0 ||
           (digest_head(fd, place->head_len, &head) == 0 && digest_equal(head, place->head));
}

void
logfile_describe(int fd, uint64_t known, struct logplace *place)
{
    uint64_t head_len = known < LOGPLACE_HEAD_MAX ? known : LOGPLACE_HEAD_MAX;
    struct digest_value head;
    struct stat info;

    if (fstat(fd, &info) == 0) {
        place->device = info.st_dev;
        place->inode = info.st_ino;
        place->written_ns =
            (uint64_t)info.st_mtim.tv_sec * 1000000000 + (uint64_t)info.st_mtim.tv_nsec;
    }
    if (head_len != place->head_len && digest_head(fd, head_len, &head) == 0) {
        place->head_len = head_len;
        place->head = head;
    }
}

bool
logfile_is_line_start(int fd, uint64_t offset)
{
    char before;

    return offset == 0 ||
           (fs_read_at(fd, &before, 1, (off_t)offset - 1, NULL) == 1 && before == '\n');
}

// --- names ---

typedef void visit_file(void *arg, int fd, struct span suffix); // fd is closed behind it

static void
visit_names(const char *path, visit_file *each, void *arg)
{
    const char *slash = strrchr(path, '/'), *base = slash == NULL ? path : slash + 1;
    char *folder = slash == NULL ? mem_strdup(".") : mem_strndup(path, (size_t)(base - path));
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    size_t len = strlen(base);

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        const char *suffix = entry->d_name + len;
        char *name;
        int fd;

        if (strncmp(entry->d_name, base, len) != 0 || (suffix[0] != '.' && suffix[0] != '-'))
            continue;
        name = mem_printf("%s%s", slash == NULL ? "" : folder, entry->d_name);
        fd = logfile_open(name, NULL);
        mem_free(&name);
        if (fd < 0)
            continue;
        each(arg, fd, span_of(suffix));
        close(fd);
    }
    if (dir != NULL)
        closedir(dir);
    mem_free(&folder);
}

// Beside the path; where that is a link, beside the file too.
static void
visit_rotated(const char *path, visit_file *each, void *arg)
{
    char *real = realpath(path, NULL);

    visit_names(path, each, arg);
    if (real != NULL && strcmp(real, path) != 0)
        visit_names(real, each, arg);
    free(real);
}

struct search {
    const struct logplace *place;
    int fd;
    bool is_inode;
    uint64_t written_ns;
};

static void
take(struct search *search, int fd)
{
    if (search->fd >= 0)
        close(search->fd);
    search->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

static void
find_file(void *arg, int fd, struct span suffix)
{
    struct search *search = arg;
    struct stat info;

    (void)suffix;
    if (search->is_inode || !logfile_is(fd, search->place, search->place->offset) ||
        fstat(fd, &info) != 0)
        return;
    search->is_inode = has_inode(&info, search->place);
    take(search, fd);
}

int
logfile_find_rotated(const char *path, const struct logplace *place)
{
    struct search search = {.place = place, .fd = -1};

    visit_rotated(path, find_file, &search);
    return search.fd;
}

// ".1", "-20261121", "-20261121-0400": not ".gz", not what a human has put there.
static bool
is_by_rotation(struct span suffix)
{
    for (size_t i = 0; i < suffix.len; i++) {
        if ((suffix.data[i] < '0' || suffix.data[i] > '9') && suffix.data[i] != '-' &&
            suffix.data[i] != '.')
            return false;
    }
    return true;
}

static void
find_later(void *arg, int fd, struct span suffix)
{
    struct search *search = arg;
    struct logplace found = {0};

    if (!is_by_rotation(suffix) || logfile_is(fd, search->place, 0))
        return;
    logfile_describe(fd, 0, &found);
    if (found.written_ns <= search->place->written_ns ||
        (search->fd >= 0 && found.written_ns >= search->written_ns))
        return;
    search->written_ns = found.written_ns;
    take(search, fd);
}

int
logfile_find_next(const char *path, const struct logplace *place)
{
    struct search search = {.place = place, .fd = -1};

    visit_rotated(path, find_later, &search);
    return search.fd;
}
