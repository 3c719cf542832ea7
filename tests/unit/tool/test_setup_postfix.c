// SPDX-License-Identifier: BSD-2-Clause
#include <sys/wait.h>

#include "tests/unit/harness.h"
#include "tests/unit/tool/fake_postconf.h"
#include "tests/unit/tool/stand.h"

// The configuration is the stand's, Postfix's folder that of the fake.
struct scene {
    struct stand stand;
    struct scratch scratch;
    char folder[1024];
};

static void
scene_make(struct scene *scene)
{
    stand_make(&scene->stand);
    fake_postconf_make(&scene->scratch);
    scratch_name(&scene->scratch, "conf", scene->folder);
    opterr = 0;
}

static void
scene_remove(struct scene *scene)
{
    scratch_remove(&scene->scratch);
    stand_remove(&scene->stand);
}

static enum tool_exit
run(struct scene *scene, const char *option, const char *word)
{
    char name[] = "setup-postfix", folder_option[] = "-c";

    return stand_run(&scene->stand, setup_postfix_run, name, folder_option, scene->folder, option,
                     word, NULL);
}

static size_t
count_kept(const struct scene *scene)
{
    char *command = mem_printf("exit $(ls %s | grep -c '\\.before-')", scene->folder);
    int status = system(command);

    mem_free(&command);
    return (size_t)WEXITSTATUS(status);
}

static void
lines_are_printed(void)
{
    struct scene scene;

    scene_make(&scene);
    CU_ASSERT(run(&scene, NULL, NULL) == TOOL_DONE);
    CU_ASSERT(stand_has(scene.stand.out, "\ncontent_filter = postern:[127.0.0.1]:10024\n"));
    CU_ASSERT(stand_has(scene.stand.out, "\npostern unix - - n - 20 smtp\n  -o "));
    CU_ASSERT(run(&scene, "--json", NULL) == TOOL_DONE);
    CU_ASSERT(stand_has(scene.stand.out, "{\"file\":\"main.cf\",\"name\":\"content_filter\","
                                         "\"value\":\"postern:[127.0.0.1]:10024\"}\n"));
    CU_ASSERT(stand_has(scene.stand.out, "{\"file\":\"master.cf\",\"name\":\"postern/unix\","));
    CU_ASSERT(count_kept(&scene) == 0);
    scene_remove(&scene);
}

static void
it_is_put_there_once(void)
{
    struct scene scene;

    scene_make(&scene);
    CU_ASSERT(run(&scene, "--apply", NULL) == TOOL_DONE);
    CU_ASSERT(stand_has(scene.stand.out, "master.cf: postern/unix (new)\n"));
    CU_ASSERT(
        stand_has(scene.stand.out, "main.cf: content_filter = postern:[127.0.0.1]:10024 (new)\n"));
    CU_ASSERT(stand_has(scene.stand.out, "# it is in force after: postfix -c "));
    CU_ASSERT(count_kept(&scene) == 2);
    CU_ASSERT(run(&scene, "--apply", NULL) == TOOL_DONE);
    CU_ASSERT(stand_has(scene.stand.out, "# nothing to change in "));
    CU_ASSERT(count_kept(&scene) == 2);
    scene.stand.tool.now_ms++;
    CU_ASSERT(run(&scene, "--remove", "--json") == TOOL_DONE);
    CU_ASSERT(stand_has(scene.stand.out,
                        "{\"file\":\"main.cf\",\"name\":\"content_filter\","
                        "\"before\":\"postern:[127.0.0.1]:10024\",\"value\":\"\"}"));
    CU_ASSERT(count_kept(&scene) == 4);
    scene_remove(&scene);
}

// clang-format off
static const struct {
    const char *name, *main_cf;
    const char *option, *word;
    enum tool_exit result;
    const char *errors;
} refusals[] = {
    {"two wishes", "", "--apply", "--remove", TOOL_USAGE, "setup-postfix [--apply | --remove]"},
    {"an argument", "", "--apply", "x", TOOL_USAGE, "usage: "},
    {"no option", "", "--force", NULL, TOOL_USAGE, "usage: "},
    {"no such listener", "", "--listener", "x", TOOL_NOTHING,
     "the configuration has no listener \"x\""},
    {"another filter", "content_filter\tamavis:x\n", "--apply", NULL, TOOL_NOTHING,
     "nothing is changed: content_filter is \"amavis:x\""},
};

// clang-format on

static void
refusals_hold(void)
{
    struct scene scene;

    scene_make(&scene);
    for (size_t i = 0; i < UNIT_COUNT(refusals); i++) {
        char *main_cf;

        scratch_write(&scene.scratch, "conf/main.cf", refusals[i].main_cf);
        UNIT_CHECK_ROW(refusals[i].name,
                       run(&scene, refusals[i].option, refusals[i].word) == refusals[i].result);
        UNIT_CHECK_ROW(refusals[i].name, stand_has(scene.stand.errors, refusals[i].errors));
        main_cf = fake_postconf_read(&scene.scratch, "conf/main.cf");
        UNIT_CHECK_ROW(refusals[i].name, strcmp(main_cf, refusals[i].main_cf) == 0);
        mem_free(&main_cf);
    }
    CU_ASSERT(count_kept(&scene) == 0);
    scene_remove(&scene);
}

static void
what_postconf_did_not_take_is_found(void)
{
    struct scene scene;

    scene_make(&scene);
    setenv("STUBBORN", "postern_*", 1);
    CU_ASSERT(run(&scene, "--apply", NULL) == TOOL_NOTHING);
    CU_ASSERT(stand_has(scene.stand.errors, "postconf did not take postern_destination_"));
    unsetenv("STUBBORN");
    CU_ASSERT(count_kept(&scene) == 0);
    scene_remove(&scene);
}

static void
no_postfix_is_told(void)
{
    struct scene scene;

    scene_make(&scene);
    setenv("PATH", "/nonexistent", 1);
    CU_ASSERT(run(&scene, "--apply", NULL) == TOOL_IO);
    CU_ASSERT(stand_has(scene.stand.errors, "nothing is changed: cannot run postconf"));
    setenv("PATH", "/usr/bin:/bin", 1);
    scene_remove(&scene);
}

static const struct unit_test tests[] = {
    {"lines are printed",                   lines_are_printed                  },
    {"it is put there once",                it_is_put_there_once               },
    {"refusals hold",                       refusals_hold                      },
    {"what postconf did not take is found", what_postconf_did_not_take_is_found},
    {"no Postfix is told",                  no_postfix_is_told                 },
};

UNIT_MAIN("tool/setup_postfix", tests)
