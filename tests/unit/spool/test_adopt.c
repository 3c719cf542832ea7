// SPDX-License-Identifier: BSD-2-Clause
#include "spool/adopt.h"

#include "tests/unit/spool/kit.h"
#include "tests/unit/spool/minute.h"

static struct kit kit, other;
static char folder[64];

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

static bool
is_settled(struct kit *it)
{
    return it->spool->tasks.pending == 0 && it->spool->homes.adopted == NULL;
}

// Two live owners side by side leave each other alone; what one leaves, the other takes when asked.
static void
test_living(void)
{
    struct spool_file *file;

    begin();
    kit_open(&other, folder, false);
    kit_run(&other, kit_is_idle);
    file = kit_write(&other, WRITER_SPOOL, "4X2k9QzT7m1", 1000);
    other.files[other.file_count++] = file;
    file = kit_write(&other, WRITER_SPOOL, "4X2k9QzT7m2", 1000);
    spool_file_wait(&file, loop_realtime_ms(other.loop) + 3600000);
    kit_run(&other, kit_is_idle);
    spool_adopt(kit.spool);
    kit_run(&kit, kit_is_idle);
    CU_ASSERT_EQUAL(kit.file_count + spool_waiting_count(kit.spool), 0);
    kit_close(&other);
    spool_adopt(kit.spool);
    kit_await_files(&kit, 1);
    CU_ASSERT(kit.adopted[0]);
    CU_ASSERT_STRING_EQUAL(spool_file_id(kit.files[0]), "4X2k9QzT7m1");
    CU_ASSERT_EQUAL(spool_waiting_count(kit.spool), 1);
    CU_ASSERT_EQUAL(kit.counters.messages, 2);
    CU_ASSERT_PTR_NOT_NULL(kit.spool->homes.adopted);
    spool_file_finish(&kit.files[0]);
    spool_retry_all(kit.spool);
    kit_await_files(&kit, 2);
    spool_file_finish(&kit.files[1]);
    kit_run(&kit, is_settled); // the other's folder is gone
    CU_ASSERT_EQUAL(kit.counters.messages, 0);
    end();
}

// A waiting queue as a next hop that is down leaves it: names and times are read, nothing is
// opened, in jobs of at most a thousand files.
static void
test_many(void)
{
    enum { COUNT = 12000 };
    struct place_instance instance;
    struct place_root root;
    char name[ID_MAX + 1];
    int bucket = -1;

    kit_folder(folder);
    CU_ASSERT_EQUAL_FATAL(place_root_open(&root, folder, true, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(place_instance_new(&root, &instance, NULL), 0);
    for (int i = 0; i < COUNT; i++) {
        int fd;

        if (i % 3000 == 0) { // fuller than we make them
            if (bucket >= 0)
                close(bucket);
            snprintf(name, sizeof name, "%04x", i);
            CU_ASSERT_EQUAL(fs_make_dir(instance.fd, name, 0700, NULL), 0);
            bucket = fs_open_dir(instance.fd, name, NULL);
        }
        snprintf(name, sizeof name, "4X2k9Q%05d", i);
        fd = fs_create(bucket, name, 0600, NULL);
        CU_ASSERT_EQUAL_FATAL(store_set_due(fd, 4000000000000 + i, NULL), 0);
        close(fd);
    }
    close(bucket);
    place_instance_close(&instance);
    place_root_close(&root);
    kit_open(&kit, folder, false);
    kit_run(&kit, kit_is_idle);
    CU_ASSERT_EQUAL(spool_waiting_count(kit.spool), COUNT);
    CU_ASSERT_EQUAL(kit.counters.messages, COUNT);
    CU_ASSERT_EQUAL(kit.file_count, 0);
    // A time too far in the future was one of a clock that was wrong: twice the longest delay.
    CU_ASSERT(agenda_first(&kit.spool->agenda)->due_ms <= loop_realtime_ms(kit.loop) + 7200000);
    CU_ASSERT(agenda_first(&kit.spool->agenda)->is_hastened);
    CU_ASSERT_PTR_NOT_NULL(agenda_find(&kit.spool->agenda, "4X2k9Q11999"));
    end();
}

// Cut short by a kill in the middle of a line: the line is dropped, the next one stands alone.
static void
test_cut_back(void)
{
    static const char torn[] = "7 1700000000000 sent r=0-1 relay=half a li";
    struct spool_file *file;
    struct stat info;
    uint64_t end_of_journal;

    begin();
    file = kit_write(&kit, WRITER_SPOOL, "4X2k9QzT7mB", 3000);
    kit_note(file, "deferred", "0");
    CU_ASSERT_EQUAL(kit_flush(&kit, file, false), 0);
    end_of_journal = file->end;
    CU_ASSERT_EQUAL(pwrite(file->fd, torn, sizeof torn - 1, (off_t)file->end), sizeof torn - 1);
    kit.files[kit.file_count++] = file;
    for (int i = 0; i < 3; i++) {
        kit_close(&kit);
        kit_open(&kit, folder, false);
        kit_await_files(&kit, 1);
        file = kit.files[0];
        CU_ASSERT_EQUAL(fstat(file->fd, &info), 0);
        CU_ASSERT(info.st_size >= (off_t)end_of_journal && info.st_size < STORE_SLOT_SIZE / 2);
        CU_ASSERT_EQUAL(spool_file_state(file)->rcpts[0].status, RCPT_DEFERRED);
        CU_ASSERT_EQUAL(spool_file_state(file)->rcpts[1].status, i == 0 ? RCPT_OPEN : RCPT_SENT);
        kit_note(file, "sent", "1");
        CU_ASSERT_EQUAL(kit_flush(&kit, file, false), 0);
    }
    end();
}

// A child whose parent is adopted lies beside it, so that both have one owner ever after; and the
// parent comes first.
static void
test_child_with_parent(void)
{
    static struct kit third;
    struct spool_file *child;
    struct smtp_envelope envelope;
    struct writer *writer;

    begin();
    kit.files[kit.file_count++] = kit_write(&kit, WRITER_SPOOL, "4X2k9QzT7mB", 100000);
    kit_close(&kit);
    kit_open(&other, folder, false);
    kit_await_files(&other, 1);
    kit_envelope(&envelope, "4X2k9QzT7mB.0", 1);
    envelope.parent = mem_strdup("4X2k9QzT7mB");
    writer = writer_new(other.spool, WRITER_CHILD, &envelope, NULL, NULL);
    envelope_clear(&envelope);
    other.is_done = false;
    writer_commit(writer, kit_on_written, &other);
    kit_run(&other, kit_is_done);
    child = other.file;
    CU_ASSERT_PTR_NOT_NULL_FATAL(child);
    CU_ASSERT_PTR_EQUAL(child->bucket, other.files[0]->bucket);
    CU_ASSERT_EQUAL(store_set_due(child->fd, 1000, NULL), 0);
    CU_ASSERT_EQUAL(store_set_due(other.files[0]->fd, 1000, NULL), 0);
    other.files[other.file_count++] = child;
    kit_close(&other);
    kit_open(&third, folder, false);
    kit_await_files(&third, 1);
    CU_ASSERT_STRING_EQUAL(spool_file_id(third.files[0]), "4X2k9QzT7mB");
    spool_file_finish(&third.files[0]); // the child waits for it
    kit_await_files(&third, 2);
    CU_ASSERT_STRING_EQUAL(spool_file_id(third.files[1]), "4X2k9QzT7mB.0");
    CU_ASSERT_PTR_NULL(kit_write(&third, WRITER_CHILD, "4X2k9QzT7mB.0", 100));
    CU_ASSERT(!third.has_err);
    kit_close(&third);
    kit_remove(folder);
}

// What an unknown hand put there is left alone, and stops nothing.
static void
test_strangers(void)
{
    char path[300];
    int fd;

    begin();
    kit.files[kit.file_count++] = kit_write(&kit, WRITER_SPOOL, "4X2k9QzT7mB", 1000);
    snprintf(path, sizeof path, "%s/active/%s/readme", folder, kit.spool->homes.own->instance.name);
    fd = open(path, O_CREAT | O_WRONLY, 0600);
    close(fd);
    kit_close(&kit);
    kit_open(&kit, folder, false);
    kit_await_files(&kit, 1);
    spool_file_finish(&kit.files[0]);
    kit_run(&kit, is_settled);
    CU_ASSERT_EQUAL(access(path, F_OK), 0);
    spool_adopt(kit.spool); // and again, as each minute
    kit_run(&kit, is_settled);
    CU_ASSERT_EQUAL(kit.counters.messages, 0);
    end();
}

// A folder that cannot be looked into now: it is looked into a minute later, and again.
static void
test_postponed(void)
{
    char bucket[600], away[600];
    int fd;

    begin();
    kit.files[kit.file_count++] = kit_write(&kit, WRITER_SPOOL, "4X2k9QzT7mB", 100000);
    snprintf(bucket, sizeof bucket, "%s/active/%s/%s", folder, kit.spool->homes.own->instance.name,
             kit.files[0]->bucket->name);
    snprintf(away, sizeof away, "%s/away", folder);
    kit_close(&kit);
    CU_ASSERT_EQUAL(rename(bucket, away), 0);
    fd = open(bucket, O_CREAT | O_WRONLY | O_CLOEXEC, 0600); // no folder
    CU_ASSERT_FATAL(fd >= 0);
    close(fd);
    minute_is_short = true;
    kit_open(&kit, folder, false);
    kit_run(&kit, kit_is_idle);
    CU_ASSERT_PTR_NOT_NULL(kit.spool->homes.adopted);
    CU_ASSERT_EQUAL(spool_waiting_count(kit.spool), 0);
    CU_ASSERT_EQUAL(unlink(bucket), 0);
    CU_ASSERT_EQUAL(rename(away, bucket), 0);
    kit_await_files(&kit, 1);
    CU_ASSERT_STRING_EQUAL(spool_file_id(kit.files[0]), "4X2k9QzT7mB");
    spool_file_finish(&kit.files[0]);
    kit_run(&kit, is_settled);
    minute_is_short = false;
    end();
}

static const struct unit_test tests[] = {
    {"living and dead owners",  test_living           },
    {"many",                    test_many             },
    {"cut back to whole lines", test_cut_back         },
    {"a child with its parent", test_child_with_parent},
    {"strangers",               test_strangers        },
    {"postponed",               test_postponed        },
};

UNIT_MAIN("spool/adopt", tests)
