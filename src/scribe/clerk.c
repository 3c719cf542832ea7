// SPDX-License-Identifier: BSD-2-Clause
#include "src/scribe/clerk.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "src/scribe/books.h"
#include "src/scribe/gather.h"

enum {
    DRAIN_TICK_MS = 20,
    SEAT_PATIENCE_MS = 120 * 1000,
    REDIS_DRAIN_MS = 2000,
    EXPIRE_EVERY_MS = 60 * 1000,
    TROUBLE_TEXT = 300
};

struct batch { // a turn of the ledger's
    struct pool_job job;
    struct clerk *clerk;
    struct books_batch books;
    uint64_t since_ms; // what is gathered waits since then; 0: nothing does
    bool is_under_way;
};

struct errand_to_redis { // reads what Redis lacks
    struct pool_job job;
    struct clerk *clerk;
    struct books_changes changes;
    bool is_under_way;
};

struct clerk {
    struct clerk_config config;
    struct books *books;
    struct figures *figures;
    struct gather *gather;
    struct publisher *publisher; // NULL: no Redis
    struct loop_timer *tick;
    struct batch batch;
    struct errand_to_redis redis;
    uint64_t change;      // the ledger's last
    uint64_t redis_start; // what Redis had when we began
    uint64_t redis_mark;  // the ledger knows that Redis has it
    bool is_open;         // the ledger has been, once
    bool has_seat, is_draining, is_seat_missed;
    uint64_t unseated_ms; // the last time with the seat, or the first without
    uint64_t drain_ms;
    uint64_t rows;
    char trouble[TROUBLE_TEXT + 1]; // of the ledger; "": it works
    int64_t start_ms;               // wall clock, at start_mono_ms
    uint64_t start_mono_ms, expire_due_ms;
    loop_callback *on_idle;
    void *idle_arg;
};

// --- Redis ---

static uint64_t
redis_change(const struct clerk *clerk)
{
    uint64_t change = clerk->publisher == NULL ? 0 : publisher_change(clerk->publisher);

    return change > clerk->redis_start ? change : clerk->redis_start;
}

static void
end_redis(struct pool_job *job)
{
    struct errand_to_redis *redis = (struct errand_to_redis *)job;
    struct clerk *clerk = redis->clerk;
    struct books_changes *changes = &redis->changes;

    redis->is_under_way = false;
    // Behind another number than we have now: it was another ledger's.
    if (changes->is_read && changes->after == redis_change(clerk) &&
        publisher_is_ready(clerk->publisher)) {
        if (changes->count > 0)
            publisher_send(clerk->publisher, changes->records, changes->count, changes->last);
        else
            clerk->redis_start = changes->last;
    }
    arena_clear(&changes->arena);
}

static void
work_redis(struct pool_job *job)
{
    struct errand_to_redis *redis = (struct errand_to_redis *)job;

    books_read(redis->clerk->books, &redis->changes);
}

static void
on_publisher_ready(void *arg)
{
    struct clerk *clerk = arg;
    struct errand_to_redis *redis = &clerk->redis;

    if (clerk->publisher == NULL || redis->is_under_way || !clerk->is_open || !clerk->has_seat ||
        !publisher_is_ready(clerk->publisher) || redis_change(clerk) >= clerk->change)
        return;
    redis->changes = (struct books_changes){.after = redis_change(clerk),
                                            .since_ms = loop_realtime_ms(clerk->config.loop) -
                                                        (int64_t)clerk->config.settings->redis.ttl};
    arena_init(&redis->changes.arena, BOOKS_CHANGES_BYTES);
    redis->is_under_way = true;
    pool_submit(clerk->config.pool, &redis->job);
}

static void
open_publisher(struct clerk *clerk)
{
    static const struct publisher_callbacks callbacks = {.on_ready = on_publisher_ready};
    const struct settings *settings = clerk->config.settings;

    if (settings->redis.servers.count == 0)
        return;
    clerk->publisher = publisher_new(clerk->config.loop, &settings->redis, settings->smtp.hostname,
                                     &callbacks, clerk);
}

// --- the ledger ---

static void
note_success(struct clerk *clerk)
{
    if (clerk->trouble[0] != '\0')
        log_info("scribe", "the ledger can be written again");
    clerk->trouble[0] = '\0';
}

static void
note_trouble(struct clerk *clerk, const struct err *err)
{
    if (strcmp(clerk->trouble, err->text) == 0)
        return;
    log_alarm("scribe", "the ledger cannot be written, mail goes on: %s", err->text);
    (void)snprintf(clerk->trouble, sizeof clerk->trouble, "%.*s", TROUBLE_TEXT, err->text);
}

// Another ledger, where the one before was set aside, counts from the start again.
static void
begin_redis(struct clerk *clerk, const struct books_batch *done)
{
    if (clerk->is_open) {
        publisher_free(&clerk->publisher);
        open_publisher(clerk);
    }
    clerk->redis_start = done->redis_mark <= done->last_change ? done->redis_mark : 0;
}

static void
take_success(struct clerk *clerk)
{
    const struct books_batch *done = &clerk->batch.books;

    note_success(clerk);
    if (done->is_opened)
        begin_redis(clerk, done);
    gather_release(clerk->gather);
    clerk->batch.since_ms = 0;
    clerk->rows += done->rows;
    clerk->change = done->last_change;
    clerk->is_open = true;
    if (done->has_more)
        clerk->expire_due_ms = loop_now_ms(clerk->config.loop);
    on_publisher_ready(clerk);
}

static uint64_t
pause_ms(const struct clerk *clerk)
{
    return clerk->is_draining ? DRAIN_TICK_MS : CLERK_TICK_MS;
}

static void
end_batch(struct pool_job *job)
{
    struct batch *batch = (struct batch *)job;
    struct clerk *clerk = batch->clerk;
    bool was_full = gather_is_full(clerk->gather);

    batch->is_under_way = false;
    if (batch->books.alarm[0] != '\0')
        log_alarm("scribe", "%s", batch->books.alarm);
    if (batch->books.warning[0] != '\0')
        log_warning("scribe", "%s", batch->books.warning);
    if (batch->books.is_written)
        take_success(clerk);
    else
        note_trouble(clerk, &batch->books.err);
    loop_timer_start(clerk->tick,
                     batch->books.is_written ? (was_full ? 0 : pause_ms(clerk)) : CLERK_RETRY_MS);
}

static void
work_batch(struct pool_job *job)
{
    struct batch *batch = (struct batch *)job;

    books_write(batch->clerk->books, &batch->books);
}

// A clock that was set ahead must not make the ledger forget: time counts as it went by.
static int64_t
expire_before(struct clerk *clerk, uint64_t now_ms)
{
    int64_t clock = loop_realtime_ms(clerk->config.loop);
    int64_t expected = clerk->start_ms + (int64_t)(now_ms - clerk->start_mono_ms);

    if (now_ms < clerk->expire_due_ms)
        return 0;
    clerk->expire_due_ms = now_ms + EXPIRE_EVERY_MS;
    return (clock < expected ? clock : expected) - (int64_t)clerk->config.settings->track.keep;
}

static void
submit_batch(struct clerk *clerk)
{
    struct batch *batch = &clerk->batch;
    uint64_t now_ms = loop_now_ms(clerk->config.loop);
    const struct record *const *records;
    size_t count = gather_get(clerk->gather, &records);

    if (batch->since_ms == 0 && count > 0)
        batch->since_ms = now_ms;
    batch->books = (struct books_batch){.records = records,
                                        .count = count,
                                        .redis_change = redis_change(clerk),
                                        .now_ms = loop_realtime_ms(clerk->config.loop),
                                        .expire_ms = expire_before(clerk, now_ms),
                                        .clock_ms = now_ms,
                                        .is_last = clerk->is_draining};
    batch->is_under_way = true;
    pool_submit(clerk->config.pool, &batch->job);
}

// --- the end ---

static bool
is_written_to(const struct clerk *clerk)
{
    const struct counter_page *page = clerk->config.page;

    for (size_t i = 0; i < counter_rows(page); i++) {
        pid_t pid = (pid_t)atomic_load(&page->worker[i].pid);

        if (pid > 0 && (kill(pid, 0) == 0 || errno != ESRCH))
            return true;
    }
    return false;
}

// It is there, and has not got all.
static bool
owes_redis(const struct clerk *clerk)
{
    struct publisher_figures figures;

    if (clerk->publisher == NULL || redis_change(clerk) >= clerk->change ||
        loop_now_ms(clerk->config.loop) - clerk->drain_ms > REDIS_DRAIN_MS)
        return false;
    publisher_get(clerk->publisher, &figures);
    return figures.is_connected;
}

bool
clerk_is_idle(const struct clerk *clerk)
{
    if (clerk->batch.is_under_way || clerk->redis.is_under_way)
        return false;
    if (!clerk->has_seat || rings_is_seat_wanted(clerk->config.rings, getpid()))
        return true;
    if (is_written_to(clerk))
        return false;
    if (clerk->trouble[0] != '\0')
        return true;
    return gather_is_all_read(clerk->gather) && !owes_redis(clerk);
}

static void
leave_seat(struct clerk *clerk)
{
    if (clerk->has_seat)
        rings_leave_seat(clerk->config.rings, getpid());
    clerk->has_seat = false;
}

// A scribe before us is at its end within SCRIBE_DRAIN_MS; whoever sits there longer is none.
static void
take_seat(struct clerk *clerk)
{
    uint64_t now_ms = loop_now_ms(clerk->config.loop);

    clerk->has_seat = rings_take_seat(clerk->config.rings, getpid());
    if (clerk->has_seat || clerk->unseated_ms == 0)
        clerk->unseated_ms = now_ms;
    else if (now_ms - clerk->unseated_ms > SEAT_PATIENCE_MS && !clerk->is_seat_missed) {
        clerk->is_seat_missed = true;
        log_alarm("scribe", "another process reads what the workers tell: the ledger stands still "
                            "until posternd is started anew");
    }
}

static void
on_tick(void *arg)
{
    struct clerk *clerk = arg;

    if (clerk->batch.is_under_way)
        return;
    take_seat(clerk);
    if (clerk->is_draining && clerk_is_idle(clerk)) {
        leave_seat(clerk); // whoever still talks to this scribe must not keep the next one waiting
        clerk->on_idle(clerk->idle_arg);
        return;
    }
    if (!clerk->has_seat) {
        loop_timer_start(clerk->tick, pause_ms(clerk));
        return;
    }
    gather_read(clerk->gather, loop_now_ms(clerk->config.loop));
    submit_batch(clerk);
}

void
clerk_drain(struct clerk *clerk, loop_callback *on_idle, void *arg)
{
    clerk->is_draining = true;
    clerk->drain_ms = loop_now_ms(clerk->config.loop);
    clerk->on_idle = on_idle;
    clerk->idle_arg = arg;
    if (!clerk->batch.is_under_way)
        loop_timer_start(clerk->tick, 0);
}

// --- life ---

struct clerk *
clerk_new(const struct clerk_config *config)
{
    struct clerk *clerk = mem_zalloc(sizeof *clerk);

    clerk->config = *config;
    clerk->batch.clerk = clerk->redis.clerk = clerk;
    clerk->batch.job = (struct pool_job){.work = work_batch, .done = end_batch};
    clerk->redis.job = (struct pool_job){.work = work_redis, .done = end_redis};
    clerk->books = books_new(config->settings);
    clerk->figures = figures_new(rings_rows(config->rings));
    clerk->gather = gather_new(config->rings, clerk->figures);
    clerk->start_ms = loop_realtime_ms(config->loop);
    clerk->start_mono_ms = loop_now_ms(config->loop);
    clerk->expire_due_ms = clerk->start_mono_ms + EXPIRE_EVERY_MS;
    clerk->tick = loop_timer_new(config->loop, on_tick, clerk);
    loop_timer_start(clerk->tick, 0);
    open_publisher(clerk);
    return clerk;
}

struct figures *
clerk_figures(struct clerk *clerk)
{
    return clerk->figures;
}

void
clerk_get(const struct clerk *clerk, struct clerk_state *state_out)
{
    const struct batch *batch = &clerk->batch;
    uint64_t now_ms = loop_now_ms(clerk->config.loop);

    *state_out = (struct clerk_state){.is_ledger_up = clerk->is_open && clerk->trouble[0] == '\0',
                                      .has_redis = clerk->publisher != NULL,
                                      .rows = clerk->rows,
                                      .dropped = gather_dropped(clerk->gather),
                                      .trouble = clerk->trouble};
    if (batch->since_ms != 0)
        state_out->behind_ms = now_ms - batch->since_ms;
    if (clerk->publisher == NULL)
        return;
    publisher_get(clerk->publisher, &state_out->redis);
    if (clerk->change > redis_change(clerk))
        state_out->redis_behind = clerk->change - redis_change(clerk);
}

void
clerk_free(struct clerk **clerk)
{
    struct clerk *gone = *clerk;

    if (gone == NULL)
        return;
    *clerk = NULL;
    publisher_free(&gone->publisher);
    loop_timer_free(&gone->tick);
    books_free(&gone->books);
    gather_free(&gone->gather);
    figures_free(&gone->figures);
    leave_seat(gone);
    mem_free(&gone);
}
