// SPDX-License-Identifier: BSD-2-Clause
#include "tool/offline.h"

#include <sys/file.h>

#include "tests/unit/tool/stand.h"

static struct find_place
place_of(struct stand *stand, const char *id)
{
    struct find_target target = {.is_found = false};
    struct err err;

    snprintf(target.id, sizeof target.id, "%s", id);
    CU_ASSERT_FATAL(find_targets(&stand->root, &target, 1, &err) == 0);
    return target.place;
}

static enum offline_result
wish(struct stand *stand, enum offline_wish wanted, const char *id)
{
    struct find_place place = place_of(stand, id);
    struct offline offline;
    enum offline_result result;
    struct err err = {ERR_NONE, ""};

    offline_init(&offline, &stand->root, stand->tool.now_ms, true);
    offline.reason = "by test";
    result = offline_do(&offline, wanted, id, &place, &err);
    offline_clear(&offline);
    if (result == OFFLINE_FAILED)
        fprintf(stderr, "%s\n", err.text);
    return result;
}

static void
a_slot_goes_on_hold(void)
{
    struct stand stand;
    char events[500];

    stand_make(&stand);
    stand_fill(&stand);
    CU_ASSERT(wish(&stand, OFFLINE_HOLD, STAND_A) == OFFLINE_LOCKED);
    stand_unlock(&stand);
    CU_ASSERT(wish(&stand, OFFLINE_HOLD, STAND_A) == OFFLINE_DONE);
    stand_events(stand.root.hold_fd, STAND_A, events);
    CU_ASSERT_STRING_EQUAL(events, "held ");
    CU_ASSERT(place_of(&stand, STAND_A).place == PLACE_HOLD);
    stand_remove(&stand);
}

static void
a_waiting_one_is_due(void)
{
    struct stand stand;
    struct find_found found;
    struct stat info;

    stand_make(&stand);
    stand_fill(&stand);
    stand_unlock(&stand);
    CU_ASSERT(wish(&stand, OFFLINE_RETRY, STAND_B) == OFFLINE_DONE);
    CU_ASSERT_FATAL(find_message(&stand.tool, &stand.root, STAND_B, &found) == TOOL_DONE);
    CU_ASSERT(fstat(found.fd, &info) == 0 && info.st_mtim.tv_sec == 1700000100);
    CU_ASSERT(state_next_try_ms(&found.message.state) == 0);
    CU_ASSERT(state_open_count(&found.message.state) == 2);
    find_close(&found);
    stand_remove(&stand);
}

static void
what_is_held_goes_on(void)
{
    struct stand stand;
    struct find_place place;
    char events[500];
    int fd;

    stand_make(&stand);
    stand_fill(&stand);
    CU_ASSERT(wish(&stand, OFFLINE_UNHOLD, STAND_D) == OFFLINE_DONE);
    place = place_of(&stand, STAND_D);
    CU_ASSERT(place.place == PLACE_ACTIVE && !place.is_slot);
    CU_ASSERT_STRING_EQUAL(place.folder, "00");
    CU_ASSERT(strcmp(place.instance, stand.instance.name) != 0);
    fd = find_open_folder(&stand.root, &place, NULL);
    stand_events(fd, STAND_D, events);
    CU_ASSERT_STRING_EQUAL(events, "held unheld ");
    close(fd);
    CU_ASSERT(wish(&stand, OFFLINE_HOLD, STAND_D) == OFFLINE_DONE); // nobody has that instance
    stand_remove(&stand);
}

static void
deleted_is_gone(void)
{
    struct stand stand;
    struct find_target target = {.id = STAND_B};
    struct err err;
    int fd;

    stand_make(&stand);
    stand_fill(&stand);
    fd = openat(stand.root.hold_fd, STAND_D, O_RDONLY);
    CU_ASSERT_FATAL(flock(fd, LOCK_EX) == 0);
    CU_ASSERT(wish(&stand, OFFLINE_DELETE, STAND_D) == OFFLINE_LOCKED);
    close(fd);
    CU_ASSERT(wish(&stand, OFFLINE_DELETE, STAND_D) == OFFLINE_DONE);
    stand_unlock(&stand);
    CU_ASSERT(wish(&stand, OFFLINE_DELETE, STAND_B) == OFFLINE_DONE);
    CU_ASSERT(find_targets(&stand.root, &target, 1, &err) == 0 && !target.is_found);
    stand_remove(&stand);
}

// Between the look and the lock it may have become another one.
static void
what_changed_is_left_alone(void)
{
    struct stand stand;
    struct find_place place, done;
    struct offline offline;
    struct err err;

    stand_make(&stand);
    stand_fill(&stand);
    place = place_of(&stand, STAND_A);
    done = place_of(&stand, STAND_C);
    stand_unlock(&stand);
    offline_init(&offline, &stand.root, stand.tool.now_ms, false);
    CU_ASSERT(offline_do(&offline, OFFLINE_DELETE, STAND_B, &place, &err) == OFFLINE_GONE);
    CU_ASSERT(offline_do(&offline, OFFLINE_HOLD, STAND_C, &done, &err) == OFFLINE_GONE);
    snprintf(place.name, sizeof place.name, "slot-0009");
    CU_ASSERT(offline_do(&offline, OFFLINE_DELETE, STAND_A, &place, &err) == OFFLINE_GONE);
    snprintf(place.instance, sizeof place.instance, "none");
    CU_ASSERT(offline_do(&offline, OFFLINE_DELETE, STAND_A, &place, &err) != OFFLINE_DONE);
    offline_clear(&offline);
    CU_ASSERT(place_of(&stand, STAND_A).place == PLACE_ACTIVE);
    stand_remove(&stand);
}

static void
all_are_retried(void)
{
    struct stand stand;
    struct find_found found;
    struct offline offline;
    size_t done, locked;
    struct err err;

    stand_make(&stand);
    stand_fill(&stand);
    offline_init(&offline, &stand.root, stand.tool.now_ms, true);
    CU_ASSERT(offline_retry_all(&offline, &done, &locked, &err) == 0);
    CU_ASSERT(done == 0 && locked == 1);
    stand_unlock(&stand);
    CU_ASSERT(offline_retry_all(&offline, &done, &locked, &err) == 0);
    CU_ASSERT(done == 2 && locked == 0); // A and B; C is over
    CU_ASSERT(offline.sync);
    offline_clear(&offline);
    CU_ASSERT_FATAL(find_message(&stand.tool, &stand.root, STAND_B, &found) == TOOL_DONE);
    CU_ASSERT(state_next_try_ms(&found.message.state) == 0);
    find_close(&found);
    stand_remove(&stand);
}

// A line that was cut by a power failure does not swallow ours.
static void
half_lines_are_cut_off(void)
{
    struct stand stand;
    char events[500];

    stand_make(&stand);
    stand_put(stand.root.hold_fd, STAND_D, STAND_D, "x", "held reason=x", "2 1700000 unhe");
    stand_unlock(&stand);
    CU_ASSERT(wish(&stand, OFFLINE_UNHOLD, STAND_D) == OFFLINE_DONE);
    CU_ASSERT(wish(&stand, OFFLINE_HOLD, STAND_D) == OFFLINE_DONE);
    stand_events(stand.root.hold_fd, STAND_D, events);
    CU_ASSERT_STRING_EQUAL(events, "held unheld held ");
    stand_remove(&stand);
}

static const struct unit_test tests[] = {
    {"a slot goes on hold",        a_slot_goes_on_hold       },
    {"a waiting one is due",       a_waiting_one_is_due      },
    {"what is held goes on",       what_is_held_goes_on      },
    {"deleted is gone",            deleted_is_gone           },
    {"what changed is left alone", what_changed_is_left_alone},
    {"all are retried",            all_are_retried           },
    {"half lines are cut off",     half_lines_are_cut_off    },
};

UNIT_MAIN("tool/offline", tests)
