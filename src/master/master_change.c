// SPDX-License-Identifier: BSD-2-Clause
#include "src/master/master_state.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/log.h"
#include "base/notify.h"
#include "src/master/upgrade.h"

static void
tell_scribe(struct master *master, const char *why_not)
{
    struct child *scribe = child_single(master->children, CHILD_SCRIBE, master->generation);

    if (scribe != NULL && scribe->channel >= 0)
        (void)channel_send(scribe->channel, CHANNEL_RELOADED, why_not, -1);
}

// Back to the sockets of the configuration that stays in force.
static void
restore_sockets(struct master *master)
{
    struct premises again;
    struct err err = {0};

    listen_unmark(&master->sockets);
    if (premises_open(&again, master->settings, &master->premises, &master->sockets, &err) != 0)
        log_error("master", "%s", err.text);
    premises_clear(&again);
    // Whatever stood in the way (a path that somebody removed): what is in force stays open.
    for (size_t i = 0; i < master->settings->listener_count; i++)
        listen_keep(&master->sockets, master->premises.listener_fds[i]);
    for (size_t i = 0; i < master->settings->http_count; i++)
        listen_keep(&master->sockets, master->premises.http_fds[i]);
    listen_keep(&master->sockets, master->premises.control_fd);
    listen_close_unwanted(&master->sockets, true);
}

static void
refuse_reload(struct master *master, const char *why)
{
    char text[CHANNEL_TEXT_MAX + 1] = "";

    (void)strncat(text, why, CHANNEL_TEXT_MAX);
    log_error("master", "reload refused, the old configuration stays: %s", text);
    tell_scribe(master, text);
    notify_send("READY=1\nSTATUS=reload refused, the old configuration stays");
    settings_free(&master->next_settings);
    master->phase = MASTER_RUNNING;
}

static int
load_next(struct master *master, struct err *err)
{
    const struct settings *old = master->settings;

    if (settings_load(master->options->config_file, &master->next_settings, err) != 0)
        return -1;
    if (master->premises.is_root &&
        strcmp(master->next_settings->daemon.user, old->daemon.user) != 0 &&
        strcmp(master->next_settings->spool.path, old->spool.path) == 0)
        return err_set(err, ERR_PERM,
                       "user: the spool belongs to %s; stop, change its owner, start again",
                       old->daemon.user);
    listen_unmark(&master->sockets);
    return 0;
}

void
master_begin_reload(struct master *master)
{
    struct err err = {0};

    notify_send("RELOADING=1");
    if (load_next(master, &err) != 0) {
        refuse_reload(master, err.text);
        return;
    }
    if (premises_open(&master->next_premises, master->next_settings, &master->premises,
                      &master->sockets, &err) != 0 ||
        log_open("posternd", &master->next_settings->log, master->options->to_stderr,
                 master->options->verbosity, &err) != 0) {
        premises_clear(&master->next_premises);
        restore_sockets(master);
        refuse_reload(master, err.text);
        return;
    }
    premises_give_log(&master->next_premises);
    master->phase = MASTER_CHANGING;
    loop_timer_start(master->phase_limit, MASTER_READY_MS);
    if (master_spawn(master, ++master->newest, &err) != 0)
        master_generation_failed(master, err.text);
}

void
master_generation_ready(struct master *master)
{
    tell_scribe(master, "");
    loop_timer_stop(master->phase_limit);
    listen_close_unwanted(&master->sockets, true);
    premises_clear(&master->premises);
    settings_free(&master->settings);
    master->premises = master->next_premises;
    master->settings = master->next_settings;
    memset(&master->next_premises, 0, sizeof master->next_premises);
    master->next_settings = NULL;
    master->generation = master->newest;
    master->phase = MASTER_RUNNING;
    for (struct child *child = master->children; child != NULL; child = child->next)
        child->is_draining = child->is_draining || child_is_older(child, master->generation);
    child_kill(master->children, SIGTERM, child_is_older, master->generation);
    log_info("master", "%s is in force, generation %u", master->settings->file, master->generation);
    notify_send("READY=1\nSTATUS=running");
}

void
master_generation_failed(struct master *master, const char *why_not)
{
    struct err err = {0};

    loop_timer_stop(master->phase_limit);
    for (struct child *child = master->children; child != NULL; child = child->next)
        child->is_draining = child->is_draining || child->generation == master->newest;
    child_kill(master->children, SIGKILL, child_is_of, master->newest);
    premises_clear(&master->next_premises);
    restore_sockets(master);
    if (log_open("posternd", &master->settings->log, master->options->to_stderr,
                 master->options->verbosity, &err) != 0)
        log_error("master", "%s", err.text);
    premises_give_log(&master->premises);
    refuse_reload(master, why_not);
    loop_timer_start(master->respawn, 0);
}

void
master_begin_upgrade(struct master *master)
{
    struct err err = {0};

    if (master->checking > 0)
        return;
    master->checking = upgrade_check(master->options->binary, master->options->config_file, &err);
    if (master->checking < 0)
        log_error("master", "upgrade refused: %s", err.text);
}

void
master_check_ended(struct master *master, int status)
{
    struct err err = {0};

    master->checking = 0;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        log_error("master", "upgrade refused: %s -t says no (status %d)", master->options->binary,
                  status);
        return;
    }
    if (master->phase != MASTER_RUNNING) {
        log_error("master", "upgrade refused: a change is under way");
        return;
    }
    log_info("master", "executing %s in place", master->options->binary);
    notify_send("RELOADING=1");
    (void)upgrade_exec(master->options->binary, master->options->argv, &master->sockets,
                       master->children, &err);
    log_error("master", "upgrade failed: %s", err.text);
    notify_send("READY=1");
}
