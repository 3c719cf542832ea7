// SPDX-License-Identifier: BSD-2-Clause
#include "base/pool.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/mem.h"

enum { THREADS_MAX = 64 };

struct queue {
    struct pool_job *first, *last;
};

struct pool {
    pthread_mutex_t mutex; // guards the next four
    pthread_cond_t has_work;
    struct queue todo, finished;
    unsigned sleeping;
    bool is_ending;

    unsigned pending; // the loop's thread only, as the rest
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
}

static struct pool_job *
queue_take(struct queue *queue)
{
    struct pool_job *job = queue->first;

    if (job != NULL)
        queue->first = job->next;
    return job;
}

// Waits for the next job; NULL when the pool ends.
static struct pool_job *
next_job(struct pool *pool)
{
    struct pool_job *job;

    lock(pool);
    while (pool->todo.first == NULL && !pool->is_ending) {
        pool->sleeping++;
        pthread_cond_wait(&pool->has_work, &pool->mutex);
        pool->sleeping--;
    }
    job = queue_take(&pool->todo);
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
    pool->finished.first = NULL;
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
    lock(pool);
    pool->is_ending = true;
    pthread_cond_broadcast(&pool->has_work);
    unlock(pool);
    for (unsigned i = 0; i < pool->thread_count; i++) {
        int failed = pthread_join(pool->threads[i], NULL);

        assert(failed == 0);
    }
    pthread_cond_destroy(&pool->has_work);
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
    pthread_cond_init(&pool->has_work, NULL);
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
    bool wake;

    pool->pending++;
    lock(pool);
    queue_add(&pool->todo, job);
    wake = pool->sleeping > 0;
    unlock(pool);
    if (wake)
        pthread_cond_signal(&pool->has_work);
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

        (void)poll(&wait, 1, -1);
        run_done(pool);
    }
    end_threads(pool);
    loop_io_free(&pool->wake);
    close(pool->wake_fd);
    mem_free(pool_in);
}
