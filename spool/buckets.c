// SPDX-License-Identifier: BSD-2-Clause
#include "spool/buckets.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"

// With this many ahead, a burst of moves does not outrun the making of folders, which waits behind
// it in the pool.
enum { SPARES = 2, SPARES_FROM = 100, DIR_MODE = 0700 };

static void
on_sync_failed(void *arg, const struct err *err)
{
    struct bucket *bucket = arg;

    log_alarm("spool", "cannot make folder %s/%s durable: %s", bucket->home->instance.name,
              bucket->name, err->text);
}

static void
bucket_init(struct bucket *bucket, struct home *home, const char *name, int fd)
{
    bool is_top = name[0] == '\0';

    bucket->home = home;
    snprintf(bucket->name, sizeof bucket->name, "%s", name);
    bucket->fd = fd;
    syncer_item_init(&bucket->sync, is_top ? SYNCER_INSTANCE : SYNCER_BUCKET, fd, on_sync_failed,
                     bucket);
}

struct bucket *
home_add_bucket(struct home *home, const char *name, int fd_take)
{
    struct bucket *bucket = mem_zalloc(sizeof *bucket);

    bucket_init(bucket, home, name, fd_take);
    bucket->next = home->buckets;
    home->buckets = bucket;
    return bucket;
}

static void
bucket_free(struct bucket *bucket)
{
    struct bucket **link = &bucket->home->buckets;

    syncer_forget(bucket->home->homes->syncer, &bucket->sync);
    while (*link != bucket)
        link = &(*link)->next;
    *link = bucket->next;
    close(bucket->fd);
    mem_free(&bucket);
}

static struct home *
home_new(struct homes *homes, const struct place_instance *instance_take)
{
    struct home *home = mem_zalloc(sizeof *home);

    home->homes = homes;
    home->instance = *instance_take;
    bucket_init(&home->top, home, "", home->instance.fd);
    return home;
}

static void
home_free(struct home *home)
{
    while (home->buckets != NULL)
        bucket_free(home->buckets);
    syncer_forget(home->homes->syncer, &home->top.sync);
    mem_free(&home);
}

// --- the next bucket ---

// A name that is taken (left by a former run of the numbers) is passed over.
static int
make_bucket(struct homes *homes, struct err *err)
{
    int top_fd = homes->own->top.fd;
    int fd;

    do {
        homes->next_number++;
        snprintf(homes->making, sizeof homes->making, "%04x", homes->next_number);
    } while (mkdirat(top_fd, homes->making, DIR_MODE) < 0 && errno == EEXIST);
    fd = fs_open_dir(top_fd, homes->making, err);
    if (fd < 0)
        return -1;
    if (homes->sync && (fs_sync(fd, err) < 0 || fs_sync(top_fd, err) < 0)) {
        close(fd);
        return -1;
    }
    return fd;
}

static void
work_make(struct task *task)
{
    struct homes *homes = (struct homes *)task;

    homes->made_fd = make_bucket(homes, &homes->err);
}

static void
done_make(struct task *task)
{
    struct homes *homes = (struct homes *)task;

    homes->is_making = false;
    if (homes->made_fd < 0) {
        log_error("spool", "cannot make a folder for messages: %s", homes->err.text);
        return;
    }
    home_add_bucket(homes->own, homes->making, homes->made_fd)->is_spare = true;
    homes->spares++;
}

static void
look_ahead(struct homes *homes)
{
    if (homes->is_making || homes->spares >= SPARES || homes->running->files < SPARES_FROM)
        return;
    homes->is_making = true;
    task_start(homes->tasks, &homes->task, work_make, done_make);
}

static void
take_spare(struct homes *homes)
{
    struct bucket *bucket = homes->own->buckets;

    while (!bucket->is_spare)
        bucket = bucket->next;
    bucket->is_spare = false;
    homes->spares--;
    homes->running = bucket;
}

struct bucket *
homes_reserve(struct homes *homes)
{
    // Without a spare the running one goes on: a folder too full does no harm but to speed.
    if (homes->running->files >= PLACE_BUCKET_FILES && homes->spares > 0)
        take_spare(homes);
    bucket_enter(homes->running);
    look_ahead(homes);
    return homes->running;
}

// --- leaving and removing ---

static void
work_remove_bucket(struct task *task)
{
    struct bucket *bucket = (struct bucket *)task;

    // It may hold what is not ours; then it stays, and does no harm.
    (void)unlinkat(bucket->home->top.fd, bucket->name, AT_REMOVEDIR);
}

static void
done_remove_bucket(struct task *task)
{
    bucket_free((struct bucket *)task);
}

static void
work_remove_home(struct task *task)
{
    struct home *home = (struct home *)task;

    // One that is not empty is unlocked, and looked at again by the next adoption.
    if (place_instance_remove(home->homes->root, &home->instance, NULL) < 0)
        place_instance_close(&home->instance);
}

static void
done_remove_home(struct task *task)
{
    struct home *home = (struct home *)task;
    struct home **link = &home->homes->adopted;

    while (*link != home)
        link = &(*link)->next;
    *link = home->next;
    home_free(home);
}

static void
remove_home_if_empty(struct home *home)
{
    struct homes *homes = home->homes;

    if (home == homes->own || !home->is_walked || home->top.files > 0)
        return;
    for (struct bucket *bucket = home->buckets; bucket != NULL; bucket = bucket->next) {
        if (bucket->files > 0)
            return;
    }
    // Its descriptors are closed by the work, so the syncer must not know them any more.
    for (struct bucket *bucket = home->buckets; bucket != NULL; bucket = bucket->next)
        syncer_forget(homes->syncer, &bucket->sync);
    syncer_forget(homes->syncer, &home->top.sync);
    task_start(homes->tasks, &home->task, work_remove_home, done_remove_home);
}

void
bucket_enter(struct bucket *bucket)
{
    bucket->files++;
}

void
bucket_leave(struct bucket *bucket)
{
    struct homes *homes = bucket->home->homes;

    assert(bucket->files > 0);
    bucket->files--;
    if (bucket->files > 0)
        return;
    if (bucket->home != homes->own)
        remove_home_if_empty(bucket->home);
    else if (bucket != homes->running && bucket != &bucket->home->top)
        task_start(homes->tasks, &bucket->task, work_remove_bucket, done_remove_bucket);
}

// --- durable ---

void
bucket_mark(struct bucket *bucket)
{
    syncer_mark(bucket->home->homes->syncer, &bucket->sync);
}

static void
work_sync(struct task *task)
{
    struct bucket *bucket = (struct bucket *)task;

    bucket->err.kind = ERR_NONE;
    (void)fs_sync(bucket->fd, &bucket->err);
}

static void
begin_sync(struct bucket *bucket)
{
    bucket->served = bucket->waiting;
    bucket->waiting = NULL;
    bucket->is_syncing = true;
    bucket_enter(bucket); // it stays while somebody waits for it
}

// Who asks while the round's waiters are told is served by the next round.
static void
done_sync(struct task *task)
{
    struct bucket *bucket = (struct bucket *)task;
    const struct err *err = bucket->err.kind == ERR_NONE ? NULL : &bucket->err;

    while (bucket->served != NULL) {
        struct bucket_waiter *waiter = bucket->served;

        bucket->served = waiter->next;
        waiter->done(waiter, err);
    }
    bucket->is_syncing = false;
    if (bucket->waiting != NULL) {
        begin_sync(bucket);
        task_start(task->tasks, task, task->work, task->done);
    }
    bucket_leave(bucket);
}

void
bucket_sync(struct bucket *bucket, struct bucket_waiter *waiter)
{
    waiter->next = bucket->waiting;
    bucket->waiting = waiter;
    if (bucket->is_syncing)
        return;
    begin_sync(bucket);
    task_start(bucket->home->homes->tasks, &bucket->task, work_sync, done_sync);
}

// --- our own and adopted instances ---

struct home *
homes_adopt(struct homes *homes, const struct place_instance *instance_take)
{
    struct home *home = home_new(homes, instance_take);

    home->next = homes->adopted;
    homes->adopted = home;
    return home;
}

void
home_walked(struct home *home)
{
    home->is_walked = true;
    remove_home_if_empty(home);
}

int
homes_open(struct homes *homes, struct tasks *tasks, struct syncer *syncer, struct place_root *root,
           bool sync, struct err *err)
{
    struct place_instance instance;
    int fd;

    *homes = (struct homes){.tasks = tasks, .syncer = syncer, .root = root, .sync = sync};
    if (place_instance_new(root, &instance, err) < 0)
        return -1;
    homes->own = home_new(homes, &instance);
    fd = make_bucket(homes, err);
    if (fd < 0) {
        (void)place_instance_remove(root, &homes->own->instance, NULL);
        home_free(homes->own);
        homes->own = NULL;
        return -1;
    }
    homes->running = home_add_bucket(homes->own, homes->making, fd);
    return 0;
}

void
homes_close(struct homes *homes)
{
    struct home *home = homes->own;

    if (home == NULL)
        return;
    if (place_instance_remove(homes->root, &home->instance, NULL) < 0)
        place_instance_close(&home->instance);
    home_free(home);
    homes->own = NULL;
    while (homes->adopted != NULL) {
        home = homes->adopted;
        homes->adopted = home->next;
        place_instance_close(&home->instance);
        home_free(home);
    }
}
