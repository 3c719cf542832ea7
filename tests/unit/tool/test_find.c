// SPDX-License-Identifier: BSD-2-Clause
#include "tool/find.h"

#include "tests/unit/tool/stand.h"

static int
note_place(void *arg, int dir_fd, const struct find_place *place)
{
    (void)dir_fd;
    return buf_printf(arg, "%s:%s:%s%s ", spool_place_name(place->place), place->folder,
                      place->name, place->is_slot ? ":slot" : "");
}

static int
stop_at_once(void *arg, int dir_fd, const struct find_place *place)
{
    (void)dir_fd;
    (void)place;
    (*(int *)arg)++;
    return 7;
}

static void
all_places_are_walked(void)
{
    struct stand stand;
    struct err err;
    struct buf seen;
    int day, count = 0;

    stand_make(&stand);
    stand_fill(&stand);
    CU_ASSERT_FATAL(fs_make_dir(stand.root.quarantine_fd, "2026-01-31", 0700, &err) == 0);
    day = fs_open_dir(stand.root.quarantine_fd, "2026-01-31", &err);
    stand_put(day, STAND_C, STAND_C, "x", "", "");
    close(day);
    stand_put(stand.root.corrupt_fd, "slot-0003.1", STAND_C, "x", "", "");
    buf_init(&seen, 4096);
    CU_ASSERT(find_walk(&stand.root, ~0U, note_place, &seen, &err) == 0);
    CU_ASSERT(stand_has(buf_text(&seen), "active::slot-0001:slot "));
    CU_ASSERT(stand_has(buf_text(&seen), "active:00:" STAND_B " "));
    CU_ASSERT(stand_has(buf_text(&seen), "hold::" STAND_D " "));
    CU_ASSERT(stand_has(buf_text(&seen), "quarantine:2026-01-31:" STAND_C " "));
    CU_ASSERT(stand_has(buf_text(&seen), "corrupt::slot-0003.1 "));
    buf_reset(&seen);
    CU_ASSERT(find_walk(&stand.root, 1U << PLACE_HOLD, note_place, &seen, &err) == 0);
    CU_ASSERT_STRING_EQUAL(buf_text(&seen), "hold::" STAND_D " ");
    CU_ASSERT(find_walk(&stand.root, ~0U, stop_at_once, &count, &err) == 7);
    CU_ASSERT(count == 1);
    buf_clear(&seen);
    stand_remove(&stand);
}

static void
targets_are_found_in_one_walk(void)
{
    static const char *const ids[] = {STAND_NONE, STAND_D, STAND_B, STAND_A};
    struct find_target targets[4] = {{.is_found = false}};
    struct stand stand;
    struct err err;

    stand_make(&stand);
    stand_fill(&stand);
    for (size_t i = 0; i < 4; i++)
        snprintf(targets[i].id, sizeof targets[i].id, "%s", ids[i]);
    CU_ASSERT(find_targets(&stand.root, targets, 4, &err) == 0);
    CU_ASSERT_STRING_EQUAL(targets[0].id, STAND_A); // sorted
    CU_ASSERT(targets[0].is_found && targets[0].place.is_slot);
    CU_ASSERT_STRING_EQUAL(targets[0].place.name, "slot-0001");
    CU_ASSERT_STRING_EQUAL(targets[0].place.instance, stand.instance.name);
    CU_ASSERT(targets[1].is_found && targets[1].place.place == PLACE_ACTIVE);
    CU_ASSERT_STRING_EQUAL(targets[1].place.folder, "00");
    CU_ASSERT(targets[2].is_found && targets[2].place.place == PLACE_HOLD);
    CU_ASSERT(!targets[3].is_found);
    stand_remove(&stand);
}

static void
messages_are_opened(void)
{
    char sha256[SHA256_TEXT_LEN + 1];
    struct find_found found;
    struct stand stand;
    int bucket, fd;

    stand_make(&stand);
    stand_fill(&stand);
    CU_ASSERT_FATAL(find_message(&stand.tool, &stand.root, STAND_A, &found) == TOOL_DONE);
    CU_ASSERT_STRING_EQUAL(found.message.envelope.from, "sA@example.org");
    find_sha256(&found, sha256);
    CU_ASSERT_STRING_EQUAL(sha256,
                           "a4519d05a1e6df32df69a74d207d10610d1195a9567718943c3c9baeb8c7bbc1");
    // Another message in its slot is not taken for it.
    fd = openat(stand.instance.fd, "slot-0001", O_WRONLY);
    CU_ASSERT(pwrite(fd, "x", 1, (off_t)found.message.seal.offset) == 1);
    find_sha256(&found, sha256);
    CU_ASSERT_STRING_EQUAL(sha256, "");
    CU_ASSERT(ftruncate(fd, (off_t)found.message.seal.offset) == 0);
    find_sha256(&found, sha256);
    CU_ASSERT_STRING_EQUAL(sha256, "");
    close(fd);
    find_close(&found);
    CU_ASSERT(find_message(&stand.tool, &stand.root, STAND_NONE, &found) == TOOL_NOTHING);
    fflush(stand.tool.errors);
    CU_ASSERT_STRING_EQUAL(stand.errors, "postern: " STAND_NONE ": there is no such message\n");
    stand_rewind(&stand);
    bucket = stand_bucket(&stand);
    close(openat(bucket, STAND_NONE, O_CREAT | O_WRONLY, 0600));
    close(bucket);
    CU_ASSERT(find_message(&stand.tool, &stand.root, STAND_NONE, &found) == TOOL_IO);
    fflush(stand.tool.errors);
    CU_ASSERT(stand_has(stand.errors, STAND_NONE ": "));
    stand_remove(&stand);
}

static void
no_spool_is_told(void)
{
    struct place_root root;
    struct stand stand;

    stand_make(&stand);
    CU_ASSERT(find_open_spool(&stand.tool, &root) == TOOL_DONE);
    place_root_close(&root);
    mem_free(&stand.settings->spool.path);
    stand.settings->spool.path = mem_printf("%s/none", stand.scratch.path);
    CU_ASSERT(find_open_spool(&stand.tool, &root) == TOOL_NOTHING);
    mem_free(&stand.settings->spool.path);
    stand.settings->spool.path = mem_printf("%s/postern.conf", stand.scratch.path);
    CU_ASSERT(find_open_spool(&stand.tool, &root) != TOOL_DONE);
    fflush(stand.tool.errors);
    CU_ASSERT(stand_has(stand.errors, "/none: No such file or directory\n"));
    stand_remove(&stand);
}

static const struct unit_test tests[] = {
    {"all places are walked",         all_places_are_walked        },
    {"targets are found in one walk", targets_are_found_in_one_walk},
    {"messages are opened",           messages_are_opened          },
    {"no spool is told",              no_spool_is_told             },
};

UNIT_MAIN("tool/find", tests)
