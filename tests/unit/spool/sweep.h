// SPDX-License-Identifier: BSD-2-Clause
// tests/unit/spool/sweep.h - a child works on a spool and is killed at each single call that
// changes the disk. What it had reported as kept must be there exactly once, byte for byte.
#ifndef POSTERN_TESTS_SPOOL_SWEEP_H
#define POSTERN_TESTS_SPOOL_SWEEP_H

#include <errno.h>
#include <sys/wait.h>

#include "tests/unit/spool/killer.h"
#include "tests/unit/spool/witness.h"

static inline void
say_done(void *arg, const struct err *err)
{
    (void)arg;
    kit.is_done = true;
    if (err != NULL)
        _exit(3);
}

static inline void
run_until_done(void)
{
    kit.is_done = false;
    kit_run(&kit, kit_is_done);
}

static inline void
take_over(struct spool_file *file)
{
    spool_file_take_over(file, say_done, NULL);
    run_until_done();
    tell(spool_file_id(file), KEPT);
}

static inline struct spool_file *
keep(enum writer_kind kind, const char *id, size_t len)
{
    struct spool_file *file = kit_write(&kit, kind, id, len);

    if (file == NULL)
        _exit(3);
    if (kind != WRITER_RELAY)
        tell(id, KEPT);
    return file;
}

static inline void
defer(struct spool_file *file)
{
    kit_note(file, "attempt", "0-1");
    kit_note(file, "deferred", "0");
    spool_file_flush(file, true, say_done, NULL);
    run_until_done();
    tell(spool_file_id(file), DEFERRED);
}

static inline void
hold(struct spool_file *file)
{
    tell(spool_file_id(file), HOLDING);
    spool_file_hold(&file, "because");
    kit_run(&kit, kit_is_idle);
}

static inline void
quarantine(struct spool_file *file)
{
    tell(spool_file_id(file), HOLDING);
    spool_file_quarantine(&file, "virus", "Eicar");
    kit_run(&kit, kit_is_idle);
}

static inline void
finish(struct spool_file *file)
{
    kit_note(file, "sent", "0-1");
    tell(spool_file_id(file), GOING);
    spool_file_finish(&file);
    kit_run(&kit, kit_is_idle);
}

static inline void
wait_for(struct spool_file *file, int64_t ms)
{
    spool_file_wait(&file, loop_realtime_ms(kit.loop) + ms);
    kit_run(&kit, kit_is_idle);
}

static inline void
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
    quarantine(keep(WRITER_SPOOL, "4X2k9QzT7mA", 9000));
    quarantine(keep(WRITER_CHILD, "4X2k9QzT7m5.1", 200000));
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

static inline bool
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
    while (listen_once(pipes[0]))
        continue;
    close(pipes[0]);
    CU_ASSERT_EQUAL_FATAL(waitpid(pid, &status, 0), pid);
    CU_ASSERT(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0);
    return WIFSIGNALED(status);
}

static inline void
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

#endif
