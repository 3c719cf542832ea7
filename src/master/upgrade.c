// SPDX-License-Identifier: BSD-2-Clause
#include "src/master/upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"

#define LISTENERS_VARIABLE "POSTERN_UPGRADE_LISTENERS" // "5 7 9:foreign"
#define CHILDREN_VARIABLE "POSTERN_UPGRADE_CHILDREN"   // "pid:kind:channel ..."

enum { VARIABLE_MAX = 65536, DESCRIPTOR_MAX = 1 << 20 };

bool
upgrade_is_one(void)
{
    return getenv(LISTENERS_VARIABLE) != NULL;
}

static int
take_number(struct span *text, char separator, uint64_t max, int *number_out)
{
    struct span part = span_cut(text, separator);
    uint64_t value;

    if (str_parse_u64(part, max, &value) != 0)
        return -1;
    *number_out = (int)value;
    return 0;
}

static void
inherit_children(struct child **children, struct span text)
{
    while (text.len > 0) {
        struct span entry = span_cut(&text, ' ');
        int pid, kind, channel;
        struct child *child;

        if (take_number(&entry, ':', INT32_MAX, &pid) != 0 ||
            take_number(&entry, ':', CHILD_NURSERY, &kind) != 0 ||
            take_number(&entry, ':', DESCRIPTOR_MAX, &channel) != 0)
            continue;
        child = child_add(children, (enum child_kind)kind, 0, pid);
        child->channel = channel;
        child->is_ready = true;
        (void)fcntl(channel, F_SETFD, FD_CLOEXEC);
    }
}

void
upgrade_inherit(struct listen_set *set, struct child **children)
{
    struct span listeners = span_of(getenv(LISTENERS_VARIABLE));
    int fd;

    while (listeners.len > 0) {
        struct span entry = span_cut(&listeners, ' ');

        if (take_number(&entry, ':', DESCRIPTOR_MAX, &fd) == 0)
            listen_inherit(set, fd, 1, span_is(entry, "foreign"));
    }
    inherit_children(children, span_of(getenv(CHILDREN_VARIABLE)));
    (void)unsetenv(LISTENERS_VARIABLE);
    (void)unsetenv(CHILDREN_VARIABLE);
}

pid_t
upgrade_check(const char *binary, const char *config_file, struct err *err)
{
    char *argv[] = {(char *)binary, "-t", "-c", (char *)config_file, NULL};
    pid_t pid;
    int error = posix_spawn(&pid, binary, NULL, NULL, argv, environ);

    if (error != 0) {
        err_sys(err, ERR_TEMP, error, "%s", binary);
        return -1;
    }
    return pid;
}

static void
set_close_on_exec(const struct listen_set *set, const struct child *children, int flag)
{
    for (size_t i = 0; i < set->count; i++)
        (void)fcntl(set->sockets[i].fd, F_SETFD, flag);
    for (; children != NULL; children = children->next) {
        if (children->channel >= 0)
            (void)fcntl(children->channel, F_SETFD, flag);
    }
}

static int
tell_next(const struct listen_set *set, const struct child *children)
{
    struct buf text;
    int result;

    buf_init(&text, VARIABLE_MAX);
    for (size_t i = 0; i < set->count; i++)
        (void)buf_printf(&text, "%s%d%s", i > 0 ? " " : "", set->sockets[i].fd,
                         set->sockets[i].is_foreign ? ":foreign" : "");
    result = setenv(LISTENERS_VARIABLE, buf_text(&text), 1);
    buf_reset(&text);
    for (; children != NULL; children = children->next)
        (void)buf_printf(&text, "%s%d:%d:%d", text.len > 0 ? " " : "", (int)children->pid,
                         (int)children->kind, children->channel);
    if (result == 0)
        result = setenv(CHILDREN_VARIABLE, buf_text(&text), 1);
    buf_clear(&text);
    return result;
}

int
upgrade_exec(const char *binary, char *const *argv, const struct listen_set *set,
             const struct child *children, struct err *err)
{
    sigset_t all, before;

    if (tell_next(set, children) != 0)
        return err_sys(err, ERR_TEMP, errno, "setenv");
    (void)sigfillset(&all); // a signal in between waits for the next binary's handlers
    (void)sigprocmask(SIG_BLOCK, &all, &before);
    set_close_on_exec(set, children, 0);
    (void)execv(binary, argv);
    err_sys(err, ERR_TEMP, errno, "execute %s", binary);
    set_close_on_exec(set, children, FD_CLOEXEC);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    (void)unsetenv(LISTENERS_VARIABLE);
    (void)unsetenv(CHILDREN_VARIABLE);
    return -1;
}
