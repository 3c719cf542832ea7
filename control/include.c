// SPDX-License-Identifier: BSD-2-Clause
#include "control/include.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

static int
read_all(int fd, struct buf *out, struct err *err)
{
    size_t start = out->len;

    for (;;) {
        char block[8192];
        ssize_t got = read(fd, block, sizeof block);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_sys(err, ERR_TEMP, errno, "cannot read it");
        if (got == 0)
            return 0;
        if (out->len - start + (size_t)got > INCLUDE_FILE_MAX ||
            buf_add(out, block, (size_t)got) != 0)
            return err_set(err, ERR_PERM, "expected at most %d bytes", INCLUDE_FILE_MAX);
    }
}

int
include_read(const char *path, struct buf *out, struct err *err)
{
    // A FIFO without a writer would be waited for.
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat info;
    int result;

    if (fd < 0)
        return err_sys(err, ERR_PERM, errno, "cannot open it");
    if (fstat(fd, &info) != 0)
        result = err_sys(err, ERR_PERM, errno, "cannot look at it");
    else if (!S_ISREG(info.st_mode))
        result = err_set(err, ERR_PERM, "expected a plain file");
    else
        result = read_all(fd, out, err);
    close(fd);
    return result;
}

// The folder's own name is no pattern, whatever characters it has.
static void
add_quoted(struct buf *pattern, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (strchr("*?[]\\", text[i]) != NULL)
            (void)buf_add_char(pattern, '\\');
        (void)buf_add_char(pattern, text[i]);
    }
}

static int
take_matches(const glob_t *found, struct include_list *list, struct err *err)
{
    if (found->gl_pathc > INCLUDE_FILES_MAX)
        return err_set(err, ERR_PERM, "expected at most %d files, found %zu", INCLUDE_FILES_MAX,
                       found->gl_pathc);
    list->paths = mem_zarray(found->gl_pathc, sizeof *list->paths);
    for (size_t i = 0; i < found->gl_pathc; i++)
        list->paths[list->count++] = mem_strdup(found->gl_pathv[i]);
    return 0;
}

int
include_find(const char *from, const char *pattern, struct include_list *list_out, struct err *err)
{
    const char *slash = strrchr(from, '/');
    bool has_wildcard = strpbrk(pattern, "*?[") != NULL;
    struct buf whole;
    glob_t found;
    int result;

    *list_out = (struct include_list){.paths = NULL};
    if (pattern[0] == '\0' || strlen(pattern) > 4096)
        return err_set(err, ERR_PERM, "include: expected the name of a file");
    buf_init(&whole, 1 << 16);
    if (pattern[0] != '/' && slash != NULL)
        add_quoted(&whole, from, (size_t)(slash - from) + 1);
    if (has_wildcard)
        (void)buf_add_text(&whole, pattern);
    else
        add_quoted(&whole, pattern, strlen(pattern));
    result = glob(buf_text(&whole), GLOB_ERR, NULL, &found);
    buf_clear(&whole);
    // A folder that is not there matches nothing.
    if (result == GLOB_ABORTED && (errno == ENOENT || errno == ENOTDIR))
        result = GLOB_NOMATCH;
    if (result == GLOB_NOMATCH && has_wildcard)
        return 0;
    if (result == GLOB_NOMATCH)
        return err_set(err, ERR_PERM, "include: there is no file \"%s\"", pattern);
    if (result != 0)
        return err_sys(err, ERR_PERM, errno, "include: cannot look for \"%s\"", pattern);
    result = take_matches(&found, list_out, err);
    globfree(&found);
    return result == 0 ? 0 : err_prefix(err, "include");
}

void
include_list_clear(struct include_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        mem_free(&list->paths[i]);
    mem_free(&list->paths);
    list->count = 0;
}
