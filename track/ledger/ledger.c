// SPDX-License-Identifier: BSD-2-Clause
#include "track/ledger/ledger.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "track/ledger/ledger_aside.h"
#include "track/ledger/ledger_store.h"

enum { FILE_MODE = 0640, FOLDER_MODE = 0750, MARK_MAX = 1000 };

// WAL with FULL: one fsync a batch. The log is folded into the file every 16 MB, and cut to 64 MB
// after a long reader has kept it from that. No file is made but beside the ledger. Of its cache
// SQLite walks all with each commit, so a small one is the fast one: what is written lies together.
static const char settings[] = "PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY;"
                               "PRAGMA cache_size = -4096; PRAGMA wal_autocheckpoint = 4096;"
                               "PRAGMA journal_size_limit = 67108864;"
                               "PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0;"
                               "PRAGMA secure_delete = FAST";

#define MESSAGE_VALUES                                                                             \
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"                                         \
    " ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

static const char *const texts[QUERY_COUNT] = {
    [QUERY_FIND_ID] = "SELECT number, step, changed_ms, receive_us, seal_us, dissect_us,"
                      " filters_us, send_us FROM messages WHERE id = ?",
    [QUERY_ADD_MESSAGE] = "INSERT INTO messages " MESSAGE_VALUES,
    [QUERY_PUT_MESSAGE] = "INSERT OR REPLACE INTO messages " MESSAGE_VALUES,
    [QUERY_PUT_RECIPIENT] = "INSERT INTO recipients (key, recipient, redirected, status, at_ms,"
                            " until_ms, tries, decision, code, reply, relay, queue_id, child)"
                            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [QUERY_PUT_DECISION] = "INSERT INTO decisions (key, verdict, rule, reason, edits)"
                           " VALUES (?, ?, ?, ?, ?)",
    [QUERY_PUT_RESULT] = "INSERT INTO results (key, filter, result, virus, score, required, names,"
                         " action, wish, server, reason, took_us)"
                         " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [QUERY_CUT_RECIPIENTS] = "DELETE FROM recipients WHERE key BETWEEN ? AND ?",
    [QUERY_CUT_DECISIONS] = "DELETE FROM decisions WHERE key BETWEEN ? AND ?",
    [QUERY_CUT_RESULTS] = "DELETE FROM results WHERE key BETWEEN ? AND ?",
    [QUERY_PUT_OUT] = "INSERT OR IGNORE INTO outs VALUES (?, ?, ?, ?)",
    [QUERY_PUT_NAME] = "INSERT OR IGNORE INTO names VALUES (?, ?, ?)",
    [QUERY_FIND_OUT] = "SELECT message, at_ms FROM outs WHERE day = ? AND queue_id = ?"
                       " ORDER BY message DESC",
    [QUERY_FIND_NAME] = "SELECT message FROM names WHERE bucket = ? AND digest = ?",
    [QUERY_GET_QUEUE_ID] = "SELECT queue_id FROM messages WHERE number = ?",
    [QUERY_GET_DELIVERY] = "SELECT status, at_ms, reply FROM deliveries"
                           " WHERE message = ? AND queue_id = ? AND recipient = ? AND original = ?",
    [QUERY_IS_OPEN] = // for a crowd, counting them for each of its lines would take too long
    "SELECT CASE WHEN (SELECT max(key) FROM recipients WHERE key BETWEEN ?3 AND ?4) - ?3 >= 1000"
    " THEN 1 ELSE (SELECT coalesce(sum(status = 'deferred'), 0) > 0 OR count(*) < (SELECT"
    " count(*) FROM recipients WHERE key BETWEEN ?3 AND ?4 AND queue_id = ?2)"
    " FROM deliveries WHERE message = ?1 AND queue_id = ?2) END",
    [QUERY_PUT_DELIVERY] = "INSERT OR REPLACE INTO deliveries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [QUERY_CHANGE_MESSAGE] = "UPDATE messages SET change = ?1, changed_ms = max(changed_ms, ?2)"
                             " WHERE number = ?3",
    [QUERY_LIST_CHANGES] = "SELECT change, number, changed_ms FROM messages WHERE change > ?"
                           " ORDER BY change LIMIT ?",
    [QUERY_PUT_MARK] = "INSERT OR REPLACE INTO marks VALUES (?, ?)",
    [QUERY_GET_MARK] = "SELECT value FROM marks WHERE name = ?",
    [QUERY_GET_COUNTERS] = "SELECT (SELECT value FROM counters WHERE name = 'change'),"
                           " (SELECT value FROM counters WHERE name = 'number'),"
                           " (SELECT max(change) FROM messages),"
                           " (SELECT max(number) FROM messages)",
    [QUERY_PUT_COUNTERS] = "INSERT OR REPLACE INTO counters VALUES ('change', ?), ('number', ?)",
    [QUERY_FIND_OLDEST] = "SELECT number, arrived_ms, queue_id, message_id FROM messages"
                          " ORDER BY arrived_ms LIMIT 1",
    [QUERY_LIST_OUTS] = "SELECT at_ms, queue_id FROM recipients WHERE key BETWEEN ? AND ?"
                        " AND queue_id IS NOT NULL",
    [QUERY_CUT_OUT] = "DELETE FROM outs WHERE day = ? AND queue_id = ? AND message = ?",
    [QUERY_CUT_NAMES] = "DELETE FROM names WHERE bucket = ? AND digest IN (?, ?) AND message = ?",
    [QUERY_CUT_DELIVERIES] = "DELETE FROM deliveries WHERE message = ?",
    [QUERY_CUT_MESSAGE] = "DELETE FROM messages WHERE number = ?",
    [QUERY_SWEEP_NAMES] =
        "DELETE FROM names WHERE bucket < (SELECT min(number) FROM messages) >> 12",
    [QUERY_SWEEP_OUTS] =
        "DELETE FROM outs WHERE day < (SELECT min(arrived_ms) FROM messages) / 86400000 - 1",
    [QUERY_SWEEP_DELIVERIES] =
        "DELETE FROM deliveries WHERE message < (SELECT min(number) FROM messages)",
    [QUERY_PAGES] = "PRAGMA page_count",
    [QUERY_FREE_PAGES] = "PRAGMA freelist_count",
    [QUERY_PAGE_SIZE] = "PRAGMA page_size"};

int
ledger_fail(struct ledger *ledger, const struct err *err)
{
    ledger->is_void = true;
    if (sql_is_damaged(ledger->sql) && ledger->damage == NULL)
        ledger->damage = mem_strdup(err->text);
    return -1;
}

int
ledger_check(const struct ledger *ledger, struct err *err)
{
    if (ledger->is_void)
        return err_set(err, ERR_TEMP, "an earlier call of this batch has failed");
    assert(sql_in_transaction(ledger->sql));
    return 0;
}

// --- open ---

enum outcome { OPENED, FAILED, DAMAGED };

static int
make_folder(const char *path, struct err *err)
{
    const char *slash = strrchr(path, '/');
    char *folder;
    int answer;

    if (slash == NULL || slash == path)
        return 0;
    folder = mem_strndup(path, (size_t)(slash - path));
    answer = fs_mkdir_path(folder, FOLDER_MODE, err);
    mem_free(&folder);
    return answer;
}

// SQLite would make it as the umask has it.
static int
make_file(const char *path, struct err *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
    int answer = 0;

    if (fd < 0)
        return errno == EEXIST ? 0 : err_sys(err, ERR_TEMP, errno, "cannot make it");
    if (fchmod(fd, FILE_MODE) != 0)
        answer = err_sys(err, ERR_TEMP, errno, "cannot set its mode");
    (void)close(fd);
    return answer;
}

// An empty file with a log of changes beside it was a ledger once; without, its first open was
// killed.
static bool
has_log(const char *path)
{
    char *log = mem_printf("%s-wal", path);
    bool has = access(log, F_OK) == 0;

    mem_free(&log);
    return has;
}

// What stands at the path, before SQLite is asked.
static enum outcome
look_at_file(const char *path, char *note_out, struct err *err)
{
    char reason[LEDGER_NOTE_MAX + 1];
    struct stat status;

    if (ledger_is_marked(path, reason)) {
        err_set(err, ERR_PERM, "%s", reason);
        return DAMAGED;
    }
    if (stat(path, &status) != 0) {
        if (errno == ENOENT && make_folder(path, err) == 0 && make_file(path, err) == 0)
            return OPENED;
        if (errno != ENOENT)
            err_sys(err, ERR_TEMP, errno, "cannot find out what it is");
        return FAILED;
    }
    if (!S_ISREG(status.st_mode)) {
        err_set(err, ERR_PERM, "no file, but something else has its name");
        return DAMAGED;
    }
    if (status.st_size == 0 && has_log(path))
        (void)snprintf(note_out, LEDGER_NOTE_MAX + 1, "the ledger was empty, it is begun anew");
    return OPENED;
}

static int
use_wal(struct sql *sql, struct err *err)
{
    struct sql_query *query = sql_prepare(sql, "PRAGMA journal_mode = WAL", err);
    int answer = query == NULL ? -1 : sql_step(query, err);

    if (answer == 1 && !span_is(sql_take_text(query), "wal"))
        answer = err_set(err, ERR_TEMP, "its file system cannot share memory");
    sql_finish(&query);
    return answer < 0 ? -1 : 0;
}

static int
prepare_queries(struct ledger *ledger, struct err *err)
{
    for (size_t i = 0; i < QUERY_COUNT; i++) {
        ledger->queries[i] = sql_prepare(ledger->sql, texts[i], err);
        if (ledger->queries[i] == NULL)
            return -1;
    }
    return ledger_loader_init(&ledger->loader, ledger->sql, err);
}

// A second scribe may have written since. What the counters have lost can be seen in the rows.
static int
read_counters(struct ledger *ledger, struct err *err)
{
    struct sql_query *query = ledger->queries[QUERY_GET_COUNTERS];
    int64_t values[4];

    if (sql_step(query, err) < 0)
        return ledger_fail(ledger, err);
    for (size_t i = 0; i < 4; i++)
        values[i] = sql_take_int(query);
    sql_reset(query);
    ledger->committed.change = values[0] > values[2] ? values[0] : values[2];
    ledger->committed.number = values[1] > values[3] ? values[1] : values[3];
    ledger->counts = ledger->committed;
    return 0;
}

static enum outcome
set_up(struct ledger *ledger, char *note_out, struct err *err)
{
    int version;

    if (!sql_is_writable(ledger->sql)) {
        err_set(err, ERR_TEMP, "it can only be read");
        return FAILED;
    }
    if (ledger_schema_version(ledger->sql, LEDGER_SCHEMA, &version, err) != 0 ||
        use_wal(ledger->sql, err) != 0 || sql_run(ledger->sql, settings, err) != 0)
        return sql_is_damaged(ledger->sql) ? DAMAGED : FAILED;
    sql_keep(ledger->sql);
    // A table that is there already, or is missing: not what its version says.
    if (ledger_schema_migrate(ledger->sql, &ledger_steps, err) != 0 ||
        prepare_queries(ledger, err) != 0 || read_counters(ledger, err) != 0)
        return err->kind == ERR_PERM ? DAMAGED : FAILED;
    if (version > 0 && version < ledger_steps.count)
        (void)snprintf(note_out, LEDGER_NOTE_MAX + 1,
                       "the ledger is migrated from version %d to %d", version, LEDGER_SCHEMA);
    return OPENED;
}

static enum outcome
try_to_open(struct ledger *ledger, char *note_out, struct err *err)
{
    enum outcome outcome = look_at_file(ledger->path, note_out, err);

    if (outcome != OPENED)
        return outcome;
    ledger->sql = sql_open(ledger->path, SQL_WRITE, LEDGER_BUSY_MS, err);
    return ledger->sql == NULL ? FAILED : set_up(ledger, note_out, err);
}

static void
close_queries(struct ledger *ledger)
{
    for (size_t i = 0; i < QUERY_COUNT; i++)
        sql_finish(&ledger->queries[i]);
    ledger_loader_clear(&ledger->loader);
    sql_close(&ledger->sql);
}

void
ledger_close(struct ledger **ledger)
{
    if (*ledger == NULL)
        return;
    close_queries(*ledger);
    if ((*ledger)->damage != NULL)
        ledger_mark_damaged((*ledger)->path, (*ledger)->damage);
    mem_free(&(*ledger)->damage);
    mem_free(&(*ledger)->path);
    mem_free(ledger);
}

struct ledger *
ledger_open(const char *path, char *note_out, struct err *err)
{
    struct ledger *ledger = mem_zalloc(sizeof(*ledger));
    enum outcome outcome;

    note_out[0] = '\0';
    ledger->path = mem_strdup(path);
    outcome = try_to_open(ledger, note_out, err);
    if (outcome == DAMAGED) {
        char *reason = mem_strdup(err->text);

        close_queries(ledger);
        mem_free(&ledger->damage);
        if (ledger_set_aside(path, reason, note_out, err) == 0) {
            char ignored[LEDGER_NOTE_MAX + 1];

            outcome = try_to_open(ledger, ignored, err);
        }
        mem_free(&reason);
    }
    if (outcome == OPENED)
        return ledger;
    err_prefix(err, "%s", path);
    ledger_close(&ledger);
    return NULL;
}

// --- a batch ---

int
ledger_begin(struct ledger *ledger, struct err *err)
{
    ledger_abort(ledger);
    if (ledger->damage != NULL) // a reader of changes may have met it
        return err_set(err, ERR_PERM, "%s", ledger->damage);
    if (sql_run(ledger->sql, "BEGIN IMMEDIATE", err) != 0)
        return ledger_fail(ledger, err);
    return read_counters(ledger, err);
}

int
ledger_commit(struct ledger *ledger, struct err *err)
{
    struct sql_query *query = ledger->queries[QUERY_PUT_COUNTERS];

    if (ledger_check(ledger, err) != 0)
        return -1;
    if (ledger->counts.change != ledger->committed.change) {
        sql_put_int(query, ledger->counts.change);
        sql_put_int(query, ledger->counts.number);
        if (sql_do(query, err) != 0)
            return ledger_fail(ledger, err);
    }
    if (sql_run(ledger->sql, "COMMIT", err) != 0)
        return ledger_fail(ledger, err);
    ledger->committed = ledger->counts;
    return 0;
}

void
ledger_abort(struct ledger *ledger)
{
    if (sql_in_transaction(ledger->sql))
        (void)sql_run(ledger->sql, "ROLLBACK", NULL);
    ledger->counts = ledger->committed;
    ledger->is_void = false;
}

uint64_t
ledger_last_change(const struct ledger *ledger)
{
    return (uint64_t)ledger->committed.change;
}

// --- marks ---

int
ledger_put_mark(struct ledger *ledger, const char *name, struct span value, struct err *err)
{
    struct sql_query *query = ledger->queries[QUERY_PUT_MARK];

    assert(value.len <= MARK_MAX);
    if (ledger_check(ledger, err) != 0)
        return -1;
    sql_put_key(query, span_of(name));
    sql_put_key(query, value);
    return sql_do(query, err) == 0 ? 0 : ledger_fail(ledger, err);
}

int
ledger_get_mark(struct ledger *ledger, const char *name, struct buf *value_out, struct err *err)
{
    struct sql_query *query = ledger->queries[QUERY_GET_MARK];
    int answer;

    sql_put_key(query, span_of(name));
    answer = sql_step(query, err);
    if (answer == 1 && buf_add_span(value_out, sql_take_text(query)) != 0)
        buf_reset(value_out); // none of ours is so long
    if (answer == 1)
        sql_reset(query);
    return answer < 0 ? ledger_fail(ledger, err) : 0;
}
