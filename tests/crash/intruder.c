// SPDX-License-Identifier: BSD-2-Clause
// intruder PROFILE CONFIG MASTER PEER PORT NEIGHBOUR LAIR - makes each attempt from within a
// process of its own that has entered Postern's jail as that PROFILE does; "user": none, only the
// user. A line each: kind, name, what came of it.
#include "tests/crash/intruder.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/jail.h"
#include "base/priv.h"
#include "control/reach.h"

enum { ARGUMENTS = 8, NOT_ENTERED = 255, PATIENCE_S = 10 };

static const struct profile {
    const char *name;
    unsigned who;
    enum jail_profile jail;
    enum reach_process reach;
} profiles[] = {
    {"dissector", BY_DISSECTOR, JAIL_DISSECTOR, REACH_WORKER},
    {"nursery",   BY_NURSERY,   JAIL_NURSERY,   REACH_WORKER},
    {"worker",    BY_WORKER,    JAIL_WORKER,    REACH_WORKER},
    {"scribe",    BY_SCRIBE,    JAIL_SCRIBE,    REACH_SCRIBE},
    {"user",      0,            JAIL_WORKER,    REACH_WORKER},
};

struct stage {
    struct intruder intruder;
    const struct profile *profile;
    struct settings *settings;
    struct priv_user user;
};

static int
enter(const struct stage *stage, struct err *err)
{
    const struct jail_limits limits = {
        .memory = UINT64_C(512) << 20, .file_size = 1 << 20, .descriptors = 64};
    char nowhere[] = "/dev/null";
    struct landlock_grant grant = {nowhere, LANDLOCK_WRITE};
    struct landlock_rules reach = {.grants = &grant, .grant_count = 1};
    int result;

    if (geteuid() == 0 && priv_drop(&stage->user, err) != 0)
        return -1;
    if (stage->profile->who == 0)
        return 0;
    if (stage->profile->jail == JAIL_DISSECTOR)
        return jail_enter(&limits, err);
    if (stage->profile->jail == JAIL_NURSERY)
        return jail_confine(JAIL_NURSERY, &reach, err);
    reach_find(stage->settings, stage->profile->reach, &reach);
    result = jail_confine(stage->profile->jail, &reach, err);
    reach_clear(&reach);
    return result;
}

static void
make(const struct stage *stage, const char *kind, const struct attempt *attempt)
{
    struct err err = {0};
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        (void)alarm(PATIENCE_S);
        if (enter(stage, &err) != 0) {
            (void)fprintf(stderr, "%s\n", err.text);
            _exit(NOT_ENTERED);
        }
        _exit(attempt->run(&stage->intruder));
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        (void)printf("%s\t%s\tlost\n", kind, attempt->name);
    else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
        (void)printf("%s\t%s\tkilled\n", kind, attempt->name);
    else if (WIFSIGNALED(status))
        (void)printf("%s\t%s\tsignal %d\n", kind, attempt->name, WTERMSIG(status));
    else if (WEXITSTATUS(status) == NOT_ENTERED)
        (void)printf("%s\t%s\tnot entered\n", kind, attempt->name);
    else
        (void)printf("%s\t%s\t%s\n", kind, attempt->name,
                     WEXITSTATUS(status) == 0 ? "through" : strerrorname_np(WEXITSTATUS(status)));
    (void)fflush(stdout);
}

static void
make_all(const struct stage *stage, const char *kind, const struct attempt *attempts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (stage->profile->who == 0 || (attempts[i].who & stage->profile->who) != 0)
            make(stage, kind, &attempts[i]);
    }
}

static int
reach_neighbour(const struct intruder *intruder)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(intruder->neighbour),
                             .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    return fd < 0 ? errno : intruder_outcome(connect(fd, (struct sockaddr *)&to, sizeof to));
}

static int
read_arguments(struct stage *stage, char **argv, struct err *err)
{
    for (size_t i = 0; i < sizeof profiles / sizeof profiles[0]; i++) {
        if (strcmp(profiles[i].name, argv[1]) == 0)
            stage->profile = &profiles[i];
    }
    if (stage->profile == NULL)
        return err_set(err, ERR_PERM, "no such profile: %s", argv[1]);
    if (settings_load(argv[2], &stage->settings, err) != 0)
        return -1;
    stage->intruder = (struct intruder){.spool = stage->settings->spool.path,
                                        .config = argv[2],
                                        .master = (pid_t)strtol(argv[3], NULL, 10),
                                        .peer = (pid_t)strtol(argv[4], NULL, 10),
                                        .port = (uint16_t)strtoul(argv[5], NULL, 10),
                                        .neighbour = (uint16_t)strtoul(argv[6], NULL, 10),
                                        .lair = argv[7]};
    return priv_find_user(stage->settings->daemon.user, &stage->user, err);
}

int
main(int argc, char **argv)
{
    const struct attempt neighbour = {BY_WORKER, "connect to a neighbour", reach_neighbour};
    struct stage stage = {0};
    struct err err = {0};

    if (argc != ARGUMENTS || read_arguments(&stage, argv, &err) != 0) {
        (void)fprintf(stderr, "intruder: %s\n", argc == ARGUMENTS ? err.text : "wrong arguments");
        return EXIT_FAILURE;
    }
    make_all(&stage, "attempt", intruder_files, intruder_file_count);
    make_all(&stage, "attempt", intruder_peers, intruder_peer_count);
    make_all(&stage, "attempt", intruder_calls, intruder_call_count);
    make_all(&stage, "work", intruder_work, intruder_work_count);
    make_all(&stage, "work", &neighbour, 1);
    priv_user_clear(&stage.user);
    settings_free(&stage.settings);
    return EXIT_SUCCESS;
}
