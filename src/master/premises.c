// SPDX-License-Identifier: BSD-2-Clause
#include "src/master/premises.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "mime/dissect.h"

enum { SOCKET_FOLDER_MODE = 0755, LEDGER_FOLDER_MODE = 0700 };

static int
find_user(struct premises *premises, const struct settings *settings, struct err *err)
{
    premises->is_root = geteuid() == 0;
    if (premises->is_root)
        return priv_find_user(settings->daemon.user, &premises->user, err);
    premises->user.uid = geteuid();
    premises->user.gid = getegid();
    return 0;
}

static int
give_to_user(const struct premises *premises, const char *path, struct err *err)
{
    struct stat info;

    if (!premises->is_root)
        return 0;
    if (stat(path, &info) != 0)
        return err_sys(err, ERR_TEMP, errno, "%s", path);
    if (info.st_uid == premises->user.uid)
        return 0;
    if (lchown(path, premises->user.uid, premises->user.gid) != 0)
        return err_sys(err, ERR_TEMP, errno, "chown %s", path);
    return 0;
}

static int
make_spool(const struct premises *premises, const struct settings *settings, struct err *err)
{
    if (fs_mkdir_path(settings->spool.path, 0700, err) != 0)
        return -1;
    return give_to_user(premises, settings->spool.path, err);
}

// The folder of a UNIX socket (/run is empty after a boot) or of the ledger is made where it is
// missing, never changed. Our umask would close it to Postfix.
static int
make_folder_of(const struct premises *premises, const char *path, mode_t mode, struct err *err)
{
    const char *slash = strrchr(path, '/');
    char *folder;
    mode_t mask;
    int result = 0;

    if (slash == NULL || slash == path)
        return 0;
    folder = mem_strndup(path, (size_t)(slash - path));
    if (access(folder, F_OK) != 0) {
        mask = umask(0);
        result = fs_mkdir_path(folder, mode, err);
        (void)umask(mask);
        if (result == 0)
            result = give_to_user(premises, folder, err);
    }
    mem_free(&folder);
    return result;
}

static int
open_socket(const struct premises *premises, struct listen_set *set, const struct addr *addr,
            const char *group, uint64_t mode, struct err *err)
{
    struct listen_owner owner = {
        .uid = premises->user.uid, .gid = premises->user.gid, .mode = (mode_t)mode};

    if (addr_is_unix(addr)) {
        if (group[0] != '\0' && priv_find_group(group, &owner.gid, err) != 0)
            return -1;
        if (make_folder_of(premises, ((const struct sockaddr_un *)&addr->sa)->sun_path,
                           SOCKET_FOLDER_MODE, err) != 0)
            return -1;
    }
    return listen_open(set, addr, &owner, err);
}

// After the package was replaced, its new postern-dissect does not understand the old workers: it
// comes with the upgrade, not with a reload before.
static int
open_program(struct premises *premises, const struct settings *settings,
             const struct premises *former, struct err *err)
{
    premises->program = mem_strdup(settings->dissect.program);
    if (!settings->dissect.enabled)
        return 0;
    if (former != NULL && former->program_fd >= 0 &&
        strcmp(former->program, premises->program) == 0) {
        premises->program_fd = fcntl(former->program_fd, F_DUPFD_CLOEXEC, 0);
        return premises->program_fd >= 0 ? 0 : err_sys(err, ERR_TEMP, errno, "dup");
    }
    premises->program_fd = dissect_open_program(settings->dissect.program, err);
    return premises->program_fd >= 0 ? 0 : err_prefix(err, "dissect");
}

static int
open_https(struct premises *premises, const struct settings *settings, struct listen_set *set,
           struct err *err)
{
    premises->http_fds = mem_zarray(settings->http_count, sizeof(int));
    for (size_t i = 0; i < settings->http_count; i++) {
        premises->http_fds[i] = open_socket(premises, set, &settings->https[i].addr, "", 0660, err);
        if (premises->http_fds[i] < 0)
            return err_prefix(err, "http");
    }
    return 0;
}

int
premises_open(struct premises *premises, const struct settings *settings,
              const struct premises *former, struct listen_set *set, struct err *err)
{
    const struct control_settings *control = &settings->control;

    memset(premises, 0, sizeof *premises);
    premises->control_fd = premises->program_fd = -1;
    if (open_program(premises, settings, former, err) != 0)
        return -1;
    premises->listener_fds = mem_zarray(settings->listener_count, sizeof(int));
    if (find_user(premises, settings, err) != 0 || make_spool(premises, settings, err) != 0)
        return -1;
    for (size_t i = 0; i < settings->listener_count; i++) {
        const struct smtp_listener_settings *listener = &settings->listeners[i];

        premises->listener_fds[i] =
            open_socket(premises, set, &listener->addr, listener->group, listener->mode, err);
        if (premises->listener_fds[i] < 0)
            return err_prefix(err, "listen \"%s\"", listener->name);
    }
    // Mail does not wait for the ledger: the scribe tells of it, and tries again.
    if (make_folder_of(premises, settings->track.ledger, LEDGER_FOLDER_MODE, err) != 0)
        log_warning("master", "track: ledger: %s", err->text);
    if (open_https(premises, settings, set, err) != 0)
        return -1;
    if (control->socket.len == 0)
        return 0;
    premises->control_fd =
        open_socket(premises, set, &control->socket, control->group, control->mode, err);
    return premises->control_fd < 0 ? err_prefix(err, "control") : 0;
}

void
premises_give_log(const struct premises *premises)
{
    if (premises->is_root)
        log_give_files(premises->user.uid, premises->user.gid);
}

void
premises_clear(struct premises *premises)
{
    priv_user_clear(&premises->user);
    if (premises->program != NULL && premises->program_fd >= 0)
        (void)close(premises->program_fd);
    premises->program_fd = -1;
    mem_free(&premises->program);
    mem_free(&premises->listener_fds);
    mem_free(&premises->http_fds);
}
