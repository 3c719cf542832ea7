// SPDX-License-Identifier: BSD-2-Clause
#include "mime/reading/nursery.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/jail_memory.h"
#include "base/mem.h"
#include "base/parcel.h"
#include "base/priv.h"

enum {
    LINES_MAX = 256,
    INFANTS_MAX = 1024,
    TEXT_MAX = 200,
    POLLED_FIRST = 2, // the channel and SIGTERM stand in front of the lines
    POLLED_MAX = POLLED_FIRST + LINES_MAX + INFANTS_MAX
};

struct worker_line {
    struct worker_line *next;
    int socket;
    struct parcel_reader in;
    bool is_over;
};

struct infant { // a dissector
    struct infant *next;
    pid_t pid;
    int pidfd;
    struct worker_line *line; // NULL: nobody's any more, and killed
};

struct nursery {
    const char *build_id;
    struct look *look;
    const struct dissect_setup *setup;
    struct worker_line *lines;
    struct infant *infants;
    size_t line_count, infant_count;
    int dismissal; // a signalfd
    bool has_channel, is_dismissed;
};

// Who reads our standard error would read what a message put there, and wait for who reads it not.
static int
silence(void)
{
    int nowhere;

    (void)close(STDIN_FILENO);
    (void)close(STDOUT_FILENO);
    if (jail_memory_is_sanitized())
        return 0;
    nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    return nowhere < 0 ? -1 : dup2(nowhere, STDERR_FILENO);
}

// Of all that the nursery holds, the new process keeps its line.
_Noreturn static void
be_dissector(const struct nursery *nursery, int line, pid_t parent)
{
    if (priv_die_with_parent(parent) != 0)
        _exit(EXIT_SUCCESS);
    if (silence() < 0 || dup2(line, NURSERY_CHANNEL) < 0 ||
        close_range(NURSERY_CHANNEL + 1, ~0U, 0) != 0 || fcntl(NURSERY_CHANNEL, F_SETFL, 0) != 0)
        _exit(EXIT_FAILURE);
    dissector_run(NURSERY_CHANNEL, nursery->build_id, nursery->look, &nursery->setup->limits);
    _exit(EXIT_SUCCESS);
}

static void
add_infant(struct nursery *nursery, struct worker_line *line, pid_t pid, int pidfd)
{
    struct infant *infant = mem_zalloc(sizeof *infant);

    *infant = (struct infant){.next = nursery->infants, .pid = pid, .pidfd = pidfd, .line = line};
    nursery->infants = infant;
    nursery->infant_count++;
}

// Every SPAWN has exactly one answer.
static void
answer(struct worker_line *line, const char *text, int pidfd)
{
    // A worker that does not read its few answers is stuck, and will be killed by the master.
    if (parcel_send(line->socket, QUERY_SPAWNED, span_of(text), pidfd) != 0)
        line->is_over = true;
}

static int
open_pidfd(pid_t pid)
{
    return (int)syscall(SYS_pidfd_open, pid, 0);
}

static void
spawn(struct nursery *nursery, struct worker_line *line, uint64_t number, int fd)
{
    char text[TEXT_MAX];
    pid_t parent = getpid(), pid = -1;
    int pidfd = -1;

    errno = EAGAIN;
    if (nursery->infant_count < INFANTS_MAX)
        pid = fork();
    if (pid == 0)
        be_dissector(nursery, fd, parent);
    if (pid > 0) {
        pidfd = open_pidfd(pid);
        if (pidfd < 0) { // nobody could end it in time
            int errnum = errno;

            (void)kill(pid, SIGKILL);
            (void)waitpid(pid, NULL, 0);
            errno = errnum;
        }
    }
    if (pidfd < 0) {
        (void)snprintf(text, sizeof text, "%" PRIu64 " 0 fork: %s", number, strerror(errno));
    } else {
        (void)snprintf(text, sizeof text, "%" PRIu64 " %d", number, (int)pid);
        add_infant(nursery, line, pid, pidfd);
    }
    answer(line, text, pidfd);
}

// --- workers come and go ---

static void
on_channel(void *arg, struct channel_message *message)
{
    struct nursery *nursery = arg;
    struct worker_line *line;

    if (message->type != CHANNEL_WORKER || message->fd < 0 || nursery->line_count == LINES_MAX)
        return;
    line = mem_zalloc(sizeof *line);
    line->socket = message->fd;
    message->fd = -1;
    (void)fcntl(line->socket, F_SETFL, O_NONBLOCK);
    parcel_reader_init(&line->in, line->socket, nursery->build_id, TEXT_MAX);
    line->next = nursery->lines;
    nursery->lines = line;
    nursery->line_count++;
    line->is_over = parcel_send_hello(line->socket, nursery->build_id) != 0;
}

static void
on_line(struct nursery *nursery, struct worker_line *line)
{
    int got = parcel_receive(&line->in);
    enum frame_result result;
    struct frame frame;

    while ((result = parcel_next(&line->in, &frame)) == FRAME_DONE && !line->is_over) {
        int fd = parcel_take_fd(&line->in);
        uint64_t number;

        if (fd < 0 || frame.type != QUERY_SPAWN ||
            str_parse_u64(frame.payload, UINT64_MAX, &number) != 0)
            line->is_over = true;
        else
            spawn(nursery, line, number, fd);
        if (fd >= 0)
            (void)close(fd);
    }
    if (got < 0 || result == FRAME_BAD)
        line->is_over = true;
}

// The dissectors of a worker that is gone look into mail that nobody waits for.
static void
remove_line(struct nursery *nursery, struct worker_line **at)
{
    struct worker_line *line = *at;

    for (struct infant *infant = nursery->infants; infant != NULL; infant = infant->next) {
        if (infant->line != line)
            continue;
        (void)kill(infant->pid, SIGKILL);
        infant->line = NULL;
    }
    *at = line->next;
    nursery->line_count--;
    (void)close(line->socket);
    parcel_reader_clear(&line->in);
    mem_free(&line);
}

// --- dissectors end ---

// A worker that does not read it just then does without: it has seen its line end.
static void
tell_end(const struct infant *infant, int status)
{
    char text[TEXT_MAX];

    if (infant->line == NULL)
        return;
    if (WIFSIGNALED(status))
        (void)snprintf(text, sizeof text, "%d was killed by signal %d", (int)infant->pid,
                       WTERMSIG(status));
    else
        (void)snprintf(text, sizeof text, "%d exited with status %d", (int)infant->pid,
                       WEXITSTATUS(status));
    (void)parcel_send(infant->line->socket, QUERY_ENDED, span_of(text), -1);
}

static void
remove_infant(struct nursery *nursery, struct infant **at)
{
    struct infant *infant = *at;
    int status = 0;

    (void)waitpid(infant->pid, &status, 0); // has ended: does not wait
    tell_end(infant, status);
    *at = infant->next;
    nursery->infant_count--;
    (void)close(infant->pidfd);
    mem_free(&infant);
}

// --- the loop ---

static size_t
list_polled(const struct nursery *nursery, struct pollfd polled[POLLED_MAX])
{
    size_t count = 0;

    polled[count++] =
        (struct pollfd){.fd = nursery->has_channel ? NURSERY_CHANNEL : -1, .events = POLLIN};
    // Heard once: it stays readable, and poll would not wait any more.
    polled[count++] =
        (struct pollfd){.fd = nursery->is_dismissed ? -1 : nursery->dismissal, .events = POLLIN};
    for (struct worker_line *line = nursery->lines; line != NULL; line = line->next)
        polled[count++] = (struct pollfd){.fd = line->socket, .events = POLLIN};
    for (struct infant *infant = nursery->infants; infant != NULL; infant = infant->next)
        polled[count++] = (struct pollfd){.fd = infant->pidfd, .events = POLLIN};
    return count;
}

// In the order of list_polled. Lists grow at their heads, so what came in this turn was not polled:
// lines are looked at first, and the channel, which adds some, last.
static void
act(struct nursery *nursery, const struct pollfd *polled)
{
    size_t i = POLLED_FIRST + nursery->line_count;
    struct infant **infant = &nursery->infants;
    struct worker_line **line = &nursery->lines;

    while (*infant != NULL) {
        if (polled[i++].revents != 0)
            remove_infant(nursery, infant);
        else
            infant = &(*infant)->next;
    }
    for (i = POLLED_FIRST; *line != NULL; i++) {
        if (polled[i].revents != 0)
            on_line(nursery, *line);
        if ((*line)->is_over)
            remove_line(nursery, line);
        else
            line = &(*line)->next;
    }
    if (polled[1].revents != 0)
        nursery->is_dismissed = true;
    if (polled[0].revents != 0 && channel_each(NURSERY_CHANNEL, on_channel, nursery) < 0) {
        nursery->has_channel = false;
        (void)close(NURSERY_CHANNEL);
    }
}

// They are sent to all of a service at once, and the master's to act on. SIGTERM is ours, too, but
// workers that drain still need this process.
static int
take_signals(void)
{
    static const int numbers[] = {SIGHUP, SIGINT, SIGUSR1, SIGUSR2, SIGPIPE};
    sigset_t term;

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        (void)signal(numbers[i], SIG_IGN);
    (void)sigemptyset(&term);
    (void)sigaddset(&term, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &term, NULL);
    return signalfd(-1, &term, SFD_CLOEXEC);
}

static bool
is_wanted(const struct nursery *nursery)
{
    return nursery->lines != NULL || (nursery->has_channel && !nursery->is_dismissed);
}

int
nursery_run(const char *build_id, struct look *look, const struct dissect_setup *setup)
{
    struct nursery nursery = {
        .build_id = build_id, .look = look, .setup = setup, .has_channel = true};
    struct pollfd *polled = mem_zarray(POLLED_MAX, sizeof *polled);

    nursery.dismissal = take_signals();
    if (channel_send(NURSERY_CHANNEL, CHANNEL_READY, "", -1) != 0)
        nursery.has_channel = false;
    while (is_wanted(&nursery)) {
        if (poll(polled, list_polled(&nursery, polled), -1) > 0)
            act(&nursery, polled);
    }
    while (nursery.infants != NULL) {
        (void)kill(nursery.infants->pid, SIGKILL);
        remove_infant(&nursery, &nursery.infants);
    }
    if (nursery.dismissal >= 0)
        (void)close(nursery.dismissal);
    mem_free(&polled);
    return EXIT_SUCCESS;
}
