// SPDX-License-Identifier: BSD-2-Clause
#include "src/scribe/survey.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/unit/harness.h"
#include "tests/unit/src/scribe/survey_stand.h"

static void
touch(int dir_fd, const char *name)
{
    int fd = openat(dir_fd, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);

    CU_ASSERT_FATAL(fd >= 0);
    (void)close(fd);
}

static void
files_are_counted(void)
{
    struct survey_stand stand;
    struct metrics_view view;
    char name[64];

    stand_make(&stand);
    touch(stand.root.hold_fd, "4X2k9QzT7mB");
    touch(stand.root.hold_fd, "4X2k9QzT7mC");
    touch(stand.root.hold_fd, "no id");
    CU_ASSERT(mkdirat(stand.root.quarantine_fd, "2026-11-20", 0700) == 0);
    CU_ASSERT(mkdirat(stand.root.quarantine_fd, "2026-11-21", 0700) == 0);
    touch(stand.root.quarantine_fd, "2026-11-20/4X2k9QzT7mD");
    for (int i = 0; i < 3000; i++) {
        (void)snprintf(name, sizeof name, "2026-11-21/4X2k9Qz%04d", i);
        touch(stand.root.quarantine_fd, name);
    }
    touch(stand.root.corrupt_fd, "slot-0000.1");
    stand_begin(&stand);
    survey_view(stand.survey, &view);
    CU_ASSERT(view.hold == UINT64_MAX && view.quarantine == UINT64_MAX);
    CU_ASSERT(view.corrupt == UINT64_MAX && view.process_count == 0);
    stand_look(&stand);
    survey_view(stand.survey, &view);
    CU_ASSERT(view.hold == 2 && view.quarantine == 3001 && view.corrupt == 1);
    CU_ASSERT_PTR_EQUAL(view.page, stand.page);
    stand_remove(&stand);
}

static const struct {
    const char *name;
    uint64_t min_free, min_inodes, messages;
    const char *trouble; // NULL: there is room
} rooms[] = {
    {"room",           0,         0,         99,  NULL                   },
    {"no space",       INT64_MAX, 0,         0,   "too little space in /"},
    {"no inodes",      0,         INT64_MAX, 0,   "too few inodes in /"  },
    {"too many in it", 0,         0,         100, "too many messages in "},
};

static void
room_is_checked(void)
{
    struct survey_stand stand;
    struct err err = {0};

    stand_make(&stand);
    stand_set_worker(&stand, 0, getpid(), 0);
    stand_begin(&stand);
    CU_ASSERT(survey_check_room(stand.survey, &err) == -1);
    CU_ASSERT_STRING_EQUAL(err.text, "the spool was not looked at yet");
    stand_look(&stand);
    for (size_t i = 0; i < UNIT_COUNT(rooms); i++) {
        int expected = rooms[i].trouble == NULL ? 0 : -1;

        stand.settings.spool.min_free = rooms[i].min_free;
        stand.settings.spool.min_inodes = rooms[i].min_inodes;
        atomic_store(&stand.page->worker[0].messages, rooms[i].messages);
        UNIT_CHECK_ROW(rooms[i].name, survey_check_room(stand.survey, &err) == expected);
        UNIT_CHECK_ROW(rooms[i].name,
                       expected == 0 || strstr(err.text, rooms[i].trouble) == err.text);
    }
    stand_remove(&stand);
}

static void
missing_spool_is_no_room(void)
{
    struct survey_stand stand;
    struct metrics_view view;
    struct err err = {0};
    char path[] = "/nonexistent/spool";

    stand_make(&stand);
    stand.settings.spool.path = path;
    stand_begin(&stand);
    stand_look(&stand);
    CU_ASSERT(survey_check_room(stand.survey, &err) == -1);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "/nonexistent/spool"));
    survey_view(stand.survey, &view);
    CU_ASSERT(view.hold == UINT64_MAX);
    stand_remove(&stand);
}

static void
signs_of_life(void)
{
    struct survey_stand stand;

    stand_make(&stand);
    stand_set_worker(&stand, 0, 1234, 0);
    stand_set_worker(&stand, 1, 1235, 60000);
    stand_set_worker(&stand, 2, 0, 0);
    stand_begin(&stand);
    CU_ASSERT(survey_is_alive(stand.survey, 0));
    CU_ASSERT(!survey_is_alive(stand.survey, 1));
    CU_ASSERT(!survey_is_alive(stand.survey, 2));
    CU_ASSERT(survey_has_master(stand.survey));
    stand_remove(&stand);
}

// --- processes: this one plays the master ---

enum { FAMILY = 6 };

struct seen {
    size_t count;
    struct metrics_process processes[FAMILY + 4];
    char kinds[FAMILY + 4][16];
};

// In a group of its own, so that what it starts ends with it.
static pid_t
fork_group(void)
{
    pid_t pid = fork();

    (void)setpgid(pid, pid); // both do it: whoever comes first
    return pid;
}

static pid_t
start(const char *name, const char *command)
{
    pid_t pid = fork_group();

    if (pid == 0) {
        (void)execl("/bin/sh", name, "-c", command, (char *)NULL);
        _exit(1);
    }
    return pid;
}

_Noreturn static void
be_scribe(pid_t worker, int out)
{
    static struct seen seen;
    struct survey_stand stand;
    struct metrics_view view;

    stand_make(&stand);
    stand_set_worker(&stand, 1, worker, 0);
    stand_begin(&stand);
    stand_look(&stand);
    survey_view(stand.survey, &view);
    seen.count = view.process_count;
    for (size_t i = 0; i < view.process_count && i < UNIT_COUNT(seen.processes); i++) {
        seen.processes[i] = view.processes[i];
        (void)snprintf(seen.kinds[i], sizeof seen.kinds[i], "%s", view.processes[i].kind);
    }
    stand_remove(&stand);
    _exit(write(out, &seen, sizeof seen) == sizeof seen ? 0 : 1);
}

static size_t
count_kind(const struct seen *seen, const char *kind, pid_t pid)
{
    size_t count = 0;

    for (size_t i = 0; i < seen->count && i < UNIT_COUNT(seen->processes); i++) {
        if (strcmp(seen->kinds[i], kind) == 0 && (pid == 0 || seen->processes[i].pid == pid))
            count++;
    }
    return count;
}

// A nursery with two dissectors says that they are there; so nobody looks before they are.
static void
wait_for_nursery(int ready)
{
    char byte;

    for (int i = 0; i < 2; i++)
        CU_ASSERT(read(ready, &byte, 1) == 1);
}

static void
family_is_told_apart(void)
{
    static struct seen seen;
    pid_t family[FAMILY];
    int ready[2], out[2];
    char command[200];

    CU_ASSERT_FATAL(pipe(ready) == 0 && pipe(out) == 0);
    (void)snprintf(command, sizeof command,
                   "(echo -n x >&%d; exec sleep 100) & (echo -n x >&%d; exec sleep 100) & wait",
                   ready[1], ready[1]);
    family[0] = start("posternd", "sleep 100; true");        // a worker: the page says so
    family[1] = start("/x/postern-dissect", command);        // the nursery
    family[2] = start("/usr/sbin/posternd", "sleep 100; :"); // a former scribe
    family[3] = start("stranger", "sleep 100; true");
    family[4] = start("posternd", "exit 0"); // dead, and not reaped yet
    wait_for_nursery(ready[0]);
    CU_ASSERT(waitid(P_PID, (id_t)family[4], &(siginfo_t){0}, WEXITED | WNOWAIT) == 0);
    family[5] = fork_group();
    if (family[5] == 0)
        be_scribe(family[0], out[1]);
    CU_ASSERT_FATAL(read(out[0], &seen, sizeof seen) == sizeof seen);
    CU_ASSERT(seen.count == 7);
    CU_ASSERT(count_kind(&seen, "master", getpid()) == 1);
    CU_ASSERT(count_kind(&seen, "worker", family[0]) == 1 && count_kind(&seen, "worker", 0) == 1);
    CU_ASSERT(count_kind(&seen, "nursery", family[1]) == 1 && count_kind(&seen, "nursery", 0) == 1);
    CU_ASSERT(count_kind(&seen, "scribe", family[2]) == 1);
    CU_ASSERT(count_kind(&seen, "scribe", family[5]) == 1);
    CU_ASSERT(count_kind(&seen, "dissector", 0) == 2);
    for (size_t i = 0; i < seen.count; i++)
        CU_ASSERT(seen.processes[i].resident_bytes > 0 && seen.processes[i].start_seconds > 1e9);
    for (size_t i = 0; i < FAMILY; i++) {
        (void)kill(-family[i], SIGKILL);
        (void)waitpid(family[i], NULL, 0);
    }
    for (size_t i = 0; i < 2; i++) {
        (void)close(ready[i]);
        (void)close(out[i]);
    }
}

static const struct unit_test tests[] = {
    {"files are counted",          files_are_counted       },
    {"room is checked",            room_is_checked         },
    {"a missing spool is no room", missing_spool_is_no_room},
    {"signs of life",              signs_of_life           },
    {"the family is told apart",   family_is_told_apart    },
};

UNIT_MAIN("src/scribe/survey", tests)
