// SPDX-License-Identifier: BSD-2-Clause
#include "spool/due.h"

#include "tests/unit/spool/kit.h"

static struct kit kit;
static char folder[64];
static const char id[] = "4X2k9QzT7mB";

static void
begin(void)
{
    kit_folder(folder);
    kit_open(&kit, folder, false);
    kit_run(&kit, kit_is_idle);
}

static void
end(void)
{
    kit_close(&kit);
    kit_remove(folder);
}

static void
wait_until(const char *name, int64_t until)
{
    struct spool_file *file = kit_write(&kit, WRITER_SPOOL, name, 2000);

    spool_file_wait(&file, until);
    kit_run(&kit, kit_is_idle);
}

static int64_t
now(void)
{
    return loop_realtime_ms(kit.loop);
}

static void
test_in_time(void)
{
    static const char *const order[] = {"4X2k9QzT7m3", "4X2k9QzT7m1", "4X2k9QzT7m2"};
    int64_t start;

    begin();
    start = now();
    wait_until("4X2k9QzT7m1", start + 300);
    wait_until("4X2k9QzT7m2", start + 450);
    wait_until("4X2k9QzT7m3", start + 150);
    wait_until("4X2k9QzT7m4", start + 3600000);
    for (size_t i = 0; i < UNIT_COUNT(order); i++) {
        kit_await_files(&kit, i + 1);
        CU_ASSERT(now() >= start + 150 * (int64_t)(i + 1));
        CU_ASSERT(now() <= start + 150 * (int64_t)(i + 1) + 140);
        CU_ASSERT_STRING_EQUAL(spool_file_id(kit.files[i]), order[i]);
        CU_ASSERT(!kit.adopted[i]);
    }
    CU_ASSERT_EQUAL(spool_waiting_count(kit.spool), 1);
    end();
}

// Never more than is_ready lets through, and after spool_poke the rest.
static void
test_ready(void)
{
    char name[16];

    begin();
    kit.room = 0;
    for (int i = 0; i < 30; i++) {
        snprintf(name, sizeof name, "4X2k9QzT7%02d", i);
        wait_until(name, 1);
    }
    CU_ASSERT_EQUAL(kit.file_count, 0);
    CU_ASSERT_EQUAL(spool_waiting_count(kit.spool), 30);
    for (unsigned i = 1; i <= 3; i++) {
        kit.room = 1;
        spool_poke(kit.spool);
        CU_ASSERT_EQUAL(kit.file_count, i - 1); // not from within
        kit_await_files(&kit, i);
        kit_run(&kit, kit_is_idle);
        CU_ASSERT_EQUAL(kit.file_count, i);
    }
    CU_ASSERT_EQUAL(kit.counters.messages, 30);
    kit.room = 1000;
    spool_poke(kit.spool);
    kit_await_files(&kit, 30);
    end();
}

static void
leave_adopted(const char *name, int64_t until)
{
    wait_until(name, until);
    agenda_find(&kit.spool->agenda, name)->is_adopted = true;
}

static bool
has_passed(struct kit *at)
{
    return at->waited_ms > 150;
}

// The parent may be about to make this child, which must be there then. One whose parent waits for
// later was made long ago.
static void
test_adopted_child(void)
{
    static const struct {
        int64_t parent_due_ms;    // from now on
        const char *first, *then; // NULL: nothing else
    } rows[] = {
        {-1,      "4X2k9QzT7mB",     "4X2k9QzT7mB.abc"},
        {3600000, "4X2k9QzT7mB.abc", NULL             },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        begin();
        kit.room = 0;
        leave_adopted("4X2k9QzT7mB", now() + rows[i].parent_due_ms);
        leave_adopted("4X2k9QzT7mB.abc", 1);
        kit.room = 2;
        spool_poke(kit.spool);
        kit_run(&kit, has_passed);
        CU_ASSERT_EQUAL_FATAL(kit.file_count, 1);
        CU_ASSERT_STRING_EQUAL(spool_file_id(kit.files[0]), rows[i].first);
        spool_file_finish(&kit.files[0]);
        if (rows[i].then != NULL) {
            kit_await_files(&kit, 2);
            CU_ASSERT_STRING_EQUAL(spool_file_id(kit.files[1]), rows[i].then);
        }
        end();
    }
}

// What is loaded when everything stops lies for the next owner.
static void
test_stop(void)
{
    begin();
    for (int i = 0; i < 20; i++) {
        char name[16];

        snprintf(name, sizeof name, "4X2k9QzT7%02d", i);
        wait_until(name, now() + 3600000);
    }
    spool_retry_all(kit.spool);
    while (kit.spool->tasks.pending == 0)
        kit_run(&kit, kit_is_done);
    kit.room = 0;
    spool_stop(kit.spool);
    kit_close(&kit);
    kit_open(&kit, folder, false);
    kit_run(&kit, kit_is_idle);
    spool_retry_all(kit.spool);
    kit_await_files(&kit, 20);
    end();
}

static void
path_of(char path[300])
{
    snprintf(path, 300, "%s/active/%s/0001/%s", folder, kit.spool->homes.own->instance.name, id);
}

static void
damage(const char *path)
{
    int fd = open(path, O_WRONLY);

    CU_ASSERT_EQUAL(pwrite(fd, "\xff", 1, 1000), 1);
    close(fd);
}

static void
make_newer(const char *path)
{
    int fd = open(path, O_WRONLY);

    CU_ASSERT_EQUAL(pwrite(fd, "POSTERN 2 otherwise", 19, 0), 19);
    close(fd);
}

static void
make_unsealed(const char *path)
{
    int fd = open(path, O_WRONLY);

    CU_ASSERT_EQUAL(store_unseal(fd, NULL), 0);
    close(fd);
}

static void
remove_it(const char *path)
{
    CU_ASSERT_EQUAL(unlink(path), 0);
}

static void
rename_it(const char *path)
{
    char other[300];

    snprintf(other, sizeof other, "%s", path);
    other[strlen(other) - 1] = 'C';
    CU_ASSERT_EQUAL(rename(path, other), 0);
}

// One bad message stops nothing else, and is where it belongs.
static void
test_bad(void)
{
    static const struct {
        const char *name;
        void (*harm)(const char *path);
        size_t corrupt, left;
    } rows[] = {
        {"damaged",  damage,        1, 0},
        {"newer",    make_newer,    0, 1},
        {"unsealed", make_unsealed, 0, 0},
        {"gone",     remove_it,     0, 0},
        {"renamed",  rename_it,     0, 1}, // it is not seen, and stays
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        char path[300], corrupt[300], active[300];

        begin();
        wait_until(id, now() + 3600000);
        wait_until("4X2k9QzT7mA", now() + 3600000);
        path_of(path);
        rows[i].harm(path);
        spool_retry_all(kit.spool);
        kit_await_files(&kit, 1);
        kit_run(&kit, kit_is_idle);
        UNIT_CHECK_ROW(rows[i].name, strcmp(spool_file_id(kit.files[0]), "4X2k9QzT7mA") == 0);
        snprintf(corrupt, sizeof corrupt, "%s/corrupt", folder);
        snprintf(active, sizeof active, "%s/active", folder);
        UNIT_CHECK_ROW(rows[i].name, kit_count(corrupt, "") == rows[i].corrupt);
        UNIT_CHECK_ROW(rows[i].name, kit_count(active, "4X2k9QzT7m") == 1 + rows[i].left);
        UNIT_CHECK_ROW(rows[i].name, kit.counters.messages == 1);
        UNIT_CHECK_ROW(rows[i].name, !spool_knows(kit.spool, id));
        end();
    }
}

// A file of one name that holds another's message is not believed.
static void
test_false_name(void)
{
    char path[300];

    begin();
    wait_until(id, now() + 3600000);
    path_of(path);
    rename_it(path);
    kit_close(&kit);
    kit_open(&kit, folder, false);
    kit_run(&kit, kit_is_idle);
    spool_retry_all(kit.spool);
    kit_run(&kit, kit_is_idle);
    while (kit.spool->under_way.count > 0 || kit.spool->agenda.count > 0)
        kit_run(&kit, kit_is_idle);
    CU_ASSERT_EQUAL(kit.file_count, 0);
    snprintf(path, sizeof path, "%s/corrupt", folder);
    CU_ASSERT_EQUAL(kit_count(path, ""), 1);
    end();
}

// Finished, but not removed: never sent again.
static void
test_retired(void)
{
    static const char *const events[] = {"sent", "bounced", "moved", "discarded"};

    for (size_t i = 0; i < UNIT_COUNT(events); i++) {
        struct spool_file *file;

        begin();
        file = kit_write(&kit, WRITER_SPOOL, id, 2000);
        kit_note(file, events[i], "0-1");
        if (state_is_retired(spool_file_state(file))) {
            spool_file_wait(&file, 1);
            kit_run(&kit, kit_is_idle);
            kit_close(&kit);
            kit_open(&kit, folder, false);
            kit_run(&kit, kit_is_idle);
            CU_ASSERT_EQUAL(kit.file_count, 0);
            CU_ASSERT_EQUAL(kit_count(folder, id), 0);
            CU_ASSERT_EQUAL(kit.counters.messages, 0);
        } else {
            CU_FAIL("not retired");
        }
        end();
    }
}

static bool
has_left(struct kit *one)
{
    return one->left.len > 0 && kit_is_idle(one);
}

// Over or put aside by its journal, but not moved by whoever wrote it: that is told.
static void
test_left(void)
{
    static const struct {
        const char *event, *left;
    } rows[] = {
        {"sent",        "4X2k9QzT7mB nowhere 0; "   },
        {"held",        "4X2k9QzT7mB hold 2; "      },
        {"quarantined", "4X2k9QzT7mB quarantine 2; "},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct spool_file *file;

        begin();
        file = kit_write(&kit, WRITER_SPOOL, id, 2000);
        kit_note(file, rows[i].event, "0-1");
        spool_file_wait(&file, now() + 3600000);
        kit_run(&kit, kit_is_idle);
        spool_retry_all(kit.spool);
        kit_run(&kit, has_left);
        CU_ASSERT_EQUAL(kit.file_count, 0);
        CU_ASSERT_EQUAL(kit_count(folder, id), i == 0 ? 0 : 1);
        UNIT_CHECK_ROW(rows[i].event, strcmp(buf_text(&kit.left), rows[i].left) == 0);
        end();
    }
}

static const struct unit_test tests[] = {
    {"in time",       test_in_time      },
    {"as is ready",   test_ready        },
    {"adopted child", test_adopted_child},
    {"stop",          test_stop         },
    {"bad ones",      test_bad          },
    {"a false name",  test_false_name   },
    {"retired ones",  test_retired      },
    {"left",          test_left         },
};

UNIT_MAIN("spool/due", tests)
