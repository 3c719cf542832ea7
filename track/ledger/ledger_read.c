// SPDX-License-Identifier: BSD-2-Clause
#include "track/ledger/ledger_read.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "track/ledger/ledger_reader.h"
#include "track/ledger/ledger_schema.h"

enum { BUSY_MS = 2000 };

static const char settings[] =
    "PRAGMA temp_store = MEMORY; PRAGMA cell_size_check = ON; PRAGMA query_only = ON";

// outs and names are looked into part by part, the newest first: each part is one descent.
static const char *const texts[READER_QUERIES] = {
    [READER_BY_ID] = "SELECT number FROM messages WHERE id = ?",
    [READER_BY_OUT] = "WITH RECURSIVE days(day) AS (SELECT max(day) FROM outs UNION ALL"
                      " SELECT (SELECT max(outs.day) FROM outs WHERE outs.day < days.day) FROM days"
                      " WHERE days.day IS NOT NULL) SELECT outs.message FROM days CROSS JOIN outs"
                      " WHERE outs.day = days.day AND outs.queue_id = ?",
    [READER_BY_NAME] =
        "WITH RECURSIVE buckets(bucket) AS (SELECT max(bucket) FROM names UNION ALL"
        " SELECT (SELECT max(names.bucket) FROM names WHERE names.bucket < buckets.bucket)"
        " FROM buckets WHERE buckets.bucket IS NOT NULL)"
        " SELECT names.message FROM buckets CROSS JOIN names"
        " WHERE names.bucket = buckets.bucket AND names.digest = ?",
    [READER_NAMES] = "SELECT arrived_ms, id, parent, queue_id, message_id FROM messages"
                     " WHERE number = ?",
    [READER_CHILDREN] = "SELECT number FROM messages WHERE parent = ?",
    [READER_ARRIVALS] = "SELECT number, arrived_ms FROM messages"
                        " WHERE (arrived_ms, number) > (?, ?) AND arrived_ms < ?"
                        " AND parent IS NULL ORDER BY arrived_ms, number LIMIT ?"};

// --- open and close ---

static int
look_at_file(const char *path, struct err *err)
{
    struct stat status;

    if (stat(path, &status) != 0)
        return errno == ENOENT ? err_set(err, ERR_PERM, "there is no ledger")
                               : err_sys(err, ERR_PERM, errno, "cannot look at the ledger");
    return S_ISREG(status.st_mode) ? 0 : err_set(err, ERR_PERM, "the ledger is no file");
}

static int
set_up(struct ledger_reader *reader, struct err *err)
{
    int version;

    if (ledger_schema_version(reader->sql, LEDGER_SCHEMA, &version, err) != 0)
        return -1;
    if (version < LEDGER_SCHEMA)
        return err_set(err, ERR_PERM, "its version is %d, and only posternd brings it to %d",
                       version, LEDGER_SCHEMA);
    if (sql_run(reader->sql, settings, err) != 0)
        return -1;
    for (size_t i = 0; i < READER_QUERIES; i++) {
        reader->queries[i] = sql_prepare(reader->sql, texts[i], err);
        if (reader->queries[i] == NULL)
            return -1;
    }
    return ledger_loader_init(&reader->loader, reader->sql, err);
}

struct ledger_reader *
ledger_reader_open(const char *path, struct err *err)
{
    struct ledger_reader *reader = mem_zalloc(sizeof(*reader));
    int answer = look_at_file(path, err);

    if (answer == 0) {
        reader->sql = sql_open(path, SQL_READ, BUSY_MS, err);
        answer = reader->sql == NULL ? -1 : set_up(reader, err);
    }
    if (answer == 0)
        return reader;
    ledger_reader_close(&reader);
    err_prefix(err, "%s", path);
    return NULL;
}

void
ledger_reader_close(struct ledger_reader **reader)
{
    if (*reader == NULL)
        return;
    for (size_t i = 0; i < READER_QUERIES; i++)
        sql_finish(&(*reader)->queries[i]);
    ledger_loader_clear(&(*reader)->loader);
    sql_close(&(*reader)->sql);
    mem_free(reader);
}

int
ledger_reader_begin(struct ledger_reader *reader, struct err *err)
{
    return sql_run(reader->sql, "BEGIN", err);
}

void
ledger_reader_end(struct ledger_reader *reader)
{
    if (sql_in_transaction(reader->sql))
        (void)sql_run(reader->sql, "ROLLBACK", NULL);
}

// --- find ---

struct member {
    int64_t arrived_ms, number;
};

struct family {
    struct ledger_reader *reader;
    struct member members[LEDGER_FOUND_MAX];
    size_t count;
    struct err *err;
};

static void
add(struct family *family, int64_t number)
{
    for (size_t i = 0; i < family->count; i++) {
        if (family->members[i].number == number)
            return;
    }
    if (family->count < LEDGER_FOUND_MAX)
        family->members[family->count++].number = number;
}

// All that the query, which has been given its parameters, finds.
static int
add_all(struct family *family, enum reader_query which)
{
    struct sql_query *query = family->reader->queries[which];
    int answer;

    while ((answer = sql_step(query, family->err)) == 1) {
        add(family, sql_take_int(query));
        if (family->count == LEDGER_FOUND_MAX) {
            sql_reset(query);
            return 0;
        }
    }
    return answer;
}

static int
add_by_text(struct family *family, enum reader_query which, struct span text)
{
    sql_put_key(family->reader->queries[which], text);
    return add_all(family, which);
}

// 1: the message has that name; 0: its digest only.
static int
has_name(struct family *family, int64_t number, struct span name)
{
    struct sql_query *query = family->reader->queries[READER_NAMES];
    int answer;

    sql_put_int(query, number);
    answer = sql_step(query, family->err);
    if (answer != 1)
        return answer;
    for (int i = 0; i < 3; i++) // arrived_ms, id, parent
        (void)sql_take_int(query);
    answer = 0;
    for (int i = 0; i < 2 && answer == 0; i++) // queue_id, message_id
        answer = span_equal(ledger_bare_name(sql_take_text(query)), name) ? 1 : 0;
    sql_reset(query);
    return answer;
}

static int
add_by_name(struct family *family, struct span text)
{
    struct sql_query *query = family->reader->queries[READER_BY_NAME];
    struct span name = ledger_bare_name(text);
    int answer;

    sql_put_int(query, ledger_name_digest(text));
    while ((answer = sql_step(query, family->err)) == 1) {
        int64_t number = sql_take_int(query);
        int has = has_name(family, number, name);

        if (has == 1)
            add(family, number);
        if (has < 0 || family->count == LEDGER_FOUND_MAX) {
            sql_reset(query);
            return has < 0 ? -1 : 0;
        }
    }
    return answer;
}

// Parents and children of one that is known; and when it arrived.
static int
add_relatives(struct family *family, size_t index)
{
    struct sql_query *query = family->reader->queries[READER_NAMES];
    struct span id, parent;
    int answer;

    sql_put_int(query, family->members[index].number);
    answer = sql_step(query, family->err);
    if (answer != 1)
        return answer;
    family->members[index].arrived_ms = sql_take_int(query);
    id = sql_take_text(query);
    parent = sql_take_text(query);
    if (add_by_text(family, READER_CHILDREN, id) != 0 ||
        (parent.len > 0 && add_by_text(family, READER_BY_ID, parent) != 0))
        answer = -1;
    sql_reset(query);
    return answer < 0 ? -1 : 0;
}

static int
compare_members(const void *a, const void *b)
{
    const struct member *first = a, *second = b;

    if (first->arrived_ms != second->arrived_ms)
        return first->arrived_ms < second->arrived_ms ? -1 : 1;
    return (first->number > second->number) - (first->number < second->number);
}

static int
find_family(struct family *family, struct span any_id)
{
    if (any_id.len == 0)
        return 0;
    if (add_by_text(family, READER_BY_ID, any_id) != 0 ||
        add_by_text(family, READER_BY_OUT, any_id) != 0 || add_by_name(family, any_id) != 0)
        return -1;
    for (size_t i = 0; i < family->count; i++) {
        if (add_relatives(family, i) != 0)
            return -1;
    }
    qsort(family->members, family->count, sizeof(family->members[0]), compare_members);
    return 0;
}

static int
load_family(struct family *family, struct arena *arena, struct record **records_out,
            size_t *count_out)
{
    struct record *records = arena_array(arena, family->count, sizeof(records[0]));
    size_t count = 0;

    for (size_t i = 0; records != NULL && i < family->count; i++) {
        enum ledger_answer answer = ledger_load(&family->reader->loader, family->members[i].number,
                                                arena, &records[count], family->err);

        if (answer == LEDGER_FAILED)
            return -1;
        if (answer == LEDGER_NO_ROOM)
            records = NULL;
        count += answer == LEDGER_LOADED ? 1 : 0;
    }
    if (records == NULL)
        return err_set(family->err, ERR_PERM, "what was found does not fit into memory");
    *records_out = records;
    *count_out = count;
    return 0;
}

int
ledger_find(struct ledger_reader *reader, const char *any_id, struct arena *arena,
            struct record **records_out, size_t *count_out, struct err *err)
{
    struct family *family = mem_zalloc(sizeof(*family));
    int answer;

    *records_out = NULL;
    *count_out = 0;
    family->reader = reader;
    family->err = err;
    answer = ledger_reader_begin(reader, err);
    if (answer == 0)
        answer = find_family(family, span_of(any_id));
    if (answer == 0 && family->count > 0)
        answer = load_family(family, arena, records_out, count_out);
    ledger_reader_end(reader);
    mem_free(&family);
    return answer;
}
