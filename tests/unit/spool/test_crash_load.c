// SPDX-License-Identifier: BSD-2-Clause
// A child works on a spool under load and is killed at random times, round after round; each child
// goes on with what the former left.
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "base/id.h"
#include "tests/unit/spool/witness.h"

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

// It lives until it has told so much, and a moment more.
static void
kill_under_load(const char *folder, unsigned round)
{
    struct timespec moment = {.tv_nsec = (long)(round * 7 % 13) * 500000};
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
    for (unsigned told = 0; told < 1 + round * 41 % 170; told++)
        CU_ASSERT_FATAL(listen_once(pipes[0]));
    nanosleep(&moment, NULL);
    (void)kill(pid, SIGKILL);
    while (listen_once(pipes[0]))
        continue;
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
    {"killed under load", test_load},
};

UNIT_MAIN("spool/crash_load", tests)
