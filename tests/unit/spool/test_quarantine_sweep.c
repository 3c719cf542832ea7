// SPDX-License-Identifier: BSD-2-Clause
#include "spool/quarantine.h"

#include <sys/file.h>
#include <sys/stat.h>

#include "tests/unit/base/tempdir.h"
#include "tests/unit/harness.h"
#include "tests/unit/spool/quarantined.h"

#define DAY INT64_C(86400000)
#define NOW (1000 * DAY + DAY / 2)

static struct tempdir dir;
static struct place_root root;
static struct err err;
static char told[4000];
static size_t told_count;

static void
set_up(void)
{
    tempdir_make(&dir);
    told[0] = '\0';
    told_count = 0;
    CU_ASSERT_EQUAL_FATAL(place_root_open(&root, dir.path, true, &err), 0);
}

static void
tear_down(void)
{
    place_root_close(&root);
    tempdir_remove(&dir);
}

static void
on_removed(void *arg, const struct quarantine_removed *removed)
{
    size_t len = strlen(told);

    CU_ASSERT_PTR_EQUAL(arg, &told);
    CU_ASSERT(removed->size > 0);
    told_count++;
    if (len < sizeof told - 100)
        snprintf(told + len, sizeof told - len, "%c%c ", removed->id[10],
                 removed->is_expired ? '-' : '!');
}

static int
sweep(uint64_t keep, uint64_t max_size)
{
    struct quarantine_settings settings = {.keep = keep, .max_size = max_size};

    return quarantine_sweep(&root, &settings, NOW, on_removed, &told, &err);
}

static void
put(char last, int64_t since_ms)
{
    char id[] = "4X2k9QzT7m?";

    id[10] = last;
    quarantined_put(&root, id, since_ms, 10000, NULL);
}

// Five of about 10 KB each, on three days; older ones have later names.
static void
test_rows(void)
{
    static const struct {
        const char *name;
        uint64_t keep, max_size;
        const char *told;
    } rows[] = {
        {"all may stay",               10 * DAY,    1 << 20, ""               },
        {"one is over its time",       9 * DAY / 2, 1 << 20, "E- "            },
        {"to the millisecond",         4 * DAY,     1 << 20, "E- D- "         },
        {"not a millisecond before",   4 * DAY + 1, 1 << 20, "E- "            },
        {"all are",                    60000,       1 << 20, "E- D- C- B- A- "},
        {"too much by one",            10 * DAY,    45000,   "E! "            },
        {"too much by three",          10 * DAY,    25000,   "E! D! C! "      },
        {"no room at all",             10 * DAY,    1,       "E! D! C! B! A! "},
        {"one's time, another's size", 9 * DAY / 2, 35000,   "E- D! "         },
        {"what is late makes room",    9 * DAY / 2, 45000,   "E- "            },
        {"exactly what fits",          10 * DAY,    0,       ""               }, // computed
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        uint64_t max_size = rows[i].max_size;
        struct stat info;

        set_up();
        put('A', NOW - DAY);
        put('B', NOW - DAY - 1000);
        put('C', NOW - 2 * DAY);
        put('D', NOW - 4 * DAY);
        put('E', NOW - 5 * DAY);
        CU_ASSERT_EQUAL(fstatat(root.quarantine_fd, "1972-09-26/4X2k9QzT7mA", &info, 0), 0);
        max_size = max_size == 0 ? 5 * (uint64_t)info.st_size : max_size;
        UNIT_CHECK_ROW(rows[i].name, sweep(rows[i].keep, max_size) == 0);
        UNIT_CHECK_ROW(rows[i].name, strcmp(told, rows[i].told) == 0);
        UNIT_CHECK_ROW(rows[i].name,
                       quarantined_has(&root, "4X2k9QzT7mE") == (strchr(told, 'E') == NULL));
        UNIT_CHECK_ROW(rows[i].name,
                       quarantined_has(&root, "4X2k9QzT7mA") == (strchr(told, 'A') == NULL));
        tear_down();
    }
}

static void
test_days(void)
{
    struct stat info;

    set_up();
    put('A', NOW);
    put('B', NOW - DAY);
    put('C', NOW - 5 * DAY);
    put('D', NOW + 5 * DAY); // the clock was wrong
    CU_ASSERT_EQUAL(mkdirat(root.quarantine_fd, "1972-01-01", 0700), 0);
    CU_ASSERT_EQUAL(mkdirat(root.quarantine_fd, "other", 0700), 0);
    CU_ASSERT_EQUAL(mkdirat(root.quarantine_fd, "1972-01-02", 0700), 0);
    close(openat(root.quarantine_fd, "1972-01-02/foreign", O_CREAT | O_WRONLY, 0600));
    CU_ASSERT_EQUAL(sweep(1, 1 << 20), 0);
    CU_ASSERT_STRING_EQUAL(told, "C- B- ");
    CU_ASSERT_EQUAL(fstatat(root.quarantine_fd, "1972-01-01", &info, 0), -1);
    CU_ASSERT_EQUAL(fstatat(root.quarantine_fd, "1972-09-22", &info, 0), -1);
    CU_ASSERT_EQUAL(fstatat(root.quarantine_fd, "1972-09-26", &info, 0), 0); // yesterday's
    CU_ASSERT_EQUAL(fstatat(root.quarantine_fd, "1972-01-02/foreign", &info, 0), 0);
    CU_ASSERT_EQUAL(fstatat(root.quarantine_fd, "other", &info, 0), 0);
    tear_down();
}

static void
test_locked(void)
{
    int other, day, fd;

    set_up();
    put('A', NOW - DAY);
    put('B', NOW - DAY);
    other = fs_open_dir(root.root_fd, "quarantine", &err);
    CU_ASSERT_EQUAL(flock(other, LOCK_EX), 0);
    CU_ASSERT_EQUAL(sweep(1, 1 << 20), 1);
    close(other);
    day = place_find_quarantined(&root, "4X2k9QzT7mA", &err);
    fd = fs_open_read(day, "4X2k9QzT7mA", &err);
    CU_ASSERT_EQUAL(flock(fd, LOCK_EX), 0);
    CU_ASSERT_EQUAL(sweep(1, 1 << 20), 0);
    CU_ASSERT_STRING_EQUAL(told, "B- ");
    close(fd);
    close(day);
    CU_ASSERT_EQUAL(sweep(1, 1 << 20), 0);
    CU_ASSERT_STRING_EQUAL(told, "B- A- ");
    tear_down();
}

// More than are collected at once: the oldest go first all the same, and all that must.
static void
test_many(void)
{
    enum { COUNT = 25000, KEPT = 3000 };

    char path[80];
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}};
    int day;

    set_up();
    day = place_quarantine_day(&root, NOW, &err);
    for (int i = 0; i < COUNT; i++) {
        int order = (int)((int64_t)i * 7919 % COUNT); // in no order
        int fd;

        snprintf(path, sizeof path, "4X2k9Q%05d", order);
        fd = openat(day, path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        CU_ASSERT_EQUAL(pwrite(fd, "x", 1, 0), 1);
        times[1].tv_sec = NOW / 1000 - COUNT + order;
        CU_ASSERT_EQUAL(futimens(fd, times), 0);
        close(fd);
    }
    CU_ASSERT_EQUAL(sweep(1000 * DAY, KEPT), 0);
    CU_ASSERT_EQUAL(told_count, COUNT - KEPT);
    for (int i = 0; i < COUNT; i++) {
        snprintf(path, sizeof path, "4X2k9Q%05d", i);
        if ((faccessat(day, path, F_OK, 0) == 0) != (i >= COUNT - KEPT))
            CU_FAIL("the wrong one went");
    }
    close(day);
    tear_down();
}

static const struct unit_test tests[] = {
    {"rows",   test_rows  },
    {"days",   test_days  },
    {"locked", test_locked},
    {"many",   test_many  },
};

UNIT_MAIN("spool/quarantine_sweep", tests)
