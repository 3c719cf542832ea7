// SPDX-License-Identifier: BSD-2-Clause
#include "tool/postfix_files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "tool/postconf.h"

enum { FILE_MAX = 4 << 20, MODES = 07777 };

const char *const postfix_file_names[POSTFIX_FILES] = {"master.cf", "main.cf"};

// A link is refused: what it leads to may be shared with others, or made by a program.
static int
find_file(const struct postfix_files *files, const char *name, struct stat *info_out,
          struct err *err)
{
    if (fstatat(files->folder_fd, name, info_out, AT_SYMLINK_NOFOLLOW) != 0)
        return err_sys(err, ERR_TEMP, errno, "%s/%s", files->folder, name);
    if (!S_ISREG(info_out->st_mode))
        return err_set(err, ERR_PERM, "%s/%s is not a plain file", files->folder, name);
    return 0;
}

static int
read_whole(int dir_fd, const char *name, struct buf *out, struct err *err)
{
    int fd = fs_open_read(dir_fd, name, err);
    ssize_t got;
    char *space;

    buf_reset(out);
    if (fd < 0)
        return -1;
    space = buf_space(out, FILE_MAX);
    got = fs_read_at(fd, space, FILE_MAX, 0, err);
    close(fd);
    if (got < 0)
        return -1;
    if (got == FILE_MAX)
        return err_set(err, ERR_PERM, "%s is larger than any configuration", name);
    buf_filled(out, (size_t)got);
    return 0;
}

static int
write_new(int dir_fd, const char *name, const struct buf *content, mode_t mode, struct err *err)
{
    int fd = fs_create(dir_fd, name, mode, err), result = -1;

    if (fd < 0)
        return -1;
    if (fs_write_all_at(fd, content->data, content->len, 0, err) == 0)
        result = fs_sync(fd, err);
    close(fd);
    return result;
}

static int
find_folder(const char *folder, char **folder_out, struct err *err)
{
    static const char *const arguments[] = {"-h", "config_directory", NULL};
    struct buf out;
    int result;

    buf_init(&out, PATH_MAX);
    result = postconf_run(folder, arguments, &out, err);
    if (result == 0)
        *folder_out = mem_strdup(buf_text(&out));
    buf_clear(&out);
    return result;
}

// With the time of the original: postconf would wait for a file to be a second old.
static int
copy_aside(struct postfix_files *files, enum postfix_file which, int aside_fd, struct err *err)
{
    const char *name = postfix_file_names[which];
    struct timespec times[2];
    struct stat info;

    if (find_file(files, name, &info, err) != 0 ||
        read_whole(files->folder_fd, name, &files->before[which], err) != 0 ||
        write_new(aside_fd, name, &files->before[which], 0600, err) != 0)
        return -1;
    times[0] = times[1] = info.st_mtim;
    (void)utimensat(aside_fd, name, times, 0);
    return 0;
}

static int
set_aside(struct postfix_files *files, struct err *err)
{
    const char *base = getenv("TMPDIR");
    int aside_fd, result = 0;

    files->aside = mem_printf("%s/postern-XXXXXX", base == NULL || base[0] == '\0' ? "/tmp" : base);
    if (mkdtemp(files->aside) == NULL) {
        (void)err_sys(err, ERR_TEMP, errno, "cannot make a folder %s", files->aside);
        mem_free(&files->aside);
        return -1;
    }
    aside_fd = fs_open_dir(AT_FDCWD, files->aside, err);
    if (aside_fd < 0)
        return -1;
    for (int i = 0; i < POSTFIX_FILES && result == 0; i++)
        result = copy_aside(files, (enum postfix_file)i, aside_fd, err);
    close(aside_fd);
    return result;
}

int
postfix_files_open(const char *folder, struct postfix_files *files, struct err *err)
{
    memset(files, 0, sizeof *files);
    files->folder_fd = -1;
    for (int i = 0; i < POSTFIX_FILES; i++)
        buf_init(&files->before[i], FILE_MAX);
    if (find_folder(folder, &files->folder, err) != 0)
        return -1;
    files->folder_fd = fs_open_dir(AT_FDCWD, files->folder, err);
    return files->folder_fd < 0 ? -1 : set_aside(files, err);
}

static void
remove_copy(const struct postfix_files *files, const char *name, const char *suffix)
{
    char *path = mem_printf("%s/%s%s", files->aside, name, suffix);

    (void)unlink(path);
    mem_free(&path);
}

void
postfix_files_close(struct postfix_files *files)
{
    for (int i = 0; i < POSTFIX_FILES; i++) {
        if (files->aside != NULL) {
            remove_copy(files, postfix_file_names[i], "");
            remove_copy(files, postfix_file_names[i], ".tmp"); // of a postconf that failed
        }
        buf_clear(&files->before[i]);
    }
    if (files->aside != NULL)
        (void)rmdir(files->aside);
    if (files->folder_fd >= 0)
        close(files->folder_fd);
    files->folder_fd = -1;
    mem_free(&files->aside);
    mem_free(&files->folder);
}

static bool
is_same(const struct buf *a, const struct buf *b)
{
    return span_equal(buf_span(a), buf_span(b));
}

static int
check_untouched(struct postfix_files *files, struct err *err)
{
    struct buf now;
    int result = 0;

    buf_init(&now, FILE_MAX);
    for (int i = 0; i < POSTFIX_FILES && result == 0; i++) {
        result = read_whole(files->folder_fd, postfix_file_names[i], &now, err);
        if (result == 0 && !is_same(&now, &files->before[i]))
            result = err_set(err, ERR_PERM, "%s/%s has been changed meanwhile", files->folder,
                             postfix_file_names[i]);
    }
    buf_clear(&now);
    return result;
}

// Whose it was it stays: only root may give it away, and for anybody else it is as after postconf.
static int
write_over(const struct postfix_files *files, const char *name, const struct stat *info,
           const struct buf *content, struct err *err)
{
    if (fs_replace(files->folder_fd, name, buf_span(content), info->st_mode & MODES, err) != 0)
        return -1;
    if (fchownat(files->folder_fd, name, info->st_uid, info->st_gid, AT_SYMLINK_NOFOLLOW) != 0 &&
        errno != EPERM)
        return err_sys(err, ERR_TEMP, errno, "cannot give %s/%s to its owner", files->folder, name);
    return 0;
}

// What is replaced is kept first.
static int
replace(struct postfix_files *files, enum postfix_file which, const struct buf *content,
        const char *suffix, struct err *err)
{
    const char *name = postfix_file_names[which];
    char *kept = mem_printf("%s%s", name, suffix);
    struct stat *info = &files->replaced[which];
    int result = -1;

    if (find_file(files, name, info, err) == 0 &&
        write_new(files->folder_fd, kept, &files->before[which], info->st_mode & MODES, err) == 0)
        result = write_over(files, name, info, content, err);
    mem_free(&kept);
    return result;
}

// Also one whose replacing failed: it may have its new content already.
static void
put_back(const struct postfix_files *files, enum postfix_file which, struct err *err)
{
    const char *name = postfix_file_names[which];
    struct err other;
    struct buf now;

    buf_init(&now, FILE_MAX);
    if (read_whole(files->folder_fd, name, &now, &other) != 0 ||
        (!is_same(&now, &files->before[which]) &&
         write_over(files, name, &files->replaced[which], &files->before[which], &other) != 0))
        (void)err_prefix(err, "%s/%s is changed already, and cannot be put back (%s)",
                         files->folder, name, other.text);
    buf_clear(&now);
}

static int
take_both(struct postfix_files *files, enum postfix_file first, struct buf after[POSTFIX_FILES],
          const char *suffix, struct err *err)
{
    enum postfix_file order[POSTFIX_FILES] = {first, !first};

    int changed = 0;

    for (int i = 0; i < POSTFIX_FILES; i++) {
        enum postfix_file which = order[i];

        if (is_same(&after[which], &files->before[which]))
            continue;
        changed = 1;
        if (replace(files, which, &after[which], suffix, err) == 0)
            continue;
        for (int k = 0; k <= i; k++)
            put_back(files, order[k], err);
        return -1;
    }
    return changed;
}

int
postfix_files_take(struct postfix_files *files, enum postfix_file first, const char *suffix,
                   struct err *err)
{
    struct buf after[POSTFIX_FILES];
    int aside_fd = fs_open_dir(AT_FDCWD, files->aside, err), result = aside_fd < 0 ? -1 : 0;
    mode_t mask = umask(0); // modes are those of the files that are replaced

    for (int i = 0; i < POSTFIX_FILES; i++) {
        buf_init(&after[i], FILE_MAX);
        if (result == 0)
            result = read_whole(aside_fd, postfix_file_names[i], &after[i], err);
    }
    if (result == 0)
        result = check_untouched(files, err);
    if (result == 0)
        result = take_both(files, first, after, suffix, err);
    for (int i = 0; i < POSTFIX_FILES; i++)
        buf_clear(&after[i]);
    if (aside_fd >= 0)
        close(aside_fd);
    (void)umask(mask);
    return result;
}
