// SPDX-License-Identifier: BSD-2-Clause
// What keeps the scribe from its books, and dissectors from mail.
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "mime/dissect.h"
#include "tool/check.h"
#include "track/ledger/ledger_read.h"

enum { MEMORY_SHARE = 4 }; // of a dissector's memory, what a message may be

static int
access_as(const struct priv_user *user, const char *path, int mode)
{
    struct err err;

    if (priv_drop(user, &err) != 0)
        return EPERM;
    return access(path, mode) == 0 ? 0 : errno;
}

int
check_access(const struct check *check, const char *path, int mode)
{
    int status = 0;
    pid_t pid;

    if (geteuid() != 0)
        return access(path, mode) == 0 ? 0 : errno;
    if (check->user.name == NULL)
        return 0; // nobody to ask for, which is told already
    pid = fork();
    if (pid == 0)
        _exit(access_as(&check->user, path, mode));
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
        return ECHILD;
    return WEXITSTATUS(status);
}

static const char *
user_name(const struct check *check)
{
    return check->user.name != NULL ? check->user.name : "who runs this";
}

// --- dissectors ---

static void
check_size(struct check *check, const struct tree_section *section, uint64_t size)
{
    const struct settings *settings = check->tool->settings;
    uint64_t least = settings->dissect.memory / MEMORY_SHARE;
    uint64_t most = settings->smtp.max_size > 0 ? settings->smtp.max_size : UINT64_MAX;
    char text[32];
    struct err err;

    if ((size < most ? size : most) <= least)
        return;
    str_format_size(least, text);
    (void)err_set(&err, ERR_PERM,
                  "max_size: mail above %s is unscannable, a quarter of the memory of dissect",
                  text);
    check_warn(check, section, &err);
}

void
check_dissect(struct check *check)
{
    const struct settings *settings = check->tool->settings;
    struct err err;
    int fd;

    if (!settings->dissect.enabled)
        return;
    fd = dissect_open_program(settings->dissect.program, &err);
    if (fd < 0) {
        (void)err_prefix(&err, "program");
        check_tell(check, check_section(check, "dissect", 0), &err);
    } else {
        (void)close(fd);
    }
    check_size(check, check->root, UINT64_MAX);
    for (size_t i = 0; i < settings->filter_count; i++)
        check_size(check, check_section(check, "filter", i), settings->filters[i].max_size);
}

// --- the ledger ---

static void
tell_ledger(struct check *check, struct err *err)
{
    (void)err_prefix(err, "ledger");
    check_tell(check, check_section(check, "track", 0), err);
}

// The nearest folder above a path that is there; free it.
static char *
folder_above(const char *path, bool *is_direct_out)
{
    char *folder = mem_strdup(path);
    struct stat info;

    *is_direct_out = true;
    for (;;) {
        char *slash = strrchr(folder, '/');

        slash[slash == folder ? 1 : 0] = '\0';
        if (slash == folder || stat(folder, &info) == 0 || errno != ENOENT)
            return folder;
        *is_direct_out = false;
    }
}

// One that is missing is made by whoever starts the daemon, for the user.
static bool
is_folder_good(struct check *check, const char *path, struct err *err)
{
    bool is_direct;
    char *folder = folder_above(path, &is_direct);
    int errnum = is_direct || geteuid() != 0 ? check_access(check, folder, W_OK | X_OK) : 0;
    struct stat info;

    if (stat(folder, &info) == 0 && !S_ISDIR(info.st_mode))
        errnum = ENOTDIR;
    if (errnum != 0)
        (void)err_sys(err, ERR_PERM, errnum, "%s cannot write to \"%s\"", user_name(check), folder);
    mem_free(&folder);
    return errnum == 0;
}

void
check_ledger(struct check *check)
{
    const char *path = check->tool->settings->track.ledger;
    struct ledger_reader *reader;
    struct err err;
    int errnum;

    if (!is_folder_good(check, path, &err)) {
        tell_ledger(check, &err);
        return;
    }
    if (access(path, F_OK) != 0)
        return; // it will be made
    errnum = check_access(check, path, R_OK | W_OK);
    if (errnum != 0) {
        (void)err_sys(&err, ERR_PERM, errnum, "%s cannot write to \"%s\"", user_name(check), path);
        tell_ledger(check, &err);
        return;
    }
    reader = ledger_reader_open(path, &err);
    if (reader == NULL)
        tell_ledger(check, &err);
    ledger_reader_close(&reader);
}

// --- Postfix's log ---

void
check_postfix_log(struct check *check)
{
    const struct tree_section *section = check_section(check, "track", 0);
    const char *path = check->tool->settings->track.postfix_log;
    int errnum = path[0] == '\0' ? 0 : check_access(check, path, R_OK);
    struct stat info;
    struct err err;

    if (path[0] == '\0')
        return;
    if (errnum == ENOENT) {
        (void)err_set(&err, ERR_PERM, "postfix_log: \"%s\" is not there yet", path);
        check_warn(check, section, &err);
    } else if (errnum != 0) {
        (void)err_sys(&err, ERR_PERM, errnum, "postfix_log: %s cannot read \"%s\"",
                      user_name(check), path);
        check_tell(check, section, &err);
    } else if (stat(path, &info) == 0 && !S_ISREG(info.st_mode)) {
        (void)err_set(&err, ERR_PERM, "postfix_log: expected a plain file, \"%s\"", path);
        check_tell(check, section, &err);
    }
}
