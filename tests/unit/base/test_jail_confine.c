// SPDX-License-Identifier: BSD-2-Clause
// The profiles that keep files, sockets and threads: what they need works, the rest does not.
#include "base/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/jail_memory.h"
#include "tests/unit/base/tempdir.h"
#include "tests/unit/harness.h"

enum { NOT_ENTERED = 254, KILLED = 1000, ANY = -1 };

static struct {
    struct tempdir inside, outside;
    char granted[300];
    uint16_t port, other; // somebody listens there
} stage;

static int
outcome(long result)
{
    return result < 0 ? errno : 0;
}

static int
make_inside(void)
{
    return outcome(openat(stage.inside.fd, "new", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
}

static int
make_outside(void)
{
    return outcome(openat(stage.outside.fd, "new", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
}

static int
move_out(void)
{
    return outcome(renameat(stage.inside.fd, "file", stage.outside.fd, "file"));
}

static int
link_inside(void)
{
    return outcome(symlinkat("/etc/passwd", stage.inside.fd, "link"));
}

static int
read_users(void)
{
    return outcome(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
}

static int
connect_to(uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(port),
                             .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    return fd < 0 ? errno : outcome(connect(fd, (struct sockaddr *)&to, sizeof to));
}

static int
connect_to_port(void)
{
    return connect_to(stage.port);
}

static int
connect_elsewhere(void)
{
    return connect_to(stage.other);
}

static int
send_datagram(void)
{
    return outcome(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
}

static int
listen_anew(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    return fd < 0 ? errno : outcome(listen(fd, 1));
}

static void *
be_thread(void *arg)
{
    return arg;
}

static int
start_thread(void)
{
    pthread_t thread;
    int failed = pthread_create(&thread, NULL, be_thread, NULL);

    return failed != 0 ? failed : pthread_join(thread, NULL);
}

static int
start_process(void)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    return pid < 0 ? errno : outcome(waitpid(pid, NULL, 0));
}

static int
execute(void)
{
    char *arguments[] = {NULL, NULL};

    return outcome(execve("/bin/true", arguments, arguments));
}

static int
map_to_execute(void)
{
    void *memory = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return memory == MAP_FAILED ? errno : 0;
}

static int
signal_parent(void)
{
    return outcome(kill(getppid(), SIGCONT));
}

// KILLED + signal; else what f returned.
static int
run(enum jail_profile profile, int (*f)(void))
{
    struct landlock_grant grants[] = {
        {stage.granted, LANDLOCK_READ | LANDLOCK_WRITE | LANDLOCK_CHANGE}
    };
    const struct landlock_rules reach = {
        .grants = grants, .grant_count = 1, .ports = &stage.port, .port_count = 1};
    struct err err = {0};
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        if (jail_confine(profile, &reach, &err) != 0) {
            (void)fprintf(stderr, "%s\n", err.text);
            _exit(NOT_ENTERED);
        }
        _exit(f());
    }
    CU_ASSERT_EQUAL_FATAL(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? KILLED + WTERMSIG(status) : WEXITSTATUS(status);
}

static int
listen_somewhere(uint16_t *port_out)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    CU_ASSERT_EQUAL_FATAL(listen(fd, 8), 0);
    CU_ASSERT_EQUAL_FATAL(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    *port_out = ntohs(at.sin_port);
    return fd;
}

static void
test_profiles(void)
{
    // Where the kernel has less of Landlock, less is refused; the leak checker needs processes.
    int version = landlock_version();
    int file = version > 0 ? EACCES : 0;
    int port = version >= LANDLOCK_WITH_CONNECT ? EACCES : 0;
    int process = jail_memory_is_sanitized() ? 0 : KILLED + SIGSYS;

    const struct {
        const char *name;
        int (*run)(void);
        int nursery, worker, scribe;
    } rows[] = {
        {"a file inside",     make_inside,       0,               0,               0              },
        {"a file outside",    make_outside,      file,            file,            file           },
        {"move it out",       move_out,          EPERM,           file,            file           },
        {"a link inside",     link_inside,       EPERM,           EPERM,           EPERM          },
        {"/etc/passwd",       read_users,        file,            file,            file           },
        {"the port",          connect_to_port,   KILLED + SIGSYS, 0,               0              },
        {"another port",      connect_elsewhere, KILLED + SIGSYS, port,            port           },
        {"a datagram",        send_datagram,     KILLED + SIGSYS, EPERM,           0              },
        {"listen",            listen_anew,       KILLED + SIGSYS, EPERM,           EPERM          },
        {"a thread",          start_thread,      ANY,             0,               0              },
        {"a process",         start_process,     0,               process,         process        },
        {"a program",         execute,           KILLED + SIGSYS, KILLED + SIGSYS, KILLED + SIGSYS},
        {"map to execute",    map_to_execute,    EPERM,           EPERM,           EPERM          },
        {"signal its parent", signal_parent,     EPERM,           EPERM,           EPERM          },
    };

    int listeners[2];

    tempdir_make(&stage.inside);
    tempdir_make(&stage.outside);
    (void)snprintf(stage.granted, sizeof stage.granted, "%s", stage.inside.path);
    (void)close(openat(stage.inside.fd, "file", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    listeners[0] = listen_somewhere(&stage.port);
    listeners[1] = listen_somewhere(&stage.other);
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        int nursery = run(JAIL_NURSERY, rows[i].run), worker = run(JAIL_WORKER, rows[i].run);
        int scribe = run(JAIL_SCRIBE, rows[i].run);

        if (rows[i].nursery == ANY) // it has none
            nursery = ANY;
        if (nursery != rows[i].nursery || worker != rows[i].worker || scribe != rows[i].scribe)
            fprintf(stderr, "%d %d %d\n", nursery, worker, scribe);
        UNIT_CHECK_ROW(rows[i].name, nursery == rows[i].nursery && worker == rows[i].worker &&
                                         scribe == rows[i].scribe);
    }
    (void)close(listeners[0]);
    (void)close(listeners[1]);
    tempdir_remove(&stage.inside);
    tempdir_remove(&stage.outside);
}

static const struct unit_test tests[] = {
    {"profiles", test_profiles},
};

UNIT_MAIN("base/jail_confine", tests)
