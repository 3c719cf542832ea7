// SPDX-License-Identifier: BSD-2-Clause
#include "track/ledger/ledger_schema.h"

#include <stdio.h>

#include "base/digest.h"

enum { NAME_SEED = 1, BARE_MAX = 500 };

// What can be left out of a row is NULL where it is empty; enums are their names.
//
// recipients, decisions, results: key is message * 2^20 + n, so that a message's rows follow each
// other, and those of the newest message come last.
// deliveries: two of our recipients may be aliases of one, so the original one is of the key.
// outs: who went out with a queue id, by the day on which he did. names: queue ids in and
// Message-IDs by digest, 4096 messages in a bucket. Rows of both may outlive their message for a
// while; numbers of messages are never given again.
static const char first[] =
    "CREATE TABLE messages ("
    " number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, parent TEXT, kind TEXT,"
    " step INTEGER NOT NULL, change INTEGER NOT NULL, changed_ms INTEGER NOT NULL,"
    " place TEXT NOT NULL, place_reason TEXT,"
    " arrived_ms INTEGER NOT NULL, told_ms INTEGER NOT NULL, protocol TEXT, handoff TEXT,"
    " listener TEXT, next_hop TEXT, queue_id TEXT, client_name TEXT, client TEXT, helo TEXT,"
    " sender TEXT, message_id TEXT, subject TEXT, size INTEGER, score REAL,"
    " receive_us INTEGER, seal_us INTEGER, dissect_us INTEGER, filters_us INTEGER,"
    " send_us INTEGER);"
    "CREATE INDEX messages_by_change ON messages (change);"
    "CREATE INDEX messages_by_arrival ON messages (arrived_ms);"
    "CREATE INDEX messages_by_parent ON messages (parent) WHERE parent IS NOT NULL;"

    "CREATE TABLE recipients ("
    " key INTEGER PRIMARY KEY, message INTEGER AS (key >> 20), n INTEGER AS (key & 1048575),"
    " recipient TEXT, redirected TEXT, status TEXT NOT NULL, at_ms INTEGER, until_ms INTEGER,"
    " tries INTEGER, decision INTEGER, code INTEGER, reply TEXT, relay TEXT, queue_id TEXT,"
    " child TEXT);"
    "CREATE TABLE decisions ("
    " key INTEGER PRIMARY KEY, message INTEGER AS (key >> 20), n INTEGER AS (key & 1048575),"
    " verdict TEXT NOT NULL, rule TEXT, reason TEXT, edits INTEGER);"
    "CREATE TABLE results ("
    " key INTEGER PRIMARY KEY, message INTEGER AS (key >> 20), n INTEGER AS (key & 1048575),"
    " filter TEXT, result TEXT NOT NULL, virus INTEGER, score REAL, required REAL, names TEXT,"
    " action TEXT, wish TEXT, server TEXT, reason TEXT, took_us INTEGER);"

    "CREATE TABLE deliveries ("
    " message INTEGER, queue_id TEXT, recipient TEXT, original TEXT, status TEXT NOT NULL,"
    " at_ms INTEGER NOT NULL, relay TEXT, dsn TEXT, reply TEXT,"
    " PRIMARY KEY (message, queue_id, recipient, original)) WITHOUT ROWID;"
    "CREATE TABLE outs ("
    " day INTEGER, queue_id TEXT, message INTEGER, at_ms INTEGER,"
    " PRIMARY KEY (day, queue_id, message)) WITHOUT ROWID;"
    "CREATE TABLE names ("
    " bucket INTEGER, digest INTEGER, message INTEGER,"
    " PRIMARY KEY (bucket, digest, message)) WITHOUT ROWID;"

    "CREATE TABLE marks (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
    "INSERT INTO counters VALUES ('change', 0), ('number', 0);";

static const char *const texts[] = {first};

_Static_assert(sizeof(texts) / sizeof(texts[0]) == LEDGER_SCHEMA, "a step for each version");

const struct ledger_steps ledger_steps = {texts, LEDGER_SCHEMA};

int
ledger_schema_version(struct sql *sql, int newest, int *version_out, struct err *err)
{
    int64_t application, version, objects;

    if (sql_number(sql, "SELECT count(*) FROM sqlite_schema", &objects, err) != 0 ||
        sql_number(sql, "PRAGMA application_id", &application, err) != 0 ||
        sql_number(sql, "PRAGMA user_version", &version, err) != 0)
        return -1;
    if (application != LEDGER_APPLICATION && (application != 0 || version != 0 || objects != 0))
        return err_set(err, ERR_PERM, "it is another program's database, not a ledger");
    if (version < 0 || version > newest)
        return err_set(err, ERR_PERM, "its version is %lld, this release knows up to %d",
                       (long long)version, newest);
    *version_out = (int)version;
    return 0;
}

static int
take_step(struct sql *sql, const struct ledger_steps *steps, int64_t version, struct err *err)
{
    char stamp[100];

    (void)snprintf(stamp, sizeof(stamp), "PRAGMA application_id = %d; PRAGMA user_version = %lld",
                   LEDGER_APPLICATION, (long long)version + 1);
    if (sql_run(sql, steps->texts[version], err) != 0 || sql_run(sql, stamp, err) != 0 ||
        sql_run(sql, "COMMIT", err) != 0)
        return err_prefix(err, "version %lld", (long long)version + 1);
    return 0;
}

// Another process may be about the same: the version that counts is the one behind the lock.
int
ledger_schema_migrate(struct sql *sql, const struct ledger_steps *steps, struct err *err)
{
    int64_t version = 0;
    int answer = 0;

    while (answer == 0 && version >= 0 && version < steps->count) {
        if (sql_run(sql, "BEGIN IMMEDIATE", err) != 0)
            return -1;
        answer = sql_number(sql, "PRAGMA user_version", &version, err);
        if (answer == 0 && version >= 0 && version < steps->count)
            answer = take_step(sql, steps, version, err);
        if (sql_in_transaction(sql))
            (void)sql_run(sql, "ROLLBACK", NULL);
    }
    return answer;
}

struct span
ledger_bare_name(struct span name)
{
    name = span_trim(name);
    if (name.len > 0 && name.data[0] == '<')
        name = span_skip(name, 1);
    if (name.len > 0 && name.data[name.len - 1] == '>')
        name.len--;
    name.len = name.len < BARE_MAX ? name.len : BARE_MAX;
    return name;
}

int64_t
ledger_name_digest(struct span name)
{
    return (int64_t)digest_sum64(ledger_bare_name(name), NAME_SEED);
}
