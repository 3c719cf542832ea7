// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "control/settings.h"
#include "src/master/master.h"
#include "src/version.h"

enum { EXIT_USAGE = 64, EXIT_CONFIGURATION = 78 };

struct arguments {
    const char *config_file;
    bool foreground, only_check, verbose;
};

static void
print_usage(FILE *out)
{
    (void)fputs("usage: posternd [-c FILE] [-f] [-t] [-v]\n"
                "  -c FILE    configuration [" POSTERN_CONFIG_FILE "]\n"
                "  -f         stay in the foreground, log to standard error too\n"
                "  -t         check the configuration and exit: 0 good, 78 bad\n"
                "  -v         log more: each step of each message\n"
                "  --version  print the version\n"
                "  --help     print this\n",
                out);
}

static void
read_arguments(int argc, char **argv, struct arguments *arguments)
{
    static const struct option longer[] = {
        {"version", no_argument, NULL, 'V'},
        {"help",     no_argument, NULL, 'h'},
        {0        }
    };
    int option;

    while ((option = getopt_long(argc, argv, "c:ftv", longer, NULL)) != -1) {
        switch (option) {
        case 'c':
            arguments->config_file = optarg;
            break;
        case 'f':
            arguments->foreground = true;
            break;
        case 't':
            arguments->only_check = true;
            break;
        case 'v':
            arguments->verbose = true;
            break;
        case 'V':
            (void)printf("posternd %s\n", VERSION_TEXT);
            exit(EXIT_SUCCESS);
        case 'h':
            print_usage(stdout);
            exit(EXIT_SUCCESS);
        default:
            print_usage(stderr);
            exit(EXIT_USAGE);
        }
    }
    if (optind < argc) {
        (void)fprintf(stderr, "posternd: unexpected argument: %s\n", argv[optind]);
        exit(EXIT_USAGE);
    }
}

// The caller of a daemon waits until mail can come in, and gets the exit status of a failed start.
static int
become_daemon(void)
{
    int ends[2], status = 0;
    char started;
    pid_t pid;

    if (pipe(ends) != 0 || (pid = fork()) < 0) {
        perror("posternd");
        exit(EXIT_FAILURE);
    }
    if (pid == 0) {
        (void)close(ends[0]);
        (void)setsid();
        return ends[1];
    }
    (void)close(ends[1]);
    if (read(ends[0], &started, 1) == 1)
        _exit(EXIT_SUCCESS);
    (void)waitpid(pid, &status, 0);
    _exit(WIFEXITED(status) && WEXITSTATUS(status) != 0 ? WEXITSTATUS(status) : EXIT_FAILURE);
}

// Whoever of us is woken lets those finish who run, his children too: mail is a stream, and pushing
// one another aside costs a sixth of its processor time. A policy that was chosen for us stays.
static void
take_turns(void)
{
    const struct sched_param none = {0};

    if (sched_getscheduler(0) == SCHED_OTHER)
        (void)sched_setscheduler(0, SCHED_BATCH, &none);
}

static void
leave_terminal(void)
{
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (fd >= 0) {
        (void)dup2(fd, STDIN_FILENO);
        (void)dup2(fd, STDOUT_FILENO);
        (void)dup2(fd, STDERR_FILENO);
        (void)close(fd);
    }
    if (chdir("/") != 0)
        log_warning("master", "chdir /: %s", strerror(errno));
}

// A relative path is made absolute, since a daemon leaves its folder and an upgrade starts anew.
static const char *
absolute(const char *path, char out[PATH_MAX])
{
    return realpath(path, out) != NULL ? out : path;
}

static char **
upgrade_arguments(const char *binary, const char *config_file, const struct arguments *arguments,
                  char *out[6])
{
    size_t count = 0;

    out[count++] = (char *)binary;
    out[count++] = (char *)"-c";
    out[count++] = (char *)config_file;
    out[count++] = (char *)"-f"; // it is where it is: in the background already, if it was
    if (arguments->verbose)
        out[count++] = (char *)"-v";
    out[count] = NULL;
    return out;
}

int
main(int argc, char **argv)
{
    struct arguments arguments = {.config_file = POSTERN_CONFIG_FILE};
    char config_file[PATH_MAX], binary[PATH_MAX], *next_argv[6];
    struct master_options options = {.started_fd = -1};
    struct settings *settings = NULL;
    struct err err = {0};

    read_arguments(argc, argv, &arguments);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)umask(0077);
    options.config_file = absolute(arguments.config_file, config_file);
    options.binary = absolute("/proc/self/exe", binary);
    options.argv = upgrade_arguments(options.binary, options.config_file, &arguments, next_argv);
    options.to_stderr = arguments.foreground;
    options.verbosity = arguments.verbose ? 1 : 0;
    if (settings_load(options.config_file, &settings, &err) != 0) {
        (void)fprintf(stderr, "posternd: %s\n", err.text);
        return EXIT_CONFIGURATION;
    }
    if (arguments.only_check) {
        settings_free(&settings);
        return EXIT_SUCCESS;
    }
    if (!arguments.foreground)
        options.started_fd = become_daemon();
    if (log_open("posternd", &settings->log, options.to_stderr, options.verbosity, &err) != 0) {
        (void)fprintf(stderr, "posternd: %s\n", err.text);
        return EXIT_FAILURE;
    }
    if (!arguments.foreground)
        leave_terminal();
    take_turns();
    return master_run(&options, &settings);
}
