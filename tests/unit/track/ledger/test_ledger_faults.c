// SPDX-License-Identifier: BSD-2-Clause
// What may go away by itself: a full disk, a lock, a right, a writer that is killed. A batch is
// there whole or not at all, and given again it is there once.
#include "track/ledger/ledger.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>

#include "tests/unit/track/ledger_kit.h"
#include "track/ledger/sql.h"

enum { BATCH = 200, KILLS = 40 };

// A batch of messages that are told apart by its number.
static int
put_batch(struct ledger_kit *kit, int number)
{
    struct record_sample sample;
    char id[24], value[12];

    snprintf(value, sizeof(value), "%d", number);
    if (ledger_begin(kit->ledger, &kit->err) != 0)
        return -1;
    for (int i = 0; i < BATCH; i++) {
        snprintf(id, sizeof(id), "m%d.%d", number, i);
        sample_init(&sample, id);
        sample.record.told_ms = number;
        if (ledger_put_record(kit->ledger, &sample.record, &kit->err) != 0)
            return -1;
    }
    if (ledger_put_mark(kit->ledger, "batch", span_of(value), &kit->err) != 0)
        return -1;
    return ledger_commit(kit->ledger, &kit->err);
}

static int64_t
ask(struct ledger_kit *kit, const char *text)
{
    struct sql *sql = sql_open(kit->path, SQL_READ, 5000, &kit->err);
    int64_t number = -1;

    if (sql == NULL || sql_number(sql, text, &number, &kit->err) != 0)
        fprintf(stderr, "%s: %s\n", text, kit->err.text);
    sql_close(&sql);
    return number;
}

// So many batches, each of them whole and once.
static bool
has_batches(struct ledger_kit *kit, int count)
{
    return ask(kit, "SELECT count(*) FROM messages") == (int64_t)count * BATCH &&
           ask(kit, "SELECT count(*) FROM recipients") == (int64_t)count * BATCH * 3 &&
           ask(kit, "SELECT count(*) FROM results") == (int64_t)count * BATCH * 2 &&
           ask(kit, "SELECT count(DISTINCT change) FROM messages") == (int64_t)count * BATCH &&
           ask(kit, "SELECT value FROM counters WHERE name = 'change'") == (int64_t)count * BATCH;
}

// --- a full disk ---

static bool
mount_small(const char *folder, const char *size)
{
    return mount("tmpfs", folder, "tmpfs", 0, size) == 0;
}

static int
fill_disk(struct ledger_kit *kit)
{
    char *folder = mem_printf("%s/sub", kit->folder);
    int batches = 0, answer = 0;

    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mkdir(folder, 0750) != 0 || !mount_small(folder, "size=2500k"))
        return 77;
    if (!kit_open(kit))
        return 2;
    while (batches < 100 && put_batch(kit, batches) == 0)
        batches++;
    if (batches < 2 || batches == 100 || kit->err.kind != ERR_TEMP)
        answer = 3;
    else if (ledger_put_mark(kit->ledger, "x", SPAN_LITERAL("y"), &kit->err) != -1 ||
             kit->err.kind != ERR_TEMP)
        answer = 4; // the batch is void
    ledger_abort(kit->ledger);
    if (answer == 0 && !has_batches(kit, batches))
        answer = 5;
    if (answer == 0 && (put_batch(kit, batches) == 0 || kit->err.kind != ERR_TEMP))
        answer = 6;
    if (answer == 0 && mount("tmpfs", folder, "tmpfs", MS_REMOUNT, "size=20m") != 0)
        answer = 7;
    if (answer == 0 && put_batch(kit, batches) != 0)
        answer = 8;
    if (answer == 0 && !has_batches(kit, batches + 1))
        answer = 9;
    ledger_close(&kit->ledger);
    if (answer == 0 && (!kit_open(kit) || kit->note[0] != '\0'))
        answer = 10;
    ledger_close(&kit->ledger);
    (void)umount2(folder, MNT_DETACH);
    mem_free(&folder);
    return answer;
}

static int
open_on_full_disk(struct ledger_kit *kit)
{
    char *folder = mem_printf("%s/sub", kit->folder);
    int answer = 0;

    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        (mkdir(folder, 0750) != 0 && errno != EEXIST) || !mount_small(folder, "size=16k"))
        return 77;
    if (kit_open(kit) || kit->err.kind != ERR_TEMP)
        answer = 2;
    if (mount("tmpfs", folder, "tmpfs", MS_REMOUNT, "size=20m") != 0)
        answer = 3;
    if (answer == 0 && (!kit_open(kit) || put_batch(kit, 0) != 0))
        answer = 4;
    if (answer == 0 && kit_count_files(kit, "damaged") > 0)
        answer = 5;
    ledger_close(&kit->ledger);
    (void)umount2(folder, MNT_DETACH);
    mem_free(&folder);
    return answer;
}

static void
check_child(const char *name, int (*run)(struct ledger_kit *kit))
{
    struct ledger_kit kit;
    int answer;

    kit_init(&kit);
    answer = kit_in_child(run, &kit);
    if (answer == 77)
        fprintf(stderr, "%s: may not mount, not tested\n", name);
    else if (answer != 0)
        fprintf(stderr, "%s: step %d\n", name, answer);
    CU_ASSERT_TRUE(answer == 0 || answer == 77);
    kit_clear(&kit);
}

static void
test_full_disk(void)
{
    check_child("full disk", fill_disk);
    check_child("open on a full disk", open_on_full_disk);
}

// --- rights ---

static int
open_without_rights(struct ledger_kit *kit)
{
    if (geteuid() == 0 && setuid(65534) != 0)
        return 2;
    if (kit_open(kit))
        return 3;
    return kit->err.kind == ERR_TEMP && strstr(kit->err.text, kit->path) != NULL ? 0 : 4;
}

static void
test_rights(void)
{
    static const struct {
        const char *name;
        mode_t folder, file;
    } rows[] = {
        {"a file that can only be read",    0777, 0444},
        {"a file that cannot be read",      0777, 0   },
        {"a folder that cannot be entered", 0,    0640},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct ledger_kit kit;
        char *folder;
        int answer;

        kit_init(&kit);
        folder = mem_printf("%s/sub", kit.folder);
        CU_ASSERT_TRUE_FATAL(kit_open(&kit));
        ledger_close(&kit.ledger);
        CU_ASSERT_EQUAL(chmod(kit.folder, 0755), 0);
        CU_ASSERT_EQUAL(chmod(kit.path, rows[i].file), 0);
        CU_ASSERT_EQUAL(chmod(folder, rows[i].folder), 0);
        answer = kit_in_child(open_without_rights, &kit);
        UNIT_CHECK_ROW(rows[i].name, answer == 0);
        CU_ASSERT_EQUAL(chmod(folder, 0750), 0);
        UNIT_CHECK_ROW(rows[i].name, kit_count_files(&kit, "damaged") == 0);
        mem_free(&folder);
        kit_clear(&kit);
    }
}

// --- locks ---

static void
say(int fd)
{
    CU_ASSERT_EQUAL(write(fd, "x", 1), 1);
}

static bool
hear(int fd)
{
    char byte;

    return read(fd, &byte, 1) == 1;
}

// Holds the lock from when it says so until it is told to let go.
static pid_t
lock_in_child(struct ledger_kit *kit, const char *lock, int locked[2], int enough[2])
{
    struct sql *sql;
    struct err err;
    pid_t pid;

    CU_ASSERT_EQUAL_FATAL(pipe2(locked, O_CLOEXEC), 0);
    CU_ASSERT_EQUAL_FATAL(pipe2(enough, O_CLOEXEC), 0);
    pid = fork();
    if (pid != 0)
        return pid;
    sql = sql_open(kit->path, SQL_WRITE, 5000, &err);
    if (sql == NULL || sql_run(sql, lock, &err) != 0)
        _exit(1);
    say(locked[1]);
    _exit(hear(enough[0]) ? 0 : 2);
}

static void
let_go(pid_t pid, const int locked[2], const int enough[2])
{
    int status = -1;

    say(enough[1]);
    CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
    CU_ASSERT_EQUAL(status, 0);
    for (int i = 0; i < 2; i++) {
        close(locked[i]);
        close(enough[i]);
    }
}

static void
test_locked_for_writing(void)
{
    int locked[2], enough[2];
    struct ledger_kit kit;
    pid_t pid;

    kit_init(&kit);
    CU_ASSERT_TRUE_FATAL(kit_open(&kit));
    CU_ASSERT_EQUAL(put_batch(&kit, 0), 0);
    pid = lock_in_child(&kit, "BEGIN EXCLUSIVE", locked, enough);
    CU_ASSERT_TRUE(hear(locked[0]));
    CU_ASSERT_EQUAL(put_batch(&kit, 1), -1);
    CU_ASSERT_EQUAL(kit.err.kind, ERR_TEMP);
    ledger_abort(kit.ledger);
    kit_read(&kit, 0);
    CU_ASSERT_EQUAL(kit.count, BATCH); // reading goes on
    let_go(pid, locked, enough);
    CU_ASSERT_EQUAL(put_batch(&kit, 1), 0);
    CU_ASSERT_TRUE(has_batches(&kit, 2));
    kit_clear(&kit);
}

static void
test_locked_for_all(void)
{
    int locked[2], enough[2];
    struct ledger_kit kit;
    pid_t pid;

    kit_init(&kit);
    CU_ASSERT_TRUE_FATAL(kit_open(&kit));
    CU_ASSERT_EQUAL(put_batch(&kit, 0), 0);
    ledger_close(&kit.ledger);
    pid = lock_in_child(&kit, "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT", locked,
                        enough);
    CU_ASSERT_TRUE(hear(locked[0]));
    CU_ASSERT_FALSE(kit_open(&kit));
    CU_ASSERT_EQUAL(kit.err.kind, ERR_TEMP);
    let_go(pid, locked, enough);
    CU_ASSERT_TRUE_FATAL(kit_open(&kit));
    CU_ASSERT_STRING_EQUAL(kit.note, "");
    CU_ASSERT_EQUAL(put_batch(&kit, 1), 0);
    CU_ASSERT_TRUE(has_batches(&kit, 2));
    kit_clear(&kit);
}

// --- a writer that is killed ---

static int
next_batch(struct ledger_kit *kit)
{
    struct buf mark;
    uint64_t number = 0;
    int next;

    buf_init(&mark, 100);
    if (ledger_get_mark(kit->ledger, "batch", &mark, &kit->err) != 0)
        return -1;
    next = mark.len == 0 || str_parse_u64(buf_span(&mark), INT32_MAX, &number) != 0
               ? 0
               : (int)number + 1;
    buf_clear(&mark);
    return next;
}

// Goes on where the ledger says that the one before was, and tells of each batch that is in.
static void
write_until_killed(struct ledger_kit *kit, int told)
{
    int number;

    if (!kit_open(kit) || kit->note[0] != '\0' || (number = next_batch(kit)) < 0)
        _exit(1);
    while (put_batch(kit, number++) == 0)
        say(told);
    _exit(2);
}

static void
kill_once(struct ledger_kit *kit, int round, int *whole)
{
    int told[2], status = 0;
    pid_t pid;

    CU_ASSERT_EQUAL_FATAL(pipe2(told, O_CLOEXEC), 0);
    pid = fork();
    if (pid == 0)
        write_until_killed(kit, told[1]);
    close(told[1]);
    for (int i = 0; i < round % 3 && hear(told[0]); i++)
        (*whole)++;
    usleep((useconds_t)(round * 997 % 9000)); // anywhere in the next one
    CU_ASSERT_EQUAL(kill(pid, SIGKILL), 0);
    CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
    CU_ASSERT_TRUE(WIFSIGNALED(status));
    while (hear(told[0]))
        (*whole)++;
    close(told[0]);
}

// All that was told is there, and nothing by half: one batch more at most, which was not told.
static void
test_kills(void)
{
    struct ledger_kit kit;
    int whole = 0;

    kit_init(&kit);
    for (int round = 0; round < KILLS; round++) {
        int64_t messages;

        kill_once(&kit, round, &whole);
        if (!kit_open(&kit))
            CU_FAIL_FATAL("cannot be opened after a kill");
        CU_ASSERT_STRING_EQUAL(kit.note, "");
        messages = ask(&kit, "SELECT count(*) FROM messages");
        CU_ASSERT_EQUAL(messages % BATCH, 0);
        CU_ASSERT_TRUE(messages / BATCH == whole || messages / BATCH == whole + 1);
        whole = (int)(messages / BATCH);
        CU_ASSERT_TRUE(has_batches(&kit, whole));
        CU_ASSERT_EQUAL(next_batch(&kit), whole);
        ledger_close(&kit.ledger);
    }
    CU_ASSERT_TRUE(whole > 10);
    kit_clear(&kit);
}

static const struct unit_test tests[] = {
    {"a full disk",        test_full_disk         },
    {"rights",             test_rights            },
    {"locked for writing", test_locked_for_writing},
    {"locked for all",     test_locked_for_all    },
    {"killed",             test_kills             },
};

UNIT_MAIN("track/ledger_faults", tests)
