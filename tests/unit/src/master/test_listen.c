// SPDX-License-Identifier: BSD-2-Clause
#include "src/master/listen.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/harness.h"

static char folder[] = "/tmp/postern-listen-XXXXXX";

static struct addr
unix_addr(const char *name)
{
    char text[200];
    struct addr addr;
    struct err err;

    (void)snprintf(text, sizeof text, "unix:%s/%s", folder, name);
    CU_ASSERT_FATAL(addr_parse(span_of(text), &addr, &err) == 0);
    return addr;
}

static const char *
path_of(const struct addr *addr)
{
    return ((const struct sockaddr_un *)&addr->sa)->sun_path;
}

static struct listen_owner
me(void)
{
    return (struct listen_owner){.uid = getuid(), .gid = getgid(), .mode = 0660};
}

static void
test_open_keep_close(void)
{
    struct listen_set set = {0};
    struct listen_owner owner = me();
    struct addr a, b;
    struct stat info;
    struct err err;
    int fd_a, fd_b;

    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
    a = unix_addr("a.sock");
    b = unix_addr("b.sock");
    fd_a = listen_open(&set, &a, &owner, &err);
    fd_b = listen_open(&set, &b, &owner, &err);
    CU_ASSERT_FATAL(fd_a >= 0 && fd_b >= 0);
    CU_ASSERT(stat(path_of(&a), &info) == 0 && (info.st_mode & 07777) == 0660);
    CU_ASSERT(listen_open(&set, &a, &owner, &err) == fd_a);
    listen_unmark(&set);
    CU_ASSERT(listen_open(&set, &b, &owner, &err) == fd_b);
    listen_close_unwanted(&set, true);
    CU_ASSERT(set.count == 1);
    CU_ASSERT(access(path_of(&a), F_OK) != 0);
    CU_ASSERT(access(path_of(&b), F_OK) == 0);
    CU_ASSERT(unlink(path_of(&b)) == 0);
    listen_unmark(&set);
    CU_ASSERT(listen_open(&set, &b, &owner, &err) == -1); // has lost its path
    listen_unmark(&set);
    listen_keep(&set, fd_b);
    listen_close_unwanted(&set, true);
    CU_ASSERT(set.count == 1 && set.sockets[0].fd == fd_b);
    listen_close_all(&set, true);
    CU_ASSERT(access(path_of(&b), F_OK) != 0);
}

static void
test_what_is_in_the_way(void)
{
    struct listen_set first = {0}, second = {0};
    struct listen_owner owner = me();
    struct addr addr = unix_addr("c.sock");
    struct err err = {0};
    FILE *file;

    CU_ASSERT_FATAL(listen_open(&first, &addr, &owner, &err) >= 0);
    CU_ASSERT(listen_open(&second, &addr, &owner, &err) == -1);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "another process listens"));
    listen_close_all(&first, false); // as a killed daemon leaves it
    CU_ASSERT(access(path_of(&addr), F_OK) == 0);
    CU_ASSERT(listen_open(&second, &addr, &owner, &err) >= 0);
    listen_close_all(&second, true);
    file = fopen(path_of(&addr), "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    (void)fclose(file);
    CU_ASSERT(listen_open(&second, &addr, &owner, &err) == -1);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "not a socket"));
    (void)unlink(path_of(&addr));
    listen_close_all(&second, true);
}

// A taken-over worker may own the folder: at a reload nothing but the socket is changed.
static void
test_link_in_its_place(void)
{
    struct listen_set set = {0};
    struct listen_owner owner = me();
    struct addr addr = unix_addr("e.sock"), other = unix_addr("precious");
    struct err err = {0};
    struct stat info;
    int fd = open(path_of(&other), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    CU_ASSERT_FATAL(fd >= 0 && listen_open(&set, &addr, &owner, &err) >= 0);
    CU_ASSERT(unlink(path_of(&addr)) == 0);
    CU_ASSERT(symlink(path_of(&other), path_of(&addr)) == 0);
    CU_ASSERT(listen_open(&set, &addr, &owner, &err) == -1);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "not a socket"));
    CU_ASSERT(fstat(fd, &info) == 0 && (info.st_mode & 0777) == 0600);
    CU_ASSERT(unlink(path_of(&addr)) == 0 && link(path_of(&other), path_of(&addr)) == 0);
    CU_ASSERT(listen_open(&set, &addr, &owner, &err) == -1);
    CU_ASSERT(fstat(fd, &info) == 0 && (info.st_mode & 0777) == 0600);
    (void)close(fd);
    listen_close_all(&set, true);
    (void)unlink(path_of(&other));
}

static void
test_passed_in(void)
{
    struct listen_set giver = {0}, taker = {0};
    struct listen_owner owner = me();
    struct addr addr = unix_addr("d.sock");
    struct err err = {0};
    int fd = listen_open(&giver, &addr, &owner, &err), copy = dup(fd);
    int plain = socket(AF_UNIX, SOCK_STREAM, 0);

    CU_ASSERT_FATAL(fd >= 0 && copy >= 0);
    listen_inherit(&taker, copy, 1, true);
    listen_inherit(&taker, plain, 1, true); // not listening: refused
    CU_ASSERT(taker.count == 1);
    CU_ASSERT(listen_open(&taker, &addr, &owner, &err) == copy);
    (void)close(plain);
    listen_close_all(&taker, true);
    CU_ASSERT(access(path_of(&addr), F_OK) == 0); // who passed it in keeps its path
    listen_close_all(&giver, true);
    (void)rmdir(folder);
}

static const struct unit_test tests[] = {
    {"open, keep over a reload, close",             test_open_keep_close   },
    {"a living owner, a dead one's socket, a file", test_what_is_in_the_way},
    {"a link in its place",                         test_link_in_its_place },
    {"passed-in sockets",                           test_passed_in         }
};

UNIT_MAIN("src/master/listen", tests)
