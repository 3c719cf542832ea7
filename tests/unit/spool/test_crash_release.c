// SPDX-License-Identifier: BSD-2-Clause
// A child lets a message go out of quarantine and is killed at each single call that changes the
// disk. Nobody is lost, and whoever is out is not let go a second time unless somebody insists.
#include <sys/wait.h>

#include "tests/unit/spool/killer.h"
#include "tests/unit/spool/kit.h"
#include "tests/unit/spool/quarantined.h"

enum { LEN = 100000 };

static const char id[] = "4X2k9QzT7mB";
static const char *const caught[] = {"decided g=0 verdict=quarantine rule=virus r=0-2",
                                     "quarantined rule=virus reason=Eicar", NULL};

struct desk { // what the tool makes for it
    struct place_root root;
    struct place_instance instance;
    int bucket, day, file;
    struct reader_message message;
    struct err err;
};

static void
desk_open(struct desk *desk, const char *folder)
{
    CU_ASSERT_EQUAL_FATAL(place_root_open(&desk->root, folder, true, &desk->err), 0);
    CU_ASSERT_EQUAL_FATAL(place_instance_new(&desk->root, &desk->instance, &desk->err), 0);
    CU_ASSERT_EQUAL(fs_make_dir(desk->instance.fd, "00", 0700, &desk->err), 0);
    desk->bucket = fs_open_dir(desk->instance.fd, "00", &desk->err);
    desk->file = quarantine_open(&desk->root, id, &desk->day, &desk->err);
    CU_ASSERT_FATAL(desk->file >= 0);
    CU_ASSERT_EQUAL_FATAL(reader_load(desk->file, &desk->message, &desk->err), READER_OK);
}

static void
desk_close(struct desk *desk)
{
    reader_message_clear(&desk->message);
    close(desk->file);
    close(desk->day);
    close(desk->bucket);
    place_instance_close(&desk->instance);
    place_root_close(&desk->root);
}

static int
let_go(struct desk *desk, bool again)
{
    struct ranges rcpts;
    struct quarantine_release release = {.message = &desk->message,
                                         .file_fd = desk->file,
                                         .rcpts = &rcpts,
                                         .again = again,
                                         .by = "root",
                                         .now_ms = 1800000000000,
                                         .sync = true};
    char child[ID_MAX + 1];
    int result;

    ranges_init(&rcpts, 3);
    ranges_add_all(&rcpts);
    result = quarantine_release(&release, desk->bucket, child, &desk->err);
    ranges_clear(&rcpts);
    return result;
}

static bool
kill_child_at(const char *folder, long at)
{
    struct desk desk;
    int status;
    pid_t pid;

    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        desk_open(&desk, folder);
        kill_at = at;
        _exit(let_go(&desk, false) == 0 ? 0 : 3);
    }
    CU_ASSERT_EQUAL_FATAL(waitpid(pid, &status, 0), pid);
    CU_ASSERT(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0);
    return WIFSIGNALED(status);
}

// How many are given to the next owner, each whole; they are sent.
static size_t
deliver(const char *folder)
{
    static struct kit kit;
    size_t count;

    kit_open(&kit, folder, true);
    kit_run(&kit, kit_is_idle);
    kit.wanted = kit.spool->agenda.count;
    kit_run(&kit, kit_has_files);
    kit_run(&kit, kit_is_idle);
    count = kit.file_count;
    for (size_t i = 0; i < count; i++) {
        CU_ASSERT_STRING_EQUAL(spool_file_envelope(kit.files[i])->skip_rule, "virus");
        CU_ASSERT_EQUAL(spool_file_len(kit.files[i]), LEN);
        kit_note(kit.files[i], "sent", "0-2");
        spool_file_finish(&kit.files[i]);
    }
    kit_run(&kit, kit_is_idle);
    kit_close(&kit);
    return count;
}

static void
check_once(const char *folder, const char *when, bool was_killed)
{
    struct desk desk;
    size_t out = deliver(folder);
    bool is_doubtful;

    UNIT_CHECK_ROW(when, out <= 1 && (was_killed || out == 1));
    desk_open(&desk, folder);
    UNIT_CHECK_ROW(when, state_open_count(&desk.message.state) == 3);
    UNIT_CHECK_ROW(when, desk.message.state.quarantined && desk.message.bad_lines == 0);
    is_doubtful = desk.message.state.releasing > 0;
    UNIT_CHECK_ROW(when, was_killed || !is_doubtful);
    // Only who is in for certain is let go.
    UNIT_CHECK_ROW(when, let_go(&desk, false) == 0 || out == 1 || is_doubtful);
    desk_close(&desk);
    out += deliver(folder);
    UNIT_CHECK_ROW(when, out == 1 || (out == 0 && is_doubtful));
    desk_open(&desk, folder);
    UNIT_CHECK_ROW(when, let_go(&desk, true) == 0);
    desk_close(&desk);
    UNIT_CHECK_ROW(when, deliver(folder) == 1);
}

static void
test_each_call(void)
{
    bool was_killed = true;
    char folder[64], when[64];
    struct place_root root;
    long at;

    for (at = 1; was_killed; at++) {
        CU_ASSERT_FATAL(at < 100);
        snprintf(when, sizeof when, "killed at call %ld", at);
        kit_folder(folder);
        CU_ASSERT_EQUAL_FATAL(place_root_open(&root, folder, true, NULL), 0);
        quarantined_put(&root, id, 1700000000000, LEN, caught);
        place_root_close(&root);
        was_killed = kill_child_at(folder, at);
        check_once(folder, when, was_killed);
        kit_remove(folder);
    }
    CU_ASSERT(at > 10);
}

static const struct unit_test tests[] = {
    {"killed at each call", test_each_call},
};

UNIT_MAIN("spool/crash_release", tests)
