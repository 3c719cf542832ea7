// SPDX-License-Identifier: BSD-2-Clause
#include "spool/place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

enum { DIR_MODE = 0700, INSTANCE_TRIES = 16 };

const char *
spool_place_name(enum spool_place place)
{
    static const char *const names[] = {[PLACE_ACTIVE] = "active",
                                        [PLACE_HOLD] = "hold",
                                        [PLACE_QUARANTINE] = "quarantine",
                                        [PLACE_CORRUPT] = "corrupt",
                                        [PLACE_NOWHERE] = "nowhere"};

    return names[place];
}

static uint32_t
random_u32(void)
{
    uint32_t value;
    ssize_t got;

    do
        got = getrandom(&value, sizeof(value), 0);
    while (got != (ssize_t)sizeof(value));
    return value;
}

// The spool's own directory may be a link to another disk; nothing inside it may be one.
static int
open_root(const char *path, bool make, bool *made_out, struct err *err)
{
    char *dot = mem_printf("%s/.", path);
    int fd = fs_open_dir(AT_FDCWD, dot, err);

    *made_out = false;
    if (fd < 0 && errno == ENOENT && make && fs_mkdir_path(path, DIR_MODE, err) == 0) {
        *made_out = true;
        fd = fs_open_dir(AT_FDCWD, dot, err);
    }
    mem_free(&dot);
    return fd;
}

static int
open_folder(const struct place_root *root, const char *name, bool make, bool *made_io,
            struct err *err)
{
    int fd = fs_open_dir(root->root_fd, name, err);

    if (fd >= 0 || errno != ENOENT || !make)
        return fd;
    *made_io = true;
    if (fs_make_dir(root->root_fd, name, DIR_MODE, err) != 0)
        return -1;
    return fs_open_dir(root->root_fd, name, err);
}

static int
open_folders(struct place_root *root, bool make, bool *made_io, struct err *err)
{
    const struct {
        const char *name;
        int *fd;
    } folders[] = {
        {spool_place_name(PLACE_ACTIVE),     &root->active_fd    },
        {spool_place_name(PLACE_HOLD),       &root->hold_fd      },
        {spool_place_name(PLACE_QUARANTINE), &root->quarantine_fd},
        {spool_place_name(PLACE_CORRUPT),    &root->corrupt_fd   },
        {"hops",                             &root->hops_fd      },
    };

    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        *folders[i].fd = open_folder(root, folders[i].name, make, made_io, err);
        if (*folders[i].fd < 0)
            return -1;
    }
    return 0;
}

int
place_root_open(struct place_root *root, const char *path, bool make, struct err *err)
{
    bool made_root, made_folder = false;

    *root = (struct place_root){.root_fd = -1,
                                .active_fd = -1,
                                .hold_fd = -1,
                                .quarantine_fd = -1,
                                .corrupt_fd = -1,
                                .hops_fd = -1};
    root->root_fd = open_root(path, make, &made_root, err);
    if (root->root_fd < 0)
        return -1;
    root->path = mem_strdup(path);
    if (open_folders(root, make, &made_folder, err) != 0)
        goto fail;
    // The parents are new as well, maybe several: the whole file system, this once.
    if (made_root && syncfs(root->root_fd) != 0) {
        err_sys(err, ERR_TEMP, errno, "sync %s", path);
        goto fail;
    }
    if (made_folder && fs_sync(root->root_fd, err) != 0)
        goto fail;
    return 0;
fail:
    place_root_close(root);
    return -1;
}

static void
close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void
place_root_close(struct place_root *root)
{
    close_fd(&root->root_fd);
    close_fd(&root->active_fd);
    close_fd(&root->hold_fd);
    close_fd(&root->quarantine_fd);
    close_fd(&root->corrupt_fd);
    close_fd(&root->hops_fd);
    mem_free(&root->path);
}

static int
try_flock(int fd)
{
    int result;

    do
        result = flock(fd, LOCK_EX | LOCK_NB);
    while (result != 0 && errno == EINTR);
    return result;
}

// Who held the lock before may have removed the directory between our open and our lock.
static bool
is_still_there(int parent_fd, const char *name, int fd)
{
    struct stat opened, named;

    return fstat(fd, &opened) == 0 && fstatat(parent_fd, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           opened.st_nlink > 0 && opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

int
place_lock_file(int dir_fd, const char *name, int fd)
{
    if (try_flock(fd) != 0)
        return 0;
    return is_still_there(dir_fd, name, fd) ? 1 : -1;
}

// 1: locked; 0: somebody has it, or it is gone.
static int
lock_instance(struct place_root *root, const char *name, struct place_instance *instance,
              struct err *err)
{
    struct err why;
    int fd = fs_open_dir(root->active_fd, name, &why);
    int result = 0;

    if (fd < 0 && errno == ENOENT)
        return 0;
    if (fd < 0)
        return err_set(err, why.kind, "%s", why.text);
    if (try_flock(fd) == 0)
        result = is_still_there(root->active_fd, name, fd) ? 1 : 0;
    else if (errno != EWOULDBLOCK)
        result = err_sys(err, ERR_TEMP, errno, "lock %s/active/%s", root->path, name);
    if (result != 1) {
        close(fd);
        return result;
    }
    *instance = (struct place_instance){.fd = fd};
    snprintf(instance->name, sizeof(instance->name), "%s", name);
    return 1;
}

static void
make_name(char *out, size_t size)
{
    static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    struct timespec now;
    uint64_t ms;
    char time[16];
    size_t at = sizeof(time) - 1;

    clock_gettime(CLOCK_REALTIME, &now);
    ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    time[at] = '\0';
    do {
        time[--at] = digits[ms % 36];
        ms /= 36;
    } while (ms > 0);
    snprintf(out, size, "%s-%d-%08x", time + at, (int)getpid(), random_u32());
}

int
place_instance_new(struct place_root *root, struct place_instance *instance_out, struct err *err)
{
    char name[sizeof(instance_out->name)];
    int result;

    for (int tries = 0; tries < INSTANCE_TRIES; tries++) {
        make_name(name, sizeof(name));
        if (fs_make_dir(root->active_fd, name, DIR_MODE, err) != 0)
            return -1;
        result = lock_instance(root, name, instance_out, err);
        if (result < 0)
            return -1;
        // Between making and locking, an adopter may take it for abandoned, and remove it.
        if (result == 0)
            continue;
        instance_out->is_own = true;
        if (fs_sync(root->active_fd, err) == 0)
            return 0;
        (void)unlinkat(root->active_fd, name, AT_REMOVEDIR);
        place_instance_close(instance_out);
        return -1;
    }
    return err_set(err, ERR_TEMP, "%s/active: no new instance could be locked", root->path);
}

int
place_instance_try(struct place_root *root, const char *name, struct place_instance *instance_out,
                   struct err *err)
{
    if (!place_is_instance_name(name))
        return err_set(err, ERR_PERM, "%s/active: not an instance's name", root->path);
    return lock_instance(root, name, instance_out, err);
}

// Buckets are made ahead of use, so that empty ones are left behind by whoever is killed.
static int
remove_buckets(const struct place_instance *instance, struct err *err)
{
    int fd = fs_open_dir(instance->fd, ".", err);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    const struct dirent *entry;

    if (dir == NULL) {
        close_fd(&fd);
        return err_sys(err, ERR_TEMP, errno, "read directory %s", instance->name);
    }
    while ((entry = readdir(dir)) != NULL) {
        if (place_is_bucket_name(entry->d_name))
            (void)unlinkat(instance->fd, entry->d_name, AT_REMOVEDIR);
    }
    closedir(dir);
    return 0;
}

int
place_instance_remove(struct place_root *root, struct place_instance *instance, struct err *err)
{
    if (remove_buckets(instance, err) != 0)
        return -1;
    if (unlinkat(root->active_fd, instance->name, AT_REMOVEDIR) != 0)
        return err_sys(err, ERR_TEMP, errno, "remove %s/active/%s", root->path, instance->name);
    place_instance_close(instance);
    return 0;
}

void
place_instance_close(struct place_instance *instance)
{
    close_fd(&instance->fd);
}
