// SPDX-License-Identifier: BSD-2-Clause
#include "base/proc.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "tests/unit/harness.h"

static const struct proc_units units = {.ticks = 100, .page_bytes = 4096, .boot_ms = 1700000000000};

#define BEHIND                                                                                     \
    " 0 -1 4194560 5 6 7 8 250 50 9 9 20 0 1 0 12345 100000 300 18446744073709551615 1 1\n"

static const struct {
    const char *name, *line;
    int result;
} rows[] = {
    {"plain",             "42 (posternd) S 7 1 1" BEHIND,                                         0 },
    {"blanks in it",      "42 (a b c) S 7 1 1" BEHIND,                                            0 },
    {"forged fields",     "42 (x) R 1 1 1 0 0) S 7 1 1" BEHIND,                                   0 },
    {"line end in it",    "42 (x\ny) S 7 1 1" BEHIND,                                             0 },
    {"no name",           "42 () S 7 1 1" BEHIND,                                                 0 },
    {"dead, not reaped",  "42 (posternd) Z 7 1 1" BEHIND,                                         -1},
    {"dead",              "42 (posternd) X 7 1 1" BEHIND,                                         -1},
    {"no parentheses",    "42 posternd S 7 1 1" BEHIND,                                           -1},
    {"no blank behind",   "42 (posternd)S 7 1 1" BEHIND,                                          -1},
    {"no number",         "x (posternd) S 7 1 1" BEHIND,                                          -1},
    {"a large number",    "99999999999 (posternd) S 7 1 1" BEHIND,                                -1},
    {"parent is no text", "42 (posternd) S y 1 1" BEHIND,                                         -1},
    {"negative time",     "42 (p) S 7 1 1 0 -1 4 5 6 7 8 -250 50 9 9 20 0 1 0 12345 100 300 1\n", -1},
    {"time too large",
     "42 (p) S 7 1 1 0 -1 4 5 6 7 8 18446744073709551615 50 9 9 20 0 1 0 12345 100 300 1\n",      -1},
    {"pages too many",
     "42 (p) S 7 1 1 0 -1 4 5 6 7 8 250 50 9 9 20 0 1 0 12345 100 9223372036854775807 1\n",       -1},
    {"empty",             "",                                                                     -1},
};

static void
lines_are_parsed(void)
{
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct proc proc = {.pid = 0};

        UNIT_CHECK_ROW(rows[i].name,
                       proc_parse(span_of(rows[i].line), &units, &proc) == rows[i].result);
        if (rows[i].result != 0)
            continue;
        UNIT_CHECK_ROW(rows[i].name, proc.pid == 42 && proc.parent == 7);
        UNIT_CHECK_ROW(rows[i].name, proc.cpu_ms == 3000);
        UNIT_CHECK_ROW(rows[i].name, proc.resident_bytes == 300 * 4096);
        UNIT_CHECK_ROW(rows[i].name, proc.start_ms == 1700000123450);
    }
}

// No number is believed that may be the beginning of a longer one.
static void
cut_lines_are_refused(void)
{
    const char *line = rows[0].line;
    const char *end = strstr(line, " 18446744073709551615");
    struct proc proc;

    for (size_t len = 0; len <= strlen(line); len++) {
        char *copy = mem_strndup(line, len);

        CU_ASSERT(proc_parse(span_from(copy, len), &units, &proc) ==
                  (len > (size_t)(end - line) ? 0 : -1));
        mem_free(&copy);
    }
}

static const struct proc *
find(const struct proc *procs, size_t count, pid_t pid)
{
    for (size_t i = 0; i < count; i++) {
        if (procs[i].pid == pid)
            return &procs[i];
    }
    return NULL;
}

static void
own_family_is_there(void)
{
    pid_t child = fork();
    const struct proc *self, *other;
    struct proc *procs;
    size_t count;

    if (child == 0) {
        (void)pause();
        _exit(0);
    }
    count = proc_list(&procs);
    self = find(procs, count, getpid());
    other = find(procs, count, child);
    CU_ASSERT_FATAL(self != NULL && other != NULL);
    CU_ASSERT(self->parent == getppid() && other->parent == getpid());
    CU_ASSERT(self->resident_bytes > 1 << 16);
    CU_ASSERT(other->start_ms >= self->start_ms);
    mem_free(&procs);
    (void)kill(child, SIGKILL);
    // Ended, but not reaped: it is no more.
    CU_ASSERT(waitid(P_PID, (id_t)child, &(siginfo_t){0}, WEXITED | WNOWAIT) == 0);
    count = proc_list(&procs);
    CU_ASSERT(find(procs, count, child) == NULL);
    mem_free(&procs);
    (void)waitpid(child, NULL, 0);
}

static void
own_details_are_there(void)
{
    size_t before = proc_open_fds(getpid());
    char command[64];
    int ends[2];

    CU_ASSERT(pipe(ends) == 0);
    CU_ASSERT(before > 0 && proc_open_fds(getpid()) == before + 2);
    (void)close(ends[0]);
    (void)close(ends[1]);
    proc_command(getpid(), command);
    CU_ASSERT_STRING_EQUAL(command, "test_base_proc");
    proc_command(0, command);
    CU_ASSERT_STRING_EQUAL(command, "");
    CU_ASSERT(proc_open_fds(0) == 0);
}

static const struct unit_test tests[] = {
    {"lines are parsed",      lines_are_parsed     },
    {"cut lines are refused", cut_lines_are_refused},
    {"own family is there",   own_family_is_there  },
    {"own details are there", own_details_are_there},
};

UNIT_MAIN("base/proc", tests)
