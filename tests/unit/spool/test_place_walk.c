// SPDX-License-Identifier: BSD-2-Clause
#include "spool/place.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "tests/unit/base/tempdir.h"
#include "tests/unit/harness.h"

static struct tempdir dir;
static struct place_root root;
static struct place_instance instance;
static struct err err;

static void
set_up(void)
{
    tempdir_make(&dir);
    err = (struct err){.kind = ERR_NONE};
    if (place_root_open(&root, dir.path, true, &err) != 0 ||
        place_instance_new(&root, &instance, &err) != 0)
        abort();
}

static void
tear_down(void)
{
    place_instance_close(&instance);
    place_root_close(&root);
    tempdir_remove(&dir);
}

static void
touch(int dir_fd, const char *name)
{
    int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    CU_ASSERT_TRUE(fd >= 0);
    close(fd);
}

static void
test_names(void)
{
    static const struct {
        const char *name;
        bool is_slot, is_bucket, is_instance;
    } rows[] = {
        {"slot-0000",                  true,  false, false},
        {"slot-123456",                true,  false, false},
        {"slot-000",                   false, false, false},
        {"slot-000x",                  false, false, false},
        {"slot-",                      false, false, false},
        {"slot-0000.new",              false, false, false},
        {"slot-000000000000000000000", false, false, false},
        {"slot0000",                   false, false, false},
        {"xslot-0000",                 false, false, false},
        {"0001",                       false, true,  false},
        {"ffffffff",                   false, true,  false},
        {"0",                          false, true,  false},
        {"0123456789abcde",            false, true,  false},
        {"0123456789abcdef",           false, false, false},
        {"00FF",                       false, false, false},
        {"00g0",                       false, false, false},
        {"",                           false, false, false},
        {".",                          false, false, false},
        {"..",                         false, false, false},
        {"mabcd123-4711-00ff00ff",     false, false, true },
        {"1-1-00000000",               false, false, true },
        {"1-1-0000000",                false, false, false},
        {"1-1-000000000",              false, false, false},
        {"1-1-0000000G",               false, false, false},
        {"1-x-00000000",               false, false, false},
        {"1--00000000",                false, false, false},
        {"-1-00000000",                false, false, false},
        {"M-1-00000000",               false, false, false},
        {"1-1-00000000.new",           false, false, false},
        {"4X2k9QzT7mB",                false, false, false},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        UNIT_CHECK_ROW(rows[i].name, place_is_slot_name(rows[i].name) == rows[i].is_slot);
        UNIT_CHECK_ROW(rows[i].name, place_is_bucket_name(rows[i].name) == rows[i].is_bucket);
        UNIT_CHECK_ROW(rows[i].name, place_is_instance_name(rows[i].name) == rows[i].is_instance);
    }
}

struct visits { // "bucket/name+" where is_ours, else "bucket/name-", in any order
    char seen[64][80];
    size_t count;
    size_t stop_at;
};

static int
note(void *arg, int dir_fd, const char *bucket, const char *name, bool is_ours)
{
    struct visits *visits = arg;
    struct stat info;

    CU_ASSERT_EQUAL(fstatat(dir_fd, name, &info, AT_SYMLINK_NOFOLLOW), 0);
    CU_ASSERT_TRUE_FATAL(visits->count < UNIT_COUNT(visits->seen));
    snprintf(visits->seen[visits->count++], sizeof(visits->seen[0]), "%s/%s%c",
             bucket != NULL ? bucket : "", name, is_ours ? '+' : '-');
    return visits->count == visits->stop_at ? 17 : 0;
}

static void
check_visits(const struct visits *visits, const char *const *expected, size_t count)
{
    CU_ASSERT_EQUAL(visits->count, count);
    for (size_t i = 0; i < count; i++) {
        size_t found = 0;

        for (size_t j = 0; j < visits->count; j++)
            found += strcmp(visits->seen[j], expected[i]) == 0 ? 1 : 0;
        UNIT_CHECK_ROW(expected[i], found == 1);
    }
}

static void
test_walk_instance(void)
{
    static const char *const expected[] = {
        "/slot-0000+",
        "/slot-0001+",
        "/4X2k9QzT7mB-",
        "/.slot-0002.new-",
        "/link-",
        "/slot-0003-",
        "/slot-0004-",
        "/0003-",
        "/other-",
        "0001/4X2k9QzT7mB+",
        "0001/4X2k9QzT7mB.1+",
        "0001/slot-0000-",
        "0001/.4X2k9QzT7mC.new-",
        "0001/4X2k9QzT7mD-",
        "0001/4X2k9QzT7mE-",
        "0001/0002-",
    };
    struct visits visits = {.count = 0};

    set_up();
    touch(instance.fd, "slot-0000");
    touch(instance.fd, "slot-0001");
    touch(instance.fd, "4X2k9QzT7mB");
    touch(instance.fd, ".slot-0002.new");
    CU_ASSERT_EQUAL(symlinkat("slot-0000", instance.fd, "link"), 0);
    CU_ASSERT_EQUAL(symlinkat("slot-0000", instance.fd, "slot-0003"), 0);
    CU_ASSERT_EQUAL(mkfifoat(instance.fd, "slot-0004", 0600), 0);
    CU_ASSERT_EQUAL(mkdirat(instance.fd, "other", 0700), 0);
    touch(instance.fd, "other/4X2k9QzT7mB");
    CU_ASSERT_EQUAL(mkdirat(instance.fd, "0001", 0700), 0);
    CU_ASSERT_EQUAL(mkdirat(instance.fd, "0002", 0700), 0);
    CU_ASSERT_EQUAL(symlinkat("0001", instance.fd, "0003"), 0);
    touch(instance.fd, "0001/4X2k9QzT7mB");
    touch(instance.fd, "0001/4X2k9QzT7mB.1");
    touch(instance.fd, "0001/slot-0000");
    touch(instance.fd, "0001/.4X2k9QzT7mC.new");
    CU_ASSERT_EQUAL(mkdirat(instance.fd, "0001/4X2k9QzT7mD", 0700), 0);
    CU_ASSERT_EQUAL(symlinkat("4X2k9QzT7mB", instance.fd, "0001/4X2k9QzT7mE"), 0);
    CU_ASSERT_EQUAL(mkdirat(instance.fd, "0001/0002", 0700), 0);
    CU_ASSERT_EQUAL(place_walk_instance(&instance, note, &visits, &err), 0);
    check_visits(&visits, expected, UNIT_COUNT(expected));
    // Again: a walk leaves nothing behind in the instance's own descriptor.
    visits.count = 0;
    CU_ASSERT_EQUAL(place_walk_instance(&instance, note, &visits, &err), 0);
    CU_ASSERT_EQUAL(visits.count, UNIT_COUNT(expected));
    for (size_t stop = 1; stop <= UNIT_COUNT(expected); stop++) {
        visits = (struct visits){.stop_at = stop};
        CU_ASSERT_EQUAL(place_walk_instance(&instance, note, &visits, &err), 17);
        CU_ASSERT_EQUAL(visits.count, stop);
    }
    tear_down();
}

static void
test_walk_hold(void)
{
    static const char *const expected[] = {"/4X2k9QzT7mB+", "/slot-0000-", "/0001-",
                                           "/4X2k9QzT7mC-"};
    struct visits visits = {.count = 0};

    set_up();
    touch(root.hold_fd, "4X2k9QzT7mB");
    touch(root.hold_fd, "slot-0000");
    CU_ASSERT_EQUAL(mkdirat(root.hold_fd, "0001", 0700), 0);
    touch(root.hold_fd, "0001/4X2k9QzT7mD");
    CU_ASSERT_EQUAL(symlinkat("4X2k9QzT7mB", root.hold_fd, "4X2k9QzT7mC"), 0);
    CU_ASSERT_EQUAL(place_walk_hold(&root, note, &visits, &err), 0);
    check_visits(&visits, expected, UNIT_COUNT(expected));
    tear_down();
}

static void
test_walk_corrupt(void)
{
    static const char *const expected[] = {"/4X2k9QzT7mB.1-", "/slot-0000.7-"};
    struct visits visits = {.count = 0};

    set_up();
    touch(root.corrupt_fd, "4X2k9QzT7mB.1");
    touch(root.corrupt_fd, "slot-0000.7");
    CU_ASSERT_EQUAL(place_walk_corrupt(&root, note, &visits, &err), 0);
    check_visits(&visits, expected, UNIT_COUNT(expected));
    visits = (struct visits){.stop_at = 1};
    CU_ASSERT_EQUAL(place_walk_corrupt(&root, note, &visits, &err), 17);
    tear_down();
}

static void
test_day_names(void)
{
    static const struct {
        const char *name;
        bool is_day;
    } rows[] = {
        {"2026-11-21",  true },
        {"0000-01-01",  true },
        {"9999-12-31",  true },
        {"2026-00-21",  false},
        {"2026-13-21",  false},
        {"2026-11-00",  false},
        {"2026-11-32",  false},
        {"2026-1-211",  false},
        {"2026-11-2",   false},
        {"2026-11-21x", false},
        {"2026/11/21",  false},
        {"-026-11-21",  false},
        {"",            false},
        {"..",          false},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++)
        UNIT_CHECK_ROW(rows[i].name, place_is_day_name(rows[i].name) == rows[i].is_day);
}

// The days in order, whatever order they were made in; what is no day is passed over.
static void
test_walk_quarantine(void)
{
    static const char *const days[] = {"2026-11-21", "2025-12-31", "2026-02-01", "2026-01-31"};
    static const char *const expected[] = {"2025-12-31/4X2k9QzT7mB+", "2026-01-31/4X2k9QzT7mB+",
                                           "2026-02-01/4X2k9QzT7mB+", "2026-11-21/4X2k9QzT7mB+"};
    struct visits visits = {.count = 0};
    char path[80];

    set_up();
    CU_ASSERT_EQUAL(place_walk_quarantine(&root, note, &visits, &err), 0);
    CU_ASSERT_EQUAL(visits.count, 0);
    for (size_t i = 0; i < UNIT_COUNT(days); i++) {
        CU_ASSERT_EQUAL(mkdirat(root.quarantine_fd, days[i], 0700), 0);
        snprintf(path, sizeof(path), "%s/4X2k9QzT7mB", days[i]);
        touch(root.quarantine_fd, path);
    }
    CU_ASSERT_EQUAL(mkdirat(root.quarantine_fd, "2026-02-02", 0700), 0);
    CU_ASSERT_EQUAL(mkdirat(root.quarantine_fd, "other", 0700), 0);
    touch(root.quarantine_fd, "other/4X2k9QzT7mB");
    touch(root.quarantine_fd, "4X2k9QzT7mB");
    touch(root.quarantine_fd, "2026-03-01");
    CU_ASSERT_EQUAL(symlinkat("2026-11-21", root.quarantine_fd, "2026-11-22"), 0);
    CU_ASSERT_EQUAL(place_walk_quarantine(&root, note, &visits, &err), 0);
    CU_ASSERT_EQUAL_FATAL(visits.count, UNIT_COUNT(expected));
    for (size_t i = 0; i < UNIT_COUNT(expected); i++)
        CU_ASSERT_STRING_EQUAL(visits.seen[i], expected[i]);
    visits = (struct visits){.stop_at = 2};
    CU_ASSERT_EQUAL(place_walk_quarantine(&root, note, &visits, &err), 17);
    CU_ASSERT_EQUAL(visits.count, 2);
    tear_down();
}

static void
test_quarantine_day(void)
{
    static const struct {
        int64_t now_ms;
        const char *day;
    } rows[] = {
        {0,             "1970-01-01"},
        {86399999,      "1970-01-01"},
        {86400000,      "1970-01-02"},
        {1795219199999, "2026-11-20"},
        {1795219200000, "2026-11-21"},
        {1795219200000, "2026-11-21"}, // which is there
    };

    set_up();
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct err told = {.kind = ERR_NONE};
        int fd = place_quarantine_day(&root, rows[i].now_ms, &told);
        struct stat made, named;

        UNIT_CHECK_ROW(rows[i].day, told.kind == ERR_NONE);
        UNIT_CHECK_ROW(rows[i].day, fstat(fd, &made) == 0);
        UNIT_CHECK_ROW(rows[i].day, fstatat(root.quarantine_fd, rows[i].day, &named, 0) == 0);
        UNIT_CHECK_ROW(rows[i].day, made.st_ino == named.st_ino);
        close(fd);
    }
    CU_ASSERT_EQUAL(place_quarantine_day(&root, INT64_MAX, &err), -1);
    // Nothing inside the spool is followed.
    CU_ASSERT_EQUAL(symlinkat("1970-01-01", root.quarantine_fd, "1970-01-03"), 0);
    CU_ASSERT_EQUAL(place_quarantine_day(&root, 2 * 86400000, &err), -1);
    tear_down();
}

static void
test_find_quarantined(void)
{
    struct stat found, named;
    int fd;

    set_up();
    CU_ASSERT_EQUAL(place_find_quarantined(&root, "4X2k9QzT7mB", &err), -1);
    CU_ASSERT_EQUAL(errno, ENOENT);
    CU_ASSERT_EQUAL(mkdirat(root.quarantine_fd, "2026-02-02", 0700), 0);
    CU_ASSERT_EQUAL(mkdirat(root.quarantine_fd, "2026-02-03", 0700), 0);
    CU_ASSERT_EQUAL(mkdirat(root.quarantine_fd, "2026-02-04", 0700), 0);
    touch(root.quarantine_fd, "2026-02-03/4X2k9QzT7mB");
    fd = place_find_quarantined(&root, "4X2k9QzT7mB", &err);
    CU_ASSERT_EQUAL(fstat(fd, &found), 0);
    CU_ASSERT_EQUAL(fstatat(root.quarantine_fd, "2026-02-03", &named, 0), 0);
    CU_ASSERT_EQUAL(found.st_ino, named.st_ino);
    close(fd);
    CU_ASSERT_EQUAL(place_find_quarantined(&root, "4X2k9QzT7mC", &err), -1);
    CU_ASSERT_EQUAL(errno, ENOENT);
    tear_down();
}

static int
note_name(void *arg, const char *name)
{
    struct visits *visits = arg;

    snprintf(visits->seen[visits->count++], sizeof(visits->seen[0]), "%s", name);
    return visits->count == visits->stop_at ? 17 : 0;
}

static void
test_walk_instances(void)
{
    static const char *const expected[] = {"1-1-00000000", "1-1-00000001"};
    struct visits visits = {.count = 0};

    set_up();
    CU_ASSERT_EQUAL(place_instance_remove(&root, &instance, &err), 0);
    CU_ASSERT_EQUAL(mkdirat(root.active_fd, "1-1-00000000", 0700), 0);
    CU_ASSERT_EQUAL(mkdirat(root.active_fd, "1-1-00000001", 0700), 0);
    CU_ASSERT_EQUAL(mkdirat(root.active_fd, "lost+found", 0700), 0);
    CU_ASSERT_EQUAL(symlinkat("1-1-00000000", root.active_fd, "1-1-00000002"), 0);
    touch(root.active_fd, "1-1-00000003");
    CU_ASSERT_EQUAL(place_walk_instances(&root, note_name, &visits, &err), 0);
    check_visits(&visits, expected, UNIT_COUNT(expected));
    visits = (struct visits){.stop_at = 1};
    CU_ASSERT_EQUAL(place_walk_instances(&root, note_name, &visits, &err), 17);
    tear_down();
}

struct remover {
    size_t count;
    bool all_at_once;
};

// Others finish their messages meanwhile.
static int
remove_some(void *arg, int dir_fd, const char *bucket, const char *name, bool is_ours)
{
    struct remover *remover = arg;
    char path[80];

    (void)dir_fd;
    (void)name;
    (void)is_ours;
    CU_ASSERT_PTR_NOT_NULL(bucket);
    for (unsigned i = 0; remover->count == 0 && i < 200; i++) {
        snprintf(path, sizeof(path), "%04x/4X2k9Qz%04u", i % 4, i);
        CU_ASSERT_EQUAL(unlinkat(instance.fd, path, 0), 0);
    }
    // Buckets that the walk has listed, but has not come to yet.
    for (unsigned i = 0; remover->count == 0 && remover->all_at_once && i < 4; i++) {
        snprintf(path, sizeof(path), "%04x", i);
        (void)unlinkat(instance.fd, path, AT_REMOVEDIR);
    }
    remover->count++;
    return 0;
}

static void
test_entries_vanish(void)
{
    for (int all_at_once = 0; all_at_once < 2; all_at_once++) {
        struct remover remover = {.all_at_once = all_at_once};
        char path[80];

        set_up();
        for (unsigned i = 0; i < 4; i++) {
            snprintf(path, sizeof(path), "%04x", i);
            CU_ASSERT_EQUAL(mkdirat(instance.fd, path, 0700), 0);
        }
        for (unsigned i = 0; i < 200; i++) {
            snprintf(path, sizeof(path), "%04x/4X2k9Qz%04u", i % 4, i);
            touch(instance.fd, path);
        }
        CU_ASSERT_EQUAL(place_walk_instance(&instance, remove_some, &remover, &err), 0);
        CU_ASSERT_TRUE(remover.count > 0);
        CU_ASSERT_EQUAL(place_instance_remove(&root, &instance, &err), 0);
        tear_down();
    }
}

static int
remove_this(void *arg, int dir_fd, const char *bucket, const char *name, bool is_ours)
{
    size_t *count = arg;

    (void)bucket;
    CU_ASSERT_TRUE(is_ours);
    CU_ASSERT_EQUAL(unlinkat(dir_fd, name, 0), 0);
    (*count)++;
    return 0;
}

// A visitor may take away what it is shown, from a full folder as well.
static void
test_visitor_removes(void)
{
    enum { COUNT = PLACE_BUCKET_FILES };

    size_t count = 0;
    char name[40];

    set_up();
    for (unsigned i = 0; i < COUNT; i++) {
        snprintf(name, sizeof(name), "4X2k9Qz%04u", i);
        touch(root.hold_fd, name);
    }
    CU_ASSERT_EQUAL(place_walk_hold(&root, remove_this, &count, &err), 0);
    CU_ASSERT_EQUAL(count, COUNT);
    tear_down();
}

static const struct unit_test tests[] = {
    {"names",                      test_names           },
    {"walk instance",              test_walk_instance   },
    {"day names",                  test_day_names       },
    {"walk quarantine",            test_walk_quarantine },
    {"quarantine's day",           test_quarantine_day  },
    {"find what is in quarantine", test_find_quarantined},
    {"walk hold",                  test_walk_hold       },
    {"walk corrupt",               test_walk_corrupt    },
    {"walk instances",             test_walk_instances  },
    {"entries vanish",             test_entries_vanish  },
    {"visitor removes",            test_visitor_removes },
};

UNIT_MAIN("spool/place_walk", tests)
