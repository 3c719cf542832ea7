// SPDX-License-Identifier: BSD-2-Clause
#include "track/ledger/ledger_aside.h"

#include "tests/unit/track/ledger_kit.h"

static void
make_file(const struct ledger_kit *kit, const char *suffix)
{
    char *path = mem_printf("%s%s", kit->path, suffix);
    int fd = open(path, O_WRONLY | O_CREAT, 0640);

    CU_ASSERT_TRUE(fd >= 0 && write(fd, suffix, strlen(suffix)) >= 0);
    close(fd);
    mem_free(&path);
}

static void
start(struct ledger_kit *kit)
{
    char *folder;

    kit_init(kit);
    folder = mem_printf("%s/sub", kit->folder);
    CU_ASSERT_EQUAL(mkdir(folder, 0750), 0);
    mem_free(&folder);
}

static void
test_with_companions(void)
{
    struct ledger_kit kit;

    start(&kit);
    make_file(&kit, "");
    make_file(&kit, "-wal");
    make_file(&kit, "-shm");
    CU_ASSERT_EQUAL(ledger_set_aside(kit.path, "page 5 is broken", kit.note, &kit.err), 0);
    CU_ASSERT_EQUAL(kit_count_files(&kit, ""), 3);
    CU_ASSERT_EQUAL(kit_count_files(&kit, "ledger.db.damaged-2"), 3);
    CU_ASSERT_EQUAL(kit_count_files(&kit, "-wal"), 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(kit.note, "ledger.db.damaged-2"));
    CU_ASSERT_PTR_NOT_NULL(strstr(kit.note, "page 5 is broken"));
    kit_clear(&kit);
}

// Within the same second, and nothing that was set aside before is lost.
static void
test_again_and_again(void)
{
    struct ledger_kit kit;

    start(&kit);
    for (int i = 0; i < 5; i++) {
        make_file(&kit, "");
        CU_ASSERT_EQUAL(ledger_set_aside(kit.path, "broken", kit.note, &kit.err), 0);
    }
    CU_ASSERT_EQUAL(kit_count_files(&kit, "damaged"), 5);
    kit_clear(&kit);
}

static void
test_mark(void)
{
    char reason[LEDGER_NOTE_MAX + 1], large[1000];
    struct ledger_kit kit;

    start(&kit);
    CU_ASSERT_FALSE(ledger_is_marked(kit.path, reason));
    CU_ASSERT_STRING_EQUAL(reason, "");
    ledger_mark_damaged(kit.path, "page 5 is broken");
    CU_ASSERT_TRUE(ledger_is_marked(kit.path, reason));
    CU_ASSERT_STRING_EQUAL(reason, "page 5 is broken");
    CU_ASSERT_EQUAL(ledger_set_aside(kit.path, reason, kit.note, &kit.err), 0); // no file is there
    CU_ASSERT_FALSE(ledger_is_marked(kit.path, reason));
    memset(large, 'x', sizeof(large) - 1);
    large[sizeof(large) - 1] = '\0';
    ledger_mark_damaged(kit.path, large);
    CU_ASSERT_TRUE(ledger_is_marked(kit.path, reason));
    CU_ASSERT_EQUAL(strlen(reason), LEDGER_NOTE_MAX);
    CU_ASSERT_EQUAL(ledger_set_aside(kit.path, large, kit.note, &kit.err), 0);
    CU_ASSERT_TRUE(strlen(kit.note) <= LEDGER_NOTE_MAX);
    kit_clear(&kit);
}

static int
set_aside_unprivileged(struct ledger_kit *kit)
{
    if (setuid(65534) != 0)
        return 2;
    return ledger_set_aside(kit->path, "broken", kit->note, &kit->err) == -1 &&
                   kit->err.kind == ERR_TEMP && kit->note[0] == '\0'
               ? 0
               : 3;
}

static void
test_no_rights(void)
{
    struct ledger_kit kit;

    start(&kit);
    make_file(&kit, "");
    if (geteuid() == 0)
        CU_ASSERT_EQUAL(kit_in_child(set_aside_unprivileged, &kit), 0);
    CU_ASSERT_EQUAL(kit_count_files(&kit, "damaged"), 0);
    kit_clear(&kit);
}

static const struct unit_test tests[] = {
    {"with its companions", test_with_companions},
    {"again and again",     test_again_and_again},
    {"mark",                test_mark           },
    {"no rights",           test_no_rights      },
};

UNIT_MAIN("track/ledger/ledger_aside", tests)
