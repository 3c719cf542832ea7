// SPDX-License-Identifier: BSD-2-Clause
#include "base/fs.h"

#include <errno.h>
#include <sys/stat.h>

#include "tests/unit/base/tempdir.h"
#include "tests/unit/harness.h"

static struct tempdir dir;
static struct err err;

static void
set_up(void)
{
    memset(&err, 0, sizeof err);
    tempdir_make(&dir);
}

static void
tear_down(void)
{
    tempdir_remove(&dir);
}

static void
check_content(const char *name, const char *expected)
{
    char *text = tempdir_read(&dir, name);

    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    CU_ASSERT_STRING_EQUAL(text, expected);
    free(text);
}

static bool
exists(const char *name)
{
    struct stat info;

    return fstatat(dir.fd, name, &info, AT_SYMLINK_NOFOLLOW) == 0;
}

static void
test_create_write_read(void)
{
    char bytes[16] = "";
    int fd;

    set_up();
    fd = fs_create(dir.fd, "a", 0600, &err);
    CU_ASSERT_TRUE_FATAL(fd >= 0);
    CU_ASSERT_EQUAL(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    CU_ASSERT_EQUAL(fs_write_all_at(fd, "hello", 5, 3, &err), 0);
    CU_ASSERT_EQUAL(fs_write_all_at(fd, NULL, 0, 0, &err), 0);
    fs_start_writing(fd);
    CU_ASSERT_EQUAL(fs_sync(fd, &err), 0);
    CU_ASSERT_EQUAL(fs_sync_data(fd, &err), 0);
    CU_ASSERT_EQUAL(fs_read_at(fd, bytes, sizeof bytes, 3, &err), 5);
    CU_ASSERT_STRING_EQUAL(bytes, "hello");
    CU_ASSERT_EQUAL(fs_read_at(fd, bytes, sizeof bytes, 8, &err), 0);
    CU_ASSERT_FALSE(fs_read_cached(fd, bytes, 6, 3)); // one too many
    memset(bytes, 0, sizeof bytes);
    if (fs_read_cached(fd, bytes, 5, 3)) // not every file system can tell
        CU_ASSERT_STRING_EQUAL(bytes, "hello");
    CU_ASSERT_FALSE(fs_read_cached(-1, bytes, 1, 0));
    CU_ASSERT_EQUAL(fs_read_at(fd, bytes, 2, 4, &err), 2);
    close(fd);
    errno = 0;
    CU_ASSERT_EQUAL(fs_create(dir.fd, "a", 0600, &err), -1);
    CU_ASSERT_EQUAL(errno, EEXIST);
    CU_ASSERT_EQUAL(err.kind, ERR_TEMP);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, dir.path));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "/a: "));
    tear_down();
}

static void
test_errors_name_the_path(void)
{
    char byte;
    int fd;

    set_up();
    fd = fs_create(dir.fd, "file", 0600, &err);
    close(fd);
    fd = fs_open_read(dir.fd, "file", &err);
    CU_ASSERT_TRUE_FATAL(fd >= 0);
    CU_ASSERT_EQUAL(fs_write_all_at(fd, "x", 1, 0, &err), -1);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, tempdir_name(&dir, "file")));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "write"));
    close(fd);
    CU_ASSERT_EQUAL(fs_read_at(-1, &byte, 1, 0, &err), -1);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "descriptor -1"));
    CU_ASSERT_EQUAL(fs_sync(-1, &err), -1);
    CU_ASSERT_EQUAL(fs_sync_data(-1, &err), -1);
    CU_ASSERT_EQUAL(errno, EBADF);
    tear_down();
}

static int
open_dir_here(int dir_fd, const char *name, struct err *error)
{
    return fs_open_dir(dir_fd, name, error);
}

// What each of the three ways to open does with each kind of file.
static void
test_open_kinds(void)
{
    static const struct {
        const char *name;
        bool opens_file, opens_dir;
    } rows[] = {
        {"file",      true,  false},
        {"directory", false, true },
        {"fifo",      false, false},
        {"link",      false, false},
        {"dirlink",   false, false},
        {"missing",   false, false},
    };

    int (*const opens[])(int, const char *, struct err *) = {fs_open_read, fs_open_write,
                                                             open_dir_here};

    set_up();
    close(fs_create(dir.fd, "file", 0600, &err));
    CU_ASSERT_EQUAL(mkdirat(dir.fd, "directory", 0700), 0);
    CU_ASSERT_EQUAL(mkfifoat(dir.fd, "fifo", 0600), 0);
    CU_ASSERT_EQUAL(symlinkat("file", dir.fd, "link"), 0);
    CU_ASSERT_EQUAL(symlinkat("directory", dir.fd, "dirlink"), 0);
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        for (size_t k = 0; k < UNIT_COUNT(opens); k++) {
            int fd = opens[k](dir.fd, rows[i].name, &err);
            bool expected = k == 2 ? rows[i].opens_dir : rows[i].opens_file;

            UNIT_CHECK_ROW(rows[i].name, (fd >= 0) == expected);
            UNIT_CHECK_ROW(rows[i].name, fd < 0 || (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
            if (fd >= 0)
                close(fd);
        }
    }
    CU_ASSERT_EQUAL(fs_open_read(dir.fd, "missing", &err), -1);
    CU_ASSERT_EQUAL(errno, ENOENT);
    tear_down();
}

static void
test_directories(void)
{
    char path[200];
    struct stat info;

    set_up();
    CU_ASSERT_EQUAL(fs_make_dir(dir.fd, "d", 0700, &err), 0);
    CU_ASSERT_EQUAL(fs_make_dir(dir.fd, "d", 0700, &err), 0);
    CU_ASSERT_EQUAL(symlinkat("d", dir.fd, "l"), 0);
    CU_ASSERT_EQUAL(fs_make_dir(dir.fd, "l", 0700, &err), -1);
    CU_ASSERT_EQUAL(fs_make_dir(dir.fd, "missing/d", 0700, &err), -1);
    snprintf(path, sizeof path, "%s/x//y/z", dir.path);
    CU_ASSERT_EQUAL(fs_mkdir_path(path, 0750, &err), 0);
    CU_ASSERT_EQUAL(fs_mkdir_path(path, 0750, &err), 0);
    CU_ASSERT_EQUAL(stat(path, &info), 0);
    CU_ASSERT_EQUAL(info.st_mode & 0707, 0700);
    CU_ASSERT_EQUAL(fs_mkdir_path("/", 0750, &err), 0);
    snprintf(path, sizeof path, "%s/x/trailing/", dir.path);
    CU_ASSERT_EQUAL(fs_mkdir_path(path, 0750, &err), 0);
    snprintf(path, sizeof path, "%s/l", dir.path);
    CU_ASSERT_EQUAL(fs_mkdir_path(path, 0750, &err), -1);
    close(fs_create(dir.fd, "file", 0600, &err));
    snprintf(path, sizeof path, "%s/file/below", dir.path);
    CU_ASSERT_EQUAL(fs_mkdir_path(path, 0750, &err), -1);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "/file"));
    tear_down();
}

static void
test_move(void)
{
    int from, to;

    set_up();
    CU_ASSERT_EQUAL(fs_make_dir(dir.fd, "from", 0700, &err), 0);
    CU_ASSERT_EQUAL(fs_make_dir(dir.fd, "to", 0700, &err), 0);
    from = fs_open_dir(dir.fd, "from", &err);
    to = fs_open_dir(dir.fd, "to", &err);
    CU_ASSERT_EQUAL(fs_replace(from, "a", SPAN_LITERAL("text"), 0600, &err), 0);
    CU_ASSERT_EQUAL(fs_move(from, "a", to, "b", &err), 0);
    CU_ASSERT_FALSE(exists("from/a"));
    check_content("to/b", "text");
    CU_ASSERT_EQUAL(fs_move(to, "b", to, "c", &err), 0);
    check_content("to/c", "text");
    CU_ASSERT_EQUAL(fs_move(from, "a", to, "b", &err), -1);
    CU_ASSERT_EQUAL(errno, ENOENT);
    close(from);
    close(to);
    tear_down();
}

static void
test_replace(void)
{
    char temporary[80];
    struct stat info;

    set_up();
    CU_ASSERT_EQUAL(fs_replace(dir.fd, "f", SPAN_LITERAL("one"), 0600, &err), 0);
    check_content("f", "one");
    CU_ASSERT_EQUAL(fstatat(dir.fd, "f", &info, 0), 0);
    CU_ASSERT_EQUAL(info.st_mode & 0777, 0600);
    CU_ASSERT_EQUAL(fs_replace(dir.fd, "f", SPAN_LITERAL(""), 0600, &err), 0);
    check_content("f", "");
    // Left by a crash.
    snprintf(temporary, sizeof temporary, ".f.%d.new", (int)gettid());
    close(fs_create(dir.fd, temporary, 0600, &err));
    CU_ASSERT_EQUAL(fs_replace(dir.fd, "f", SPAN_LITERAL("two"), 0600, &err), 0);
    check_content("f", "two");
    CU_ASSERT_FALSE(exists(temporary));
    // A directory is in the way: the old one stays, nothing is left over.
    CU_ASSERT_EQUAL(fs_make_dir(dir.fd, "d", 0700, &err), 0);
    CU_ASSERT_EQUAL(fs_replace(dir.fd, "d", SPAN_LITERAL("x"), 0600, &err), -1);
    snprintf(temporary, sizeof temporary, ".d.%d.new", (int)gettid());
    CU_ASSERT_FALSE(exists(temporary));
    tear_down();
}

static void
test_space(void)
{
    struct fs_space space = {0, 0};

    set_up();
    CU_ASSERT_EQUAL(fs_get_space(dir.fd, &space, &err), 0);
    CU_ASSERT_TRUE(space.free_bytes > 0);
    CU_ASSERT_TRUE(space.free_inodes > 0);
    CU_ASSERT_EQUAL(fs_get_space(-1, &space, &err), -1);
    tear_down();
}

static void
test_files_without_a_name(void)
{
    char bytes[8] = "";
    struct stat info;
    int fds[2], again;

    set_up();
    fds[0] = fs_memory_file("label", &err);
    fds[1] = fs_unnamed_file(dir.fd, &err);
    for (unsigned i = 0; i < 2; i++) {
        CU_ASSERT_TRUE_FATAL(fds[i] >= 0);
        CU_ASSERT_EQUAL(fcntl(fds[i], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
        CU_ASSERT_EQUAL(fs_write_all_at(fds[i], "hello", 5, 0, &err), 0);
        CU_ASSERT_EQUAL(lseek(fds[i], 3, SEEK_SET), 3);
        CU_ASSERT_EQUAL(fstat(fds[i], &info), 0);
        CU_ASSERT_EQUAL(info.st_nlink, 0);
        again = fs_reopen_read(fds[i], &err);
        CU_ASSERT_TRUE_FATAL(again >= 0);
        CU_ASSERT_EQUAL(fcntl(again, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
        CU_ASSERT_EQUAL(fcntl(again, F_GETFL) & O_ACCMODE, O_RDONLY);
        // An offset of its own, the same bytes, and no way to change them.
        CU_ASSERT_EQUAL(read(again, bytes, sizeof bytes), 5);
        CU_ASSERT_EQUAL(memcmp(bytes, "hello", 5), 0);
        CU_ASSERT_EQUAL(lseek(fds[i], 0, SEEK_CUR), 3);
        CU_ASSERT_EQUAL(fs_write_all_at(again, "x", 1, 0, &err), -1);
        close(fds[i]);
        CU_ASSERT_EQUAL(fs_read_at(again, bytes, 2, 3, &err), 2);
        close(again);
    }
    CU_ASSERT_EQUAL(fs_unnamed_file(-1, &err), -1);
    CU_ASSERT_EQUAL(err.kind, ERR_TEMP);
    CU_ASSERT_EQUAL(fs_reopen_read(-1, &err), -1);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "open again"));
    tear_down();
}

static const struct unit_test tests[] = {
    {"create, write, read",                                  test_create_write_read   },
    {"errors name the path",                                 test_errors_name_the_path},
    {"links, FIFOs and directories are not opened as files", test_open_kinds          },
    {"directories",                                          test_directories         },
    {"move",                                                 test_move                },
    {"replace",                                              test_replace             },
    {"space",                                                test_space               },
    {"files without a name",                                 test_files_without_a_name},
};

UNIT_MAIN("base/fs", tests)
