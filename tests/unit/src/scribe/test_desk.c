// SPDX-License-Identifier: BSD-2-Clause
#include "src/scribe/desk.h"

#include <sys/socket.h>
#include <unistd.h>

#include "control/request.h"
#include "src/worker/errand.h"
#include "tests/unit/harness.h"

// A spool that knows which ids it has: what workers are asked ends here.
struct spool {
    const char *has, *under_way;
    unsigned adoptions, retries;
};

struct told {
    struct loop_deferred deferred;
    spool_wish_done *done;
    void *arg;
    enum spool_wish_result result;
};

static struct loop *loop;
static struct told told[8];
static size_t told_count;

static void
tell(void *arg)
{
    struct told *one = arg;

    one->done(one->arg, one->result, NULL);
}

void
spool_wish(struct spool *spool, enum spool_wish wish, const char *id, const char *reason,
           spool_wish_done *done, void *arg)
{
    struct told *one = &told[told_count++ % UNIT_COUNT(told)];

    (void)wish;
    (void)reason;
    *one = (struct told){.done = done, .arg = arg, .result = SPOOL_WISH_NOT_OURS};
    if (strcmp(id, spool->has) == 0)
        one->result = SPOOL_WISH_DONE;
    else if (strcmp(id, spool->under_way) == 0)
        one->result = SPOOL_WISH_UNDER_WAY;
    one->deferred = (struct loop_deferred){.run = tell, .arg = one};
    loop_defer(loop, &one->deferred);
}

void
spool_retry_all(struct spool *spool)
{
    spool->retries++;
}

void
spool_adopt(struct spool *spool)
{
    spool->adoptions++;
}

static void
stop(void *arg)
{
    loop_stop(arg);
}

static void
run_for(uint64_t ms)
{
    struct loop_timer *timer = loop_timer_new(loop, stop, loop);

    loop_timer_start(timer, ms);
    loop_run(loop);
    loop_timer_free(&timer);
}

static unsigned reloads;

static int
on_reload(void *arg)
{
    (void)arg;
    reloads++;
    return 0;
}

struct bench { // a desk with two workers
    struct counter_page *page;
    struct desk *desk;
    struct spool spools[2];
    struct errands *errands[2];
};

static void
open_bench(struct bench *bench)
{
    struct err err;
    int ends[2];

    memset(bench, 0, sizeof *bench);
    bench->page = counter_page_new(4, &err);
    bench->desk = desk_new(loop, bench->page, on_reload, NULL);
    bench->spools[0] = (struct spool){.has = "4X2k9QzT7mA", .under_way = "4X2k9QzT7mC"};
    bench->spools[1] = (struct spool){.has = "4X2k9QzT7mB", .under_way = ""};
    for (size_t i = 0; i < 2; i++) {
        CU_ASSERT_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
        desk_add_worker(bench->desk, ends[0]);
        bench->errands[i] = errands_new(loop, &bench->spools[i], ends[1]);
    }
}

static void
close_bench(struct bench *bench)
{
    desk_free(&bench->desk);
    errands_free(&bench->errands[0]);
    errands_free(&bench->errands[1]);
    counter_page_free(&bench->page);
    run_for(1); // what was closed goes at the end of a turn
}

static int
ask(struct bench *bench, const char *line)
{
    int ends[2];

    CU_ASSERT_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    desk_add_client(bench->desk, ends[0]);
    CU_ASSERT(send(ends[1], line, strlen(line), 0) == (ssize_t)strlen(line));
    return ends[1];
}

static void
hear(int fd, struct response *response)
{
    char text[65536];
    ssize_t len = recv(fd, text, sizeof text, MSG_DONTWAIT);
    struct err err = {0};

    (void)close(fd);
    memset(response, 0, sizeof *response);
    CU_ASSERT_FATAL(len > 0 && text[len - 1] == '\n');
    CU_ASSERT(response_read(span_from(text, (size_t)len - 1), response, &err) == 0);
}

static void
test_ids(void)
{
    static const struct {
        const char *name, *id;
        enum response_status status;
    } rows[] = {
        {"the first worker's",  "4X2k9QzT7mA", RESPONSE_DONE     },
        {"the second worker's", "4X2k9QzT7mB", RESPONSE_DONE     },
        {"under way",           "4X2k9QzT7mC", RESPONSE_UNDER_WAY},
        {"nobody's",            "4X2k9QzT7mD", RESPONSE_NOT_FOUND}
    };
    struct bench bench;

    open_bench(&bench);
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct request request = {.command = REQUEST_HOLD, .id_count = 1};
        char ids[1][ID_MAX + 1];
        struct response response;
        struct buf line;
        int fd;

        (void)snprintf(ids[0], sizeof ids[0], "%s", rows[i].id);
        request.ids = ids;
        buf_init(&line, REQUEST_LINE_MAX);
        CU_ASSERT(request_write(&request, &line) == 0);
        fd = ask(&bench, buf_text(&line));
        run_for(50);
        hear(fd, &response);
        UNIT_CHECK_ROW(rows[i].name, response.item_count == 1);
        UNIT_CHECK_ROW(rows[i].name, response.items[0].status == rows[i].status);
        response_clear(&response);
        buf_clear(&line);
    }
    close_bench(&bench);
}

static void
test_all_and_reload(void)
{
    struct request all = {.command = REQUEST_RETRY, .all = true};
    struct request reload = {.command = REQUEST_RELOAD};
    struct response response;
    struct bench bench;
    struct buf line;
    int fd;

    open_bench(&bench);
    buf_init(&line, REQUEST_LINE_MAX);
    CU_ASSERT(request_write(&all, &line) == 0);
    fd = ask(&bench, buf_text(&line));
    run_for(50);
    hear(fd, &response);
    CU_ASSERT(response.item_count == 1 && response.items[0].status == RESPONSE_DONE);
    response_clear(&response);
    CU_ASSERT(bench.spools[0].retries == 1 && bench.spools[1].retries == 1);
    buf_reset(&line);
    CU_ASSERT(request_write(&reload, &line) == 0);
    fd = ask(&bench, buf_text(&line));
    run_for(50);
    CU_ASSERT(reloads == 1);
    desk_reloaded(bench.desk, "postern.conf:3: no");
    run_for(50);
    hear(fd, &response);
    CU_ASSERT(response.item_count == 1 && response.items[0].status == RESPONSE_FAILED);
    CU_ASSERT_STRING_EQUAL(response.items[0].text, "postern.conf:3: no");
    response_clear(&response);
    buf_clear(&line);
    close_bench(&bench);
}

static void
write_facts(void *arg, struct response *response)
{
    CU_ASSERT_PTR_EQUAL(arg, &reloads);
    CU_ASSERT(response_add_fact(response, span_of("{\"what\":\"one\"}")));
    CU_ASSERT(response_add_fact(response, span_of("{\"what\":\"two\"}")));
}

// Nobody is asked for it but the scribe.
static void
test_status(void)
{
    struct response response;
    struct bench bench;
    int fd;

    open_bench(&bench);
    fd = ask(&bench, "{\"command\":\"status\"}\n");
    run_for(50);
    hear(fd, &response);
    CU_ASSERT(response.item_count == 1 && response.items[0].status == RESPONSE_DONE);
    CU_ASSERT(response.fact_count == 0);
    response_clear(&response);
    desk_set_status(bench.desk, write_facts, &reloads);
    fd = ask(&bench, "{\"command\":\"status\"}\n");
    run_for(50);
    hear(fd, &response);
    CU_ASSERT(response.item_count == 1 && response.items[0].status == RESPONSE_DONE);
    CU_ASSERT_FATAL(response.fact_count == 2);
    CU_ASSERT_STRING_EQUAL(response.facts[1], "{\"what\":\"two\"}");
    response_clear(&response);
    close_bench(&bench);
}

static void
test_bad_clients(void)
{
    static const struct {
        const char *name, *line;
        bool is_answered;
    } rows[] = {
        {"no JSON",         "hello\n",                                            true },
        {"unknown command", "{\"command\":\"shutdown\"}\n",                       true },
        {"path in an id",   "{\"command\":\"delete\",\"ids\":[\"../../etc\"]}\n", true },
        {"half a line",     "{\"command\":",                                      false}
    };
    struct bench bench;

    open_bench(&bench);
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        int fd = ask(&bench, rows[i].line);
        struct response response;
        char byte;

        run_for(50);
        if (rows[i].is_answered) {
            hear(fd, &response);
            UNIT_CHECK_ROW(rows[i].name, response.items[0].status == RESPONSE_FAILED);
            response_clear(&response);
        } else {
            UNIT_CHECK_ROW(rows[i].name, recv(fd, &byte, 1, MSG_DONTWAIT) < 0);
            (void)close(fd);
        }
    }
    close_bench(&bench);
}

static void
test_worker_dies(void)
{
    struct request all = {.command = REQUEST_RETRY, .all = true};
    struct response response;
    struct bench bench;
    struct buf line;
    int fd;

    open_bench(&bench);
    run_for(20);
    errands_free(&bench.errands[0]);
    errands_free(&bench.errands[1]);
    buf_init(&line, REQUEST_LINE_MAX);
    CU_ASSERT(request_write(&all, &line) == 0);
    fd = ask(&bench, buf_text(&line));
    run_for(50);
    hear(fd, &response);
    CU_ASSERT(response.items[0].status == RESPONSE_FAILED);
    response_clear(&response);
    buf_clear(&line);
    close_bench(&bench);
}

// The worker has to know it, to ask for another.
static void
test_line_ends(void)
{
    struct bench bench;

    open_bench(&bench);
    CU_ASSERT_TRUE(errands_has_line(bench.errands[0]));
    desk_free(&bench.desk);
    run_for(1);
    CU_ASSERT_FALSE(errands_has_line(bench.errands[0]));
    close_bench(&bench);
}

static const struct unit_test tests[] = {
    {"each id's owner answers", test_ids           },
    {"all, and reload",         test_all_and_reload},
    {"status",                  test_status        },
    {"bad clients",             test_bad_clients   },
    {"no worker left",          test_worker_dies   },
    {"line ends",               test_line_ends     }
};

int
main(void)
{
    struct err err;
    int status;

    loop = loop_new(&err);
    status = unit_run("src/scribe/desk", tests, UNIT_COUNT(tests));
    loop_free(&loop);
    return status;
}
