// SPDX-License-Identifier: BSD-2-Clause
#include "base/dns.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <unistd.h>

#include "base/dns_servers.h"
#include "tests/unit/base/tempdir.h"
#include "tests/unit/harness.h"

// How the name server takes a question.
enum habit { TELL, TELL_MANY, TELL_V4_ONLY, KEEP_SILENT, DENY, TELL_NOTHING, BABBLE, CUT_SHORT };

enum { HEADER_LEN = 12, TYPE_A = 1, TYPE_AAAA = 28 };

struct fixture {
    struct loop *loop;
    struct loop_timer *stopper;
    struct loop_io *io;
    int fd;
    char servers[40];
    enum habit habit;
    unsigned questions;
    struct dns_query *query;
    bool is_starting, frees_in_done;
    unsigned told;
    char texts[DNS_ADDRS_MAX][ADDR_TEXT_MAX];
    size_t count;
    struct err err;
};

static void
on_done(void *arg, const struct addr *addrs, size_t count, const struct err *err)
{
    struct fixture *f = arg;

    CU_ASSERT_FALSE(f->is_starting);
    f->told++;
    f->count = count;
    for (size_t i = 0; i < count; i++)
        addr_format(&addrs[i], f->texts[i]);
    f->err = *err;
    if (f->frees_in_done)
        dns_free(&f->query);
    loop_stop(f->loop);
}

static void
on_stop(void *arg)
{
    loop_stop(((struct fixture *)arg)->loop);
}

static size_t
add_record(unsigned char *out, unsigned type, unsigned last)
{
    static const unsigned char v4[] = {192, 0, 2, 0}, v6[16] = {0x20, 0x01, 0x0d, 0xb8};
    size_t len = type == TYPE_A ? sizeof v4 : sizeof v6;
    const unsigned char head[] = {0xc0, HEADER_LEN, 0, (unsigned char)type, 0, 1, 0, 0,
                                  0,    60,         0, (unsigned char)len};

    memcpy(out, head, sizeof head);
    memcpy(out + sizeof head, type == TYPE_A ? v4 : v6, len);
    out[sizeof head + len - 1] = (unsigned char)last;
    return sizeof head + len;
}

static bool
is_silent(enum habit habit, unsigned type)
{
    return habit == KEEP_SILENT || (habit == TELL_V4_ONLY && type == TYPE_AAAA);
}

static size_t
answer(enum habit habit, unsigned char *packet, size_t len)
{
    unsigned type = packet[len - 3], records = 0;

    if (habit == BABBLE) {
        memset(packet + 2, 0xff, len); // the number is right, the rest is not
        return len;
    }
    packet[2] |= 0x80;
    packet[3] = habit == DENY ? 3 : 0;
    if (habit == TELL || habit == TELL_V4_ONLY || habit == CUT_SHORT)
        records = 2;
    else if (habit == TELL_MANY)
        records = 20;
    packet[7] = (unsigned char)records;
    for (unsigned i = 1; i <= records; i++)
        len += add_record(packet + len, type, i);
    return habit == CUT_SHORT ? len - 3 : len;
}

static void
on_question(void *arg, bool readable, bool writable)
{
    struct fixture *f = arg;
    unsigned char packet[2000];
    struct sockaddr_in from;
    socklen_t from_len = sizeof from;
    ssize_t len = recvfrom(f->fd, packet, 500, 0, (struct sockaddr *)&from, &from_len);

    CU_ASSERT_TRUE_FATAL(readable && !writable && len > HEADER_LEN + 4);
    f->questions++;
    // Behind the name stand type and class.
    if (is_silent(f->habit, packet[len - 3]))
        return;
    len = (ssize_t)answer(f->habit, packet, (size_t)len);
    CU_ASSERT_EQUAL(sendto(f->fd, packet, (size_t)len, 0, (const struct sockaddr *)&from, from_len),
                    len);
}

static void
set_up(struct fixture *f, enum habit habit)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof here;
    struct err err;

    memset(f, 0, sizeof *f);
    f->loop = loop_new(&err);
    f->stopper = loop_timer_new(f->loop, on_stop, f);
    f->habit = habit;
    f->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    CU_ASSERT_EQUAL_FATAL(bind(f->fd, (struct sockaddr *)&here, len), 0);
    CU_ASSERT_EQUAL_FATAL(getsockname(f->fd, (struct sockaddr *)&here, &len), 0);
    snprintf(f->servers, sizeof f->servers, "127.0.0.1:%u", ntohs(here.sin_port));
    f->io = loop_io_new(f->loop, f->fd, on_question, f);
    loop_io_want(f->io, true, false);
}

static void
tear_down(struct fixture *f)
{
    dns_free(&f->query);
    loop_io_free(&f->io);
    loop_timer_free(&f->stopper);
    loop_free(&f->loop);
    close(f->fd);
}

static void
start(struct fixture *f, const char *host, uint64_t timeout_ms)
{
    f->is_starting = true;
    f->query = dns_start(f->loop, host, 6379, timeout_ms, on_done, f);
    dns_use_servers(f->query, f->servers);
    f->is_starting = false;
}

static bool
has(const struct fixture *f, const char *text)
{
    for (size_t i = 0; i < f->count; i++) {
        if (strcmp(f->texts[i], text) == 0)
            return true;
    }
    return false;
}

static void
test_numbers(void)
{
    static const struct {
        const char *host, *expected;
    } rows[] = {
        {"192.0.2.7",        "inet:192.0.2.7:6379"         },
        {"2001:db8::7",      "inet:[2001:db8::7]:6379"     },
        {"::1",              "inet:[::1]:6379"             },
        {"::ffff:192.0.2.7", "inet:[::ffff:192.0.2.7]:6379"},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct fixture f;

        set_up(&f, KEEP_SILENT);
        start(&f, rows[i].host, 60000);
        loop_run(f.loop);
        UNIT_CHECK_ROW(rows[i].host, f.count == 1 && has(&f, rows[i].expected));
        UNIT_CHECK_ROW(rows[i].host, f.questions == 0);
        tear_down(&f);
    }
}

// No server is asked for what stands there.
static void
test_files(void)
{
    struct fixture f;
    struct tempdir dir;
    char path[300];
    FILE *file;

    tempdir_make(&dir);
    snprintf(path, sizeof path, "%s/hosts", dir.path);
    file = fopen(path, "w");
    fputs("127.0.0.1 localhost\n192.0.2.9 redis.lab.test redis\n", file);
    fclose(file);
    setenv("CARES_HOSTS", path, 1);
    set_up(&f, KEEP_SILENT);
    start(&f, "localhost", 60000);
    loop_run(f.loop);
    CU_ASSERT_TRUE(has(&f, "inet:127.0.0.1:6379"));
    dns_free(&f.query);
    start(&f, "redis.lab.test", 60000);
    loop_run(f.loop);
    CU_ASSERT_EQUAL(f.count, 1);
    CU_ASSERT_TRUE(has(&f, "inet:192.0.2.9:6379"));
    CU_ASSERT_EQUAL(f.questions, 0);
    CU_ASSERT_EQUAL(f.told, 2);
    tear_down(&f);
    unsetenv("CARES_HOSTS");
    tempdir_remove(&dir);
}

static void
test_answers(void)
{
    struct fixture f;

    set_up(&f, TELL);
    start(&f, "redis.lab.test.", 60000);
    loop_run(f.loop);
    CU_ASSERT_EQUAL(f.count, 4);
    CU_ASSERT_TRUE(has(&f, "inet:192.0.2.1:6379"));
    CU_ASSERT_TRUE(has(&f, "inet:192.0.2.2:6379"));
    CU_ASSERT_TRUE(has(&f, "inet:[2001:db8::1]:6379"));
    CU_ASSERT_TRUE(has(&f, "inet:[2001:db8::2]:6379"));
    tear_down(&f);
    CU_ASSERT_EQUAL(f.told, 1);
}

static void
test_bound_on_answers(void)
{
    struct fixture f;

    set_up(&f, TELL_MANY);
    start(&f, "redis.lab.test.", 60000);
    loop_run(f.loop);
    CU_ASSERT_EQUAL(f.count, DNS_ADDRS_MAX);
    tear_down(&f);
}

static void
test_refusals(void)
{
    static const struct {
        const char *name;
        enum habit habit;
        uint64_t timeout_ms;
        enum err_kind kind;
        const char *text;
    } rows[] = {
        {"no such name",    DENY,         60000, ERR_PERM, "no such host"  },
        {"no such address", TELL_NOTHING, 60000, ERR_PERM, "no such host"  },
        {"silence",         KEEP_SILENT,  100,   ERR_TEMP, "did not answer"},
        {"nonsense",        BABBLE,       300,   ERR_TEMP, ""              },
        {"cut short",       CUT_SHORT,    300,   ERR_TEMP, ""              },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct fixture f;

        set_up(&f, rows[i].habit);
        start(&f, "redis.lab.test.", rows[i].timeout_ms);
        loop_run(f.loop);
        UNIT_CHECK_ROW(rows[i].name, f.told == 1 && f.count == 0);
        UNIT_CHECK_ROW(rows[i].name, f.err.kind == rows[i].kind);
        UNIT_CHECK_ROW(rows[i].name, strstr(f.err.text, rows[i].text) != NULL);
        UNIT_CHECK_ROW(rows[i].name, strstr(f.err.text, "redis.lab.test.: ") == f.err.text);
        tear_down(&f);
    }
}

// One family's server is silent: what the other said is had when time is up.
static void
test_half_an_answer(void)
{
    struct fixture f;

    set_up(&f, TELL_V4_ONLY);
    start(&f, "redis.lab.test.", 200);
    loop_run(f.loop);
    CU_ASSERT_EQUAL(f.count, 2);
    CU_ASSERT_TRUE(has(&f, "inet:192.0.2.1:6379"));
    tear_down(&f);
    CU_ASSERT_EQUAL(f.told, 1);
}

static void
test_bad_names(void)
{
    static char labels[300];
    const char *const names[] = {"", "a..b", "...", labels};

    memset(labels, 'a', sizeof labels - 1);
    for (size_t i = 0; i < UNIT_COUNT(names); i++) {
        struct fixture f;

        set_up(&f, DENY);
        start(&f, names[i], 60000);
        loop_run(f.loop);
        UNIT_CHECK_ROW(names[i], f.told == 1 && f.count == 0 && f.err.kind != ERR_NONE);
        tear_down(&f);
    }
}

static void
test_freed(void)
{
    struct fixture f;

    set_up(&f, KEEP_SILENT);
    start(&f, "redis.lab.test.", 60000);
    dns_free(&f.query); // before anything was asked
    CU_ASSERT_PTR_NULL(f.query);
    dns_free(&f.query);
    start(&f, "redis.lab.test.", 60000);
    while (f.questions == 0) {
        loop_timer_start(f.stopper, 5);
        loop_run(f.loop);
    }
    dns_free(&f.query); // under way
    f.habit = TELL;
    start(&f, "192.0.2.7", 60000);
    dns_free(&f.query); // known, not told yet
    loop_timer_start(f.stopper, 20);
    loop_run(f.loop);
    CU_ASSERT_EQUAL(f.told, 0);
    f.frees_in_done = true;
    start(&f, "redis.lab.test.", 60000);
    loop_run(f.loop);
    CU_ASSERT_EQUAL(f.told, 1);
    CU_ASSERT_EQUAL(f.count, 4);
    CU_ASSERT_PTR_NULL(f.query);
    tear_down(&f);
}

static const struct unit_test tests[] = {
    {"numbers",               test_numbers         },
    {"files",                 test_files           },
    {"answers",               test_answers         },
    {"a bound on answers",    test_bound_on_answers},
    {"refusals",              test_refusals        },
    {"half an answer",        test_half_an_answer  },
    {"names that are none",   test_bad_names       },
    {"freed at every moment", test_freed           },
};

UNIT_MAIN("base/dns", tests)
