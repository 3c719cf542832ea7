// SPDX-License-Identifier: BSD-2-Clause
#include "track/ledger/sql.h"

#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "tests/unit/harness.h"

enum { BUSY_MS = 50 };

struct stand {
    char folder[100], path[200];
    struct sql *sql;
    struct err err;
};

static void
stand_init(struct stand *stand)
{
    *stand = (struct stand){.folder = "/tmp/postern-sql-XXXXXX"};
    if (mkdtemp(stand->folder) == NULL)
        abort();
    snprintf(stand->path, sizeof(stand->path), "%s/test.db", stand->folder);
    stand->sql = sql_open(stand->path, SQL_WRITE, BUSY_MS, &stand->err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(stand->sql);
}

static void
run(struct stand *stand, const char *text)
{
    if (sql_run(stand->sql, text, &stand->err) != 0)
        fprintf(stderr, "%s: %s\n", text, stand->err.text);
    CU_ASSERT_EQUAL(stand->err.kind, ERR_NONE);
}

static void
stand_clear(struct stand *stand)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};

    sql_close(&stand->sql);
    for (size_t i = 0; i < UNIT_COUNT(suffixes); i++) {
        char *path = mem_printf("%s%s", stand->path, suffixes[i]);

        (void)unlink(path);
        mem_free(&path);
    }
    CU_ASSERT_EQUAL(rmdir(stand->folder), 0);
}

static bool
is_bytes(struct span span, const char *data, size_t len)
{
    return span.len == len && (len == 0 || memcmp(span.data, data, len) == 0);
}

static void
test_values(void)
{
    static const char bytes[] = "a\0\xff'\"";
    struct stand stand;
    struct sql_query *put, *get;

    stand_init(&stand);
    run(&stand, "CREATE TABLE t (a INTEGER, b INTEGER, c REAL, d REAL, e TEXT, f TEXT, g TEXT)");
    put = sql_prepare(stand.sql, "INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?)", &stand.err);
    get = sql_prepare(stand.sql, "SELECT a, b, c, d, e, f, g, g, b FROM t", &stand.err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(put);
    CU_ASSERT_PTR_NOT_NULL_FATAL(get);
    for (int i = 0; i < 2; i++) {
        sql_put_int(put, INT64_MIN);
        sql_put_null(put);
        sql_put_real(put, -0.1);
        sql_put_real(put, NAN);
        sql_put_text(put, span_from(bytes, 5));
        sql_put_text(put, span_from(NULL, 0));
        sql_put_key(put, span_from(NULL, 0));
        CU_ASSERT_EQUAL(sql_do(put, &stand.err), 0);
    }
    for (int i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL(sql_step(get, &stand.err), 1);
        CU_ASSERT_EQUAL(sql_take_int(get), INT64_MIN);
        CU_ASSERT_TRUE(sql_take_is_null(get));
        CU_ASSERT_EQUAL(sql_take_int(get), 0);
        CU_ASSERT_EQUAL(sql_take_real(get), -0.1);
        CU_ASSERT_TRUE(isnan(sql_take_real(get)));
        CU_ASSERT_TRUE(is_bytes(sql_take_text(get), bytes, 5));
        CU_ASSERT_TRUE(sql_take_is_null(get));
        CU_ASSERT_EQUAL(sql_take_text(get).len, 0);
        CU_ASSERT_FALSE(sql_take_is_null(get));
        CU_ASSERT_EQUAL(sql_take_text(get).len, 0);
    }
    CU_ASSERT_EQUAL(sql_step(get, &stand.err), 0);
    CU_ASSERT_EQUAL(sql_step(get, &stand.err), 1); // from the beginning
    sql_reset(get);
    CU_ASSERT_EQUAL(sql_step(get, &stand.err), 1);
    CU_ASSERT_EQUAL(sql_take_int(get), INT64_MIN);
    sql_finish(&put);
    sql_finish(&get);
    CU_ASSERT_PTR_NULL(get);
    stand_clear(&stand);
}

static void
test_number(void)
{
    struct stand stand;
    int64_t number = 5;

    stand_init(&stand);
    run(&stand, "CREATE TABLE t (a INTEGER)");
    CU_ASSERT_EQUAL(sql_number(stand.sql, "SELECT a FROM t", &number, &stand.err), 0);
    CU_ASSERT_EQUAL(number, 0);
    run(&stand, "INSERT INTO t VALUES (7)");
    CU_ASSERT_EQUAL(sql_number(stand.sql, "SELECT a FROM t", &number, &stand.err), 0);
    CU_ASSERT_EQUAL(number, 7);
    CU_ASSERT_FALSE(sql_in_transaction(stand.sql));
    run(&stand, "BEGIN");
    CU_ASSERT_TRUE(sql_in_transaction(stand.sql));
    run(&stand, "COMMIT");
    CU_ASSERT_EQUAL(sql_number(stand.sql, "SELECT a FROM u", &number, &stand.err), -1);
    CU_ASSERT_EQUAL(stand.err.kind, ERR_PERM);
    CU_ASSERT_FALSE(sql_is_damaged(stand.sql));
    stand_clear(&stand);
}

// Twice where only one may be: so speaks a broken index.
static void
test_constraint(void)
{
    struct stand stand;

    stand_init(&stand);
    run(&stand, "CREATE TABLE t (a TEXT PRIMARY KEY); INSERT INTO t VALUES ('a')");
    CU_ASSERT_EQUAL(sql_run(stand.sql, "INSERT INTO t VALUES ('a')", &stand.err), -1);
    CU_ASSERT_EQUAL(stand.err.kind, ERR_PERM);
    CU_ASSERT_TRUE(sql_is_damaged(stand.sql));
    stand_clear(&stand);
}

static void
test_busy(void)
{
    struct stand stand;
    struct sql *other;

    stand_init(&stand);
    run(&stand, "CREATE TABLE t (a INTEGER)");
    other = sql_open(stand.path, SQL_WRITE, BUSY_MS, &stand.err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(other);
    run(&stand, "BEGIN EXCLUSIVE");
    CU_ASSERT_EQUAL(sql_run(other, "INSERT INTO t VALUES (1)", &stand.err), -1);
    CU_ASSERT_EQUAL(stand.err.kind, ERR_TEMP);
    CU_ASSERT_FALSE(sql_is_damaged(other));
    stand.err = (struct err){0};
    run(&stand, "COMMIT");
    CU_ASSERT_EQUAL(sql_run(other, "INSERT INTO t VALUES (1)", &stand.err), 0);
    sql_close(&other);
    stand_clear(&stand);
}

static void
test_no_database(void)
{
    struct stand stand;
    FILE *file;

    stand_init(&stand);
    file = fopen(stand.path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fprintf(file, "%0200d", 0);
    fclose(file);
    CU_ASSERT_EQUAL(sql_run(stand.sql, "CREATE TABLE t (a)", &stand.err), -1);
    CU_ASSERT_EQUAL(stand.err.kind, ERR_PERM);
    CU_ASSERT_TRUE(sql_is_damaged(stand.sql));
    stand_clear(&stand);
}

static void
test_read_only(void)
{
    struct stand stand;
    struct sql *reader;
    char *nowhere;

    stand_init(&stand);
    run(&stand, "CREATE TABLE t (a INTEGER)");
    reader = sql_open(stand.path, SQL_READ, BUSY_MS, &stand.err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(reader);
    CU_ASSERT_TRUE(sql_is_writable(stand.sql));
    CU_ASSERT_FALSE(sql_is_writable(reader));
    CU_ASSERT_EQUAL(sql_run(reader, "INSERT INTO t VALUES (1)", &stand.err), -1);
    CU_ASSERT_EQUAL(stand.err.kind, ERR_TEMP);
    sql_close(&reader);
    nowhere = mem_printf("%s/none.db", stand.folder);
    CU_ASSERT_PTR_NULL(sql_open(nowhere, SQL_READ, BUSY_MS, &stand.err));
    CU_ASSERT_EQUAL(stand.err.kind, ERR_TEMP);
    mem_free(&nowhere);
    stand_clear(&stand);
}

// The log of changes is folded in by a close that was asked to; its file stays, empty.
static void
test_keep(void)
{
    struct stand stand;
    struct stat status;
    char *wal;

    stand_init(&stand);
    wal = mem_printf("%s-wal", stand.path);
    run(&stand, "PRAGMA journal_mode = WAL; PRAGMA journal_size_limit = 100000");
    run(&stand, "CREATE TABLE t (a INTEGER)");
    sql_close(&stand.sql);
    CU_ASSERT_EQUAL(stat(wal, &status), 0);
    CU_ASSERT_TRUE(status.st_size > 0);
    stand.sql = sql_open(stand.path, SQL_WRITE, BUSY_MS, &stand.err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(stand.sql);
    run(&stand, "PRAGMA journal_size_limit = 100000; INSERT INTO t VALUES (1)");
    sql_keep(stand.sql);
    sql_close(&stand.sql);
    CU_ASSERT_EQUAL(stat(wal, &status), 0);
    CU_ASSERT_EQUAL(status.st_size, 0);
    mem_free(&wal);
    stand_clear(&stand);
}

static const struct unit_test tests[] = {
    {"values",            test_values     },
    {"number",            test_number     },
    {"constraint",        test_constraint },
    {"busy",              test_busy       },
    {"not a database",    test_no_database},
    {"read only",         test_read_only  },
    {"kept at the close", test_keep       },
};

UNIT_MAIN("track/ledger/sql", tests)
