// SPDX-License-Identifier: BSD-2-Clause
#include "spool/keep.h"

#include "base/log.h"
#include "base/mem.h"
#include "spool/quarantine.h"

enum { HOUR_MS = 3600 * 1000, LINES_MAX = 16 << 20 };

struct keep {
    struct task task; // first
    struct spool *spool;
    const struct quarantine_settings *settings;
    struct loop_timer *timer;
    bool is_busy, is_stopped;
    // of the sweep
    int64_t now_ms;
    int result;
    struct buf expired, crowded; // "<id> <size>\n" each: over its time; over the bound
    uint64_t untold;
    struct err err;
};

// --- in the pool, where nothing may be logged ---

static void
note_removed(void *arg, const struct quarantine_removed *removed)
{
    struct keep *keep = arg;
    struct buf *lines = removed->is_expired ? &keep->expired : &keep->crowded;

    if (buf_printf(lines, "%s %llu\n", removed->id, (unsigned long long)removed->size) != 0)
        keep->untold++;
}

static void
work(struct task *task)
{
    struct keep *keep = (struct keep *)task;

    keep->result = quarantine_sweep(&keep->spool->root, keep->settings, keep->now_ms, note_removed,
                                    keep, &keep->err);
}

// --- on the loop ---

static void
tell(struct keep *keep)
{
    struct span expired = buf_span(&keep->expired), crowded = buf_span(&keep->crowded);

    while (expired.len > 0) {
        struct span size = span_cut(&expired, '\n'), id = span_cut(&size, ' ');

        log_info("spool", "%.*s: removed from quarantine, its time is over: size=%.*s", (int)id.len,
                 id.data, (int)size.len, size.data);
    }
    while (crowded.len > 0) {
        struct span size = span_cut(&crowded, '\n'), id = span_cut(&size, ' ');

        log_alarm("spool", "%.*s: removed from quarantine before its time, it is full: size=%.*s",
                  (int)id.len, id.data, (int)size.len, size.data);
    }
    if (keep->untold > 0)
        log_alarm("spool", "%llu more removed from quarantine", (unsigned long long)keep->untold);
    if (keep->result < 0)
        log_error("spool", "quarantine cannot be swept now: %s", keep->err.text);
}

static void
done(struct task *task)
{
    struct keep *keep = (struct keep *)task;

    keep->is_busy = false;
    tell(keep);
    buf_clear(&keep->expired);
    buf_clear(&keep->crowded);
    if (!keep->is_stopped)
        loop_timer_start(keep->timer, HOUR_MS);
}

static void
go(void *arg)
{
    struct keep *keep = arg;

    if (keep->is_busy || keep->is_stopped || keep->settings == NULL)
        return;
    keep->is_busy = true;
    keep->untold = 0;
    keep->now_ms = loop_realtime_ms(keep->spool->loop);
    buf_init(&keep->expired, LINES_MAX);
    buf_init(&keep->crowded, LINES_MAX);
    task_start(&keep->spool->tasks, &keep->task, work, done);
}

void
keep_start(struct keep *keep, const struct quarantine_settings *settings)
{
    keep->settings = settings;
    go(keep);
}

void
keep_stop(struct keep *keep)
{
    keep->is_stopped = true;
    loop_timer_stop(keep->timer);
}

struct keep *
keep_new(struct spool *spool)
{
    struct keep *keep = mem_zalloc(sizeof *keep);

    keep->spool = spool;
    keep->timer = loop_timer_new(spool->loop, go, keep);
    return keep;
}

void
keep_free(struct keep **keep)
{
    if (*keep == NULL)
        return;
    loop_timer_free(&(*keep)->timer);
    mem_free(keep);
}
