// SPDX-License-Identifier: BSD-2-Clause
// tests/unit/track/redis_stand.h - a publisher, two servers that answer as scripted, and its log.
#ifndef POSTERN_TESTS_UNIT_TRACK_REDIS_STAND_H
#define POSTERN_TESTS_UNIT_TRACK_REDIS_STAND_H

#include "base/log.h"
#include "tests/unit/base/fake_redis.h"
#include "tests/unit/base/tempdir.h"
#include "tests/unit/harness.h"
#include "track/redis/publisher.h"

enum { SERVERS = 2, HEARD_MAX = 4000 };

struct fixture;

struct script { // of one server
    struct fixture *f;
    const char *at;      // the first word of the command that is answered otherwise; "": all are
    const char *instead; // how
    enum fake_then then;
    size_t queued, faults, execs; // commands; answers of the other kind; batches that were taken
    char heard[HEARD_MAX];        // arguments of all but the batches' commands
};

struct fixture {
    struct loop *loop;
    struct loop_timer *stopper;
    struct tempdir dir;
    struct fake_redis servers[SERVERS];
    struct script scripts[SERVERS];
    char *names[SERVERS];
    struct redis_settings settings;
    struct record record;
    struct publisher *publisher;
    struct publisher_figures figures;
    size_t ready;
    bool is_calling, frees_when_ready;
};

static inline size_t
count_of(const char *text, const char *what)
{
    size_t count = what[0] == '\0' ? 1 : 0;

    for (const char *at = count > 0 ? NULL : strstr(text, what); at != NULL;
         at = strstr(at + 1, what))
        count++;
    return count;
}

static inline const char *
logged(const struct fixture *f)
{
    static char text[20000];
    FILE *file = fopen(tempdir_name(&f->dir, "log"), "r");
    size_t len = file != NULL ? fread(text, 1, sizeof text - 1, file) : 0;

    if (file != NULL)
        fclose(file);
    text[len] = '\0';
    return text;
}

static inline void
note_heard(struct script *script, const struct redis_reply *command)
{
    for (size_t i = 0; i < command->item_count; i++) {
        size_t len = strlen(script->heard);

        snprintf(script->heard + len, HEARD_MAX - len, "%.*s%s", (int)command->items[i].text.len,
                 command->items[i].text.data, i + 1 < command->item_count ? " " : ";");
    }
}

static inline struct fake_answer
answer(void *arg, const struct redis_reply *command)
{
    struct script *script = arg;
    struct span word = command->items[0].text;

    if (!span_is(word, "HSET") && !span_is(word, "PEXPIRE"))
        note_heard(script, command);
    else
        script->queued++;
    if (script->at != NULL && (script->at[0] == '\0' || span_is(word, script->at))) {
        script->faults++;
        return (struct fake_answer){span_of(script->instead), script->then};
    }
    if (!span_is(word, "EXEC"))
        return fake_say(span_is(word, "HSET") || span_is(word, "PEXPIRE") ? "+QUEUED\r\n"
                                                                          : "+OK\r\n");
    script->execs++;
    return fake_say("*2\r\n:9\r\n:1\r\n");
}

static inline void
on_ready(void *arg)
{
    struct fixture *f = arg;

    CU_ASSERT_FALSE(f->is_calling);
    CU_ASSERT_TRUE(publisher_is_ready(f->publisher));
    f->ready++;
    if (f->frees_when_ready)
        publisher_free(&f->publisher);
    loop_stop(f->loop);
}

static inline void
on_stop(void *arg)
{
    loop_stop(((struct fixture *)arg)->loop);
}

static inline void
open_log(struct fixture *f)
{
    static char facility[] = "mail", format[] = "text", none[] = "";
    char file[200];
    struct log_settings settings = {
        .facility = facility, .format = format, .error_file = none, .syslog_path = none};
    struct err err;

    snprintf(file, sizeof file, "%s", tempdir_name(&f->dir, "log"));
    settings.file = file;
    CU_ASSERT_FATAL(log_open("test", &settings, false, 0, &err) == 0);
}

static inline void
set_up(struct fixture *f)
{
    struct err err;

    memset(f, 0, sizeof *f);
    tempdir_make(&f->dir);
    open_log(f);
    setting_defaults(redis_rows, redis_row_count, &f->settings);
    f->loop = loop_new(&err);
    f->stopper = loop_timer_new(f->loop, on_stop, f);
    f->record = (struct record){.id = SPAN_LITERAL("4X2k9QzT7mB")};
    for (size_t i = 0; i < SERVERS; i++) {
        fake_redis_init(&f->servers[i], f->loop);
        f->scripts[i].f = f;
        f->servers[i].answer = answer;
        f->servers[i].arg = &f->scripts[i];
        f->names[i] = mem_zalloc(ADDR_TEXT_MAX);
        addr_format(&f->servers[i].addr, f->names[i]);
    }
    f->settings.servers = (struct setting_list){f->names, SERVERS};
    f->settings.timeout = 60000;
}

static inline void
start(struct fixture *f)
{
    static const struct publisher_callbacks callbacks = {.on_ready = on_ready};

    f->is_calling = true;
    f->publisher = publisher_new(f->loop, &f->settings, "mx1.example.com", &callbacks, f);
    f->is_calling = false;
    CU_ASSERT_FALSE(publisher_is_ready(f->publisher));
}

static inline void
give(struct fixture *f, uint64_t change)
{
    f->is_calling = true;
    publisher_send(f->publisher, &f->record, 1, change);
    f->is_calling = false;
    CU_ASSERT_FALSE(publisher_is_ready(f->publisher));
}

static inline void
run_for(struct fixture *f, uint64_t ms)
{
    loop_timer_start(f->stopper, ms);
    loop_run(f->loop);
}

static inline void
wait_ready(struct fixture *f, size_t count)
{
    for (unsigned turn = 0; turn < 1000 && f->ready < count; turn++)
        run_for(f, 10);
    CU_ASSERT_EQUAL(f->ready, count);
}

static inline const struct publisher_figures *
figures(struct fixture *f)
{
    publisher_get(f->publisher, &f->figures);
    return &f->figures;
}

static inline void
tear_down(struct fixture *f)
{
    f->settings.servers = (struct setting_list){NULL, 0};
    setting_clear(redis_rows, redis_row_count, &f->settings);
    publisher_free(&f->publisher);
    for (size_t i = 0; i < SERVERS; i++) {
        fake_redis_stop(&f->servers[i]);
        mem_free(&f->names[i]);
    }
    loop_timer_free(&f->stopper);
    loop_free(&f->loop);
    log_close();
    tempdir_remove(&f->dir);
}

static inline void
set_text(char **member, const char *text)
{
    mem_free(member);
    *member = mem_strdup(text);
}

#endif
