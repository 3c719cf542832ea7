// SPDX-License-Identifier: BSD-2-Clause
#include "spool/place.h"

#include <errno.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/unit/base/tempdir.h"
#include "tests/unit/harness.h"

static struct tempdir dir;
static struct place_root root;
static struct err err;

static void
set_up(void)
{
    tempdir_make(&dir);
    if (place_root_open(&root, tempdir_name(&dir, "a/b/spool"), true, &err) != 0) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
    err.kind = ERR_NONE;
}

static void
tear_down(void)
{
    place_root_close(&root);
    tempdir_remove(&dir);
}

static bool
is_there(int dir_fd, const char *name)
{
    struct stat info;

    return fstatat(dir_fd, name, &info, AT_SYMLINK_NOFOLLOW) == 0;
}

static void
touch(int dir_fd, const char *name)
{
    close(openat(dir_fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static void
test_names(void)
{
    static const char *const names[] = {"active", "hold", "quarantine", "corrupt", "nowhere"};

    for (size_t i = 0; i < UNIT_COUNT(names); i++)
        CU_ASSERT_STRING_EQUAL(spool_place_name((enum spool_place)i), names[i]);
}

static void
test_root(void)
{
    static const char *const folders[] = {"active", "hold", "quarantine", "corrupt", "hops"};
    struct place_root other;
    struct stat info;
    mode_t mask = umask(0);

    set_up();
    umask(mask);
    CU_ASSERT_EQUAL(fstat(root.root_fd, &info), 0);
    CU_ASSERT_EQUAL(info.st_mode & 07777, 0700);
    for (size_t i = 0; i < UNIT_COUNT(folders); i++) {
        UNIT_CHECK_ROW(folders[i], fstatat(root.root_fd, folders[i], &info, 0) == 0);
        UNIT_CHECK_ROW(folders[i], info.st_mode == (S_IFDIR | 0700));
    }
    CU_ASSERT_EQUAL(fcntl(root.active_fd, F_GETFD), FD_CLOEXEC);
    // A second opener, such as the tool, needs to make nothing.
    CU_ASSERT_EQUAL(place_root_open(&other, root.path, false, &err), 0);
    CU_ASSERT_STRING_EQUAL(other.path, root.path);
    place_root_close(&other);
    CU_ASSERT_EQUAL(other.active_fd, -1);
    place_root_close(&other);
    tear_down();
}

static void
test_root_missing(void)
{
    struct place_root other;

    set_up();
    CU_ASSERT_EQUAL(place_root_open(&other, tempdir_name(&dir, "none"), false, &err), -1);
    CU_ASSERT_EQUAL(err.kind, ERR_TEMP);
    CU_ASSERT_FALSE(is_there(dir.fd, "none"));
    CU_ASSERT_EQUAL(unlinkat(root.root_fd, "hold", AT_REMOVEDIR), 0);
    CU_ASSERT_EQUAL(place_root_open(&other, root.path, false, &err), -1);
    CU_ASSERT_FALSE(is_there(root.root_fd, "hold"));
    CU_ASSERT_EQUAL(place_root_open(&other, root.path, true, &err), 0);
    CU_ASSERT_TRUE(is_there(root.root_fd, "hold"));
    place_root_close(&other);
    touch(dir.fd, "file");
    CU_ASSERT_EQUAL(place_root_open(&other, tempdir_name(&dir, "file"), true, &err), -1);
    tear_down();
}

// The administrator may put the spool on another disk; inside it nobody puts a link.
static void
test_root_links(void)
{
    struct place_root other;

    set_up();
    CU_ASSERT_EQUAL(symlinkat("a/b/spool", dir.fd, "link"), 0);
    CU_ASSERT_EQUAL(place_root_open(&other, tempdir_name(&dir, "link"), true, &err), 0);
    place_root_close(&other);
    CU_ASSERT_EQUAL(unlinkat(root.root_fd, "hold", AT_REMOVEDIR), 0);
    CU_ASSERT_EQUAL(mkdirat(dir.fd, "elsewhere", 0700), 0);
    CU_ASSERT_EQUAL(symlinkat("../../../elsewhere", root.root_fd, "hold"), 0);
    CU_ASSERT_EQUAL(place_root_open(&other, root.path, true, &err), -1);
    tear_down();
}

static void
test_instance(void)
{
    struct place_instance ours, other;
    char name[sizeof(ours.name)];

    set_up();
    CU_ASSERT_EQUAL_FATAL(place_instance_new(&root, &ours, &err), 0);
    CU_ASSERT_TRUE(ours.is_own);
    CU_ASSERT_TRUE(place_is_instance_name(ours.name));
    CU_ASSERT_TRUE(is_there(root.active_fd, ours.name));
    CU_ASSERT_EQUAL(fcntl(ours.fd, F_GETFD), FD_CLOEXEC);
    snprintf(name, sizeof(name), "%s", ours.name);
    CU_ASSERT_EQUAL(place_instance_try(&root, name, &other, &err), 0);
    place_instance_close(&ours);
    CU_ASSERT_EQUAL(ours.fd, -1);
    // Free now: whoever comes first has it.
    CU_ASSERT_EQUAL(place_instance_try(&root, name, &other, &err), 1);
    CU_ASSERT_FALSE(other.is_own);
    CU_ASSERT_STRING_EQUAL(other.name, name);
    CU_ASSERT_EQUAL(place_instance_try(&root, name, &ours, &err), 0);
    CU_ASSERT_EQUAL(place_instance_remove(&root, &other, &err), 0);
    CU_ASSERT_EQUAL(other.fd, -1);
    CU_ASSERT_FALSE(is_there(root.active_fd, name));
    CU_ASSERT_EQUAL(place_instance_try(&root, name, &other, &err), 0);
    CU_ASSERT_EQUAL(err.kind, ERR_NONE);
    tear_down();
}

static void
test_names_do_not_repeat(void)
{
    enum { COUNT = 200 };

    static char names[COUNT][64];

    set_up();
    for (size_t i = 0; i < COUNT; i++) {
        struct place_instance instance;
        char pid[16];

        CU_ASSERT_EQUAL_FATAL(place_instance_new(&root, &instance, &err), 0);
        memcpy(names[i], instance.name, sizeof(names[i]));
        CU_ASSERT_EQUAL(place_instance_remove(&root, &instance, &err), 0);
        snprintf(pid, sizeof(pid), "-%d-", (int)getpid());
        CU_ASSERT_PTR_NOT_NULL(strstr(names[i], pid));
        for (size_t j = 0; j < i; j++)
            CU_ASSERT_STRING_NOT_EQUAL(names[i], names[j]);
    }
    tear_down();
}

static void
test_remove_needs_emptiness(void)
{
    struct place_instance ours, other;

    set_up();
    CU_ASSERT_EQUAL_FATAL(place_instance_new(&root, &ours, &err), 0);
    CU_ASSERT_EQUAL(mkdirat(ours.fd, "0001", 0700), 0);
    CU_ASSERT_EQUAL(mkdirat(ours.fd, "0002", 0700), 0);
    touch(ours.fd, "0002/4X2k9QzT7mB");
    CU_ASSERT_EQUAL(place_instance_remove(&root, &ours, &err), -1);
    CU_ASSERT_TRUE(is_there(ours.fd, "0002/4X2k9QzT7mB"));
    CU_ASSERT_EQUAL(place_instance_try(&root, ours.name, &other, &err), 0); // locked still
    CU_ASSERT_EQUAL(unlinkat(ours.fd, "0002/4X2k9QzT7mB", 0), 0);
    touch(ours.fd, "slot-0000");
    CU_ASSERT_EQUAL(place_instance_remove(&root, &ours, &err), -1);
    CU_ASSERT_TRUE(is_there(ours.fd, "slot-0000"));
    CU_ASSERT_EQUAL(unlinkat(ours.fd, "slot-0000", 0), 0);
    // Only what is named as a bucket goes with it.
    CU_ASSERT_EQUAL(mkdirat(ours.fd, "other", 0700), 0);
    CU_ASSERT_EQUAL(place_instance_remove(&root, &ours, &err), -1);
    CU_ASSERT_TRUE(is_there(ours.fd, "other"));
    CU_ASSERT_EQUAL(unlinkat(ours.fd, "other", AT_REMOVEDIR), 0);
    CU_ASSERT_EQUAL(place_instance_remove(&root, &ours, &err), 0);
    tear_down();
}

static void
test_foreign_instances(void)
{
    static const char *const names[] = {
        "..", ".", "", "a/b", "../hold", "x-1-0000000g", "x-1-00000000/.."};
    struct place_instance instance;

    set_up();
    for (size_t i = 0; i < UNIT_COUNT(names); i++) {
        err.kind = ERR_NONE;
        UNIT_CHECK_ROW(names[i], place_instance_try(&root, names[i], &instance, &err) == -1);
        UNIT_CHECK_ROW(names[i], err.kind == ERR_PERM);
    }
    // With the right names, but not what they should be.
    touch(root.active_fd, "x-1-00000001");
    CU_ASSERT_EQUAL(place_instance_try(&root, "x-1-00000001", &instance, &err), -1);
    CU_ASSERT_EQUAL(symlinkat("../hold", root.active_fd, "x-1-00000002"), 0);
    CU_ASSERT_EQUAL(place_instance_try(&root, "x-1-00000002", &instance, &err), -1);
    tear_down();
}

// A killed owner's lock goes with him, and does not stay with what he had started.
static void
test_owner_dies(void)
{
    struct place_instance theirs = {.fd = -1}, ours;
    int to_us[2], to_them[2];
    char byte = 'x', name[sizeof(theirs.name)];
    pid_t child;

    set_up();
    CU_ASSERT_EQUAL_FATAL(pipe(to_us), 0);
    CU_ASSERT_EQUAL_FATAL(pipe(to_them), 0);
    child = fork();
    if (child == 0) {
        struct err ignored;

        if (place_instance_new(&root, &theirs, &ignored) != 0 ||
            write(to_us[1], theirs.name, sizeof(theirs.name)) < 0)
            _exit(1);
        close(to_them[1]);
        (void)!read(to_them[0], &byte, 1);
        _exit(0);
    }
    close(to_them[0]);
    CU_ASSERT_EQUAL(read(to_us[0], name, sizeof(name)), (ssize_t)sizeof(name));
    CU_ASSERT_EQUAL(place_instance_try(&root, name, &ours, &err), 0);
    close(to_them[1]);
    CU_ASSERT_EQUAL(waitpid(child, NULL, 0), child);
    CU_ASSERT_EQUAL_FATAL(place_instance_try(&root, name, &ours, &err), 1);
    CU_ASSERT_EQUAL(place_instance_remove(&root, &ours, &err), 0);
    close(to_us[0]);
    close(to_us[1]);
    tear_down();
}

enum { RACERS = 4, ROUNDS = 200 };

// Whoever holds it puts a file into it; nobody else may have.
static void
use_and_remove(struct place_instance *instance)
{
    struct err ignored;
    int fd = openat(instance->fd, "slot-0000", O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0)
        _exit(1);
    close(fd);
    if (unlinkat(instance->fd, "slot-0000", 0) != 0 ||
        place_instance_remove(&root, instance, &ignored) != 0)
        _exit(4);
}

static void
make_and_adopt(void)
{
    for (int i = 0; i < ROUNDS; i++) {
        struct place_instance instance, again;
        struct err ignored;
        int got;

        if (place_instance_new(&root, &instance, &ignored) != 0)
            _exit(2);
        place_instance_close(&instance);
        got = place_instance_try(&root, instance.name, &again, &ignored);
        if (got < 0)
            _exit(3);
        if (got == 0)
            continue;
        use_and_remove(&again);
    }
    _exit(0);
}

static int
adopt(void *arg, const char *name)
{
    struct place_instance instance;
    struct err ignored;
    int got = place_instance_try(arg, name, &instance, &ignored);

    if (got != 1)
        return 0;
    use_and_remove(&instance);
    return 0;
}

// Makers and adopters at once: nobody holds what another holds, or what is gone already.
static void
test_race(void)
{
    pid_t racers[RACERS];
    int status;

    set_up();
    for (size_t i = 0; i < RACERS; i++) {
        racers[i] = fork();
        if (racers[i] == 0 && i % 2 == 0)
            make_and_adopt();
        if (racers[i] == 0) {
            struct err ignored;

            for (int j = 0; j < ROUNDS; j++) {
                if (place_walk_instances(&root, adopt, &root, &ignored) != 0)
                    _exit(5);
            }
            _exit(0);
        }
    }
    for (size_t i = 0; i < RACERS; i++) {
        CU_ASSERT_EQUAL(waitpid(racers[i], &status, 0), racers[i]);
        CU_ASSERT_EQUAL(status, 0);
    }
    tear_down();
}

static const struct unit_test tests[] = {
    {"names",                  test_names                 },
    {"root",                   test_root                  },
    {"root missing",           test_root_missing          },
    {"root links",             test_root_links            },
    {"instance",               test_instance              },
    {"names do not repeat",    test_names_do_not_repeat   },
    {"remove needs emptiness", test_remove_needs_emptiness},
    {"foreign instances",      test_foreign_instances     },
    {"owner dies",             test_owner_dies            },
    {"race",                   test_race                  },
};

UNIT_MAIN("spool/place", tests)
