// SPDX-License-Identifier: BSD-2-Clause
// FAKE_DISSECT is the program's own main with fake_look.c behind it.
#include "mime/dissect.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/unit/base/tempdir.h"
#include "tests/unit/harness.h"

static void
test_open(void)
{
    static const struct {
        const char *name; // in the folder
        mode_t mode;      // 0: not there
        bool is_opened;
    } rows[] = {
        {"program",        0755, true },
        {"not executable", 0644, false},
        {"missing",        0,    false},
    };
    struct tempdir dir;

    tempdir_make(&dir);
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct err err = {0};
        int fd;

        if (rows[i].mode != 0)
            (void)close(openat(dir.fd, rows[i].name, O_CREAT | O_WRONLY, rows[i].mode));
        fd = dissect_open_program(tempdir_name(&dir, rows[i].name), &err);
        UNIT_CHECK_ROW(rows[i].name, (fd >= 0) == rows[i].is_opened);
        UNIT_CHECK_ROW(rows[i].name, fd < 0 || (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
        UNIT_CHECK_ROW(rows[i].name, fd >= 0 || err.kind == ERR_PERM);
        UNIT_CHECK_ROW(rows[i].name, fd >= 0 || strstr(err.text, rows[i].name) != NULL);
        if (fd >= 0)
            (void)close(fd);
    }
    tempdir_remove(&dir);
}

// Beside this test there is none. What is installed on this machine is not ours to say.
static void
test_open_by_itself(void)
{
    struct err err = {0};
    int fd = dissect_open_program("", &err);

    CU_ASSERT_TRUE(fd >= 0 || (err.kind == ERR_PERM && strstr(err.text, "/mime/postern-dissect") &&
                               strstr(err.text, "libexec") != NULL));
    if (fd >= 0)
        (void)close(fd);
}

static struct loop *loop;

static void
on_done(void *arg, enum dissect_end end, struct findings *findings_take, const struct err *err)
{
    bool *is_found = arg;

    *is_found = end == DISSECT_FOUND && span_is(findings_take->limit_text, "hello");
    if (!*is_found)
        fprintf(stderr, "%s\n", err->text);
    findings_free(&findings_take);
    loop_stop(loop);
}

static void
test_start(void)
{
    struct dissect_settings settings = {.timeout = 20000, .memory = UINT64_C(512) << 20};
    struct dissect_setup setup = {.limits = settings};
    struct dissect_config config = {.build_id = "postern-test", .settings = &settings, .max = 1};
    struct dissect_request request = {
        .query = {.id = {"echo", 4}, .len = 5, .content = {"hello", 5}},
        .fd = -1,
        .wait_ms = 20000
    };
    struct dissect *dissect;
    struct err err = {0};
    bool is_found = false;
    int line = -1, status = -1;

    CU_ASSERT_EQUAL_FATAL(dissect_start_nursery(FAKE_DISSECT, &setup, &line, &err), 0);
    loop = config.loop = loop_new(&err);
    dissect = dissect_new(&config);
    dissect_set_nursery(dissect, line);
    (void)dissect_start(dissect, &request, on_done, &is_found);
    loop_run(loop);
    CU_ASSERT_TRUE(is_found);
    dissect_free(&dissect);
    loop_free(&loop);
    // It ends with the last line.
    CU_ASSERT_TRUE(wait(&status) > 0);
    CU_ASSERT_EQUAL(status, 0);
}

static void
test_cannot_start(void)
{
    static const struct {
        const char *name, *program, *pattern, *says;
        enum err_kind kind;
    } rows[] = {
        {"no such program", "/nowhere/x", "a", "/nowhere/x",            ERR_PERM},
        {"a bad pattern",   FAKE_DISSECT, "(", "exited with status 78", ERR_PERM},
        {"no program",      "",           "a", "exited with status 1",  ERR_PERM},
    };
    struct tempdir dir;

    tempdir_make(&dir);
    (void)close(openat(dir.fd, "text", O_CREAT | O_WRONLY, 0755));
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct pattern_spec pattern = {.text = span_of(rows[i].pattern)};
        struct dissect_setup setup = {.patterns = &pattern, .pattern_count = 1};
        const char *program =
            rows[i].program[0] != '\0' ? rows[i].program : tempdir_name(&dir, "text");
        struct err err = {0};
        int line = -1;

        UNIT_CHECK_ROW(rows[i].name, dissect_start_nursery(program, &setup, &line, &err) == -1);
        UNIT_CHECK_ROW(rows[i].name, err.kind == rows[i].kind);
        UNIT_CHECK_ROW(rows[i].name, strstr(err.text, rows[i].says) != NULL);
        UNIT_CHECK_ROW(rows[i].name, wait(NULL) == -1); // nobody is left over
    }
    tempdir_remove(&dir);
}

// By hand it has no setup, and says so.
static void
test_by_hand(void)
{
    int status = -1;
    pid_t pid = fork();

    if (pid == 0) {
        (void)close_range(3, ~0U, 0);
        (void)execl(FAKE_DISSECT, "postern-dissect", (char *)NULL);
        _exit(1);
    }
    CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
    CU_ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 64);
}

static const struct unit_test tests[] = {
    {"open",           test_open          },
    {"open by itself", test_open_by_itself},
    {"start",          test_start         },
    {"cannot start",   test_cannot_start  },
    {"by hand",        test_by_hand       },
};

UNIT_MAIN("mime/dissect_program", tests)
