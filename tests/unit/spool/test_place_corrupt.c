// SPDX-License-Identifier: BSD-2-Clause
#include "spool/place.h"

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
    err = (struct err){.kind = ERR_NONE};
    if (place_root_open(&root, dir.path, true, &err) != 0)
        abort();
}

static void
tear_down(void)
{
    place_root_close(&root);
    tempdir_remove(&dir);
}

static void
put(int dir_fd, const char *name, const char *content)
{
    int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    CU_ASSERT_TRUE(write(fd, content, strlen(content)) == (ssize_t)strlen(content));
    close(fd);
}

static void
check_content(const char *name, const char *expected)
{
    char *text = tempdir_read(&dir, name);

    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    UNIT_CHECK_ROW(name, strcmp(text, expected) == 0);
    free(text);
}

static bool
is_there(int dir_fd, const char *name)
{
    struct stat info;

    return fstatat(dir_fd, name, &info, AT_SYMLINK_NOFOLLOW) == 0;
}

// Slots share their names: each damaged one finds a place, and none pushes another out.
static void
test_names_are_free(void)
{
    set_up();
    for (int i = 0; i < 3; i++) {
        char content[8];

        snprintf(content, sizeof(content), "%d", i);
        put(root.active_fd, "slot-0001", content);
        CU_ASSERT_EQUAL(place_set_corrupt(&root, root.active_fd, "slot-0001", &err), 0);
        CU_ASSERT_FALSE(is_there(root.active_fd, "slot-0001"));
    }
    check_content("corrupt/slot-0001.0", "0");
    check_content("corrupt/slot-0001.1", "1");
    check_content("corrupt/slot-0001.2", "2");
    tear_down();
}

static void
test_very_many(void)
{
    enum { COUNT = 150 };

    char name[40];

    set_up();
    for (int i = 0; i < COUNT; i++) {
        put(root.hold_fd, "4X2k9QzT7mB", "x");
        CU_ASSERT_EQUAL(place_set_corrupt(&root, root.hold_fd, "4X2k9QzT7mB", &err), 0);
    }
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "4X2k9QzT7mB.%d", i);
        CU_ASSERT_TRUE(is_there(root.corrupt_fd, name));
    }
    CU_ASSERT_FALSE(is_there(root.corrupt_fd, "4X2k9QzT7mB.100"));
    tear_down();
}

// A link itself is moved, not what it points to.
static void
test_links(void)
{
    set_up();
    put(root.hold_fd, "target", "kept");
    CU_ASSERT_EQUAL(symlinkat("target", root.hold_fd, "4X2k9QzT7mB"), 0);
    CU_ASSERT_EQUAL(place_set_corrupt(&root, root.hold_fd, "4X2k9QzT7mB", &err), 0);
    CU_ASSERT_FALSE(is_there(root.hold_fd, "4X2k9QzT7mB"));
    CU_ASSERT_TRUE(is_there(root.corrupt_fd, "4X2k9QzT7mB.0"));
    check_content("hold/target", "kept");
    // One that waits under the name in corrupt/ is not written through.
    CU_ASSERT_EQUAL(symlinkat("../hold/target", root.corrupt_fd, "slot-0001.0"), 0);
    put(root.hold_fd, "slot-0001", "bad");
    CU_ASSERT_EQUAL(place_set_corrupt(&root, root.hold_fd, "slot-0001", &err), 0);
    check_content("hold/target", "kept");
    check_content("corrupt/slot-0001.1", "bad");
    tear_down();
}

static void
test_failures(void)
{
    char longest[256];

    set_up();
    CU_ASSERT_EQUAL(place_set_corrupt(&root, root.hold_fd, "4X2k9QzT7mB", &err), -1);
    CU_ASSERT_EQUAL(err.kind, ERR_TEMP);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "4X2k9QzT7mB"));
    memset(longest, 'x', sizeof(longest) - 1);
    longest[255] = '\0';
    put(root.hold_fd, longest, "x");
    CU_ASSERT_EQUAL(place_set_corrupt(&root, root.hold_fd, longest, &err), 0);
    CU_ASSERT_FALSE(is_there(root.hold_fd, longest));
    tear_down();
}

static const struct unit_test tests[] = {
    {"names are free", test_names_are_free},
    {"very many",      test_very_many     },
    {"links",          test_links         },
    {"failures",       test_failures      },
};

UNIT_MAIN("spool/place_corrupt", tests)
