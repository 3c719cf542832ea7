// SPDX-License-Identifier: BSD-2-Clause
#include "src/scribe/survey.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/proc.h"
#include "spool/place.h"
#include "src/version.h"

enum { ALIVE_MS = 10000, SOON_MS = 1000 };

struct look { // what is seen at once
    struct metrics_process processes[SURVEY_PROCESSES_MAX];
    size_t process_count;
    uint64_t hold, quarantine, corrupt;
    struct fs_space space;
    bool has_space;
    struct err err; // where it has not
};

struct survey {
    struct pool_job job; // first
    struct survey_config config;
    pid_t master;
    struct loop_timer *timer;
    unsigned turn;
    struct look *seen, *next; // next: the job's while it is under way
};

// --- processes ---

static bool
is_worker(const struct counter_page *page, pid_t pid)
{
    for (size_t i = 0; i < counter_rows(page); i++) {
        if (atomic_load_explicit(&page->worker[i].pid, memory_order_relaxed) == pid)
            return true;
    }
    return false;
}

static const char *
kind_of_child(const struct survey *survey, pid_t pid)
{
    char command[64];

    if (is_worker(survey->config.page, pid))
        return "worker";
    proc_command(pid, command);
    if (strcmp(command, "postern-dissect") == 0)
        return "nursery";
    // A former one, that is at the end of its work.
    return strcmp(command, "posternd") == 0 ? "scribe" : NULL;
}

static const char *
kind_of(const struct survey *survey, const struct proc *proc)
{
    if (proc->pid == survey->master)
        return "master";
    if (proc->pid == getpid())
        return "scribe";
    return proc->parent == survey->master ? kind_of_child(survey, proc->pid) : NULL;
}

static void
add_process(struct look *look, const char *kind, const struct proc *proc)
{
    if (look->process_count == SURVEY_PROCESSES_MAX)
        return;
    look->processes[look->process_count++] =
        (struct metrics_process){.kind = kind,
                                 .pid = proc->pid,
                                 .cpu_seconds = (double)proc->cpu_ms / 1000,
                                 .resident_bytes = proc->resident_bytes,
                                 .open_fds = proc_open_fds(proc->pid),
                                 .start_seconds = (double)proc->start_ms / 1000};
}

static bool
is_nursery(const struct look *look, size_t count, pid_t pid)
{
    for (size_t i = 0; i < count; i++) {
        if (look->processes[i].pid == pid)
            return strcmp(look->processes[i].kind, "nursery") == 0;
    }
    return false;
}

static void
look_at_processes(const struct survey *survey, struct look *look)
{
    struct proc *procs;
    size_t count = proc_list(&procs), family;

    look->process_count = 0;
    for (size_t i = 0; i < count; i++) {
        const char *kind = kind_of(survey, &procs[i]);

        if (kind != NULL)
            add_process(look, kind, &procs[i]);
    }
    family = look->process_count;
    for (size_t i = 0; i < count; i++) {
        if (is_nursery(look, family, procs[i].parent))
            add_process(look, "dissector", &procs[i]);
    }
    mem_free(&procs);
}

// --- the spool ---

static int
count_ours(void *arg, int dir_fd, const char *bucket, const char *name, bool is_ours)
{
    (void)dir_fd;
    (void)bucket;
    (void)name;
    *(uint64_t *)arg += is_ours ? 1 : 0;
    return 0;
}

static int
count_any(void *arg, int dir_fd, const char *bucket, const char *name, bool is_ours)
{
    (void)is_ours;
    return count_ours(arg, dir_fd, bucket, name, true);
}

typedef int place_walk(struct place_root *root, place_visit *visit, void *arg, struct err *err);

static uint64_t
count_files(struct place_root *root, place_walk *walk, place_visit *visit)
{
    uint64_t count = 0;

    return walk(root, visit, &count, NULL) == 0 ? count : UINT64_MAX;
}

static void
look_at_spool(const struct survey *survey, struct look *look, bool wants_files)
{
    struct place_root root;

    look->has_space = false;
    if (place_root_open(&root, survey->config.settings->spool.path, false, &look->err) != 0)
        return;
    look->has_space = fs_get_space(root.root_fd, &look->space, &look->err) == 0;
    if (wants_files) {
        look->hold = count_files(&root, place_walk_hold, count_ours);
        look->quarantine = count_files(&root, place_walk_quarantine, count_ours);
        look->corrupt = count_files(&root, place_walk_corrupt, count_any);
    }
    place_root_close(&root);
}

// --- looking ---

static void
work(struct pool_job *job)
{
    struct survey *survey = (struct survey *)job;
    bool is_counted = survey->next->hold != UINT64_MAX;

    look_at_processes(survey, survey->next);
    look_at_spool(survey, survey->next, !is_counted || survey->turn % SURVEY_FILES_EVERY == 0);
}

static void
done(struct pool_job *job)
{
    struct survey *survey = (struct survey *)job;
    struct look *before = survey->seen;

    survey->seen = survey->next;
    survey->next = before;
    *survey->next = *survey->seen; // counts of files stay where they are not counted anew
    mem_give_back();
    // At the first look the workers and the spool may not be there yet.
    loop_timer_start(survey->timer, survey->turn++ == 0 ? SOON_MS : SURVEY_EVERY_MS);
}

static void
look_again(void *arg)
{
    struct survey *survey = arg;

    pool_submit(survey->config.pool, &survey->job);
}

struct survey *
survey_new(const struct survey_config *config)
{
    struct survey *survey = mem_zalloc(sizeof *survey);

    survey->config = *config;
    survey->job = (struct pool_job){.work = work, .done = done};
    survey->master = getppid();
    survey->timer = loop_timer_new(config->loop, look_again, survey);
    survey->seen = mem_zalloc(sizeof *survey->seen);
    survey->next = mem_zalloc(sizeof *survey->next);
    survey->seen->hold = survey->seen->quarantine = survey->seen->corrupt = UINT64_MAX;
    *survey->next = *survey->seen;
    (void)err_set(&survey->seen->err, ERR_TEMP, "the spool was not looked at yet");
    look_again(survey);
    return survey;
}

void
survey_free(struct survey **survey)
{
    if (*survey == NULL)
        return;
    loop_timer_free(&(*survey)->timer);
    mem_free(&(*survey)->seen);
    mem_free(&(*survey)->next);
    mem_free(survey);
}

// --- asking ---

void
survey_view(const struct survey *survey, struct metrics_view *view_out)
{
    const struct survey_config *config = &survey->config;
    const struct look *seen = survey->seen;

    *view_out = (struct metrics_view){.page = config->page,
                                      .hold = seen->hold,
                                      .quarantine = seen->quarantine,
                                      .corrupt = seen->corrupt,
                                      .processes = seen->processes,
                                      .process_count = seen->process_count,
                                      .ledger_trouble = "",
                                      .version = VERSION_TEXT,
                                      .now_ms = loop_now_ms(config->loop)};
    config->fill(config->arg, view_out);
}

const struct survey_config *
survey_config(const struct survey *survey)
{
    return &survey->config;
}

bool
survey_has_master(const struct survey *survey)
{
    return getppid() == survey->master;
}

bool
survey_is_alive(const struct survey *survey, size_t row)
{
    const struct counter_worker *worker = &survey->config.page->worker[row];
    uint64_t now = loop_now_ms(survey->config.loop), sign = atomic_load(&worker->heartbeat);

    return atomic_load(&worker->pid) != 0 && (sign > now || now - sign < ALIVE_MS);
}

int
survey_check_room(const struct survey *survey, struct err *err)
{
    const struct spool_settings *settings = &survey->config.settings->spool;
    const struct look *seen = survey->seen;
    uint64_t messages = counter_sum_messages(survey->config.page);

    if (!seen->has_space)
        return err_set(err, ERR_TEMP, "%s", seen->err.text);
    if (seen->space.free_bytes < settings->min_free)
        return err_set(err, ERR_TEMP, "too little space in %s: %llu bytes are free", settings->path,
                       (unsigned long long)seen->space.free_bytes);
    if (seen->space.free_inodes < settings->min_inodes)
        return err_set(err, ERR_TEMP, "too few inodes in %s: %llu are free", settings->path,
                       (unsigned long long)seen->space.free_inodes);
    if (messages >= settings->max_messages)
        return err_set(err, ERR_TEMP, "too many messages in %s: %llu", settings->path,
                       (unsigned long long)messages);
    return 0;
}
