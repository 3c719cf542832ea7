// SPDX-License-Identifier: BSD-2-Clause
#include "src/master/upgrade.h"

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/channel.h"
#include "tests/unit/harness.h"

static void
test_inherit(void)
{
    static const struct {
        const char *name, *children;
        size_t expected;
    } rows[] = {
        {"none",                 "",                  0},
        {"no channel",           "100:0:-",           0},
        {"nonsense is left out", "x 1:7:3 4:9:5 :::", 0}
    };
    struct listen_set set = {0};
    struct child *children = NULL;

    CU_ASSERT(!upgrade_is_one());
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        (void)setenv("POSTERN_UPGRADE_LISTENERS", "", 1);
        (void)setenv("POSTERN_UPGRADE_CHILDREN", rows[i].children, 1);
        CU_ASSERT(upgrade_is_one());
        upgrade_inherit(&set, &children);
        UNIT_CHECK_ROW(rows[i].name, child_count(children, 0) == rows[i].expected);
        UNIT_CHECK_ROW(rows[i].name, !upgrade_is_one()); // nobody after us reads it again
        UNIT_CHECK_ROW(rows[i].name, getenv("POSTERN_UPGRADE_CHILDREN") == NULL);
    }
    CU_ASSERT(set.count == 0);
}

static void
test_children_and_sockets(void)
{
    struct listen_set set = {0};
    struct child *children = NULL;
    char text[64];
    int listener = socket(AF_INET, SOCK_STREAM, 0), ends[2];

    CU_ASSERT_FATAL(listen(listener, 1) == 0); // an unbound one gets a port of its own
    CU_ASSERT_FATAL(channel_pair(ends, NULL) == 0);
    (void)snprintf(text, sizeof text, "%d:foreign 9999", listener);
    (void)setenv("POSTERN_UPGRADE_LISTENERS", text, 1);
    (void)snprintf(text, sizeof text, "4711:1:%d", ends[0]);
    (void)setenv("POSTERN_UPGRADE_CHILDREN", text, 1);
    upgrade_inherit(&set, &children);
    CU_ASSERT(set.count == 1 && set.sockets[0].fd == listener && set.sockets[0].is_foreign);
    CU_ASSERT_PTR_NOT_NULL_FATAL(children);
    CU_ASSERT(children->pid == 4711 && children->kind == CHILD_SCRIBE);
    CU_ASSERT(children->generation == 0 && children->is_ready && children->channel == ends[0]);
    child_remove(&children, children);
    (void)close(ends[1]);
    listen_close_all(&set, false);
}

static void
test_check_and_exec(void)
{
    char *argv[] = {(char *)"/nonexistent/posternd", NULL};
    struct listen_set set = {0};
    struct err err = {0};
    int status = 0;
    pid_t pid = upgrade_check("/bin/false", "/dev/null", &err);

    CU_ASSERT_FATAL(pid > 0);
    CU_ASSERT(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 1);
    CU_ASSERT(upgrade_check("/nonexistent/posternd", "/dev/null", &err) == -1);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "/nonexistent/posternd"));
    CU_ASSERT(upgrade_exec(argv[0], argv, &set, NULL, &err) == -1);
    CU_ASSERT(!upgrade_is_one());
}

static const struct unit_test tests[] = {
    {"the environment is read once", test_inherit             },
    {"children and sockets",         test_children_and_sockets},
    {"a binary that is no good",     test_check_and_exec      }
};

UNIT_MAIN("src/master/upgrade", tests)
