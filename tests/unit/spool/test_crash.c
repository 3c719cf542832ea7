// SPDX-License-Identifier: BSD-2-Clause
// A child works on a spool and is killed: at each single call that changes the disk, and at random
// times under load. What it had reported as kept must be there exactly once, byte for byte.
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "base/id.h"
#include "tests/unit/spool/kit.h"

// --- the calls at which the child is killed (linked with --wrap) ---

static long kill_at; // 0: never
static long calls;
static bool is_synced; // a kill does not need it: what was written is seen by the next process

static void
count_call(void)
{
    if (kill_at != 0 && __atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST) == kill_at)
        (void)kill(getpid(), SIGKILL);
}

ssize_t __real_pwrite(int fd, const void *data, size_t len, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *data, size_t len, off_t offset);
int __real_renameat(int from_dir, const char *from, int to_dir, const char *to);
int __wrap_renameat(int from_dir, const char *from, int to_dir, const char *to);
int __real_unlinkat(int dir, const char *name, int flags);
int __wrap_unlinkat(int dir, const char *name, int flags);
int __real_linkat(int from_dir, const char *from, int to_dir, const char *to, int flags);
int __wrap_linkat(int from_dir, const char *from, int to_dir, const char *to, int flags);
int __real_ftruncate(int fd, off_t len);
int __wrap_ftruncate(int fd, off_t len);
int __real_futimens(int fd, const struct timespec times[2]);
int __wrap_futimens(int fd, const struct timespec times[2]);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);

// Half a page's worth goes out before the kill, as a write that a fatal signal ends.
ssize_t
__wrap_pwrite(int fd, const void *data, size_t len, off_t offset)
{
    if (kill_at != 0 && calls + 1 == kill_at && len > 4096)
        (void)__real_pwrite(fd, data, 4096, offset);
    count_call();
    return __real_pwrite(fd, data, len, offset);
}

int
__wrap_renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    count_call();
    return __real_renameat(from_dir, from, to_dir, to);
}

int
__wrap_unlinkat(int dir, const char *name, int flags)
{
    count_call();
    return __real_unlinkat(dir, name, flags);
}

int
__wrap_linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
    count_call();
    return __real_linkat(from_dir, from, to_dir, to, flags);
}

int
__wrap_ftruncate(int fd, off_t len)
{
    count_call();
    return __real_ftruncate(fd, len);
}

int
__wrap_futimens(int fd, const struct timespec times[2])
{
    count_call();
    return __real_futimens(fd, times);
}

int
__wrap_fsync(int fd)
{
    count_call();
    return is_synced ? __real_fsync(fd) : 0;
}

int
__wrap_fdatasync(int fd)
{
    count_call();
    return is_synced ? __real_fdatasync(fd) : 0;
}

// --- what the child reports, and what the parent knows ---

enum report { KEPT, GOING, HOLDING, DEFERRED }; // GOING: may be gone from now on

struct record {
    char id[ID_MAX + 1];
    uint64_t len;
    enum report what;
};

enum { KNOWN_MAX = 100000 };

struct known {
    char id[ID_MAX + 1];
    bool kept, going, holding, deferred; // as told
    bool is_held;                        // as seen: it says so, wherever it is
    unsigned seen;
};

static struct known *known;
static size_t known_count;

static int report_fd = -1;

static void
tell(const char *id, enum report what)
{
    struct record record = {.what = what};

    snprintf(record.id, sizeof record.id, "%s", id);
    (void)!write(report_fd, &record, sizeof record);
}

static struct known *
find_known(const char *id)
{
    for (size_t i = known_count; i > 0; i--) {
        if (strcmp(known[i - 1].id, id) == 0)
            return &known[i - 1];
    }
    CU_ASSERT_FATAL(known_count < KNOWN_MAX);
    known[known_count] = (struct known){0};
    snprintf(known[known_count].id, sizeof known[0].id, "%s", id);
    return &known[known_count++];
}

static void
listen_to(int fd)
{
    struct record record;

    while (read(fd, &record, sizeof record) == (ssize_t)sizeof record) {
        struct known *it = find_known(record.id);

        it->kept = true;
        it->going |= record.what == GOING;
        it->holding |= record.what == HOLDING;
        it->deferred |= record.what == DEFERRED;
    }
}

// --- what is on the disk ---

static unsigned damaged;

static void
look_at(int dir_fd, const char *name)
{
    struct reader_message message;
    int fd = fs_open_read(dir_fd, name, NULL);
    struct err err = {0};
    enum reader_result result = reader_load(fd, &message, &err);

    if (result == READER_OK && !message.state.done && !state_is_retired(&message.state)) {
        struct known *it = find_known(message.envelope.id);
        char *content = mem_zalloc((size_t)message.seal.len + 1);
        size_t len = (size_t)message.seal.len;

        it->seen++;
        it->is_held = message.state.held;
        CU_ASSERT_EQUAL(pread(fd, content, len, (off_t)message.seal.offset), (ssize_t)len);
        for (size_t i = 0; i < len; i++)
            damaged += content[i] != kit_byte(it->id, i);
        if (it->deferred)
            CU_ASSERT_EQUAL(message.state.rcpts[0].status, RCPT_DEFERRED);
        mem_free(&content);
    } else if (result != READER_OK && result != READER_UNSEALED) {
        fprintf(stderr, "%s: %s\n", name, err.text);
        damaged++;
    }
    reader_message_clear(&message);
    close(fd);
}

static int
visit(void *arg, int dir_fd, const char *bucket, const char *name, bool is_ours)
{
    (void)arg;
    (void)bucket;
    if (is_ours)
        look_at(dir_fd, name);
    return 0;
}

static int
visit_instance(void *arg, const char *name)
{
    struct place_root *root = arg;
    struct place_instance instance;

    CU_ASSERT_EQUAL(place_instance_try(root, name, &instance, NULL), 1);
    CU_ASSERT_EQUAL(place_walk_instance(&instance, visit, NULL, NULL), 0);
    place_instance_close(&instance);
    return 0;
}

// Every message that was kept and not given up is there once; nothing is there twice.
static void
check_disk(const char *folder, const char *when)
{
    struct place_root root;
    char corrupt[300];
    unsigned lost = 0, twice = 0;

    damaged = 0;
    for (size_t i = 0; i < known_count; i++)
        known[i].seen = 0;
    CU_ASSERT_EQUAL_FATAL(place_root_open(&root, folder, true, NULL), 0);
    CU_ASSERT_EQUAL(place_walk_instances(&root, visit_instance, &root, NULL), 0);
    CU_ASSERT_EQUAL(place_walk_hold(&root, visit, NULL, NULL), 0);
    place_root_close(&root);
    for (size_t i = 0; i < known_count; i++) {
        lost += known[i].kept && !known[i].going && known[i].seen == 0;
        twice += known[i].seen > 1;
    }
    snprintf(corrupt, sizeof corrupt, "%s/corrupt", folder);
    UNIT_CHECK_ROW(when, lost == 0);
    UNIT_CHECK_ROW(when, twice == 0);
    UNIT_CHECK_ROW(when, damaged == 0);
    UNIT_CHECK_ROW(when, kit_count(corrupt, "") == 0);
}

// --- one call after the other ---

static struct kit kit;

static void
say_done(void *arg, const struct err *err)
{
    (void)arg;
    kit.is_done = true;
    if (err != NULL)
        _exit(3);
}

static void
run_until_done(void)
{
    kit.is_done = false;
    kit_run(&kit, kit_is_done);
}

static void
take_over(struct spool_file *file)
{
    spool_file_take_over(file, say_done, NULL);
    run_until_done();
    tell(spool_file_id(file), KEPT);
}

static struct spool_file *
keep(enum writer_kind kind, const char *id, size_t len)
{
    struct spool_file *file = kit_write(&kit, kind, id, len);

    if (file == NULL)
        _exit(3);
    if (kind != WRITER_RELAY)
        tell(id, KEPT);
    return file;
}

static void
defer(struct spool_file *file)
{
    kit_note(file, "attempt", "0-1");
    kit_note(file, "deferred", "0");
    spool_file_flush(file, true, say_done, NULL);
    run_until_done();
    tell(spool_file_id(file), DEFERRED);
}

static void
hold(struct spool_file *file)
{
    tell(spool_file_id(file), HOLDING);
    spool_file_hold(&file, "because");
    kit_run(&kit, kit_is_idle);
}

static void
finish(struct spool_file *file)
{
    kit_note(file, "sent", "0-1");
    tell(spool_file_id(file), GOING);
    spool_file_finish(&file);
    kit_run(&kit, kit_is_idle);
}

static void
wait_for(struct spool_file *file, int64_t ms)
{
    spool_file_wait(&file, loop_realtime_ms(kit.loop) + ms);
    kit_run(&kit, kit_is_idle);
}

static void
run_script(bool unnamed)
{
    struct spool_file *file;

    kit.spool->unnamed = unnamed;
    finish(keep(WRITER_SPOOL, "4X2k9QzT7m0", 3000));
    finish(keep(WRITER_SPOOL, "4X2k9QzT7m1", 30000)); // over what the first one left
    file = keep(WRITER_SPOOL, "4X2k9QzT7m2", 9000);
    defer(file);
    wait_for(file, 1000000);
    file = keep(WRITER_SPOOL, "4X2k9QzT7m3", 200000);
    defer(file);
    wait_for(file, 1000000);
    file = keep(WRITER_SPOOL, "4X2k9QzT7m9", 9000);
    kit_note(file, "deferred", "0"); // written by the waiting itself
    wait_for(file, 1000000);
    tell("4X2k9QzT7m9", DEFERRED);
    hold(keep(WRITER_SPOOL, "4X2k9QzT7m4", 9000));
    hold(keep(WRITER_CHILD, "4X2k9QzT7m5.0", 9000));
    finish(keep(WRITER_SPOOL, "4X2k9QzT7m6", 200000));
    file = keep(WRITER_RELAY, "4X2k9QzT7m7", 9000);
    take_over(file);
    finish(file);
    file = keep(WRITER_RELAY, "4X2k9QzT7m8", 200000);
    take_over(file);
    wait_for(file, 1);
    kit_await_files(&kit, 1);
    file = kit.files[0];
    kit.files[0] = NULL;
    defer(file);
    finish(file);
    kit_close(&kit);
}

struct sweep {
    bool is_opening; // killed while the spool is opened; else while it is used
    bool unnamed;
    long step;
};

static bool
kill_child_at(const char *folder, long at, const struct sweep *sweep)
{
    int pipes[2], status;
    pid_t pid;

    CU_ASSERT_EQUAL_FATAL(pipe(pipes), 0);
    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        report_fd = pipes[1];
        kill_at = sweep->is_opening ? at : 0;
        kit_open(&kit, folder, true);
        kit_run(&kit, kit_is_idle);
        kill_at = sweep->is_opening ? 0 : at;
        run_script(sweep->unnamed);
        _exit(0);
    }
    close(pipes[1]);
    listen_to(pipes[0]);
    close(pipes[0]);
    CU_ASSERT_EQUAL_FATAL(waitpid(pid, &status, 0), pid);
    CU_ASSERT(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0);
    return WIFSIGNALED(status);
}

static bool
has_come(struct kit *it)
{
    return it->spool->tasks.pending == 0 && it->spool->homes.adopted == NULL;
}

// The next owner gives everything back, and leaves nothing but what is held.
static void
check_adoption(const char *folder, const char *when)
{
    size_t expected = 0, held = 0;
    unsigned twice = 0;
    char hold[300];

    for (size_t i = 0; i < known_count; i++) {
        held += known[i].is_held ? known[i].seen : 0;
        expected += known[i].is_held ? 0 : known[i].seen;
    }
    kit_open(&kit, folder, true);
    kit_run(&kit, kit_is_idle);
    spool_retry_all(kit.spool);
    kit_await_files(&kit, expected);
    for (size_t i = 0; i < kit.file_count; i++) {
        struct known *it = find_known(spool_file_id(kit.files[i]));

        UNIT_CHECK_ROW(when, kit_is_whole(&kit, kit.files[i]));
        twice += it->seen != 1;
        kit_note(kit.files[i], "sent", "0-1");
        spool_file_finish(&kit.files[i]);
    }
    UNIT_CHECK_ROW(when, twice == 0);
    kit_run(&kit, has_come);
    kit_close(&kit);
    snprintf(hold, sizeof hold, "%s/hold", folder);
    UNIT_CHECK_ROW(when, kit_count(hold, "") == held);
}

static void
sweep(const struct sweep *sweep)
{
    bool was_killed = true;
    char folder[64], when[64];
    long at;

    known = mem_zarray(KNOWN_MAX, sizeof *known);
    for (at = 1; was_killed; at += sweep->step) {
        CU_ASSERT_FATAL(at < 1000);
        known_count = 0;
        snprintf(when, sizeof when, "killed at call %ld", at);
        kit_folder(folder);
        was_killed = kill_child_at(folder, at, sweep);
        check_disk(folder, when);
        check_adoption(folder, when);
        kit_remove(folder);
    }
    CU_ASSERT(at > 50);
    mem_free(&known);
}

static void
test_each_call(void)
{
    static const struct sweep all = {.unnamed = true, .step = 1};

    sweep(&all);
}

static void
test_each_call_hidden(void)
{
    static const struct sweep all = {.unnamed = false, .step = 1};

    sweep(&all);
}

static void
test_opening(void)
{
    static const struct sweep some = {.is_opening = true, .unnamed = true, .step = 3};

    sweep(&some);
}

// --- at random, under load ---

enum { FLIGHT = 24, ROUNDS = 12 };

struct load {
    unsigned seed;
    struct id_maker maker;
    unsigned under_way;
};

static struct load load;

static unsigned
roll(unsigned sides)
{
    return (unsigned)rand_r(&load.seed) % sides;
}

static void refill(void);

static void
on_flushed(void *arg, const struct err *err)
{
    struct spool_file *file = arg;

    if (err != NULL)
        _exit(3);
    load.under_way--;
    spool_file_wait(&file, loop_realtime_ms(kit.loop) + (roll(2) == 0 ? 1 : 1000000));
    refill();
}

// What a job might do, without a plan.
static void
treat(struct spool_file *file)
{
    switch (roll(6)) {
    case 0:
        kit_note(file, "attempt", "0-1");
        kit_note(file, "deferred", "0");
        load.under_way++;
        spool_file_flush(file, roll(2) == 0, on_flushed, file);
        break;
    case 1:
        kit_note(file, "deferred", "0");
        spool_file_wait(&file, loop_realtime_ms(kit.loop) + roll(20));
        break;
    case 2:
        tell(spool_file_id(file), HOLDING);
        spool_file_hold(&file, "because");
        break;
    case 3:
        spool_file_release(&file);
        break;
    default:
        kit_note(file, "sent", "0-1");
        tell(spool_file_id(file), GOING);
        spool_file_finish(&file);
    }
}

static void
on_taken_over(void *arg, const struct err *err)
{
    struct spool_file *file = arg;

    if (err != NULL)
        _exit(3);
    tell(spool_file_id(file), KEPT);
    treat(file);
    load.under_way--;
    refill();
}

static void
on_kept(void *arg, struct spool_file *file, const struct err *err)
{
    (void)arg;
    if (err != NULL)
        _exit(3);
    if (!spool_file_is_durable(file)) {
        spool_file_take_over(file, on_taken_over, file);
        return;
    }
    tell(spool_file_id(file), KEPT);
    treat(file);
    load.under_way--;
    refill();
}

static void
begin_one(void)
{
    static const enum writer_kind kinds[] = {WRITER_SPOOL, WRITER_SPOOL, WRITER_SPOOL,
                                             WRITER_SPOOL, WRITER_RELAY, WRITER_CHILD};

    char id[ID_LEN + 1];
    struct smtp_envelope envelope;
    struct writer *writer;
    size_t len = roll(8) == 0 ? roll(300000) : roll(20000);
    char *content = mem_zalloc(len + 1);

    id_next(&load.maker, loop_realtime_ms(kit.loop), id);
    kit_envelope(&envelope, id, 2);
    kit_content(id, len, content);
    writer = writer_new(kit.spool, kinds[roll(UNIT_COUNT(kinds))], &envelope, NULL, NULL);
    (void)writer_add(writer, span_from(content, len));
    writer_commit(writer, on_kept, NULL);
    envelope_clear(&envelope);
    mem_free(&content);
    load.under_way++;
}

static void
refill(void)
{
    while (load.under_way < FLIGHT)
        begin_one();
}

static bool
treat_adopted(struct kit *it)
{
    for (size_t i = 0; i < it->file_count; i++) {
        struct spool_file *file = it->files[i];

        it->files[i] = NULL;
        treat(file);
    }
    it->file_count = 0;
    it->waited_ms = 0;
    it->room = KIT_FILES;
    return false; // until it is killed
}

static void
work_until_killed(const char *folder, unsigned round)
{
    load.seed = round * 7919 + 1;
    id_maker_init(&load.maker, (uint16_t)round);
    kit_open(&kit, folder, true);
    refill();
    kit_run(&kit, treat_adopted);
}

static void
kill_under_load(const char *folder, unsigned round)
{
    struct timespec life = {.tv_nsec = (long)(20 + round * 17 % 130) * 1000000};
    int pipes[2], status;
    pid_t pid;

    CU_ASSERT_EQUAL_FATAL(pipe(pipes), 0);
    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        close(pipes[0]);
        report_fd = pipes[1];
        work_until_killed(folder, round);
        _exit(4);
    }
    close(pipes[1]);
    // The pipe may fill: whoever reads it is a child of its own time.
    fcntl(pipes[0], F_SETPIPE_SZ, 1 << 20);
    nanosleep(&life, NULL);
    (void)kill(pid, SIGKILL);
    listen_to(pipes[0]);
    close(pipes[0]);
    CU_ASSERT_EQUAL_FATAL(waitpid(pid, &status, 0), pid);
    CU_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void
test_load(void)
{
    char folder[64], when[64];
    size_t kept = 0;

    known = mem_zarray(KNOWN_MAX, sizeof *known);
    known_count = 0;
    kit_folder(folder);
    for (unsigned round = 0; round < ROUNDS; round++) {
        snprintf(when, sizeof when, "round %u", round);
        kill_under_load(folder, round);
        check_disk(folder, when);
    }
    for (size_t i = 0; i < known_count; i++)
        kept += known[i].kept && !known[i].going;
    CU_ASSERT(kept > 20);
    check_adoption(folder, "after all");
    kit_remove(folder);
    mem_free(&known);
}

static const struct unit_test tests[] = {
    {"killed under load",                               test_load            },
    {"killed while opening",                            test_opening         },
    {"killed at each call",                             test_each_call       },
    {"killed at each call, files without unnamed ones", test_each_call_hidden},
};

UNIT_MAIN("spool/crash", tests)
