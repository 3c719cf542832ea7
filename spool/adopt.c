// SPDX-License-Identifier: BSD-2-Clause
#include "spool/adopt.h"

#include <dirent.h>
#include <errno.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "spool/due.h"
#include "spool/found.h"
#include "spool/names.h"

enum { INSTANCES_MAX = 64, SLOTS_CHUNK = 64, SLACK_MS = 60 * 1000 };

struct walk { // of one home
    struct walk *next;
    struct home *home;
    bool is_listed;
    struct names buckets, slots; // yet to be looked at
    DIR *dir;                    // of the bucket that is being read
    struct bucket *bucket;
    size_t messages;
};

struct adopt {
    struct task task; // first: the one step under way
    struct spool *spool;
    bool is_busy, is_stopped, is_wanted;
    struct walk *first, **last;
    struct walk *postponed; // until the next look
    // of the step
    struct err err;
    bool has_failed, is_at_end;
    int bucket_fd;
    struct place_instance instances[INSTANCES_MAX];
    size_t instance_count;
    struct found_list found;
};

// --- in the pool: free instances ---

static int
visit_instance(void *arg, const char *name)
{
    struct adopt *adopt = arg;
    struct place_instance *instance = &adopt->instances[adopt->instance_count];

    if (adopt->instance_count == INSTANCES_MAX)
        return 1;
    // Ours are locked too, and so passed over.
    if (place_instance_try(&adopt->spool->root, name, instance, &adopt->err) == 1)
        adopt->instance_count++;
    return 0;
}

static void
work_look(struct task *task)
{
    struct adopt *adopt = (struct adopt *)task;

    adopt->instance_count = 0;
    adopt->has_failed =
        place_walk_instances(&adopt->spool->root, visit_instance, adopt, &adopt->err) < 0;
}

// --- in the pool: what lies in one ---

static DIR *
open_stream(int dir_fd, const char *name, struct err *err)
{
    int fd = fs_open_dir(dir_fd, name, err);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);

    if (fd >= 0 && dir == NULL) {
        err_sys(err, ERR_TEMP, errno, "read folder %s", name);
        close(fd);
    }
    return dir;
}

static void
work_list(struct task *task)
{
    struct adopt *adopt = (struct adopt *)task;
    struct walk *walk = adopt->first;
    DIR *dir = open_stream(walk->home->top.fd, ".", &adopt->err);
    const struct dirent *entry;

    adopt->has_failed = dir == NULL;
    if (dir == NULL)
        return;
    while ((entry = readdir(dir)) != NULL) {
        if (place_is_bucket_name(entry->d_name))
            names_add(&walk->buckets, entry->d_name);
        else if (place_is_slot_name(entry->d_name))
            names_add(&walk->slots, entry->d_name);
        else if (store_is_hidden_name(entry->d_name))
            (void)store_remove(dirfd(dir), entry->d_name, NULL);
    }
    closedir(dir);
}

static void
work_slots(struct task *task)
{
    struct adopt *adopt = (struct adopt *)task;
    struct walk *walk = adopt->first;
    const char *name;

    adopt->found.count = 0;
    for (int i = 0; i < SLOTS_CHUNK && (name = names_take(&walk->slots)) != NULL; i++)
        found_slot(&adopt->found, walk->home->top.fd, name);
}

static int
open_bucket(struct adopt *adopt, struct walk *walk)
{
    adopt->bucket_fd = fs_open_dir(walk->home->top.fd, names_peek(&walk->buckets), &adopt->err);
    if (adopt->bucket_fd < 0)
        return -1;
    walk->dir = open_stream(adopt->bucket_fd, ".", &adopt->err);
    if (walk->dir != NULL)
        return 0;
    close(adopt->bucket_fd);
    adopt->bucket_fd = -1;
    return -1;
}

static void
work_bucket(struct task *task)
{
    struct adopt *adopt = (struct adopt *)task;
    struct walk *walk = adopt->first;
    const struct dirent *entry;

    adopt->found.count = 0;
    adopt->is_at_end = false;
    adopt->bucket_fd = -1;
    adopt->has_failed = walk->dir == NULL && open_bucket(adopt, walk) < 0;
    while (!adopt->has_failed && adopt->found.count < FOUND_MAX) {
        errno = 0;
        entry = readdir(walk->dir);
        if (entry == NULL) {
            adopt->is_at_end = true;
            if (errno != 0)
                err_sys(&adopt->err, ERR_TEMP, errno, "read folder %s", names_peek(&walk->buckets));
            return;
        }
        found_file(&adopt->found, dirfd(walk->dir), entry->d_name);
    }
}

// --- on the loop ---

static void
walk_free(struct walk *walk)
{
    names_clear(&walk->buckets);
    names_clear(&walk->slots);
    if (walk->dir != NULL)
        closedir(walk->dir);
    mem_free(&walk);
}

static void
enqueue(struct adopt *adopt, struct walk *walk)
{
    walk->next = NULL;
    *adopt->last = walk;
    adopt->last = &walk->next;
}

static struct walk *
dequeue(struct adopt *adopt)
{
    struct walk *walk = adopt->first;

    adopt->first = walk->next;
    if (adopt->first == NULL)
        adopt->last = &adopt->first;
    return walk;
}

static void
postpone(struct adopt *adopt)
{
    struct walk *walk = dequeue(adopt);

    log_error("spool", "cannot look into instance %s now: %s", walk->home->instance.name,
              adopt->err.text);
    walk->next = adopt->postponed;
    adopt->postponed = walk;
}

static void
end_walk(struct adopt *adopt)
{
    struct walk *walk = dequeue(adopt);

    if (walk->messages > 0)
        log_info("spool", "adopted instance=%s, messages=%zu", walk->home->instance.name,
                 walk->messages);
    home_walked(walk->home);
    walk_free(walk);
}

// Nobody waits longer than for twice the longest delay; else the clock was wrong then, or has been
// set back since, and a message must not be hidden for as long.
static int64_t
latest_due(const struct spool *spool)
{
    const struct setting_list *retry = &spool->settings->retry;
    const uint64_t *delays = retry->items;
    uint64_t longest = SLACK_MS;

    for (size_t i = 0; i < retry->count; i++)
        longest = delays[i] > longest ? delays[i] : longest;
    return loop_realtime_ms(spool->loop) + 2 * (int64_t)longest;
}

static void
enter_found(struct adopt *adopt, struct walk *walk, struct bucket *bucket)
{
    struct spool *spool = adopt->spool;
    int64_t latest = latest_due(spool);

    for (size_t i = 0; i < adopt->found.count; i++) {
        const struct found *found = &adopt->found.items[i];
        const char *name = found->name[0] == '\0' ? NULL : found->name;
        struct agenda_entry *entry = agenda_entry_new(found->id, name, bucket);

        entry->is_adopted = true;
        entry->is_hastened = found->due_ms > latest;
        bucket_enter(bucket);
        agenda_add(&spool->agenda, entry, entry->is_hastened ? latest : found->due_ms);
    }
    walk->messages += adopt->found.count;
    spool_count(spool, (int)adopt->found.count);
    adopt->found.count = 0;
}

static void
after_bucket(struct adopt *adopt)
{
    struct walk *walk = adopt->first;

    if (adopt->bucket_fd >= 0)
        walk->bucket = home_add_bucket(walk->home, names_peek(&walk->buckets), adopt->bucket_fd);
    enter_found(adopt, walk, walk->bucket);
    if (!adopt->is_at_end)
        return;
    if (adopt->err.kind != ERR_NONE)
        log_alarm("spool", "instance %s: %s; messages may lie there until a restart",
                  walk->home->instance.name, adopt->err.text);
    closedir(walk->dir);
    walk->dir = NULL;
    (void)names_take(&walk->buckets);
}

static void
after_look(struct adopt *adopt)
{
    if (adopt->has_failed)
        log_error("spool", "cannot look for instances: %s", adopt->err.text);
    for (size_t i = 0; i < adopt->instance_count; i++) {
        struct walk *walk = mem_zalloc(sizeof *walk);

        walk->home = homes_adopt(&adopt->spool->homes, &adopt->instances[i]);
        enqueue(adopt, walk);
    }
    adopt->is_wanted = adopt->instance_count == INSTANCES_MAX; // there may be more
}

static void
take_up_postponed(struct adopt *adopt)
{
    while (adopt->postponed != NULL) {
        struct walk *walk = adopt->postponed;

        adopt->postponed = walk->next;
        enqueue(adopt, walk);
    }
}

// NULL: there is nothing to do.
static task_step *
next_step(struct adopt *adopt)
{
    struct walk *walk;

    if (adopt->is_stopped)
        return NULL;
    if (adopt->is_wanted) {
        take_up_postponed(adopt);
        return work_look;
    }
    while ((walk = adopt->first) != NULL) {
        if (!walk->is_listed)
            return work_list;
        if (names_peek(&walk->slots) != NULL)
            return work_slots;
        if (names_peek(&walk->buckets) != NULL)
            return work_bucket;
        end_walk(adopt);
    }
    return NULL;
}

static void
go(struct adopt *adopt, task_step *done)
{
    task_step *step = next_step(adopt);

    due_pause(adopt->spool, step != NULL);
    if (step == NULL)
        return;
    adopt->is_busy = true;
    adopt->has_failed = false;
    adopt->err.kind = ERR_NONE;
    task_start(&adopt->spool->tasks, &adopt->task, step, done);
}

static void
done_step(struct task *task)
{
    struct adopt *adopt = (struct adopt *)task;

    adopt->is_busy = false;
    if (task->work == work_look) {
        after_look(adopt);
    } else if (adopt->has_failed) {
        postpone(adopt);
    } else if (task->work == work_list) {
        adopt->first->is_listed = true;
    } else if (task->work == work_slots) {
        enter_found(adopt, adopt->first, &adopt->first->home->top);
    } else {
        after_bucket(adopt);
    }
    go(adopt, done_step);
}

void
adopt_look(struct adopt *adopt)
{
    adopt->is_wanted = true;
    if (!adopt->is_busy)
        go(adopt, done_step);
}

void
adopt_stop(struct adopt *adopt)
{
    adopt->is_stopped = true;
}

struct adopt *
adopt_new(struct spool *spool)
{
    struct adopt *adopt = mem_zalloc(sizeof *adopt);

    adopt->spool = spool;
    adopt->last = &adopt->first;
    return adopt;
}

void
adopt_free(struct adopt **adopt_in)
{
    struct adopt *adopt = *adopt_in;

    if (adopt == NULL)
        return;
    take_up_postponed(adopt);
    while (adopt->first != NULL)
        walk_free(dequeue(adopt));
    mem_free(adopt_in);
}
