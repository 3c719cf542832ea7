// SPDX-License-Identifier: BSD-2-Clause
#include "base/priv.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"

enum { RECORD_FIRST = 1024, RECORD_MAX = 1024 * 1024, SCORE_MAX = 1000 };

#define CAPABILITY(number) (UINT64_C(1) << (number))

static const uint64_t master_capabilities =
    CAPABILITY(CAP_NET_BIND_SERVICE) | // a new listener on a port below 1024
    CAPABILITY(CAP_CHOWN) |            // new folders and sockets become the user's
    CAPABILITY(CAP_FOWNER) |           // whose mode is set again
    CAPABILITY(CAP_DAC_OVERRIDE) |     // a socket in Postfix's folder, logs that are not root's
    CAPABILITY(CAP_SETUID) |           // children become the user
    CAPABILITY(CAP_SETGID) |           // and get the user's groups
    CAPABILITY(CAP_KILL);              // children, who are another user's

static int
fail_lookup(struct err *err, const char *what, const char *name, int errnum)
{
    if (errnum == 0)
        return err_set(err, ERR_PERM, "unknown %s \"%s\"", what, name);
    return err_sys(err, ERR_TEMP, errnum, "cannot look up %s \"%s\"", what, name);
}

int
priv_find_user(const char *name, struct priv_user *user_out, struct err *err)
{
    struct passwd record, *found = NULL;
    char *text = NULL;
    int errnum = ERANGE;

    for (size_t size = RECORD_FIRST; errnum == ERANGE && size <= RECORD_MAX; size *= 2) {
        text = mem_regrow(text, size, 1);
        errnum = getpwnam_r(name, &record, text, size, &found);
    }
    if (found != NULL)
        *user_out = (struct priv_user){mem_strdup(name), record.pw_uid, record.pw_gid};
    mem_free(&text);
    return found != NULL ? 0 : fail_lookup(err, "user", name, errnum);
}

int
priv_find_group(const char *name, gid_t *gid_out, struct err *err)
{
    struct group record, *found = NULL;
    char *text = NULL;
    int errnum = ERANGE;

    for (size_t size = RECORD_FIRST; errnum == ERANGE && size <= RECORD_MAX; size *= 2) {
        text = mem_regrow(text, size, 1);
        errnum = getgrnam_r(name, &record, text, size, &found);
    }
    if (found != NULL)
        *gid_out = record.gr_gid;
    mem_free(&text);
    return found != NULL ? 0 : fail_lookup(err, "group", name, errnum);
}

void
priv_user_clear(struct priv_user *user)
{
    mem_free(&user->name);
}

struct capabilities {
    uint64_t permitted, inheritable;
};

static int
get_capabilities(struct capabilities *sets_out, struct err *err)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{0}};

    if (syscall(SYS_capget, &header, data) < 0)
        return err_sys(err, ERR_PERM, errno, "capget");
    sets_out->permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
    sets_out->inheritable = data[0].inheritable | (uint64_t)data[1].inheritable << 32;
    return 0;
}

static int
set_capabilities(const struct capabilities *sets, struct err *err)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{0}};

    data[0].permitted = data[0].effective = (uint32_t)sets->permitted;
    data[1].permitted = data[1].effective = (uint32_t)(sets->permitted >> 32);
    data[0].inheritable = (uint32_t)sets->inheritable;
    data[1].inheritable = (uint32_t)(sets->inheritable >> 32);
    if (syscall(SYS_capset, &header, data) < 0)
        return err_sys(err, ERR_PERM, errno, "capset");
    return 0;
}

// What a program that is executed later could regain as root. Without CAP_SETPCAP this is not
// allowed, nor of use: then it was done before, or there is nothing to be had.
static int
limit_bounding_set(uint64_t keep, struct err *err)
{
    struct capabilities sets = {0};

    if (get_capabilities(&sets, err) < 0)
        return -1;
    if ((sets.permitted & CAPABILITY(CAP_SETPCAP)) == 0)
        return 0;
    for (int number = 0; number < 64; number++) {
        if ((keep & CAPABILITY(number)) != 0)
            continue;
        if (prctl(PR_CAPBSET_DROP, number, 0, 0, 0) < 0 && errno != EINVAL)
            return err_sys(err, ERR_PERM, errno, "cannot drop capability %d", number);
    }
    return 0;
}

static bool
is_user(const struct priv_user *user)
{
    uid_t uid, effective_uid, saved_uid;
    gid_t gid, effective_gid, saved_gid;
    int failed = getresuid(&uid, &effective_uid, &saved_uid);

    assert(failed == 0);
    failed = getresgid(&gid, &effective_gid, &saved_gid);
    assert(failed == 0);
    return uid == user->uid && effective_uid == user->uid && saved_uid == user->uid &&
           gid == user->gid && effective_gid == user->gid && saved_gid == user->gid;
}

static int
become_user(const struct priv_user *user, struct err *err)
{
    // The user's own groups: that is how an administrator lets Postern reach a scanner's socket.
    if (initgroups(user->name, user->gid) < 0)
        return err_sys(err, ERR_PERM, errno, "cannot take the groups of user %s", user->name);
    if (setresgid(user->gid, user->gid, user->gid) < 0)
        return err_sys(err, ERR_PERM, errno, "cannot become group %lu", (unsigned long)user->gid);
    if (setresuid(user->uid, user->uid, user->uid) < 0)
        return err_sys(err, ERR_PERM, errno, "cannot become user %s", user->name);
    return 0;
}

int
priv_drop_capabilities(struct err *err)
{
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
        return err_sys(err, ERR_PERM, errno, "cannot clear ambient capabilities");
    if (set_capabilities(&(struct capabilities){0, 0}, err) < 0)
        return -1;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return err_sys(err, ERR_PERM, errno, "cannot set no_new_privs");
    return 0;
}

int
priv_drop(const struct priv_user *user, struct err *err)
{
    if (limit_bounding_set(0, err) < 0)
        return -1;
    if (!is_user(user) && become_user(user, err) < 0)
        return -1;
    if (priv_drop_capabilities(err) < 0)
        return -1;
    if (user->uid != 0 && (setuid(0) == 0 || seteuid(0) == 0))
        return err_set(err, ERR_PERM, "root could be regained");
    return 0;
}

int
priv_die_with_parent(pid_t parent)
{
    int failed = prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);

    assert(failed == 0);
    // It may have died before the call, and another process adopted us.
    return getppid() == parent ? 0 : -1;
}

void
priv_die_first(int more)
{
    int fd = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
    char text[24] = "";
    long score;

    if (fd < 0)
        return;
    if (read(fd, text, sizeof text - 1) > 0) {
        score = strtol(text, NULL, 10) + more;
        snprintf(text, sizeof text, "%ld", score < SCORE_MAX ? score : SCORE_MAX);
        (void)!pwrite(fd, text, strlen(text), 0);
    }
    close(fd);
}

int
priv_keep_master_capabilities(struct err *err)
{
    struct capabilities sets = {0};

    if (limit_bounding_set(master_capabilities, err) < 0 || get_capabilities(&sets, err) < 0)
        return -1;
    // The next binary, at an upgrade, is executed with what there is.
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return err_sys(err, ERR_PERM, errno, "cannot set no_new_privs");
    sets.permitted &= master_capabilities;
    sets.inheritable &= master_capabilities; // who is not root hands on no others to that binary
    return set_capabilities(&sets, err);
}
