// SPDX-License-Identifier: BSD-2-Clause
#include "spool/quarantine.h"

#include <sys/file.h>
#include <sys/stat.h>

#include "tests/unit/base/tempdir.h"
#include "tests/unit/harness.h"
#include "tests/unit/spool/faults.h"
#include "tests/unit/spool/quarantined.h"

enum { SINCE = 1700000000, LEN = 200000 };

static const char id[] = "4X2k9QzT7mB";

static struct tempdir dir;
static struct place_root root;
static struct place_instance instance;
static int bucket, day, file;
static struct reader_message message;
static struct err err;

static void
set_up(const char *const *lines)
{
    memset(faults, 0, sizeof faults);
    tempdir_make(&dir);
    CU_ASSERT_EQUAL_FATAL(place_root_open(&root, dir.path, true, &err), 0);
    CU_ASSERT_EQUAL_FATAL(place_instance_new(&root, &instance, &err), 0);
    CU_ASSERT_EQUAL(fs_make_dir(instance.fd, "00", 0700, &err), 0);
    bucket = fs_open_dir(instance.fd, "00", &err);
    quarantined_put(&root, id, INT64_C(1000) * SINCE, LEN, lines);
    file = quarantine_open(&root, id, &day, &err);
    CU_ASSERT_FATAL(file >= 0);
    CU_ASSERT_EQUAL_FATAL(reader_load(file, &message, &err), READER_OK);
}

static void
tear_down(void)
{
    reader_message_clear(&message);
    close(file);
    close(day);
    close(bucket);
    place_instance_close(&instance);
    place_root_close(&root);
    tempdir_remove(&dir);
}

// whom: as ranges. The state is as the file says afterwards, too.
static int
let_go(const char *whom, bool again, char child[ID_MAX + 1])
{
    struct quarantine_release release = {.message = &message,
                                         .file_fd = file,
                                         .again = again,
                                         .by = "root",
                                         .now_ms = 1800000000000,
                                         .sync = true};
    struct reader_message loaded;
    struct ranges rcpts;
    int result;

    ranges_init(&rcpts, 3);
    CU_ASSERT_EQUAL(ranges_parse(span_of(whom), &rcpts), 0);
    release.rcpts = &rcpts;
    err = (struct err){.kind = ERR_NONE};
    child[0] = '\0';
    result = quarantine_release(&release, bucket, child, &err);
    ranges_clear(&rcpts);
    CU_ASSERT_EQUAL_FATAL(reader_load(file, &loaded, &err), READER_OK);
    CU_ASSERT_EQUAL(loaded.state.releases, message.state.releases);
    CU_ASSERT_EQUAL(loaded.state.releasing, message.state.releasing);
    CU_ASSERT_EQUAL(loaded.state.next_seq, message.state.next_seq);
    CU_ASSERT_EQUAL(loaded.bad_lines, 0);
    CU_ASSERT_EQUAL(loaded.state.odd, 0);
    reader_message_clear(&loaded);
    return result;
}

static const char *const caught[] = {"decided g=0 verdict=quarantine rule=virus r=0-2",
                                     "quarantined rule=virus reason=Eicar", NULL};

static void
check_child(const char *child, const char *group, const char *first, size_t count)
{
    struct reader_message made;
    struct smtp_envelope *envelope = &made.envelope;
    char *mine = mem_zalloc(LEN), *theirs = mem_zalloc(LEN);
    int fd = fs_open_read(bucket, child, &err);

    CU_ASSERT_FATAL(reader_load(fd, &made, &err) == READER_OK);
    CU_ASSERT_STRING_EQUAL(envelope->id, child);
    CU_ASSERT_STRING_EQUAL(envelope->parent, id);
    CU_ASSERT_STRING_EQUAL(envelope->group, group);
    CU_ASSERT_STRING_EQUAL(envelope->reason, "release");
    CU_ASSERT_STRING_EQUAL(envelope->skip_rule, "virus");
    CU_ASSERT_PTR_NULL(envelope->rule);
    CU_ASSERT_STRING_EQUAL(envelope->from, message.envelope.from);
    CU_ASSERT_STRING_EQUAL(envelope->from_params, message.envelope.from_params);
    CU_ASSERT_STRING_EQUAL(envelope->next_hop, message.envelope.next_hop);
    CU_ASSERT_STRING_EQUAL(envelope->client, message.envelope.client);
    CU_ASSERT_EQUAL(envelope->handoff, SMTP_HANDOFF_SPOOL);
    CU_ASSERT_EQUAL(envelope->arrived_ms, 1800000000000);
    CU_ASSERT_EQUAL_FATAL(envelope->rcpt_count, count);
    CU_ASSERT_STRING_EQUAL(envelope->rcpts[0].path, first);
    CU_ASSERT_EQUAL(made.state.next_seq, 1);
    CU_ASSERT_EQUAL(made.seal.len, LEN);
    CU_ASSERT_EQUAL(pread(fd, mine, LEN, (off_t)made.seal.offset), LEN);
    CU_ASSERT_EQUAL(pread(file, theirs, LEN, (off_t)message.seal.offset), LEN);
    CU_ASSERT_EQUAL(memcmp(mine, theirs, LEN), 0);
    mem_free(&mine);
    mem_free(&theirs);
    reader_message_clear(&made);
    close(fd);
}

static void
test_all(void)
{
    char child[ID_MAX + 1];
    struct stat info;

    set_up(caught);
    CU_ASSERT_EQUAL(let_go("0-2", false, child), 0);
    check_child(child, "0-2", "r0@example.com", 3);
    CU_ASSERT_EQUAL(message.state.releases, 1);
    CU_ASSERT_STRING_EQUAL(message.state.rcpts[2].released, child);
    CU_ASSERT_EQUAL(state_open_count(&message.state), 3);
    CU_ASSERT(message.state.quarantined);
    // It lies there, since when it lay there.
    CU_ASSERT(quarantined_has(&root, id));
    CU_ASSERT_EQUAL(fstat(file, &info), 0);
    CU_ASSERT_EQUAL(info.st_mtim.tv_sec, SINCE);
    tear_down();
}

static void
test_one_by_one(void)
{
    char first[ID_MAX + 1], second[ID_MAX + 1], third[ID_MAX + 1];

    set_up(caught);
    CU_ASSERT_EQUAL(let_go("1", false, first), 0);
    check_child(first, "1", "r1@example.com", 1);
    CU_ASSERT_EQUAL(let_go("1", false, second), -1);
    // Who was let go is passed over.
    CU_ASSERT_EQUAL(let_go("0-2", false, second), 0);
    check_child(second, "0,2", "r0@example.com", 2);
    CU_ASSERT_STRING_EQUAL(message.state.rcpts[1].released, first);
    CU_ASSERT_EQUAL(let_go("1", true, third), 0);
    check_child(third, "1", "r1@example.com", 1);
    CU_ASSERT_STRING_NOT_EQUAL(first, third);
    CU_ASSERT_STRING_EQUAL(message.state.rcpts[1].released, third);
    CU_ASSERT_EQUAL(message.state.releases, 3);
    tear_down();
}

static void
test_refused(void)
{
    static const struct {
        const char *name;
        const char *lines[5];
        const char *whom;
        bool again;
        bool is_done;
    } rows[] = {
        {"retired",             {"sent r=0", "quarantined rule=x"},                 "0",   true,  false},
        {"one is not",          {"sent r=0", "quarantined rule=virus"},             "0-1", false, true },
        {"let go",              {"release r=0 child=x", "released r=0 child=x"},    "0",   false, false},
        {"again",
         {"quarantined rule=virus", "release r=0 child=x", "released r=0 child=x"},
         "0",                                                                              true,
         true                                                                                          },
        {"cut short",           {"release r=0 child=x"},                            "0",   false, false},
        {"cut short for one",   {"release r=0 child=x"},                            "0-2", false, false},
        {"cut short, again",    {"quarantined rule=virus", "release r=0 child=x"},  "0",   true,  true },
        {"another's cut short",
         {"quarantined rule=virus", "release r=0 child=x"},
         "1-2",                                                                            false,
         true                                                                                          },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        char child[ID_MAX + 1];
        uint32_t releases;

        set_up(rows[i].lines);
        releases = message.state.releases;
        UNIT_CHECK_ROW(rows[i].name,
                       let_go(rows[i].whom, rows[i].again, child) == (rows[i].is_done ? 0 : -1));
        UNIT_CHECK_ROW(rows[i].name,
                       message.state.releases == releases + (rows[i].is_done ? 1 : 0));
        UNIT_CHECK_ROW(rows[i].name, (faccessat(bucket, child, F_OK, 0) == 0) == rows[i].is_done ||
                                         child[0] == 0);
        tear_down();
    }
}

// Whatever fails: with its name the child is there, and only then somebody may be out.
static void
test_fails(void)
{
    static const struct {
        const char *name;
        enum fault fault;
        int skip;
        bool may_be_out;
    } rows[] = {
        {"envelope",            FAULT_PWRITE,    0, false},
        {"message",             FAULT_PWRITE,    1, false},
        {"seal",                FAULT_PWRITE,    5, false},
        {"fsync of the child",  FAULT_FSYNC,     0, false},
        {"release",             FAULT_PWRITE,    6, false},
        {"fsync of release",    FAULT_FDATASYNC, 0, true },
        {"fsync of the folder", FAULT_FSYNC,     1, true },
        {"released",            FAULT_PWRITE,    7, true },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        char child[ID_MAX + 1];
        struct reader_message loaded;

        set_up(caught);
        fault_set(rows[i].fault, rows[i].skip, 1);
        {
            struct quarantine_release release = {
                .message = &message, .file_fd = file, .by = "root", .now_ms = 1, .sync = true};
            struct ranges rcpts;

            ranges_init(&rcpts, 3);
            ranges_add_all(&rcpts);
            release.rcpts = &rcpts;
            err = (struct err){.kind = ERR_NONE};
            UNIT_CHECK_ROW(rows[i].name, quarantine_release(&release, bucket, child, &err) == -1);
            UNIT_CHECK_ROW(rows[i].name, err.kind == ERR_TEMP);
            ranges_clear(&rcpts);
        }
        CU_ASSERT_EQUAL_FATAL(reader_load(file, &loaded, &err), READER_OK);
        UNIT_CHECK_ROW(rows[i].name, (loaded.state.releasing > 0) == rows[i].may_be_out);
        UNIT_CHECK_ROW(rows[i].name, loaded.state.rcpts[0].released == NULL);
        reader_message_clear(&loaded);
        UNIT_CHECK_ROW(rows[i].name, faults[rows[i].fault].calls > rows[i].skip);
        tear_down();
    }
}

static void
test_open(void)
{
    int other = -1;

    set_up(caught);
    CU_ASSERT_EQUAL(quarantine_open(&root, id, &other, &err), -1); // we have it
    CU_ASSERT_EQUAL(errno, EWOULDBLOCK);
    CU_ASSERT_EQUAL(err.kind, ERR_TEMP);
    CU_ASSERT_EQUAL(quarantine_open(&root, "4X2k9QzT7mC", &other, &err), -1);
    CU_ASSERT_EQUAL(err.kind, ERR_PERM);
    close(file);
    file = quarantine_open(&root, id, &other, &err);
    CU_ASSERT(file >= 0 && other >= 0);
    close(other);
    tear_down();
}

static void
test_rule(void)
{
    static const char *const lines[] = {"decided g=0 verdict=quarantine rule=virus r=0",
                                        "decided g=1 verdict=quarantine r=1",
                                        "quarantined rule=first", NULL};

    set_up(lines);
    CU_ASSERT_STRING_EQUAL(quarantine_rule(&message.state, 0), "virus");
    CU_ASSERT_STRING_EQUAL(quarantine_rule(&message.state, 1), "first");
    CU_ASSERT_STRING_EQUAL(quarantine_rule(&message.state, 2), "first");
    tear_down();
}

static const struct unit_test tests[] = {
    {"all",        test_all       },
    {"one by one", test_one_by_one},
    {"refused",    test_refused   },
    {"fails",      test_fails     },
    {"open",       test_open      },
    {"rule",       test_rule      },
};

UNIT_MAIN("spool/quarantine", tests)
