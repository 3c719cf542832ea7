// SPDX-License-Identifier: BSD-2-Clause
#include "spool/aside.h"

#include <errno.h>
#include <sys/stat.h>

#include "tests/unit/base/tempdir.h"
#include "tests/unit/harness.h"

static const char id[] = "4X2k9QzT7mB";

static void
test_both_places(void)
{
    static const struct {
        const char *name;
        enum spool_place place;
        bool sync;
        const char *path;
    } rows[] = {
        {"hold",                 PLACE_HOLD,       true,  "hold/4X2k9QzT7mB"                 },
        {"hold, unsynced",       PLACE_HOLD,       false, "hold/4X2k9QzT7mB"                 },
        {"quarantine",           PLACE_QUARANTINE, true,  "quarantine/2026-11-21/4X2k9QzT7mB"},
        {"quarantine, unsynced", PLACE_QUARANTINE, false, "quarantine/2026-11-21/4X2k9QzT7mB"},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct tempdir dir;
        struct place_root root;
        struct stat before, after;
        struct err err;
        struct aside aside = {.name = "slot-0001",
                              .id = id,
                              .place = rows[i].place,
                              .now_ms = 1795219200000,
                              .sync = rows[i].sync};

        tempdir_make(&dir);
        CU_ASSERT_EQUAL_FATAL(place_root_open(&root, dir.path, true, &err), 0);
        aside.dir_fd = root.active_fd;
        UNIT_CHECK_ROW(rows[i].name, aside_move(&root, &aside, &err) == -1);
        close(fs_create(root.active_fd, "slot-0001", 0600, &err));
        CU_ASSERT_EQUAL(fstatat(root.active_fd, "slot-0001", &before, 0), 0);
        UNIT_CHECK_ROW(rows[i].name, aside_move(&root, &aside, &err) == 0);
        UNIT_CHECK_ROW(rows[i].name, fstatat(root.root_fd, rows[i].path, &after, 0) == 0);
        UNIT_CHECK_ROW(rows[i].name, before.st_ino == after.st_ino);
        UNIT_CHECK_ROW(rows[i].name, fstatat(root.active_fd, "slot-0001", &after, 0) == -1);
        place_root_close(&root);
        tempdir_remove(&dir);
    }
}

static const struct unit_test tests[] = {
    {"both places", test_both_places},
};

UNIT_MAIN("spool/aside", tests)
