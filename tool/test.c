// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "policy/trial.h"
#include "tool/print.h"
#include "tool/test_print.h"
#include "tool/tool.h"

#define USAGE "test [--from A] [--to A]... [--client IP] [--helo NAME] [--listener NAME] FILE"

enum { BLOCK = 65536, POOL_THREADS = 2, TO_MAX = 1000, MEMORY_MAX = 1 << 20 };

struct test { // one message on its way through look, ask and decide
    struct tool *tool;
    struct smtp_envelope envelope;
    struct buf content;
    struct loop *loop;
    struct pool *pool;
    struct dissect *dissect;
    struct filters *filters;
    struct trial *trial;
    const struct setting_list *use_rules;
    enum tool_exit result;
};

// As the front door keeps it: each line ends in CRLF.
static void
add_lines(struct buf *content, struct span text, char *last)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '\n' && *last != '\r')
            (void)buf_add_char(content, '\r');
        (void)buf_add_char(content, text.data[i]);
        *last = text.data[i];
    }
}

static int
read_message(struct test *test, const char *path, struct err *err)
{
    uint64_t max = test->tool->settings->smtp.max_size;
    char *block, last = '\0';
    ssize_t got;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return err_sys(err, ERR_PERM, errno, "%s", path);
    buf_init(&test->content, max > 0 && max < SIZE_MAX / 8 ? (size_t)max : SIZE_MAX / 8);
    block = mem_zalloc(BLOCK);
    while ((got = read(fd, block, BLOCK)) > 0 && test->content.len < test->content.ceiling)
        add_lines(&test->content, span_from(block, (size_t)got), &last);
    if (got < 0)
        err_sys(err, ERR_PERM, errno, "%s", path);
    else if (got > 0)
        got = err_set(err, ERR_PERM, "%s: larger than max_size", path);
    mem_free(&block);
    (void)close(fd);
    return got < 0 ? -1 : 0;
}

static void
on_trial(void *arg, enum trial_end end, struct trial_outcome *outcome, const struct err *err)
{
    struct test *test = arg;

    if (end == TRIAL_CRASHED) {
        print_error(test->tool, "a dissector died on it: %s", err->text);
        test->result = TOOL_NOTHING;
    } else {
        test_print_outcome(test->tool, &test->envelope, outcome, buf_span(&test->content));
    }
    loop_stop(test->loop);
}

static int
start_dissect(struct test *test, struct err *err)
{
    const struct settings *settings = test->tool->settings;
    struct dissect_config config = {.loop = test->loop,
                                    .build_id = "postern-" POSTERN_VERSION,
                                    .settings = &settings->dissect,
                                    .max = 1};
    struct dissect_setup setup = {.limits = settings->dissect,
                                  .patterns = settings->rules.patterns,
                                  .pattern_count = settings->rules.pattern_count};
    int line;

    if (!settings->dissect.enabled)
        return 0;
    if (dissect_start_nursery(settings->dissect.program, &setup, &line, err) != 0)
        return -1;
    test->dissect = dissect_new(&config);
    dissect_set_nursery(test->dissect, line);
    return 0;
}

static int
open_parts(struct test *test, struct err *err)
{
    const struct settings *settings = test->tool->settings;
    struct filters_config filters = {
        .settings = settings->filters, .count = settings->filter_count, .workers = 1};

    test->loop = loop_new(err);
    if (test->loop == NULL)
        return -1;
    test->pool = pool_new(test->loop, POOL_THREADS, err);
    if (test->pool == NULL)
        return -1;
    filters.loop = test->loop;
    test->filters = filters_new(&filters);
    return start_dissect(test, err);
}

static void
close_parts(struct test *test)
{
    trial_free(&test->trial);
    filters_free(&test->filters);
    dissect_free(&test->dissect);
    pool_free(&test->pool);
    loop_free(&test->loop);
}

// As the daemon has it: more than a dissector can be told at once lies in a file.
static int
open_source(const struct test *test, struct content_source *source_out, struct err *err)
{
    const struct buf *content = &test->content;
    int fd, result;

    *source_out = (struct content_source){.fd_take = -1, .len = content->len, .dir_fd = AT_FDCWD};
    if (content->len <= MEMORY_MAX) {
        source_out->memory = content->len > 0 ? buf_span(content) : span_of("");
        return 0;
    }
    fd = fs_memory_file("message", err);
    if (fd < 0)
        return -1;
    result = fs_write_all_at(fd, content->data, content->len, 0, err);
    if (result == 0)
        source_out->fd_take = fs_reopen_read(fd, err);
    (void)close(fd);
    return result == 0 && source_out->fd_take >= 0 ? 0 : -1;
}

static void
run_trial(struct test *test, const struct content_source *source)
{
    const struct settings *settings = test->tool->settings;
    struct trial_parts parts = {.loop = test->loop,
                                .pool = test->pool,
                                .dissect = test->dissect,
                                .filters = test->filters,
                                .rules = &settings->rules,
                                .policy = &settings->policy,
                                .dissect_settings = &settings->dissect};
    struct trial_request request = {
        .envelope = &test->envelope,
        .use_rules = test->use_rules,
        .hostname = settings->smtp.hostname,
        .source = *source,
    };

    test->trial = trial_start(&parts, &request, on_trial, test);
    loop_run(test->loop);
}

static int
use_listener(struct test *test, const char *name)
{
    const struct settings *settings = test->tool->settings;

    for (size_t i = 0; i < settings->listener_count; i++) {
        const struct smtp_listener_settings *listener = &settings->listeners[i];

        if (name[0] != '\0' && strcmp(listener->name, name) != 0)
            continue;
        test->envelope.listener = mem_strdup(listener->name);
        test->use_rules = &listener->rules;
        return 0;
    }
    print_error(test->tool, "there is no listen with the name %s", name);
    return -1;
}

static void
set_text(char **member, const char *text)
{
    mem_free(member);
    *member = mem_strdup(text);
}

// "<a@b>" and "a@b" are the same.
static struct span
bare_path(const char *address)
{
    struct span path = span_of(address);

    if (path.len >= 2 && path.data[0] == '<' && path.data[path.len - 1] == '>')
        return span_from(path.data + 1, path.len - 2);
    return path;
}

static void
set_path(char **member, struct span path)
{
    mem_free(member);
    *member = mem_strndup(path.data, path.len);
}

static int
read_options(struct test *test, int argc, char **argv)
{
    static const struct option options[] = {
        {"from",     required_argument, NULL, 'f'},
        {"to",       required_argument, NULL, 't'},
        {"client",   required_argument, NULL, 'c'},
        {"helo",     required_argument, NULL, 'h'},
        {"listener", required_argument, NULL, 'l'},
        {NULL,       0,                 NULL, 0  }
    };
    const char *listener = "";
    int option;

    optind = 0;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'f')
            set_path(&test->envelope.from, bare_path(optarg));
        else if (option == 't' && test->envelope.rcpt_count < TO_MAX)
            envelope_add_rcpt(&test->envelope, bare_path(optarg), span_of(""));
        else if (option == 'c')
            set_text(&test->envelope.xforward[XFORWARD_ADDR], optarg);
        else if (option == 'h')
            set_text(&test->envelope.helo, optarg);
        else if (option == 'l')
            listener = optarg;
        else
            return -1;
    }
    return optind + 1 == argc ? use_listener(test, listener) : -1;
}

static void
init_envelope(struct test *test)
{
    const struct settings *settings = test->tool->settings;
    struct smtp_envelope *envelope = &test->envelope;
    struct id_maker ids;

    envelope_init(envelope);
    id_maker_init(&ids, 0);
    id_next(&ids, test->tool->now_ms, envelope->id);
    envelope->arrived_ms = test->tool->now_ms;
    set_text(&envelope->hostname, settings->smtp.hostname);
    set_text(&envelope->client, "127.0.0.1");
    set_text(&envelope->helo, "localhost");
    set_text(&envelope->from, "sender@example.org");
    set_text(&envelope->from_params, "");
    set_text(&envelope->next_hop, settings->hops[0].name);
}

static enum tool_exit
run_test(struct test *test, const char *path)
{
    struct content_source source;
    struct err err = {0};

    if (test->envelope.rcpt_count == 0)
        envelope_add_rcpt(&test->envelope, span_of("recipient@example.org"), span_of(""));
    if (read_message(test, path, &err) != 0 || open_parts(test, &err) != 0 ||
        open_source(test, &source, &err) != 0) {
        print_error(test->tool, "%s", err.text);
        return TOOL_IO;
    }
    run_trial(test, &source);
    return test->result;
}

enum tool_exit
test_run(struct tool *tool, int argc, char **argv)
{
    struct test test = {.tool = tool, .result = TOOL_DONE};
    enum tool_exit result;

    init_envelope(&test);
    result = read_options(&test, argc, argv) != 0 ? print_usage(tool, USAGE)
                                                  : run_test(&test, argv[argc - 1]);
    close_parts(&test);
    buf_clear(&test.content);
    envelope_clear(&test.envelope);
    return result;
}
