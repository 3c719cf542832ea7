// SPDX-License-Identifier: BSD-2-Clause
// track/ledger/sql.h - SQLite as the ledger needs it: one connection, prepared statements; door to
// sqlite3.h.
//
// Parameters are given and columns are taken from left to right: each sql_put_* is the next
// parameter, each sql_take_* the next column. What a text points to stays until the step.
// Fails:  TEMP: busy, full, I/O, no rights: it may go away. PERM: damaged, or no such table.
//         Never on what it is given: that is bounded by the callers.
// Thread: one at a time; every call may block, for busy_ms on another process at most.
#ifndef POSTERN_TRACK_SQL_H
#define POSTERN_TRACK_SQL_H

#include "base/err.h"
#include "base/str.h"

struct sql;
struct sql_query; // a prepared statement

enum sql_mode { SQL_WRITE, SQL_READ };

// The file must be there, or be one that SQLite may make (SQL_WRITE). Nothing is read yet.
struct sql *sql_open(const char *path, enum sql_mode mode, int busy_ms, struct err *err);
void sql_close(struct sql **sql); // after all of its queries
// A close that folds the log of changes into the file and leaves its companions in place; otherwise
// nothing of what is there is touched by it.
void sql_keep(struct sql *sql);
bool sql_is_writable(const struct sql *sql);
bool sql_is_damaged(const struct sql *sql); // a call has said so
bool sql_in_transaction(const struct sql *sql);

int sql_run(struct sql *sql, const char *text, struct err *err); // statements without results
// The first column of the first row; 0 where there is none.
int sql_number(struct sql *sql, const char *text, int64_t *number_out, struct err *err);

struct sql_query *sql_prepare(struct sql *sql, const char *text, struct err *err);
void sql_finish(struct sql_query **query);

void sql_put_int(struct sql_query *query, int64_t value);
void sql_put_real(struct sql_query *query, double value);     // NAN: NULL
void sql_put_text(struct sql_query *query, struct span text); // empty: NULL
void sql_put_key(struct sql_query *query, struct span text);  // empty: ''
void sql_put_null(struct sql_query *query);

// 1: a row; 0: no more, and the query may be put to use again; -1: the same, with an error.
int sql_step(struct sql_query *query, struct err *err);
void sql_reset(struct sql_query *query);              // before the last row
int sql_do(struct sql_query *query, struct err *err); // a step of which no row is expected

int64_t sql_take_int(struct sql_query *query);      // NULL: 0
double sql_take_real(struct sql_query *query);      // NULL: NAN
struct span sql_take_text(struct sql_query *query); // until the next step or reset
bool sql_take_is_null(struct sql_query *query);     // of the next column, which stays the next

#endif
