// SPDX-License-Identifier: BSD-2-Clause
// base/fs.h - files and directories, durable and safe against links; blocks, so runs in the pool.
//
// All take a directory descriptor and a plain name (no slash, unless said), never follow a symbolic
// link in the last component, and retry EINTR. Errors are TEMP with operation and path.
#ifndef POSTERN_BASE_FS_H
#define POSTERN_BASE_FS_H

#include "base/err.h"
#include "base/str.h"
#include <sys/types.h>

int fs_mkdir_path(const char *path, mode_t mode,
                  struct err *err); // each missing part; existing is fine
int fs_open_dir(int dir_fd, const char *name,
                struct err *err); // O_DIRECTORY; dir_fd AT_FDCWD: a path
int fs_make_dir(int dir_fd, const char *name, mode_t mode,
                struct err *err); // 0 also if it is there
int fs_create(int dir_fd, const char *name, mode_t mode,
              struct err *err); // O_EXCL; fd, -1 (errno EEXIST kept)
int fs_open_read(int dir_fd, const char *name, struct err *err);
int fs_open_write(int dir_fd, const char *name, struct err *err); // read and write, must exist

int fs_write_all_at(int fd, const void *data, size_t len, off_t offset, struct err *err);
ssize_t fs_read_at(int fd, void *data, size_t len, off_t offset,
                   struct err *err); // short only at the end
// Never waits for the disk: false where not all of it lies in memory, or nobody can tell.
bool fs_read_cached(int fd, void *data, size_t len, off_t offset);
int fs_sync(int fd, struct err *err);      // fsync
int fs_sync_data(int fd, struct err *err); // fdatasync
void fs_start_writing(int fd);             // what a sync will wait for is begun; promises nothing

// Renames between directories and makes both durable: the target directory first, then the source.
int fs_move(int from_dir, const char *from, int to_dir, const char *to, struct err *err);

// Writes a small file in whole or not at all: temporary name, fsync, rename, fsync of the
// directory.
int fs_replace(int dir_fd, const char *name, struct span content, mode_t mode, struct err *err);

// Descriptors of files without a name; gone with the last one. In memory (memfd, sealable), or in
// the file system of dir_fd (O_TMPFILE). Read and write, close-on-exec.
int fs_memory_file(const char *label, struct err *err);
int fs_unnamed_file(int dir_fd, struct err *err);
// A new read-only description of the same file, with an offset of its own.
int fs_reopen_read(int fd, struct err *err);

struct fs_space {
    uint64_t free_bytes,
        free_inodes; // for unprivileged users; inodes UINT64_MAX where there is no limit
};

int fs_get_space(int fd, struct fs_space *space_out, struct err *err);

#endif
