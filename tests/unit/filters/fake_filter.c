// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/filters/fake_filter.h"

#include <stdarg.h>

#include "tests/unit/harness.h"

#include "base/mem.h"

const char *fake_script[FAKE_PORTS], *fake_probes[FAKE_PORTS];
uint64_t fake_len;
struct buf fake_events;
size_t fake_open;

static struct loop *loop;
static uint64_t start_ms;

struct filter_shared { // one a filter, as long as its tries
    unsigned runs;
};

struct filter_run {
    struct filter_try attempt;
    struct loop_timer *timer;
    char letter;
    unsigned port;
};

void
fake_event(const char *format, ...)
{
    char text[200];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (fake_events.len > 0)
        buf_add_char(&fake_events, ' ');
    buf_printf(&fake_events, "%llu:%s", (unsigned long long)(loop_now_ms(loop) - start_ms), text);
}

void
fake_filter_reset(struct loop *loop_in)
{
    loop = loop_in;
    start_ms = loop_now_ms(loop);
    for (size_t i = 0; i < FAKE_PORTS; i++) {
        fake_script[i] = "n";
        fake_probes[i] = "n";
    }
    fake_len = 1000;
    fake_open = 0;
    buf_init(&fake_events, 1 << 20);
}

void
fake_filter_clear(void)
{
    CU_ASSERT_EQUAL(fake_open, 0);
    buf_clear(&fake_events);
}

uint64_t
content_len(const struct content *content)
{
    (void)content;
    return fake_len;
}

static void
fill(struct result *result, char letter)
{
    result_init(result);
    result->kind = letter == 'c' ? RESULT_CLEAN : RESULT_HIT;
    if (letter == 'u')
        result_set(result, RESULT_UNSCANNABLE, "encrypted");
    if (letter == 'h')
        result_add_name(result, SPAN_LITERAL("Eicar-Test"));
}

static void
free_run(struct filter_run *run)
{
    loop_timer_free(&run->timer);
    run->attempt.shared->runs--;
    mem_free(&run);
    fake_open--;
}

static void
on_timer(void *arg)
{
    struct filter_run *run = arg;
    struct filter_try attempt = run->attempt;
    bool is_answer = run->letter == 'c' || run->letter == 'h' || run->letter == 'u';
    struct result result;
    struct err err;

    fake_event("%s%c%u", attempt.message == NULL ? "probed-" : "", run->letter, run->port);
    err_set(&err, ERR_TEMP, "%s", run->letter == 'n' ? "no answer" : "connection refused");
    fill(&result, run->letter);
    free_run(run);
    attempt.done(attempt.arg, is_answer ? FILTER_ANSWERED : FILTER_TROUBLE,
                 is_answer && attempt.message != NULL ? &result : NULL, is_answer ? NULL : &err);
    result_clear(&result);
}

// The script moves on to its next word, unless this is its last.
static const char *
next_word(const char **script)
{
    const char *word = *script;
    const char *blank = strchr(word, ' ');

    if (blank != NULL)
        *script = blank + 1;
    return word;
}

static struct filter_run *
start(const struct filter_try *attempt)
{
    bool is_probe = attempt->message == NULL;
    unsigned port = addr_port(attempt->server);
    const char *word = next_word(is_probe ? &fake_probes[port] : &fake_script[port]);
    uint64_t after_ms = strtoull(word + 1, NULL, 10);
    struct filter_run *run = mem_zalloc(sizeof(*run));

    run->attempt = *attempt;
    run->attempt.shared->runs++;
    run->port = port;
    run->letter = word[0];
    if (word[0] == 'n' || after_ms > attempt->timeout_ms) {
        run->letter = 'n';
        after_ms = attempt->timeout_ms;
    }
    run->timer = loop_timer_new(attempt->loop, on_timer, run);
    loop_timer_start(run->timer, after_ms);
    fake_open++;
    if (is_probe)
        fake_event("probe%u", port);
    else
        fake_event("ask%u/%llu", port, (unsigned long long)attempt->timeout_ms);
    return run;
}

static void
cancel(struct filter_run *run)
{
    fake_event("cancel%u", run->port);
    free_run(run);
}

static struct filter_shared *
open_shared(struct loop *loop_in)
{
    struct filter_shared *shared = mem_zalloc(sizeof(*shared));

    CU_ASSERT_PTR_EQUAL(loop_in, loop);
    return shared;
}

static void
close_shared(struct filter_shared *shared)
{
    CU_ASSERT_EQUAL(shared->runs, 0);
    mem_free(&shared);
}

const struct filter_type *
filter_type_of(enum filter_type_index index)
{
    static const struct filter_type fake = {
        .name = "fake",
        .start = start,
        .probe = start,
        .cancel = cancel,
        .open = open_shared,
        .close = close_shared,
    };

    CU_ASSERT_EQUAL(index, FILTER_CLAMD);
    return &fake;
}
