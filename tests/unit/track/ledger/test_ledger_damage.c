// SPDX-License-Identifier: BSD-2-Clause
// The ledger's file as it should not be: what can be used is, what is damaged is set aside, and in
// either case a ledger is there that can be written.
#include "track/ledger/ledger.h"

#include "tests/unit/track/ledger_kit.h"
#include "track/ledger/sql.h"

enum { MESSAGES = 150, PAGE = 4096 };

static void
fill(struct ledger_kit *kit)
{
    struct record_sample sample;
    char id[24];

    CU_ASSERT_TRUE_FATAL(kit_open(kit));
    kit_begin(kit);
    for (int i = 0; i < MESSAGES; i++) {
        snprintf(id, sizeof(id), "m%d", i);
        sample_init(&sample, id);
        CU_ASSERT_EQUAL(ledger_put_record(kit->ledger, &sample.record, &kit->err), 0);
    }
    kit_commit(kit);
    ledger_close(&kit->ledger);
}

static off_t
size_of(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 ? status.st_size : -1;
}

// Overwrites bytes from an offset on with noise that is the same each time.
static void
spoil(const char *path, off_t offset, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT, 0640);
    char *bytes = mem_zalloc(len + 1);
    uint32_t noise = 1;

    for (size_t i = 0; i < len; i++) {
        noise = noise * 1664525 + 1013904223;
        bytes[i] = (char)(noise >> 24);
    }
    CU_ASSERT_EQUAL(pwrite(fd, bytes, len, offset), (ssize_t)len);
    close(fd);
    mem_free(&bytes);
}

static void
make_random(const char *path)
{
    spoil(path, 0, 20000);
}

static void
make_short(const char *path)
{
    CU_ASSERT_EQUAL(truncate(path, size_of(path) / 2), 0);
}

static void
make_tiny(const char *path)
{
    CU_ASSERT_EQUAL(truncate(path, 10), 0);
}

static void
make_empty(const char *path)
{
    CU_ASSERT_EQUAL(truncate(path, 0), 0);
}

// Behind the roots of tables and indexes, before what was written last: the open needs none of it.
static void
spoil_rows(const char *path)
{
    spoil(path, 20 * (off_t)PAGE, 10 * (size_t)PAGE);
}

static void
spoil_pages(const char *path)
{
    spoil(path, PAGE, (size_t)size_of(path) - PAGE);
}

static void
spoil_schema(const char *path)
{
    spoil(path, 100, PAGE - 100);
}

static void
make_text(const char *path)
{
    CU_ASSERT_EQUAL(unlink(path), 0);
    spoil(path, 0, 0);
    CU_ASSERT_EQUAL(truncate(path, 100000), 0); // zeros
}

static void
make_folder(const char *path)
{
    CU_ASSERT_EQUAL(unlink(path), 0);
    CU_ASSERT_EQUAL(mkdir(path, 0750), 0);
}

static void
make_pipe(const char *path)
{
    CU_ASSERT_EQUAL(unlink(path), 0);
    CU_ASSERT_EQUAL(mkfifo(path, 0640), 0);
}

static void
spoil_wal(const char *path)
{
    char *wal = mem_printf("%s-wal", path);

    spoil(wal, 0, 50000);
    mem_free(&wal);
}

static void
spoil_shm(const char *path)
{
    char *shm = mem_printf("%s-shm", path);

    spoil(shm, 0, 32768);
    mem_free(&shm);
}

static void
drop_table(const char *path)
{
    struct err err;
    struct sql *sql = sql_open(path, SQL_WRITE, 1000, &err);

    CU_ASSERT_PTR_NOT_NULL_FATAL(sql);
    CU_ASSERT_EQUAL(sql_run(sql, "DROP TABLE results", &err), 0);
    sql_close(&sql);
}

static void
drop_counters(const char *path)
{
    struct err err;
    struct sql *sql = sql_open(path, SQL_WRITE, 1000, &err);

    CU_ASSERT_PTR_NOT_NULL_FATAL(sql);
    CU_ASSERT_EQUAL(sql_run(sql, "DELETE FROM counters", &err), 0);
    sql_close(&sql);
}

// What comes of it at the open, or with the calls that follow.
enum fate { KEPT, ANEW, ASIDE, ASIDE_LATER };

static const struct {
    const char *name;
    void (*spoil)(const char *path);
    enum fate fate;
} rows[] = {
    {"random bytes",       make_random,   ASIDE      },
    {"cut to a half",      make_short,    ASIDE      },
    {"cut to nothing",     make_empty,    ANEW       },
    {"cut to a few bytes", make_tiny,     ASIDE      },
    {"zeros",              make_text,     ASIDE      },
    {"the schema",         spoil_schema,  ASIDE      },
    {"all other pages",    spoil_pages,   ASIDE      },
    {"the rows",           spoil_rows,    ASIDE_LATER},
    {"a folder",           make_folder,   ASIDE      },
    {"a pipe",             make_pipe,     ASIDE      },
    {"the log of changes", spoil_wal,     KEPT       },
    {"shared memory",      spoil_shm,     KEPT       },
    {"a table is missing", drop_table,    ASIDE      },
    {"no counters",        drop_counters, KEPT       },
};

// True: a call said PERM.
static bool
has_failed(struct ledger_kit *kit, int answer)
{
    if (answer == 0)
        return false;
    CU_ASSERT_EQUAL(kit->err.kind, ERR_PERM);
    ledger_abort(kit->ledger);
    return true;
}

// Reads and replaces all: that must find it out. True: a call said PERM.
static bool
use(struct ledger_kit *kit)
{
    struct record_sample sample;

    arena_clear(&kit->arena);
    if (has_failed(kit, ledger_read_changes(kit->ledger, 0, 0, KIT_RECORDS, &kit->arena,
                                            kit->records, &kit->count, &kit->last, &kit->err))) {
        CU_ASSERT_TRUE(has_failed(kit, ledger_begin(kit->ledger, &kit->err)));
        return true;
    }
    for (int i = 0; i < MESSAGES; i++) {
        char id[24];

        snprintf(id, sizeof(id), "m%d", i);
        sample_init(&sample, id);
        sample.record.step = 13;
        if (has_failed(kit, ledger_begin(kit->ledger, &kit->err)) ||
            has_failed(kit, ledger_put_record(kit->ledger, &sample.record, &kit->err)) ||
            has_failed(kit, ledger_commit(kit->ledger, &kit->err)))
            return true;
    }
    return false;
}

static void
check_usable(const char *name, struct ledger_kit *kit)
{
    kit_put_bare(kit, "after", 5);
    UNIT_CHECK_ROW(name, kit_get(kit, "after") != NULL);
    kit_reopen(kit);
    UNIT_CHECK_ROW(name, kit->note[0] == '\0');
    UNIT_CHECK_ROW(name, kit_get(kit, "after") != NULL);
}

static void
check_fate(size_t row, struct ledger_kit *kit)
{
    const char *name = rows[row].name;
    bool is_aside = rows[row].fate == ASIDE || rows[row].fate == ASIDE_LATER;

    if (rows[row].fate == ASIDE_LATER) {
        UNIT_CHECK_ROW(name, use(kit));
        kit_reopen(kit);
    }
    UNIT_CHECK_ROW(name, (strstr(kit->note, "set aside as") != NULL) == is_aside);
    UNIT_CHECK_ROW(name, (kit_count_files(kit, ".damaged-") > 0) == is_aside);
    UNIT_CHECK_ROW(name, (kit_get(kit, "m0") != NULL) == (rows[row].fate == KEPT));
    UNIT_CHECK_ROW(name, (strstr(kit->note, "empty") != NULL) == (rows[row].fate == ANEW));
    CU_ASSERT_EQUAL(kit_count_files(kit, "db-damaged"), 0);
}

static void
test_rows(void)
{
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct ledger_kit kit;

        kit_init(&kit);
        fill(&kit);
        rows[i].spoil(kit.path);
        if (!kit_open(&kit))
            fprintf(stderr, "%s\n", kit.err.text);
        UNIT_CHECK_ROW(rows[i].name, kit.ledger != NULL);
        if (kit.ledger != NULL) {
            check_fate(i, &kit);
            check_usable(rows[i].name, &kit);
        }
        kit_clear(&kit);
    }
}

static void
keep(const char *path, struct buf *out)
{
    size_t size = (size_t)size_of(path);
    int fd = open(path, O_RDONLY);

    CU_ASSERT_PTR_NOT_NULL_FATAL(buf_space(out, size));
    CU_ASSERT_EQUAL(read(fd, out->data, size), (ssize_t)size);
    buf_filled(out, size);
    close(fd);
}

// As it was, and alone in its folder.
static void
put_back(struct ledger_kit *kit, const struct buf *good)
{
    char *folder = mem_printf("%s/sub", kit->folder);
    int fd;

    (void)nftw(folder, kit_remove, 8, FTW_DEPTH | FTW_PHYS);
    CU_ASSERT_EQUAL(mkdir(folder, 0750), 0);
    fd = open(kit->path, O_WRONLY | O_CREAT, 0640);
    CU_ASSERT_EQUAL(write(fd, good->data, good->len), (ssize_t)good->len);
    close(fd);
    mem_free(&folder);
}

// Any page of it: it is found out, or does no harm; and never is nothing there to write to.
static void
test_each_page(void)
{
    struct ledger_kit kit;
    size_t found = 0, pages;
    struct buf good;

    kit_init(&kit);
    fill(&kit);
    pages = (size_t)size_of(kit.path) / PAGE;
    CU_ASSERT_TRUE(pages > 20);
    buf_init(&good, 10 << 20);
    keep(kit.path, &good);
    for (size_t page = 1; page < pages; page++) {
        put_back(&kit, &good);
        spoil(kit.path, (off_t)(page * PAGE), PAGE);
        CU_ASSERT_TRUE_FATAL(kit_open(&kit));
        if (kit.note[0] == '\0' && use(&kit)) {
            kit_reopen(&kit);
            CU_ASSERT_PTR_NOT_NULL(strstr(kit.note, "set aside"));
        }
        found += kit_count_files(&kit, ".damaged-") > 0 ? 1 : 0;
        kit_put_bare(&kit, "after", 5);
        CU_ASSERT_PTR_NOT_NULL(kit_get(&kit, "after"));
        ledger_close(&kit.ledger);
    }
    CU_ASSERT_TRUE(found > pages / 2);
    buf_clear(&good);
    kit_clear(&kit);
}

// Is not ours to touch: another program's, or a later release's.
static void
test_untouched(void)
{
    static const char *const setups[] = {"PRAGMA user_version = 2",
                                         "PRAGMA application_id = 5; PRAGMA user_version = 1",
                                         "PRAGMA user_version = -3"};

    for (size_t i = 0; i < UNIT_COUNT(setups); i++) {
        struct ledger_kit kit;
        struct sql *sql;

        kit_init(&kit);
        fill(&kit);
        sql = sql_open(kit.path, SQL_WRITE, 1000, &kit.err);
        CU_ASSERT_PTR_NOT_NULL_FATAL(sql);
        CU_ASSERT_EQUAL(sql_run(sql, setups[i], &kit.err), 0);
        sql_close(&sql);
        CU_ASSERT_FALSE(kit_open(&kit));
        CU_ASSERT_EQUAL(kit.err.kind, ERR_PERM);
        CU_ASSERT_PTR_NOT_NULL(strstr(kit.err.text, kit.path));
        CU_ASSERT_EQUAL(kit_count_files(&kit, "damaged"), 0);
        sql = sql_open(kit.path, SQL_WRITE, 1000, &kit.err);
        CU_ASSERT_PTR_NOT_NULL_FATAL(sql);
        CU_ASSERT_EQUAL(
            sql_run(sql, "PRAGMA user_version = 1; PRAGMA application_id = 1349743726", &kit.err),
            0);
        sql_close(&sql);
        CU_ASSERT_TRUE_FATAL(kit_open(&kit));
        CU_ASSERT_PTR_NOT_NULL(kit_get(&kit, "m149"));
        kit_clear(&kit);
    }
}

static const struct unit_test tests[] = {
    {"rows",      test_rows     },
    {"each page", test_each_page},
    {"untouched", test_untouched},
};

UNIT_MAIN("track/ledger_damage", tests)
