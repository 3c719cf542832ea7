// SPDX-License-Identifier: BSD-2-Clause
#include "track/ledger/ledger_schema.h"

#include <unistd.h>

#include "base/mem.h"
#include "tests/unit/harness.h"

struct stand {
    char folder[100], path[200];
    struct sql *sql;
    struct err err;
};

static void
stand_init(struct stand *stand)
{
    *stand = (struct stand){.folder = "/tmp/postern-schema-XXXXXX"};
    if (mkdtemp(stand->folder) == NULL)
        abort();
    snprintf(stand->path, sizeof(stand->path), "%s/test.db", stand->folder);
    stand->sql = sql_open(stand->path, SQL_WRITE, 50, &stand->err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(stand->sql);
}

static void
stand_clear(struct stand *stand)
{
    sql_close(&stand->sql);
    CU_ASSERT_EQUAL(unlink(stand->path), 0);
    CU_ASSERT_EQUAL(rmdir(stand->folder), 0);
}

static int64_t
number(struct stand *stand, const char *text)
{
    int64_t value = -1;

    if (sql_number(stand->sql, text, &value, &stand->err) != 0)
        fprintf(stderr, "%s: %s\n", text, stand->err.text);
    return value;
}

static int
version_of(struct stand *stand, int newest)
{
    int version = -1;

    return ledger_schema_version(stand->sql, newest, &version, &stand->err) == 0 ? version : -1;
}

static const char *const texts[] = {
    "CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('old')",
    "ALTER TABLE t ADD COLUMN b INTEGER DEFAULT 7",
    "CREATE INDEX t_by_b ON t (b); INSERT INTO t (a) VALUES ('new')",
};
static const char *const failing[] = {
    "CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('old')",
    "ALTER TABLE t ADD COLUMN b INTEGER; DROP TABLE unknown",
};

// From each version to the newest, and what was there before stays.
static void
test_migration(void)
{
    for (int from = 0; from <= 3; from++) {
        const struct ledger_steps first = {texts, from}, all = {texts, 3};
        struct stand stand;

        stand_init(&stand);
        CU_ASSERT_EQUAL(version_of(&stand, 3), 0);
        CU_ASSERT_EQUAL(ledger_schema_migrate(stand.sql, &first, &stand.err), 0);
        CU_ASSERT_EQUAL(version_of(&stand, 3), from);
        CU_ASSERT_EQUAL(ledger_schema_migrate(stand.sql, &all, &stand.err), 0);
        CU_ASSERT_EQUAL(ledger_schema_migrate(stand.sql, &all, &stand.err), 0);
        CU_ASSERT_FALSE(sql_in_transaction(stand.sql));
        CU_ASSERT_EQUAL(version_of(&stand, 3), 3);
        CU_ASSERT_EQUAL(number(&stand, "SELECT count(*) FROM t"), 2);
        CU_ASSERT_EQUAL(number(&stand, "SELECT b FROM t WHERE a = 'old'"), 7);
        stand_clear(&stand);
    }
}

// A step is taken whole or not at all.
static void
test_failure(void)
{
    const struct ledger_steps steps = {failing, 2}, good = {texts, 2};
    struct stand stand;

    stand_init(&stand);
    CU_ASSERT_EQUAL(ledger_schema_migrate(stand.sql, &steps, &stand.err), -1);
    CU_ASSERT_EQUAL(stand.err.kind, ERR_PERM);
    CU_ASSERT_PTR_NOT_NULL(strstr(stand.err.text, "version 2"));
    CU_ASSERT_FALSE(sql_in_transaction(stand.sql));
    CU_ASSERT_EQUAL(version_of(&stand, 3), 1);
    CU_ASSERT_EQUAL(number(&stand, "SELECT count(*) FROM pragma_table_info('t')"), 1);
    CU_ASSERT_EQUAL(ledger_schema_migrate(stand.sql, &good, &stand.err), 0);
    CU_ASSERT_EQUAL(number(&stand, "SELECT b FROM t"), 7);
    stand_clear(&stand);
}

static void
test_versions(void)
{
    static const struct {
        const char *name, *setup;
        int expected; // -1: PERM
    } rows[] = {
        {"empty",                 "",                                                             0 },
        {"ours, older",           "PRAGMA application_id = 1349743726; PRAGMA user_version = 2",  2 },
        {"ours, newest",          "PRAGMA application_id = 1349743726; PRAGMA user_version = 3",  3 },
        {"ours, newer",           "PRAGMA application_id = 1349743726; PRAGMA user_version = 4",  -1},
        {"ours, below all",       "PRAGMA application_id = 1349743726; PRAGMA user_version = -1", -1},
        {"another program's",     "PRAGMA application_id = 7",                                    -1},
        {"a table of somebody's", "CREATE TABLE t (a)",                                           -1},
        {"nobody's version",      "PRAGMA user_version = 1",                                      -1},
    };

    CU_ASSERT_EQUAL(LEDGER_APPLICATION, 1349743726);
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct stand stand;

        stand_init(&stand);
        CU_ASSERT_EQUAL(sql_run(stand.sql, rows[i].setup, &stand.err), 0);
        UNIT_CHECK_ROW(rows[i].name, version_of(&stand, 3) == rows[i].expected);
        UNIT_CHECK_ROW(rows[i].name,
                       stand.err.kind == (rows[i].expected < 0 ? ERR_PERM : ERR_NONE));
        UNIT_CHECK_ROW(rows[i].name, !sql_is_damaged(stand.sql));
        stand_clear(&stand);
    }
}

static void
test_names(void)
{
    static const struct {
        const char *name, *expected;
    } rows[] = {
        {"<1@example.org>",    "1@example.org"   },
        {"1@example.org",      "1@example.org"   },
        {" <1@example.org>\t", "1@example.org"   },
        {"<1@example.org",     "1@example.org"   },
        {"4jWw3p5ZvJz1cY43",   "4jWw3p5ZvJz1cY43"},
        {"<a>b>",              "a>b"             },
        {"<",                  ""                },
        {">",                  ""                },
        {"",                   ""                },
    };

    char text[600];

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct span bare = ledger_bare_name(span_of(rows[i].name));

        UNIT_CHECK_ROW(rows[i].name, span_is(bare, rows[i].expected));
        UNIT_CHECK_ROW(rows[i].name, ledger_name_digest(span_of(rows[i].name)) ==
                                         ledger_name_digest(span_of(rows[i].expected)));
    }
    CU_ASSERT_NOT_EQUAL(ledger_name_digest(SPAN_LITERAL("a")),
                        ledger_name_digest(SPAN_LITERAL("A")));
    // One that was cut on its way to us is found by its whole length, too.
    memset(text, 'x', sizeof(text));
    CU_ASSERT_EQUAL(ledger_name_digest(span_from(text, 600)),
                    ledger_name_digest(span_from(text, 500)));
}

static void
test_keys(void)
{
    CU_ASSERT_EQUAL(ledger_key(0, 0), 0);
    CU_ASSERT_EQUAL(ledger_key(1, 0), 1048576);
    CU_ASSERT_EQUAL(ledger_key(3, 1048575) + 1, ledger_key(4, 0));
    CU_ASSERT_EQUAL(ledger_bucket(4095), 0);
    CU_ASSERT_EQUAL(ledger_bucket(4096), 1);
}

static const struct unit_test tests[] = {
    {"migration", test_migration},
    {"failure",   test_failure  },
    {"versions",  test_versions },
    {"names",     test_names    },
    {"keys",      test_keys     },
};

UNIT_MAIN("track/ledger/ledger_schema", tests)
