// SPDX-License-Identifier: BSD-2-Clause
#include "spool/store.h"

#include "tests/unit/spool/kit.h"

static char folder[64];
static int dir;

static void
begin(void)
{
    kit_folder(folder);
    dir = open(folder, O_RDONLY | O_DIRECTORY);
    CU_ASSERT_FATAL(dir >= 0);
}

static void
end(void)
{
    close(dir);
    kit_remove(folder);
}

static size_t
size_of(const char *name)
{
    struct stat info;

    return fstatat(dir, name, &info, 0) == 0 ? (size_t)info.st_size : SIZE_MAX;
}

static void
check_draft(bool unnamed)
{
    struct store_draft draft, other;

    begin();
    CU_ASSERT_EQUAL(store_draft_make(dir, "a", unnamed, &draft, NULL), 0);
    CU_ASSERT_EQUAL(kit_count(folder, ""), unnamed ? 0 : 1);
    CU_ASSERT_EQUAL(write(draft.fd, "1234", 4), 4);
    CU_ASSERT_EQUAL(store_draft_publish(&draft, dir, "a", NULL), 0);
    CU_ASSERT_EQUAL(size_of("a"), 4);
    CU_ASSERT_EQUAL(kit_count(folder, ""), 1);
    close(draft.fd);
    CU_ASSERT_EQUAL(store_draft_make(dir, "a", unnamed, &other, NULL), 0);
    CU_ASSERT_EQUAL(write(other.fd, "123456", 6), 6);
    CU_ASSERT_EQUAL(store_draft_publish(&other, dir, "a", NULL), -1);
    CU_ASSERT_EQUAL(errno, EEXIST);
    CU_ASSERT_EQUAL(size_of("a"), 4);
    CU_ASSERT_EQUAL(store_draft_replace(&other, dir, "a", NULL), 0);
    CU_ASSERT_EQUAL(size_of("a"), 6);
    CU_ASSERT_EQUAL(kit_count(folder, ""), 1);
    close(other.fd);
    CU_ASSERT_EQUAL(store_draft_make(dir, "b", unnamed, &draft, NULL), 0);
    store_draft_drop(&draft);
    store_draft_drop(&draft);
    CU_ASSERT_EQUAL(draft.fd, -1);
    CU_ASSERT_EQUAL(kit_count(folder, ""), 1);
    end();
}

static void
test_draft(void)
{
    begin();
    CU_ASSERT(store_can_unnamed(dir));
    CU_ASSERT_EQUAL(kit_count(folder, ""), 0);
    end();
    check_draft(true);
    check_draft(false);
}

static void
test_hidden_names(void)
{
    static const struct {
        const char *name;
        bool is_hidden;
    } rows[] = {
        {".4X2k9QzT7mB.new", true },
        {".slot-0001.new",   true },
        {".a.new",           true },
        {".new",             false},
        {"a.new",            false},
        {".a.neu",           false},
        {"4X2k9QzT7mB",      false},
        {"..",               false},
        {"",                 false},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++)
        UNIT_CHECK_ROW(rows[i].name, store_is_hidden_name(rows[i].name) == rows[i].is_hidden);
}

static void
test_image(void)
{
    static const size_t sizes[] = {1, 64, 4095, 4096, 4097, 60000};
    static char image[60000], back[60000];

    begin();
    for (size_t i = 0; i < sizeof image; i++)
        image[i] = (char)(i * 31 % 251);
    for (size_t i = 0; i < UNIT_COUNT(sizes); i++) {
        int fd = fs_create(dir, "a", 0600, NULL);

        CU_ASSERT_EQUAL(store_write_image(fd, span_from(image, sizes[i]), NULL), 0);
        CU_ASSERT_EQUAL(size_of("a"), sizes[i]);
        CU_ASSERT_EQUAL(pread(fd, back, sizeof back, 0), (ssize_t)sizes[i]);
        CU_ASSERT_EQUAL(memcmp(image, back, sizes[i]), 0);
        CU_ASSERT_EQUAL(store_unseal(fd, NULL), 0);
        CU_ASSERT_EQUAL(store_remove(dir, "a", NULL), 0);
        CU_ASSERT_EQUAL(store_remove(dir, "a", NULL), 0); // gone already
        close(fd);
    }
    end();
}

static void
test_cut_and_times(void)
{
    struct stat info;
    int fd, copy;

    begin();
    fd = fs_create(dir, "a", 0600, NULL);
    CU_ASSERT_EQUAL(fs_write_all_at(fd, "0123456789", 10, 0, NULL), 0);
    CU_ASSERT_EQUAL(store_cut(fd, 4, 8192, NULL), 0);
    CU_ASSERT_EQUAL(fstat(fd, &info), 0);
    CU_ASSERT_EQUAL(info.st_size, 4);
    CU_ASSERT(info.st_blocks * 512 >= 8192); // kept for the journal
    CU_ASSERT_EQUAL(store_set_due(fd, 4000000000123, NULL), 0);
    CU_ASSERT_EQUAL(fstat(fd, &info), 0);
    CU_ASSERT_EQUAL(info.st_mtim.tv_sec, 4000000000);
    CU_ASSERT_EQUAL(info.st_mtim.tv_nsec, 123000000);
    copy = fs_create(dir, "b", 0600, NULL);
    CU_ASSERT_EQUAL(store_copy(fd, copy, 1, 3, NULL), 0);
    CU_ASSERT_EQUAL(size_of("b"), 4);
    CU_ASSERT_EQUAL(store_copy(fd, copy, 2, 3, NULL), -1); // shorter than that
    CU_ASSERT_EQUAL(store_rename(dir, "b", dir, "c", NULL), 0);
    CU_ASSERT_EQUAL(store_rename(dir, "b", dir, "c", NULL), -1);
    CU_ASSERT_EQUAL(size_of("c"), 4);
    CU_ASSERT(store_journal_room(1000) > store_journal_room(1));
    close(fd);
    close(copy);
    end();
}

static const struct unit_test tests[] = {
    {"drafts",                test_draft        },
    {"hidden names",          test_hidden_names },
    {"images of slots",       test_image        },
    {"cuts, times and moves", test_cut_and_times},
};

UNIT_MAIN("spool/store", tests)
