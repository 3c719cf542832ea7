// SPDX-License-Identifier: BSD-2-Clause
#include "base/pool.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/mem.h"

enum { THREADS_MAX = 64 };

struct queue {
    struct pool_job *first, *last;
    unsigned count, slow; // slow: those that are not quick
};

struct pool {
    pthread_mutex_t mutex; // guards the next six
    struct queue todo, finished;
    unsigned sleeping;  // threads
    unsigned woken;     // that have not looked yet
    unsigned hastening; // at quick jobs: they look again at once
    bool is_ending;
    sem_t bell; // rung once for each that is woken

    struct loop *loop; // the loop's thread only, as the rest
    struct queue fresh;
    struct loop_deferred hand_over; // fresh, at the end of the turn
    unsigned pending;
    unsigned thread_count;
    int wake_fd; // eventfd: finished has become non-empty
    struct loop_io *wake;
    pthread_t threads[THREADS_MAX];
};

static void
lock(struct pool *pool)
{
    int failed = pthread_mutex_lock(&pool->mutex);

    assert(failed == 0);
}

static void
unlock(struct pool *pool)
{
    int failed = pthread_mutex_unlock(&pool->mutex);

    assert(failed == 0);
}

static void
queue_add(struct queue *queue, struct pool_job *job)
{
    job->next = NULL;
    if (queue->first == NULL)
        queue->first = job;
    else
        queue->last->next = job;
    queue->last = job;
    queue->count++;
    queue->slow += job->is_quick ? 0 : 1;
}

static void
queue_join(struct queue *queue, struct queue *more)
{
    if (queue->first == NULL)
        queue->first = more->first;
    else
        queue->last->next = more->first;
    queue->last = more->last;
    queue->count += more->count;
    queue->slow += more->slow;
    *more = (struct queue){.first = NULL};
}

static struct pool_job *
queue_take(struct queue *queue)
{
    struct pool_job *job = queue->first;

    if (job == NULL)
        return NULL;
    queue->first = job->next;
    queue->count--;
    queue->slow -= job->is_quick ? 0 : 1;
    return job;
}

// --- in the threads ---

static void
sleep_until_woken(struct pool *pool)
{
    int result;

    pool->sleeping++;
    unlock(pool);
    do
        result = sem_wait(&pool->bell);
    while (result < 0 && errno == EINTR);
    assert(result == 0);
    lock(pool);
    pool->woken--;
}

// Waits for the next job; NULL when the pool ends.
static struct pool_job *
next_job(struct pool *pool)
{
    struct pool_job *job;

    lock(pool);
    while (pool->todo.first == NULL && !pool->is_ending)
        sleep_until_woken(pool);
    job = queue_take(&pool->todo);
    pool->hastening += job != NULL && job->is_quick ? 1 : 0;
    unlock(pool);
    return job;
}

// The loop is woken once for all jobs that end before it looks.
static void
finish_job(struct pool *pool, struct pool_job *job)
{
    uint64_t one = 1;
    bool was_empty;
    ssize_t written;

    lock(pool);
    was_empty = pool->finished.first == NULL;
    queue_add(&pool->finished, job);
    pool->hastening -= job->is_quick ? 1 : 0;
    unlock(pool);
    if (!was_empty)
        return;
    do
        written = write(pool->wake_fd, &one, sizeof one);
    while (written < 0 && errno == EINTR);
    assert(written == (ssize_t)sizeof one);
}

static void *
thread_main(void *arg)
{
    struct pool *pool = arg;
    struct pool_job *job;

    while ((job = next_job(pool)) != NULL) {
        job->work(job);
        finish_job(pool, job);
    }
    return NULL;
}

// --- on the loop ---

static bool
has_quick(const struct queue *queue)
{
    return queue->count > queue->slow;
}

// A thread for each that may wait for the disk, and one for all the others; one more where those of
// a former turn wait still: the disk may hold the one that is at them.
static unsigned
count_to_wake(const struct pool *pool, bool is_behind)
{
    unsigned quick = has_quick(&pool->todo) && (pool->hastening == 0 || is_behind) ? 1 : 0;
    unsigned useful = pool->todo.slow + quick;

    useful = useful > pool->woken ? useful - pool->woken : 0;
    return useful < pool->sleeping ? useful : pool->sleeping;
}

static void
wake_threads(struct pool *pool, unsigned count)
{
    while (count-- > 0) {
        int failed = sem_post(&pool->bell);

        assert(failed == 0);
    }
}

static void
hand_over(void *arg)
{
    struct pool *pool = arg;
    unsigned count;
    bool is_behind;

    if (pool->fresh.first == NULL)
        return;
    lock(pool);
    is_behind = has_quick(&pool->todo);
    queue_join(&pool->todo, &pool->fresh);
    count = count_to_wake(pool, is_behind);
    pool->sleeping -= count;
    pool->woken += count;
    unlock(pool);
    wake_threads(pool, count);
}

// One round: jobs submitted again by their done end in a later one.
static void
run_done(struct pool *pool)
{
    struct queue finished;
    struct pool_job *job;
    uint64_t count;
    // The counter is cleared before the list is taken: a job that ends in between wakes us once
    // too often, never once too few.
    ssize_t got = read(pool->wake_fd, &count, sizeof count);

    assert(got == (ssize_t)sizeof count || errno == EAGAIN || errno == EINTR);
    lock(pool);
    finished = pool->finished;
    pool->finished = (struct queue){.first = NULL};
    unlock(pool);
    while ((job = queue_take(&finished)) != NULL) {
        pool->pending--;
        job->done(job);
    }
}

static void
on_wake(void *arg, bool readable, bool writable)
{
    (void)readable;
    (void)writable;
    run_done(arg);
}

static void
end_threads(struct pool *pool)
{
    unsigned count;

    lock(pool);
    pool->is_ending = true;
    count = pool->sleeping;
    pool->sleeping = 0;
    pool->woken += count;
    unlock(pool);
    wake_threads(pool, count);
    for (unsigned i = 0; i < pool->thread_count; i++) {
        int failed = pthread_join(pool->threads[i], NULL);

        assert(failed == 0);
    }
    sem_destroy(&pool->bell);
    pthread_mutex_destroy(&pool->mutex);
}

static int
start_threads(struct pool *pool, unsigned threads)
{
    sigset_t all, former;
    int failed = 0;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &former);
    while (pool->thread_count < threads && failed == 0) {
        failed = pthread_create(&pool->threads[pool->thread_count], NULL, thread_main, pool);
        if (failed == 0)
            pool->thread_count++;
    }
    pthread_sigmask(SIG_SETMASK, &former, NULL);
    return failed;
}

struct pool *
pool_new(struct loop *loop, unsigned threads, struct err *err)
{
    struct pool *pool;
    int failed;
    int wake_fd;

    assert(threads >= 1 && threads <= THREADS_MAX);
    wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (wake_fd < 0) {
        err_sys(err, ERR_TEMP, errno, "eventfd");
        return NULL;
    }
    pool = mem_zalloc(sizeof *pool);
    pool->wake_fd = wake_fd;
    pthread_mutex_init(&pool->mutex, NULL);
    (void)sem_init(&pool->bell, 0, 0);
    pool->loop = loop;
    pool->hand_over = (struct loop_deferred){.run = hand_over, .arg = pool};
    failed = start_threads(pool, threads);
    if (failed != 0) {
        err_sys(err, ERR_TEMP, failed, "cannot start thread %u of %u", pool->thread_count + 1,
                threads);
        end_threads(pool);
        close(wake_fd);
        mem_free(&pool);
        return NULL;
    }
    pool->wake = loop_io_new(loop, wake_fd, on_wake, pool);
    loop_io_want(pool->wake, true, false);
    return pool;
}

void
pool_submit(struct pool *pool, struct pool_job *job)
{
    pool->pending++;
    queue_add(&pool->fresh, job);
    loop_defer(pool->loop, &pool->hand_over);
}

unsigned
pool_pending(const struct pool *pool)
{
    return pool->pending;
}

void
pool_free(struct pool **pool_in)
{
    struct pool *pool = *pool_in;

    if (pool == NULL)
        return;
    while (pool->pending > 0) {
        struct pollfd wait = {.fd = pool->wake_fd, .events = POLLIN};

        hand_over(pool);
        (void)poll(&wait, 1, -1);
        run_done(pool);
    }
    end_threads(pool);
    loop_undefer(pool->loop, &pool->hand_over);
    loop_io_free(&pool->wake);
    close(pool->wake_fd);
    mem_free(pool_in);
}
