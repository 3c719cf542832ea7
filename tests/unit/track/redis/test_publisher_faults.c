// SPDX-License-Identifier: BSD-2-Clause
// All that a server can say or not say, alone and with a second one that is well.
#include "track/redis/publisher.h"

#include "tests/unit/track/redis_stand.h"

// What goes wrong with the first server, for as long as it is left so.
struct fault {
    const char *name, *at, *instead;
    enum fake_then then;
    const char *why;  // in the log
    bool is_at_login; // else with the batch
    bool stays;       // with the server, however many there are
};

// clang-format off
static const struct fault faults[] = {
    {"nonsense", "", "250 mx ESMTP\r\n", THEN_STAY, "not Redis: ", true, false},
    {"an echo", "", "*3\r\n$6\r\nCLIENT\r\n$7\r\nSETNAME\r\n$7\r\npostern\r\n", THEN_STAY, "AUTH was refused", true, false},
    {"a number for a name", "CLIENT", ":1\r\n", THEN_STAY, "not Redis: ", true, false},
    {"silent", "", "", THEN_STAY, "no reply within", true, false},
    {"closed", "", "", THEN_CLOSE, "closed the connection", true, false},
    {"reset", "", "", THEN_RESET, "", true, false},
    {"bad password", "AUTH", "-WRONGPASS invalid username-password pair\r\n", THEN_STAY, "AUTH was refused: WRONGPASS", true, false},
    {"no password", "AUTH", "-ERR unknown command 'AUTH', with args: 'secret'\r\n", THEN_STAY, "AUTH was refused: ERR", true, false},
    {"a number for AUTH", "AUTH", ":1\r\n", THEN_STAY, "AUTH was refused", true, false},
    {"no such database", "SELECT", "-ERR DB index is out of range\r\n", THEN_STAY, "DB index is out of range", true, false},
    {"no login", "CLIENT", "-NOAUTH Authentication required.\r\n", THEN_STAY, "NOAUTH", true, false},
    {"loading", "HSET", "-LOADING Redis is loading\r\n", THEN_STAY, "LOADING", false, false},
    {"read-only", "HSET", "-READONLY You can't write\r\n", THEN_STAY, "READONLY", false, false},
    {"silent to MULTI", "MULTI", "", THEN_STAY, "no reply within", false, false},
    {"silent to EXEC", "EXEC", "", THEN_STAY, "no reply within", false, false},
    {"closed at MULTI", "MULTI", "+OK\r\n", THEN_CLOSE, "closed the connection", false, false},
    {"closed at EXEC", "EXEC", "", THEN_CLOSE, "closed the connection", false, false},
    {"cut within EXEC", "EXEC", "*2\r\n:9\r\n", THEN_RESET, "", false, false},
    {"nonsense for EXEC", "EXEC", "x\r\n", THEN_STAY, "not Redis: ", false, false},
    {"out of memory", "HSET", "-OOM command not allowed\r\n", THEN_STAY, "OOM", false, true},
    {"cannot save", "EXEC", "-MISCONF Redis is configured\r\n", THEN_STAY, "MISCONF", false, true},
    {"EXEC does nothing", "EXEC", "*-1\r\n", THEN_STAY, "EXEC did nothing", false, true},
    {"an error within EXEC", "EXEC", "*2\r\n:9\r\n-ERR x\r\n", THEN_STAY, "ERR x", false, true},
};

// clang-format on

static void
break_server(struct fixture *f, const struct fault *fault)
{
    f->scripts[0].at = fault->at;
    f->scripts[0].instead = fault->instead;
    f->scripts[0].then = fault->then;
    f->scripts[0].faults = 0;
}

static void
begin_with_fault(struct fixture *f, const struct fault *fault, size_t servers)
{
    set_up(f);
    f->settings.servers.count = servers;
    set_text(&f->settings.password, "secret");
    f->settings.database = 3;
    if (strcmp(fault->why, "no reply within") == 0)
        f->settings.timeout = 150;
    start(f);
    wait_ready(f, 1);
    give(f, 1); // it is of use until then
    wait_ready(f, 2);
    f->ready = 1;
    if (fault->is_at_login)
        fake_redis_hang_up(&f->servers[0]);
    break_server(f, fault);
    if (fault->is_at_login)
        run_for(f, 5);
}

// How often it was met.
static size_t
rounds(const struct fixture *f, const struct fault *fault)
{
    return fault->is_at_login ? f->servers[0].accepted - 1 : f->scripts[0].faults;
}

// Alone: it is tried until it is well, and the batch is there then. Each reason is told once.
static void
test_faults(void)
{
    for (size_t i = 0; i < UNIT_COUNT(faults); i++) {
        const struct fault *fault = &faults[i];
        struct fixture f;

        begin_with_fault(&f, fault, 1);
        if (publisher_is_ready(f.publisher))
            give(&f, 5);
        for (unsigned turn = 0; turn < 500 && rounds(&f, fault) < 2; turn++)
            run_for(&f, 10);
        UNIT_CHECK_ROW(fault->name, rounds(&f, fault) >= 2 && f.ready == 1);
        UNIT_CHECK_ROW(fault->name, strstr(figures(&f)->trouble, fault->why) != NULL);
        UNIT_CHECK_ROW(fault->name, strstr(f.figures.trouble, f.names[0]) == f.figures.trouble);
        f.scripts[0].at = NULL;
        f.scripts[0].execs = 0;
        wait_ready(&f, 2);
        if (fault->is_at_login) {
            give(&f, 5);
            wait_ready(&f, 3);
        }
        UNIT_CHECK_ROW(fault->name, publisher_change(f.publisher) == 5);
        UNIT_CHECK_ROW(fault->name, f.scripts[0].execs == 1);
        UNIT_CHECK_ROW(fault->name, figures(&f)->written == 2 && f.figures.trouble[0] == '\0');
        UNIT_CHECK_ROW(fault->name, (f.figures.failures == 0) == fault->is_at_login);
        UNIT_CHECK_ROW(fault->name, count_of(logged(&f), fault->why) >= 1);
        UNIT_CHECK_ROW(fault->name, count_of(logged(&f), "\n") == 3); // connected, why, connected
        UNIT_CHECK_ROW(fault->name, count_of(logged(&f), "connected to ") == 2);
        UNIT_CHECK_ROW(fault->name, strstr(logged(&f), "secret") == NULL);
        tear_down(&f);
    }
}

// With a second one that is well: what is this server's own is not waited for.
static void
test_second_server(void)
{
    for (size_t i = 0; i < UNIT_COUNT(faults); i++) {
        const struct fault *fault = &faults[i];
        struct fixture f;

        begin_with_fault(&f, fault, 2);
        if (publisher_is_ready(f.publisher))
            give(&f, 5);
        if (fault->stays) {
            run_for(&f, 300);
            UNIT_CHECK_ROW(fault->name, f.servers[1].accepted == 0);
        } else {
            wait_ready(&f, 2);
            UNIT_CHECK_ROW(fault->name, strcmp(figures(&f)->server, f.names[1]) == 0);
            UNIT_CHECK_ROW(fault->name, f.figures.is_connected);
            UNIT_CHECK_ROW(fault->name, f.scripts[1].execs == (fault->is_at_login ? 0 : 1));
        }
        tear_down(&f);
    }
}

static const struct unit_test tests[] = {
    {"faults of the only server",  test_faults       },
    {"faults of the first server", test_second_server},
};

UNIT_MAIN("track/publisher_faults", tests)
