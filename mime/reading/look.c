// SPDX-License-Identifier: BSD-2-Clause
#include "mime/reading/look_private.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "mime/reading/collect.h"
#include "mime/reading/odd.h"
#include "mime/reading/prescan.h"

// The message itself, a decoded part, what is in that, and a buffer that grows: each as large.
enum { SHARE_OF_MEMORY = 4 };

// A smaller message is mapped as a whole until it has been looked into.
enum { EBB_FROM = 2 * EBB_STRIDE };

struct look *
look_new(const struct dissect_setup *setup, struct err *err)
{
    struct look *look = mem_zalloc(sizeof(*look));

    walk_init();
    look->setup = setup;
    look->sha256 = sha256_new();
    look->charsets = charsets_new(err);
    if (look->charsets != NULL)
        look->magic = magic_new(err);
    if (look->magic == NULL || look_patterns_compile(look, err) != 0)
        look_free(&look);
    return look;
}

void
look_free(struct look **look)
{
    if (*look == NULL)
        return;
    look_patterns_free(*look);
    magic_free(&(*look)->magic);
    charsets_free(&(*look)->charsets);
    sha256_free(&(*look)->sha256);
    mem_free(look);
}

struct bytes { // a message's, borrowed or mapped
    struct span content;
    struct ebb ebb;
    void *map;
    size_t map_len;
};

static int
map_bytes(const struct dissect_query *query, int fd, struct bytes *bytes_out, struct err *err)
{
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    const uint64_t begin = query->offset - query->offset % page;
    off_t size;

    *bytes_out = (struct bytes){.content = query->content};
    if (query->len == 0 || query->content.data != NULL)
        return 0;
    // Not fstat, which asks for a path and is refused in the jail.
    size = lseek(fd, 0, SEEK_END);
    if (size < 0)
        return err_sys(err, ERR_TEMP, errno, "message cannot be looked at");
    // What lies behind a file's end cannot be touched: it would kill.
    if (query->offset > (uint64_t)size || query->len > (uint64_t)size - query->offset)
        return err_set(err, ERR_TEMP, "message is shorter than it should be");
    bytes_out->map_len = (size_t)(query->offset - begin + query->len);
    bytes_out->map = mmap(NULL, bytes_out->map_len, PROT_READ, MAP_PRIVATE, fd, (off_t)begin);
    if (bytes_out->map == MAP_FAILED) {
        bytes_out->map = NULL;
        return err_sys(err, ERR_TEMP, errno, "message cannot be mapped");
    }
    ebb_init(&bytes_out->ebb, bytes_out->map, bytes_out->map_len);
    bytes_out->content =
        span_from((const char *)bytes_out->map + (query->offset - begin), (size_t)query->len);
    return 0;
}

static void
look_inside(struct look_job *job, struct span message, struct ebb *ebb)
{
    struct look *look = job->look;
    struct prescan prescan;
    struct walk walk = {.message = message,
                        .prescan = &prescan,
                        .limits = &look->setup->limits,
                        .charsets = look->charsets,
                        .meter = &look->meter,
                        .findings = job->findings,
                        .ebb = ebb,
                        .read = look_read,
                        .found = look_part,
                        .arg = job};

    meter_turn(&look->meter, LOOK_PRESCAN);
    prescan_run(message, &look->setup->limits, ebb, &prescan);
    meter_turn(&look->meter, LOOK_DECODE);
    walk_run(&walk);
    prescan_clear(&prescan);
}

// Mapped, it would end the dissector, or be refused, whenever it is tried.
static bool
is_too_large(const struct look *look, uint64_t len, struct findings *findings)
{
    const uint64_t most = look->setup->limits.memory / SHARE_OF_MEMORY;

    if (len <= most)
        return false;
    findings->len = len;
    collect_limit(findings, LIMIT_SIZE,
                  "message of %" PRIu64 " bytes, at most %" PRIu64 " in this memory", len, most);
    return true;
}

static int
look_at_content(struct look_job *job, const struct dissect_query *query, int fd, struct err *err)
{
    struct bytes bytes;

    if (map_bytes(query, fd, &bytes, err) != 0)
        return -1;
    job->findings->len = bytes.content.len;
    look_inside(job, bytes.content, bytes.map_len > EBB_FROM ? &bytes.ebb : NULL);
    if (bytes.map != NULL)
        munmap(bytes.map, bytes.map_len);
    return 0;
}

static void
end_parts(struct look_job *job)
{
    if (job->parts == NULL)
        return;
    job->findings->parts_len = parts_end(job->parts);
    job->findings->has_more_parts = job->parts->has_more;
    parts_clear(job->parts);
}

struct findings *
look_at(struct look *look, const struct dissect_query *query, int fd, struct err *err)
{
    struct look_job job = {.look = look, .findings = findings_new()};
    struct parts parts;
    int result = 0;

    look->meter.since = 0; // what was between two messages is nobody's
    meter_turn(&look->meter, LOOK_READ);
    job.budget = (struct archive_budget){.members = look->setup->limits.max_members,
                                         .unpacked = look->setup->limits.max_unpacked};
    if (query->parts_max > 0) {
        parts_init(&parts, query->parts_fd, query->parts_max);
        job.parts = &parts;
    }
    if (!is_too_large(look, query->len, job.findings))
        result = look_at_content(&job, query, fd, err);
    end_parts(&job);
    if (result != 0) {
        findings_free(&job.findings);
        return NULL;
    }
    meter_turn(&look->meter, LOOK_PATTERN);
    look_patterns(&job, query);
    job.findings->is_odd = job.findings->is_odd || odd_is(job.findings);
    meter_turn(&look->meter, LOOK_READ);
    return job.findings;
}

const char *
look_work_name(enum look_work work)
{
    static const char *const names[LOOK_WORK_COUNT] = {
        "read", "prescan", "parse", "decode", "sniff", "archive", "pattern",
    };

    return work < LOOK_WORK_COUNT ? names[work] : "?";
}

void
look_measure(struct look *look, bool on)
{
    look->meter.is_on = on;
}

const uint64_t *
look_times(const struct look *look)
{
    return look->meter.spent;
}
