// SPDX-License-Identifier: BSD-2-Clause
// tests/unit/spool/witness.h - what a child that was killed had said about its messages, and
// whether the disk bears it out: each that was kept is there once, byte for byte, and nothing is
// there twice.
//
// The child tells (a pipe); the parent listens, looks at the disk by itself, and then as the next
// owner.
#ifndef POSTERN_TESTS_SPOOL_WITNESS_H
#define POSTERN_TESTS_SPOOL_WITNESS_H

#include "tests/unit/spool/kit.h"

enum report { KEPT, GOING, HOLDING, DEFERRED }; // GOING: may be gone from now on

struct record {
    char id[ID_MAX + 1];
    uint64_t len;
    enum report what;
};

enum { KNOWN_MAX = 100000 };

struct known {
    char id[ID_MAX + 1];
    bool kept, going, holding, deferred; // as told
    bool is_held;                        // or quarantined, as seen: it says so, wherever it is
    unsigned seen;
};

static struct known *known;
static size_t known_count;

static int report_fd = -1;

static inline void
tell(const char *id, enum report what)
{
    struct record record = {.what = what};

    snprintf(record.id, sizeof record.id, "%s", id);
    (void)!write(report_fd, &record, sizeof record);
}

static inline struct known *
find_known(const char *id)
{
    for (size_t i = known_count; i > 0; i--) {
        if (strcmp(known[i - 1].id, id) == 0)
            return &known[i - 1];
    }
    CU_ASSERT_FATAL(known_count < KNOWN_MAX);
    known[known_count] = (struct known){0};
    snprintf(known[known_count].id, sizeof known[0].id, "%s", id);
    return &known[known_count++];
}

// false: the child has told all that it will.
static inline bool
listen_once(int fd)
{
    struct record record;
    struct known *it;

    if (read(fd, &record, sizeof record) != (ssize_t)sizeof record)
        return false;
    it = find_known(record.id);
    it->kept = true;
    it->going |= record.what == GOING;
    it->holding |= record.what == HOLDING;
    it->deferred |= record.what == DEFERRED;
    return true;
}

// --- what is on the disk ---

static unsigned damaged;

static inline void
look_at(int dir_fd, const char *name)
{
    struct reader_message message;
    int fd = fs_open_read(dir_fd, name, NULL);
    struct err err = {0};
    enum reader_result result = reader_load(fd, &message, &err);

    if (result == READER_OK && !message.state.done && !state_is_retired(&message.state)) {
        struct known *it = find_known(message.envelope.id);
        char *content = mem_zalloc((size_t)message.seal.len + 1);
        size_t len = (size_t)message.seal.len;

        it->seen++;
        it->is_held = message.state.held || message.state.quarantined;
        CU_ASSERT_EQUAL(pread(fd, content, len, (off_t)message.seal.offset), (ssize_t)len);
        for (size_t i = 0; i < len; i++)
            damaged += content[i] != kit_byte(it->id, i);
        if (it->deferred)
            CU_ASSERT_EQUAL(message.state.rcpts[0].status, RCPT_DEFERRED);
        mem_free(&content);
    } else if (result != READER_OK && result != READER_UNSEALED) {
        fprintf(stderr, "%s: %s\n", name, err.text);
        damaged++;
    }
    reader_message_clear(&message);
    close(fd);
}

static inline int
visit(void *arg, int dir_fd, const char *bucket, const char *name, bool is_ours)
{
    (void)arg;
    (void)bucket;
    if (is_ours)
        look_at(dir_fd, name);
    return 0;
}

static inline int
visit_instance(void *arg, const char *name)
{
    struct place_root *root = arg;
    struct place_instance instance;

    CU_ASSERT_EQUAL(place_instance_try(root, name, &instance, NULL), 1);
    CU_ASSERT_EQUAL(place_walk_instance(&instance, visit, NULL, NULL), 0);
    place_instance_close(&instance);
    return 0;
}

// Every message that was kept and not given up is there once; nothing is there twice.
static inline void
check_disk(const char *folder, const char *when)
{
    struct place_root root;
    char corrupt[300];
    unsigned lost = 0, twice = 0;

    damaged = 0;
    for (size_t i = 0; i < known_count; i++)
        known[i].seen = 0;
    CU_ASSERT_EQUAL_FATAL(place_root_open(&root, folder, true, NULL), 0);
    CU_ASSERT_EQUAL(place_walk_instances(&root, visit_instance, &root, NULL), 0);
    CU_ASSERT_EQUAL(place_walk_hold(&root, visit, NULL, NULL), 0);
    CU_ASSERT_EQUAL(place_walk_quarantine(&root, visit, NULL, NULL), 0);
    place_root_close(&root);
    for (size_t i = 0; i < known_count; i++) {
        lost += known[i].kept && !known[i].going && known[i].seen == 0;
        twice += known[i].seen > 1;
    }
    snprintf(corrupt, sizeof corrupt, "%s/corrupt", folder);
    UNIT_CHECK_ROW(when, lost == 0);
    UNIT_CHECK_ROW(when, twice == 0);
    UNIT_CHECK_ROW(when, damaged == 0);
    UNIT_CHECK_ROW(when, kit_count(corrupt, "") == 0);
}

// --- the next owner ---

static struct kit kit;

static inline bool
has_come(struct kit *it)
{
    return it->spool->tasks.pending == 0 && it->spool->homes.adopted == NULL;
}

// The next owner gives everything back, and leaves nothing but what is held or quarantined.
static inline void
check_adoption(const char *folder, const char *when)
{
    size_t expected = 0, held = 0;
    unsigned twice = 0;
    char hold[300], quarantine[300];

    for (size_t i = 0; i < known_count; i++) {
        held += known[i].is_held ? known[i].seen : 0;
        expected += known[i].is_held ? 0 : known[i].seen;
    }
    kit_open(&kit, folder, true);
    kit_run(&kit, kit_is_idle);
    spool_retry_all(kit.spool);
    kit_await_files(&kit, expected);
    for (size_t i = 0; i < kit.file_count; i++) {
        struct known *it = find_known(spool_file_id(kit.files[i]));

        UNIT_CHECK_ROW(when, kit_is_whole(&kit, kit.files[i]));
        twice += it->seen != 1;
        kit_note(kit.files[i], "sent", "0-1");
        spool_file_finish(&kit.files[i]);
    }
    UNIT_CHECK_ROW(when, twice == 0);
    kit_run(&kit, has_come);
    kit_close(&kit);
    snprintf(hold, sizeof hold, "%s/hold", folder);
    snprintf(quarantine, sizeof quarantine, "%s/quarantine", folder);
    UNIT_CHECK_ROW(when, kit_count(hold, "") + kit_count(quarantine, "") == held);
}

#endif
