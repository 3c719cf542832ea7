// SPDX-License-Identifier: BSD-2-Clause
// tests/unit/spool/kit.h - a spool in a folder of its own, and a loop that is run until something
// is so.
//
// One per process at a time: a forked child makes its own on the same folder.
#ifndef POSTERN_TESTS_SPOOL_KIT_H
#define POSTERN_TESTS_SPOOL_KIT_H

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "spool/file.h"
#include "spool/writer.h"
#include "tests/unit/harness.h"

enum { KIT_WAIT_MS = 20000, KIT_FILES = 4096 };

static uint64_t kit_remember_ms; // what becomes of recipients; 0: not at all

struct kit {
    char path[256];
    struct loop *loop;
    struct pool *pool;
    struct spool_settings settings;
    struct counter_worker counters;
    struct spool *spool;
    struct loop_timer *tick;
    struct err err;

    bool (*until)(struct kit *kit);
    unsigned waited_ms;
    bool has_timed_out;

    unsigned room;   // on_file may come so often
    struct buf left; // ids and places of those that have left
    struct spool_file *files[KIT_FILES];
    bool adopted[KIT_FILES];
    size_t file_count, wanted;

    // of the last operation
    bool is_done, has_err;
    struct err done_err;
    struct spool_file *file;
    unsigned ready_count;
    enum spool_wish_result wish;
};

static inline void
kit_stop_loop(void *arg)
{
    struct kit *kit = arg;

    kit->waited_ms++;
    kit->has_timed_out = kit->waited_ms > KIT_WAIT_MS;
    if (kit->until(kit) || kit->has_timed_out)
        loop_stop(kit->loop);
    else
        loop_timer_start(kit->tick, 1);
}

static inline void
kit_run(struct kit *kit, bool (*until)(struct kit *kit))
{
    kit->until = until;
    kit->waited_ms = 0;
    loop_timer_start(kit->tick, 0);
    loop_run(kit->loop);
    if (kit->has_timed_out)
        fprintf(stderr, "waited in vain: %zu of %zu files, %u tasks, %zu waiting, %zu under way\n",
                kit->file_count, kit->wanted, kit->spool->tasks.pending, kit->spool->agenda.count,
                kit->spool->under_way.count);
    CU_ASSERT_FALSE_FATAL(kit->has_timed_out);
}

static inline bool
kit_is_done(struct kit *kit)
{
    return kit->is_done;
}

static inline bool
kit_has_files(struct kit *kit)
{
    return kit->file_count >= kit->wanted;
}

static inline bool
kit_is_idle(struct kit *kit)
{
    return kit->spool->tasks.pending == 0;
}

static inline void
kit_on_file(void *arg, struct spool_file *file, bool adopted)
{
    struct kit *kit = arg;

    kit->room--;
    kit->adopted[kit->file_count] = adopted;
    kit->files[kit->file_count++] = file;
}

static inline void
kit_on_left(void *arg, const struct reader_message *message, enum spool_place place)
{
    struct kit *kit = arg;

    (void)buf_printf(&kit->left, "%s %s %zu; ", message->envelope.id, spool_place_name(place),
                     state_open_count(&message->state));
}

static inline bool
kit_is_ready(void *arg)
{
    return ((struct kit *)arg)->room > 0;
}

static inline void
kit_open(struct kit *kit, const char *path, bool sync)
{
    static const struct spool_handler handler = {
        .on_file = kit_on_file, .is_ready = kit_is_ready, .on_left = kit_on_left};

    memset(kit, 0, sizeof *kit);
    snprintf(kit->path, sizeof kit->path, "%s", path);
    setting_defaults(spool_rows, spool_row_count, &kit->settings);
    mem_free(&kit->settings.path);
    kit->settings.path = mem_strdup(path);
    kit->settings.sync = sync;
    kit->settings.min_free = 1;
    kit->settings.min_inodes = 1;
    kit->settings.remember = kit_remember_ms;
    kit->room = KIT_FILES;
    buf_init(&kit->left, 1 << 20);
    kit->loop = loop_new(&kit->err);
    kit->pool = pool_new(kit->loop, 4, &kit->err);
    kit->tick = loop_timer_new(kit->loop, kit_stop_loop, kit);
    kit->spool = spool_open(kit->loop, kit->pool, &kit->settings, &kit->counters, &kit->err);
    if (kit->spool == NULL)
        fprintf(stderr, "%s\n", kit->err.text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(kit->spool);
    spool_start(kit->spool, &handler, kit);
}

static inline void
kit_close(struct kit *kit)
{
    for (size_t i = 0; i < kit->file_count; i++) {
        if (kit->files[i] != NULL)
            spool_file_release(&kit->files[i]);
    }
    spool_free(&kit->spool);
    pool_free(&kit->pool);
    loop_timer_free(&kit->tick);
    loop_free(&kit->loop);
    setting_clear(spool_rows, spool_row_count, &kit->settings);
    buf_clear(&kit->left);
}

static inline void
kit_folder(char out[64])
{
    const char *base = getenv("TMPDIR");

    snprintf(out, 64, "%s/spool-test-XXXXXX", base == NULL ? "/tmp" : base);
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(out));
}

static inline void
kit_remove(const char *path)
{
    char command[128];

    snprintf(command, sizeof command, "rm -rf '%s'", path);
    CU_ASSERT_EQUAL(system(command), 0);
}

static inline void
kit_await_files(struct kit *kit, size_t wanted)
{
    kit->wanted = wanted;
    kit_run(kit, kit_has_files);
    CU_ASSERT_EQUAL(kit->file_count, wanted);
}

// How many files (no folders) whose name begins with prefix lie below path.
static inline size_t
kit_count(const char *path, const char *prefix)
{
    DIR *dir = opendir(path);
    const struct dirent *entry;
    size_t count = 0;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        char *below;

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        below = mem_printf("%s/%s", path, entry->d_name);
        if (entry->d_type == DT_DIR)
            count += kit_count(below, prefix);
        else if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0)
            count++;
        mem_free(&below);
    }
    if (dir != NULL)
        closedir(dir);
    return count;
}

// --- messages ---

static inline void
kit_envelope(struct smtp_envelope *envelope, const char *id, size_t rcpts)
{
    envelope_init(envelope);
    snprintf(envelope->id, sizeof envelope->id, "%s", id);
    envelope->arrived_ms = 1700000000000;
    envelope->listener = mem_strdup("in");
    envelope->next_hop = mem_strdup("out");
    envelope->hostname = mem_strdup("mx.example.org");
    envelope->client = mem_strdup("127.0.0.1");
    envelope->helo = mem_strdup("client.example.org");
    envelope->from = mem_strdup("from@example.org");
    envelope->from_params = mem_strdup("BODY=8BITMIME");
    for (size_t i = 0; i < rcpts; i++)
        envelope_add_rcpt(envelope, span_of("to@example.org"), span_of(""));
}

// The same bytes for the same id and length, and others for any other.
static inline char
kit_byte(const char *id, size_t at)
{
    return (char)((unsigned char)id[at % strlen(id)] ^ (at / 7 * 31));
}

static inline void
kit_content(const char *id, size_t len, char *out)
{
    for (size_t i = 0; i < len; i++)
        out[i] = kit_byte(id, i);
}

static inline void
kit_on_done(void *arg, const struct err *err)
{
    struct kit *kit = arg;

    kit->is_done = true;
    kit->has_err = err != NULL;
    if (err != NULL)
        kit->done_err = *err;
}

static inline void
kit_on_written(void *arg, struct spool_file *file, const struct err *err)
{
    struct kit *kit = arg;

    kit_on_done(kit, err);
    kit->file = file;
}

// Keeps the file among those that kit_close releases.
static inline void
kit_on_kept(void *arg, struct spool_file *file, const struct err *err)
{
    struct kit *kit = arg;

    kit_on_written(arg, file, err);
    if (file != NULL)
        kit->files[kit->file_count++] = file;
}

static inline void
kit_on_ready(void *arg)
{
    struct kit *kit = arg;

    kit->ready_count++;
    kit->is_done = true;
}

// Written in pieces; waits where the writer says so. The commit is begun, not waited for.
static inline struct writer *
kit_begin(struct kit *kit, enum writer_kind kind, const char *id, size_t len)
{
    struct smtp_envelope envelope;
    struct writer *writer;
    char *content = mem_zalloc(len + 1);

    kit_content(id, len, content);
    kit_envelope(&envelope, id, 2);
    writer = writer_new(kit->spool, kind, &envelope, kit_on_ready, kit);
    envelope_clear(&envelope);
    for (size_t at = 0; at < len; at += 16000) {
        size_t piece = len - at < 16000 ? len - at : 16000;

        kit->is_done = false;
        if (writer_add(writer, span_from(content + at, piece)) == WRITER_WAIT)
            kit_run(kit, kit_is_done);
    }
    mem_free(&content);
    return writer;
}

static inline struct spool_file *
kit_write(struct kit *kit, enum writer_kind kind, const char *id, size_t len)
{
    struct writer *writer = kit_begin(kit, kind, id, len);

    kit->is_done = false;
    kit->file = NULL;
    writer_commit(writer, kit_on_written, kit);
    CU_ASSERT_FALSE(kit->is_done);
    kit_run(kit, kit_is_done);
    return kit->file;
}

static inline int
kit_flush(struct kit *kit, struct spool_file *file, bool durable)
{
    kit->is_done = false;
    spool_file_flush(file, durable, kit_on_done, kit);
    CU_ASSERT_FALSE(kit->is_done);
    kit_run(kit, kit_is_done);
    return kit->has_err ? -1 : 0;
}

static inline void
kit_note(struct spool_file *file, const char *event, const char *ranges)
{
    struct journal_writer writer;

    spool_note_begin(file, &writer, event);
    journal_field_text(&writer, "r", ranges);
    if (strcmp(event, "deferred") == 0)
        journal_field_number(&writer, "until", 1);
    spool_note_end(file, &writer);
}

// Reads the whole message and compares it with what kit_content says.
static inline bool
kit_is_whole(struct kit *kit, struct spool_file *file)
{
    uint64_t len = spool_file_len(file);
    static char block[64000];

    for (uint64_t at = 0; at < len; at += sizeof block) {
        size_t piece = len - at < sizeof block ? (size_t)(len - at) : sizeof block;

        kit->is_done = false;
        spool_file_read(file, at, block, piece, kit_on_done, kit);
        CU_ASSERT_FALSE(kit->is_done);
        kit_run(kit, kit_is_done);
        for (size_t i = 0; !kit->has_err && i < piece; i++) {
            if (block[i] != kit_byte(spool_file_id(file), (size_t)at + i))
                return false;
        }
        if (kit->has_err)
            return false;
    }
    return true;
}

#endif
