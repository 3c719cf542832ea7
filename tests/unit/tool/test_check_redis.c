// SPDX-License-Identifier: BSD-2-Clause
#include <signal.h>
#include <sys/wait.h>

#include "tests/unit/base/fake_redis.h"
#include "tests/unit/tool/stand.h"
#include "tool/check.h"

// clang-format off
static const struct row {
    const char *name;
    const char *settings;       // of redis { }, beside servers
    const char *auth, *rest;    // what the server says, to all else but INFO
    const char *most, *policy;  // NULL: it may not be asked
    enum tool_exit result;
    const char *expected; // on errors; "": nothing there
} rows[] = {
    {"good", "", "-ERR not asked for", "+OK", "1000", "allkeys-lru", TOOL_DONE, ""},
    {"good, with a password", "password = \"x\"", "+OK", "+OK", "1000", "allkeys-lru", TOOL_DONE, ""},
    {"wrong password", "user = \"u\"  password = \"x\"",
     "-WRONGPASS invalid username-password pair or user is disabled.",
     "-NOAUTH Authentication required.", NULL, NULL, TOOL_CONFIGURATION,
     "AUTH was refused: WRONGPASS\n"},
    {"no password", "", "", "-NOAUTH Authentication required.", NULL, NULL, TOOL_CONFIGURATION, "NOAUTH"},
    {"no such database", "database = 99", "", "-ERR DB index is out of range", "1000",
     "allkeys-lru", TOOL_CONFIGURATION, "ERR DB index is out of range\n"},
    {"may not be asked for its memory", "", "", "+OK", NULL, NULL, TOOL_DONE, ""},
    {"no bound", "", "", "+OK", "0", "noeviction", TOOL_DONE,
     "maxmemory is not set: nothing bounds what it takes\n"},
    {"full for ever", "", "", "+OK", "1000", "noeviction", TOOL_DONE,
     "maxmemory-policy is noeviction: once it is full, it takes nothing more\n"},
};

// clang-format on

static struct fake_answer
answer(void *arg, const struct redis_reply *command)
{
    const struct row *row = arg;
    struct span name = command->items[0].text;
    static char text[400];

    if (span_is(name, "INFO") && row->most != NULL) {
        char body[300];

        snprintf(body, sizeof body, "# Memory\r\nmaxmemory:%s\r\nmaxmemory_policy:%s\r\n",
                 row->most, row->policy);
        snprintf(text, sizeof text, "$%zu\r\n%s\r\n", strlen(body), body);
    } else {
        snprintf(text, sizeof text, "%s\r\n",
                 span_is(name, "INFO")   ? "-NOPERM this user has no permissions"
                 : span_is(name, "AUTH") ? row->auth
                                         : row->rest);
    }
    return fake_say(text);
}

static void
load(struct stand *stand, const char *text)
{
    settings_free(&stand->settings);
    stand_load(stand, text);
    stand->tool.settings = stand->settings;
}

// A child, since what is tested has a loop of its own.
static pid_t
start_server(const struct row *row, uint16_t *port_out)
{
    struct fake_redis server;
    struct loop *loop = loop_new(NULL);
    pid_t pid;

    fake_redis_init(&server, loop);
    server.answer = answer;
    server.arg = (void *)(uintptr_t)row;
    *port_out = ntohs(((const struct sockaddr_in *)(const void *)&server.addr.sa)->sin_port);
    pid = fork();
    if (pid == 0) {
        loop_after_fork(loop);
        loop_run(loop);
        _exit(0);
    }
    fake_redis_stop(&server);
    loop_free(&loop);
    return pid;
}

static void
end_server(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void
rows_hold(void)
{
    struct stand stand;

    stand_make(&stand);
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        char text[400], expected[400];
        uint16_t port;
        pid_t server = start_server(&rows[i], &port);

        snprintf(text, sizeof text, "redis {\n servers = {\"inet:127.0.0.1:%u\"}\n %s }", port,
                 rows[i].settings);
        snprintf(expected, sizeof expected, ":6: servers: inet:127.0.0.1:%u: %s", port,
                 rows[i].expected);
        load(&stand, text);
        UNIT_CHECK_ROW(rows[i].name, stand_run(&stand, check_run, "check", NULL) == TOOL_DONE);
        UNIT_CHECK_ROW(rows[i].name, stand.errors_len == 0);
        UNIT_CHECK_ROW(rows[i].name,
                       stand_run(&stand, check_run, "check", "--connect", NULL) == rows[i].result);
        if (rows[i].expected[0] == '\0')
            UNIT_CHECK_ROW(rows[i].name, stand.errors_len == 0);
        else
            UNIT_CHECK_ROW(rows[i].name, stand_has(stand.errors, expected));
        end_server(server);
    }
    stand_remove(&stand);
}

static void
who_is_not_there_is_told(void)
{
    struct stand stand;
    char expected[200];
    uint16_t port, other;
    pid_t server;

    stand_make(&stand);
    end_server(start_server(&rows[0], &port));
    server = start_server(&rows[0], &other);
    snprintf(expected, sizeof expected,
             "redis { servers = {\"inet:127.0.0.1:%u\", \"inet:localhost:%u\"} }", port, other);
    load(&stand, expected);
    CU_ASSERT(stand_run(&stand, check_run, "check", "--connect", NULL) == TOOL_CONFIGURATION);
    snprintf(expected, sizeof expected, ":5: servers: inet:127.0.0.1:%u: ", port);
    CU_ASSERT(stand_has(stand.errors, expected));
    CU_ASSERT(stand_has(stand.errors, "refused"));
    CU_ASSERT(strstr(stand.errors, "localhost") == NULL);
    end_server(server);
    stand_remove(&stand);
}

static const struct unit_test tests[] = {
    {"rows hold",                rows_hold               },
    {"who is not there is told", who_is_not_there_is_told},
};

UNIT_MAIN("tool/check_redis", tests)
