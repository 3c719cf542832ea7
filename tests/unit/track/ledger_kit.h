// SPDX-License-Identifier: BSD-2-Clause
// tests/unit/track/ledger_kit.h - a ledger in a folder of its own, and short ways to put into it.
#ifndef POSTERN_TESTS_UNIT_TRACK_LEDGER_KIT_H
#define POSTERN_TESTS_UNIT_TRACK_LEDGER_KIT_H

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "tests/unit/harness.h"
#include "tests/unit/track/record_sample.h"
#include "track/ledger/ledger.h"
#include "track/ledger/ledger_read.h"

enum { KIT_RECORDS = 2000, KIT_ARENA_MAX = 64 << 20 };

struct ledger_kit {
    char folder[100], path[200];
    struct ledger *ledger;
    char note[LEDGER_NOTE_MAX + 1];
    struct err err;
    struct arena arena;
    struct record *records; // read last
    size_t count;
    uint64_t last;
    bool is_known; // of the last delivery
};

static inline void
kit_init(struct ledger_kit *kit)
{
    *kit = (struct ledger_kit){.folder = "/tmp/postern-ledger-XXXXXX"};
    if (mkdtemp(kit->folder) == NULL)
        abort();
    snprintf(kit->path, sizeof(kit->path), "%s/sub/ledger.db", kit->folder);
    arena_init(&kit->arena, KIT_ARENA_MAX);
    kit->records = mem_zarray(KIT_RECORDS, sizeof(kit->records[0]));
}

static inline bool
kit_open(struct ledger_kit *kit)
{
    kit->err = (struct err){0};
    kit->ledger = ledger_open(kit->path, kit->note, &kit->err);
    return kit->ledger != NULL;
}

static inline void
kit_reopen(struct ledger_kit *kit)
{
    ledger_close(&kit->ledger);
    CU_ASSERT_TRUE_FATAL(kit_open(kit));
}

static inline int
kit_remove(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

static inline void
kit_clear(struct ledger_kit *kit)
{
    ledger_close(&kit->ledger);
    arena_clear(&kit->arena);
    mem_free(&kit->records);
    (void)nftw(kit->folder, kit_remove, 8, FTW_DEPTH | FTW_PHYS);
}

static inline void
kit_begin(struct ledger_kit *kit)
{
    CU_ASSERT_EQUAL_FATAL(ledger_begin(kit->ledger, &kit->err), 0);
}

static inline void
kit_commit(struct ledger_kit *kit)
{
    CU_ASSERT_EQUAL_FATAL(ledger_commit(kit->ledger, &kit->err), 0);
}

static inline void
kit_put(struct ledger_kit *kit, const struct record *record)
{
    kit_begin(kit);
    CU_ASSERT_EQUAL(ledger_put_record(kit->ledger, record, &kit->err), 0);
    kit_commit(kit);
}

// A record with nothing in its lists.
static inline void
kit_put_bare(struct ledger_kit *kit, const char *id, int64_t arrived_ms)
{
    struct record record = {
        .id = span_of(id), .step = 1, .arrived_ms = arrived_ms, .told_ms = arrived_ms};

    kit_put(kit, &record);
}

static inline void
kit_deliver(struct ledger_kit *kit, const struct maillog_line *line)
{
    kit_begin(kit);
    CU_ASSERT_EQUAL(ledger_put_delivery(kit->ledger, line, &kit->is_known, &kit->err), 0);
    kit_commit(kit);
}

// Changes above `after`, into records.
static inline void
kit_read(struct ledger_kit *kit, uint64_t after)
{
    arena_clear(&kit->arena);
    CU_ASSERT_EQUAL(ledger_read_changes(kit->ledger, after, 0, KIT_RECORDS, &kit->arena,
                                        kit->records, &kit->count, &kit->last, &kit->err),
                    0);
}

// The one of that id among all; NULL.
static inline const struct record *
kit_get(struct ledger_kit *kit, const char *id)
{
    kit_read(kit, 0);
    for (size_t i = 0; i < kit->count; i++) {
        if (span_is(kit->records[i].id, id))
            return &kit->records[i];
    }
    return NULL;
}

// Files of the ledger's folder whose names contain the text.
static inline size_t
kit_count_files(const struct ledger_kit *kit, const char *text)
{
    char *folder = mem_printf("%s/sub", kit->folder);
    DIR *dir = opendir(folder);
    size_t count = 0;

    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;)
        count += entry->d_name[0] != '.' && strstr(entry->d_name, text) != NULL ? 1 : 0;
    if (dir != NULL)
        closedir(dir);
    mem_free(&folder);
    return count;
}

// Runs in a child; what it returns.
static inline int
kit_in_child(int (*run)(struct ledger_kit *kit), struct ledger_kit *kit)
{
    pid_t pid = fork();
    int status = 0;

    if (pid == 0)
        _exit(run(kit));
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#endif
