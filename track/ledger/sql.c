// SPDX-License-Identifier: BSD-2-Clause
#include "track/ledger/sql.h"

#include <assert.h>
#include <limits.h>
#include <math.h>

#include <sqlite3.h>

#include "base/mem.h"

struct sql {
    sqlite3 *db;
    bool is_damaged;
};

struct sql_query {
    struct sql *sql;
    sqlite3_stmt *statement;
    int put, taken; // parameters and columns
    int puts;       // that it takes
};

// --- errors ---

// A broken index shows itself as a row that is there twice, or is of a wrong type.
static bool
is_damage(int code)
{
    return code == SQLITE_CORRUPT || code == SQLITE_NOTADB || code == SQLITE_CONSTRAINT ||
           code == SQLITE_MISMATCH || code == SQLITE_FORMAT;
}

static enum err_kind
kind_of(int code)
{
    switch (code) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_NOMEM:
    case SQLITE_PROTOCOL:
    case SQLITE_PERM:
    case SQLITE_INTERRUPT:
        return ERR_TEMP;
    default:
        return ERR_PERM;
    }
}

static int
fail(struct sql *sql, struct err *err)
{
    int code = sqlite3_extended_errcode(sql->db);

    assert((code & 0xff) != SQLITE_MISUSE && (code & 0xff) != SQLITE_RANGE);
    sql->is_damaged = sql->is_damaged || is_damage(code & 0xff);
    return err_set(err, kind_of(code & 0xff), "SQLite: %s (%d)", sqlite3_errmsg(sql->db), code);
}

// --- the connection ---

struct sql *
sql_open(const char *path, enum sql_mode mode, int busy_ms, struct err *err)
{
    int flags =
        mode == SQL_WRITE ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
    struct sql *sql = mem_zalloc(sizeof(*sql));

    // Nobody reads its statistics, and each allocation would pay for them. Too late where it is in
    // use already: then they are off.
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    if (sqlite3_open_v2(path, &sql->db, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
        if (sql->db == NULL)
            err_set(err, ERR_TEMP, "SQLite: out of memory");
        else
            fail(sql, err);
        sql_close(&sql);
        return NULL;
    }
    (void)sqlite3_extended_result_codes(sql->db, 1);
    (void)sqlite3_busy_timeout(sql->db, busy_ms);
    (void)sqlite3_db_config(sql->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(sql->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    (void)sqlite3_db_config(sql->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    return sql;
}

void
sql_close(struct sql **sql)
{
    int result;

    if (*sql == NULL)
        return;
    result = sqlite3_close((*sql)->db);
    assert(result == SQLITE_OK); // else a query was left
    mem_free(sql);
}

void
sql_keep(struct sql *sql)
{
    int keep = 1;

    (void)sqlite3_db_config(sql->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    (void)sqlite3_file_control(sql->db, "main", SQLITE_FCNTL_PERSIST_WAL, &keep);
}

bool
sql_is_writable(const struct sql *sql)
{
    return sqlite3_db_readonly(sql->db, "main") == 0;
}

bool
sql_is_damaged(const struct sql *sql)
{
    return sql->is_damaged;
}

bool
sql_in_transaction(const struct sql *sql)
{
    return sqlite3_get_autocommit(sql->db) == 0;
}

int
sql_run(struct sql *sql, const char *text, struct err *err)
{
    return sqlite3_exec(sql->db, text, NULL, NULL, NULL) == SQLITE_OK ? 0 : fail(sql, err);
}

int
sql_number(struct sql *sql, const char *text, int64_t *number_out, struct err *err)
{
    struct sql_query *query = sql_prepare(sql, text, err);
    int answer;

    if (query == NULL)
        return -1;
    answer = sql_step(query, err);
    *number_out = answer == 1 ? sql_take_int(query) : 0;
    sql_finish(&query);
    return answer < 0 ? -1 : 0;
}

// --- queries ---

struct sql_query *
sql_prepare(struct sql *sql, const char *text, struct err *err)
{
    struct sql_query *query = mem_zalloc(sizeof(*query));

    query->sql = sql;
    if (sqlite3_prepare_v3(sql->db, text, -1, SQLITE_PREPARE_PERSISTENT, &query->statement, NULL) ==
        SQLITE_OK) {
        query->puts = sqlite3_bind_parameter_count(query->statement);
        return query;
    }
    fail(sql, err);
    mem_free(&query);
    return NULL;
}

void
sql_finish(struct sql_query **query)
{
    if (*query == NULL)
        return;
    (void)sqlite3_finalize((*query)->statement);
    mem_free(query);
}

static void
check_put(int code)
{
    assert(code == SQLITE_OK);
    (void)code;
}

void
sql_put_int(struct sql_query *query, int64_t value)
{
    check_put(sqlite3_bind_int64(query->statement, ++query->put, value));
}

void
sql_put_real(struct sql_query *query, double value)
{
    check_put(isnan(value) ? sqlite3_bind_null(query->statement, ++query->put)
                           : sqlite3_bind_double(query->statement, ++query->put, value));
}

void
sql_put_key(struct sql_query *query, struct span text)
{
    assert(text.len <= INT_MAX);
    check_put(sqlite3_bind_text(query->statement, ++query->put, text.len == 0 ? "" : text.data,
                                (int)text.len, SQLITE_STATIC));
}

void
sql_put_text(struct sql_query *query, struct span text)
{
    if (text.len == 0)
        sql_put_null(query);
    else
        sql_put_key(query, text);
}

void
sql_put_null(struct sql_query *query)
{
    check_put(sqlite3_bind_null(query->statement, ++query->put));
}

int
sql_step(struct sql_query *query, struct err *err)
{
    int code, answer = 0;

    assert(query->put == query->puts); // what is left of the last use points to nothing any more
    code = sqlite3_step(query->statement);
    query->taken = 0;
    if (code == SQLITE_ROW)
        return 1;
    if (code != SQLITE_DONE)
        answer = fail(query->sql, err);
    sql_reset(query);
    return answer;
}

void
sql_reset(struct sql_query *query)
{
    (void)sqlite3_reset(query->statement); // says again what the step has said
    query->put = query->taken = 0;
}

int
sql_do(struct sql_query *query, struct err *err)
{
    int answer = sql_step(query, err);

    assert(answer != 1);
    return answer;
}

int64_t
sql_take_int(struct sql_query *query)
{
    return sqlite3_column_int64(query->statement, query->taken++);
}

bool
sql_take_is_null(struct sql_query *query)
{
    return sqlite3_column_type(query->statement, query->taken) == SQLITE_NULL;
}

double
sql_take_real(struct sql_query *query)
{
    int column = query->taken++;

    if (sqlite3_column_type(query->statement, column) == SQLITE_NULL)
        return NAN;
    return sqlite3_column_double(query->statement, column);
}

struct span
sql_take_text(struct sql_query *query)
{
    int column = query->taken++;
    const void *text = sqlite3_column_blob(query->statement, column);

    return span_from(text,
                     text == NULL ? 0 : (size_t)sqlite3_column_bytes(query->statement, column));
}
