// SPDX-License-Identifier: BSD-2-Clause
#include "base/priv.h"

#include <linux/capability.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/harness.h"

// What is tried is for good, so each case runs in a child, whose exit status tells what went wrong.
static int
in_child(int (*run)(void))
{
    int status = -1;
    pid_t child = fork();

    if (child == 0)
        _exit(run());
    if (waitpid(child, &status, 0) != child || !WIFEXITED(status))
        return -1;
    return WEXITSTATUS(status);
}

// A mask of /proc/self/status, "CapEff" for instance.
static uint64_t
status_mask(const char *name)
{
    char line[200];
    uint64_t mask = UINT64_MAX;
    FILE *file = fopen("/proc/self/status", "r");

    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, name, strlen(name)) == 0)
            mask = strtoull(line + strlen(name) + 1, NULL, 16);
    }
    if (file != NULL)
        fclose(file);
    return mask;
}

static bool
has_no_rights(void)
{
    return status_mask("CapEff") == 0 && status_mask("CapPrm") == 0 && status_mask("CapInh") == 0 &&
           status_mask("CapAmb") == 0 && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
}

static struct priv_user
own_user(void)
{
    static char name[] = "own";

    return (struct priv_user){name, getuid(), getgid()};
}

static int
drop_as_oneself(void)
{
    struct priv_user user = own_user();
    struct err err;

    if (priv_drop(&user, &err) < 0)
        return 1;
    if (!has_no_rights())
        return 2;
    return priv_drop(&user, &err) < 0 ? 3 : 0; // once more does no harm
}

static int
drop_to_nobody(void)
{
    struct priv_user user;
    struct err err;
    gid_t groups[64];
    int count;

    if (priv_find_user("nobody", &user, &err) < 0)
        return 1;
    if (priv_drop(&user, &err) < 0)
        return 2;
    count = getgroups(64, groups);
    for (int i = 0; i < count; i++) {
        if (groups[i] == 0)
            return 3;
    }
    if (getuid() != user.uid || geteuid() != user.uid || getgid() != user.gid)
        return 4;
    if (!has_no_rights())
        return 5;
    if (setuid(0) == 0 || setgid(0) == 0)
        return 6;
    priv_user_clear(&user);
    return 0;
}

static int
drop_for_good(void)
{
    int result = drop_to_nobody();

    if (result == 0 && status_mask("CapBnd") != 0)
        return 7;
    return result;
}

static int
keep_then_drop(void)
{
    const uint64_t kept = UINT64_C(1) << CAP_NET_BIND_SERVICE | UINT64_C(1) << CAP_CHOWN |
                          UINT64_C(1) << CAP_SETUID | UINT64_C(1) << CAP_SETGID |
                          UINT64_C(1) << CAP_KILL | UINT64_C(1) << CAP_DAC_OVERRIDE |
                          UINT64_C(1) << CAP_FOWNER;
    uint64_t before = status_mask("CapPrm");
    struct err err;

    if (priv_keep_master_capabilities(&err) < 0)
        return 1;
    if (status_mask("CapPrm") != (before & kept) || status_mask("CapEff") != (before & kept))
        return 2;
    if (getuid() == 0 && (status_mask("CapBnd") & ~kept) != 0)
        return 3;
    if (status_mask("NoNewPrivs") != 1)
        return 4;
    // What the workers do next must still be possible.
    return getuid() == 0 ? drop_to_nobody() : drop_as_oneself();
}

static int
drop_without_the_right_to(void)
{
    static char name[] = "other";
    struct priv_user own = own_user();
    struct priv_user other = {name, getuid() + 1, getgid() + 1};
    struct err err = {ERR_NONE, ""};

    if (priv_drop(&own, &err) < 0)
        return 1;
    if (priv_drop(&other, &err) == 0)
        return 2;
    return err.kind == ERR_PERM && strstr(err.text, "other") != NULL ? 0 : 3;
}

// As a service manager starts one that is not root: two capabilities, and both are handed on.
static int
become_ambient(uid_t uid)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{0}};
    int failed = prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0 || setresuid(uid, uid, uid) != 0;

    data[0].permitted = data[0].effective = data[0].inheritable =
        1U << CAP_NET_BIND_SERVICE | 1U << CAP_NET_RAW;
    failed = failed || syscall(SYS_capset, &header, data) != 0;
    failed = failed || prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_BIND_SERVICE, 0, 0) != 0;
    failed = failed || prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0) != 0;
    return failed ? -1 : 0;
}

static int
keep_what_was_given(void)
{
    const uint64_t kept = UINT64_C(1) << CAP_NET_BIND_SERVICE;
    struct err err;

    if (become_ambient(1) != 0)
        return 1;
    if (priv_keep_master_capabilities(&err) < 0)
        return 2;
    // With these an upgrade's binary starts.
    if (status_mask("CapAmb") != kept || status_mask("CapInh") != kept ||
        status_mask("CapEff") != kept)
        return 3;
    if (priv_drop_capabilities(&err) < 0)
        return 4;
    return has_no_rights() ? 0 : 5;
}

static void
test_drop(void)
{
    CU_ASSERT_EQUAL(in_child(drop_as_oneself), 0);
    CU_ASSERT_EQUAL(in_child(drop_without_the_right_to), 0);
    CU_ASSERT_EQUAL(in_child(keep_then_drop), 0);
    if (getuid() == 0) {
        CU_ASSERT_EQUAL(in_child(drop_for_good), 0);
        CU_ASSERT_EQUAL(in_child(keep_what_was_given), 0);
    }
}

static void
test_find(void)
{
    struct priv_user user = {NULL, 1, 1};
    struct err err;
    gid_t gid = 1;

    CU_ASSERT_EQUAL(priv_find_user("root", &user, &err), 0);
    CU_ASSERT_STRING_EQUAL(user.name, "root");
    CU_ASSERT_EQUAL(user.uid, 0);
    CU_ASSERT_EQUAL(user.gid, 0);
    priv_user_clear(&user);
    CU_ASSERT_PTR_NULL(user.name);
    CU_ASSERT_EQUAL(priv_find_user("no-such-user", &user, &err), -1);
    CU_ASSERT_EQUAL(err.kind, ERR_PERM);
    CU_ASSERT_STRING_EQUAL(err.text, "unknown user \"no-such-user\"");
    CU_ASSERT_EQUAL(priv_find_group("root", &gid, &err), 0);
    CU_ASSERT_EQUAL(gid, 0);
    CU_ASSERT_EQUAL(priv_find_group("no-such-group", &gid, &err), -1);
    CU_ASSERT_STRING_EQUAL(err.text, "unknown group \"no-such-group\"");
}

static void
test_die_with_parent(void)
{
    pid_t parent, child;
    int tell[2], status = -1;
    char byte;

    CU_ASSERT_EQUAL_FATAL(pipe(tell), 0);
    parent = fork();
    if (parent == 0) {
        pid_t own = getpid();

        child = fork();
        if (child == 0) {
            if (priv_die_with_parent(own) < 0)
                _exit(1);
            if (write(tell[1], "x", 1) == 1)
                pause();
            _exit(2);
        }
        // Only the child holds the pipe's end from here; it has said that it is ready.
        close(tell[1]);
        _exit(read(tell[0], &byte, 1) == 1 ? 0 : 3);
    }
    close(tell[1]);
    CU_ASSERT_EQUAL(waitpid(parent, &status, 0), parent);
    CU_ASSERT_EQUAL(status, 0);
    // EOF comes when the grandchild is dead.
    CU_ASSERT_EQUAL(read(tell[0], &byte, 1), 0);
    close(tell[0]);
}

static int
parent_is_another(void)
{
    return priv_die_with_parent(getpid()) == -1 && priv_die_with_parent(getppid()) == 0 ? 0 : 1;
}

static void
test_parent_is_gone(void)
{
    CU_ASSERT_EQUAL(in_child(parent_is_another), 0);
}

static long
read_score(void)
{
    FILE *file = fopen("/proc/self/oom_score_adj", "r");
    char text[16] = "";

    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_PTR_NOT_NULL(fgets(text, sizeof text, file));
    fclose(file);
    return strtol(text, NULL, 10);
}

static int
raise_score(void)
{
    long before = read_score(), after;

    priv_die_first(200);
    after = read_score();
    if (after != (before + 200 < 1000 ? before + 200 : 1000))
        return 1;
    priv_die_first(2000);
    return read_score() == 1000 ? 0 : 2;
}

static void
test_die_first(void)
{
    CU_ASSERT_EQUAL(in_child(raise_score), 0);
}

static const struct unit_test tests[] = {
    {"find",                       test_find           },
    {"drop",                       test_drop           },
    {"die first",                  test_die_first      },
    {"die with the parent",        test_die_with_parent},
    {"the parent is gone already", test_parent_is_gone },
};

UNIT_MAIN("base/priv", tests)
