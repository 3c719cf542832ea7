// SPDX-License-Identifier: BSD-2-Clause
#include "src/master/master_state.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/jail.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/notify.h"
#include "src/master/upgrade.h"

enum {
    TICK_MS = 1000,
    EARLY_DEATH_MS = 5000,
    RESPAWN_MS = 250,
    PASSED_IN_FIRST = 3,
    PATIENCE_MS = 5000,
    PATIENCE_PAUSE_MS = 50
};

// --- what callbacks leave to be done between two runs of the loop ---

static void
ask(struct master *master, bool *wish)
{
    *wish = true;
    loop_stop(master->loop);
}

static void
on_child_signal(void *arg)
{
    struct master *master = arg;

    ask(master, &master->wants_reap);
}

static void
on_reload_signal(void *arg)
{
    struct master *master = arg;

    ask(master, &master->wants_reload);
}

static void
on_stop_signal(void *arg)
{
    struct master *master = arg;

    ask(master, &master->wants_stop);
}

static void
on_upgrade_signal(void *arg)
{
    struct master *master = arg;

    ask(master, &master->wants_upgrade);
}

static void
on_reopen_signal(void *arg)
{
    struct master *master = arg;

    log_reopen_files();
    premises_give_log(&master->premises);
    for (const struct child *child = master->children; child != NULL; child = child->next)
        (void)channel_send(child->channel, CHANNEL_LOG_REOPEN, "", -1);
}

static void
on_respawn(void *arg)
{
    struct master *master = arg;

    ask(master, &master->wants_respawn);
}

// A worker whose loop stands still does nobody any good; its messages are adopted.
static void
kill_stuck(struct master *master)
{
    uint64_t now = loop_now_ms(master->loop);

    for (const struct child *child = master->children; child != NULL; child = child->next) {
        uint64_t seen;

        if (child->row == SIZE_MAX || !child->is_ready)
            continue;
        seen = atomic_load(&master->page->worker[child->row].heartbeat);
        if (now <= seen || now - seen < MASTER_STUCK_MS)
            continue;
        log_alarm("master", "worker %d has not moved for %d s: killed", (int)child->pid,
                  MASTER_STUCK_MS / 1000);
        (void)kill(child->pid, SIGKILL);
    }
}

static void
on_tick(void *arg)
{
    struct master *master = arg;

    kill_stuck(master);
    ask(master, &master->wants_reap); // should the word of a death have been lost on its way
    loop_timer_start(master->tick, TICK_MS);
}

static void
on_watchdog(void *arg)
{
    struct master *master = arg;

    notify_send("WATCHDOG=1");
    loop_timer_start(master->watchdog, notify_watchdog_ms() / 2);
}

static void
on_phase_limit(void *arg)
{
    struct master *master = arg;

    if (master->phase == MASTER_STOPPING) {
        log_warning("master", "children that do not end are killed");
        child_kill(master->children, SIGKILL, child_is_older, master->newest + 1);
    } else if (master->phase == MASTER_CHANGING) {
        master_generation_failed(master, "the new workers did not become ready in time");
    } else {
        log_error("master", "the workers did not become ready in time");
        master->exit_status = EXIT_FAILURE;
        ask(master, &master->wants_stop);
    }
}

// --- children that end ---

static void
log_end_of(const struct child *child, int status)
{
    const char *kind = child_kind_name(child->kind);

    if (WIFSIGNALED(status))
        log_warning("master", "%s %d was killed by signal %d", kind, (int)child->pid,
                    WTERMSIG(status));
    else if (WEXITSTATUS(status) != 0 || !child->is_draining)
        log_warning("master", "%s %d ended with status %d", kind, (int)child->pid,
                    WEXITSTATUS(status));
    else
        log_info("master", "%s %d has drained", kind, (int)child->pid);
}

static void
wait_for_respawn(struct master *master)
{
    uint64_t now = loop_now_ms(master->loop), earliest = UINT64_MAX;

    for (size_t i = 0; i <= CHILD_NURSERY; i++) {
        if (master->pauses[i].due_ms > now && master->pauses[i].due_ms < earliest)
            earliest = master->pauses[i].due_ms;
    }
    if (earliest != UINT64_MAX)
        loop_timer_start(master->respawn, earliest - now);
}

// Replacements wait longer and longer while children of that kind die young, so that a fault does
// not become a storm.
static void
plan_respawn(struct master *master, const struct child *child)
{
    struct master_pause *pause = &master->pauses[child->kind];
    uint64_t now = loop_now_ms(master->loop);

    if (now - child->started_ms >= EARLY_DEATH_MS)
        pause->pause_ms = 0;
    if (pause->due_ms <= now)
        pause->due_ms = now + pause->pause_ms;
    pause->pause_ms = pause->pause_ms == 0 ? RESPAWN_MS : pause->pause_ms * 2;
    if (pause->pause_ms > MASTER_RESPAWN_MAX_MS)
        pause->pause_ms = MASTER_RESPAWN_MAX_MS;
    if (pause->due_ms <= now)
        loop_timer_start(master->respawn, 0);
    else
        wait_for_respawn(master);
}

static void
child_ended(struct master *master, struct child *child, int status)
{
    bool is_next = child->generation > master->generation;
    bool was_ready = child->is_ready, was_draining = child->is_draining;

    log_end_of(child, status);
    if (child->row != SIZE_MAX)
        atomic_store(&master->page->worker[child->row].pid, 0);
    if (child->kind == CHILD_SCRIBE)
        rings_leave_seat(master->rings, child->pid);
    if (!was_draining && master->phase == MASTER_RUNNING)
        plan_respawn(master, child);
    child_remove(&master->children, child);
    if (master->phase == MASTER_STARTING && !was_ready) {
        master->exit_status = EXIT_FAILURE;
        ask(master, &master->wants_stop);
    } else if (master->phase == MASTER_CHANGING && is_next && !was_draining) {
        master_generation_failed(master, "a new process could not start; the log says why");
    }
    child_tell(master->children, CHANNEL_ADOPT, master->generation);
}

static void
reap(struct master *master)
{
    struct child *child;
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == master->checking) {
            master_check_ended(master, status);
            continue;
        }
        child = child_find(master->children, pid);
        if (child != NULL)
            child_ended(master, child, status);
    }
}

static void
respawn(struct master *master)
{
    struct err err = {0};

    // While a change is under way the next generation is the replacement; if it fails, we come
    // again.
    if (master->phase != MASTER_RUNNING)
        return;
    if (master_spawn(master, master->generation, &err) == 0) {
        wait_for_respawn(master);
        return;
    }
    log_error("master", "cannot replace a child: %s", err.text);
    loop_timer_start(master->respawn, MASTER_RESPAWN_MAX_MS);
}

// --- phases ---

static void
stop(struct master *master)
{
    if (master->phase == MASTER_STOPPING)
        return;
    master->phase = MASTER_STOPPING;
    log_info("master", "stopping");
    notify_send("STOPPING=1");
    loop_timer_stop(master->respawn);
    loop_timer_start(master->phase_limit, MASTER_STOP_MS);
    for (struct child *child = master->children; child != NULL; child = child->next)
        child->is_draining = true;
    child_kill(master->children, SIGTERM, child_is_older, master->newest + 1);
}

static void
started(struct master *master)
{
    master->phase = MASTER_RUNNING;
    loop_timer_stop(master->phase_limit);
    loop_timer_start(master->respawn, 0); // one that was ready may have died before the last was
    for (struct child *child = master->children; child != NULL; child = child->next)
        child->is_draining = child_is_older(child, master->generation);
    child_kill(master->children, SIGTERM, child_is_older, master->generation);
    listen_close_unwanted(&master->sockets, false);
    log_info("master", "running, %zu workers, %s", (size_t)master->settings->daemon.workers,
             master->settings->file);
    notify_send("READY=1\nSTATUS=running");
    if (master->options->started_fd >= 0)
        (void)!write(master->options->started_fd, "", 1);
}

static void
advance(struct master *master)
{
    if (master->phase == MASTER_STARTING && child_all_ready(master->children, master->generation))
        started(master);
    else if (master->phase == MASTER_CHANGING && child_all_ready(master->children, master->newest))
        master_generation_ready(master);
    else if (master->phase == MASTER_STOPPING && master->children == NULL)
        master->is_over = true;
}

static bool
take(bool *wish)
{
    bool was = *wish;

    *wish = false;
    return was;
}

static void
work_off(struct master *master)
{
    if (take(&master->wants_reap))
        reap(master);
    if (take(&master->wants_stop))
        stop(master);
    if (take(&master->wants_respawn))
        respawn(master);
    if (master->phase == MASTER_RUNNING && take(&master->wants_upgrade))
        master_begin_upgrade(master);
    if (master->phase == MASTER_RUNNING && take(&master->wants_reload))
        master_begin_reload(master);
    advance(master);
}

// --- start ---

static void
watch(struct master *master)
{
    struct {
        int number;
        loop_callback *callback;
    } wanted[] = {
        {SIGCHLD, on_child_signal  },
        {SIGHUP,  on_reload_signal },
        {SIGTERM, on_stop_signal   },
        {SIGINT,  on_stop_signal   },
        {SIGUSR1, on_reopen_signal },
        {SIGUSR2, on_upgrade_signal}
    };

    sigset_t none;

    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        master->signals[i] =
            loop_signal_new(master->loop, wanted[i].number, wanted[i].callback, master);
    (void)sigemptyset(&none); // an upgrade's exec left all blocked
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    master->tick = loop_timer_new(master->loop, on_tick, master);
    master->watchdog = loop_timer_new(master->loop, on_watchdog, master);
    master->respawn = loop_timer_new(master->loop, on_respawn, master);
    master->phase_limit = loop_timer_new(master->loop, on_phase_limit, master);
    loop_timer_start(master->tick, TICK_MS);
    loop_timer_start(master->phase_limit, MASTER_READY_MS);
    if (notify_watchdog_ms() > 0)
        loop_timer_start(master->watchdog, notify_watchdog_ms() / 2);
}

// The children of a master that was killed die with it, but not within the same instant: until then
// their sockets answer, and a service manager may have started us already.
static int
open_premises(struct master *master, struct err *err)
{
    const struct timespec pause = {.tv_nsec = PATIENCE_PAUSE_MS * 1000000L};

    for (int left = PATIENCE_MS / PATIENCE_PAUSE_MS;; left--) {
        listen_unmark(&master->sockets);
        if (premises_open(&master->premises, master->settings, NULL, &master->sockets, err) == 0)
            return 0;
        if (left == 0 || err->kind != ERR_TEMP)
            return -1;
        premises_clear(&master->premises);
        (void)nanosleep(&pause, NULL);
    }
}

// All rows are mapped, few are ever used: a kernel that counts what is mapped may refuse. A reload
// leaves them as they are: workers of both generations write there.
static int
map_rings(struct master *master, struct err *err)
{
    size_t size = (size_t)(master->settings->track.buffer / master->settings->daemon.workers);

    size = size < RING_SIZE_MIN ? RING_SIZE_MIN : size;
    for (; master->rings == NULL && size >= RING_SIZE_MIN; size /= 2)
        master->rings = rings_new(MASTER_ROWS, size, err);
    if (master->rings == NULL)
        return -1;
    if (err->text[0] != '\0')
        log_warning("master", "a smaller buffer for what the ledger is told: %s", err->text);
    return 0;
}

// What was built for and is not there is said once; the rest holds.
static void
warn_of_kernel(void)
{
    int version = landlock_version();

    if (!jail_has_seccomp())
        log_warning("master", "this kernel has no seccomp: workers may make any system call");
    if (version < LANDLOCK_WITH_SCOPE)
        log_warning("master",
                    "this kernel's Landlock is version %d: processes are not kept from %s", version,
                    version < LANDLOCK_WITH_RENAME    ? "files, ports and each other"
                    : version < LANDLOCK_WITH_CONNECT ? "ports and each other"
                                                      : "each other");
}

static int
set_up(struct master *master, struct err *err)
{
    if (upgrade_is_one())
        upgrade_inherit(&master->sockets, &master->children);
    else
        listen_inherit(&master->sockets, PASSED_IN_FIRST, notify_listen_count(), true);
    (void)unsetenv("LISTEN_FDS"); // ours now; the binary after an upgrade must not count them again
    (void)unsetenv("LISTEN_PID");
    master->loop = loop_new(err);
    if (master->loop == NULL)
        return -1;
    master->page = counter_page_new(MASTER_ROWS, err);
    if (master->page == NULL)
        return -1;
    if (map_rings(master, err) != 0)
        return -1;
    if (open_premises(master, err) != 0)
        return -1;
    premises_give_log(&master->premises);
    if (getrandom(&master->next_tag, sizeof master->next_tag, 0) < 0)
        return err_sys(err, ERR_TEMP, errno, "getrandom");
    if (priv_keep_master_capabilities(err) != 0)
        return -1;
    warn_of_kernel();
    watch(master);
    return master_spawn(master, master->generation, err);
}

void
master_unwatch(struct master *master)
{
    for (size_t i = 0; i < MASTER_SIGNALS; i++)
        loop_signal_free(&master->signals[i]);
    loop_timer_free(&master->tick);
    loop_timer_free(&master->watchdog);
    loop_timer_free(&master->respawn);
    loop_timer_free(&master->phase_limit);
}

static void
tear_down(struct master *master)
{
    master_unwatch(master);
    while (master->children != NULL)
        child_remove(&master->children, master->children);
    listen_close_all(&master->sockets, true);
    premises_clear(&master->premises);
    settings_free(&master->settings);
    counter_page_free(&master->page);
    rings_free(&master->rings);
    loop_free(&master->loop);
}

int
master_run(const struct master_options *options, struct settings **settings_take)
{
    struct master master = {.options = options, .generation = 1, .newest = 1};
    struct err err = {0};

    master.settings = *settings_take;
    *settings_take = NULL;
    if (set_up(&master, &err) != 0) {
        log_error("master", "cannot start: %s", err.text);
        master.exit_status = EXIT_FAILURE;
        child_kill(master.children, SIGKILL, child_is_older, master.newest + 1);
        tear_down(&master);
        return master.exit_status;
    }
    advance(&master);
    while (!master.is_over) {
        loop_run(master.loop);
        work_off(&master);
    }
    log_info("master", "stopped");
    tear_down(&master);
    return master.exit_status;
}
