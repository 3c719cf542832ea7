// SPDX-License-Identifier: BSD-2-Clause
#include "tool/ask.h"

#include "tests/unit/control/scratch.h"
#include "tests/unit/harness.h"
#include "tests/unit/tool/fake.h"

static const struct {
    const char *name, *answer, *expected; // the error's text, or of the first item
    enum ask_result result;
} rows[] = {
    {"answered",    "{\"items\":[{\"id\":\"\",\"status\":\"done\",\"text\":\"x\"}]}\n", "x",
     ASK_ANSWERED                                                                                                                                 },
    {"closed",      NULL,                                                               "the daemon closed the line without an answer", ASK_BROKEN},
    {"half a line", "{\"items\":[",                                                     "the daemon closed the line without an answer", ASK_BROKEN},
    {"nonsense",    "what?\n",                                                          "response: ",                                   ASK_BROKEN},
};

static enum ask_result
ask(const char *path, int timeout_ms, struct response *response, struct err *err)
{
    struct request request = {.command = REQUEST_PING};
    struct addr addr;
    char text[600];

    snprintf(text, sizeof text, "unix:%s", path);
    CU_ASSERT_FATAL(addr_parse(span_of(text), &addr, NULL) == 0);
    return ask_daemon(&addr, &request, timeout_ms, response, err);
}

static void
answers_are_judged(void)
{
    struct scratch scratch;
    char path[1024];

    scratch_make(&scratch);
    scratch_name(&scratch, "s", path);
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct fake fake = {.answers = {rows[i].answer}, .count = 1};
        struct response response;
        struct err err = {ERR_NONE, ""};
        enum ask_result result;

        fake_start(&fake, path);
        result = ask(path, 5000, &response, &err);
        fake_stop(&fake);
        UNIT_CHECK_ROW(rows[i].name, result == rows[i].result);
        UNIT_CHECK_ROW(rows[i].name, strcmp(fake.requests[0], "{\"command\":\"ping\"}\n") == 0);
        if (result == ASK_ANSWERED) {
            UNIT_CHECK_ROW(rows[i].name, strcmp(response.items[0].text, rows[i].expected) == 0);
            response_clear(&response);
        } else {
            UNIT_CHECK_ROW(rows[i].name,
                           strncmp(err.text, rows[i].expected, strlen(rows[i].expected)) == 0);
        }
    }
    scratch_remove(&scratch);
}

static void
nobody_is_told(void)
{
    struct scratch scratch;
    struct response response;
    struct err err;
    char path[1024];
    int fd;

    scratch_make(&scratch);
    scratch_name(&scratch, "s", path);
    CU_ASSERT(ask(path, 1000, &response, &err) == ASK_NOBODY);
    CU_ASSERT(strncmp(err.text, "nobody answers at unix:", 23) == 0);
    fd = fake_bind(path, 0);
    CU_ASSERT(ask(path, 1000, &response, &err) == ASK_NOBODY); // what a dead daemon leaves
    close(fd);
    scratch_remove(&scratch);
}

// Somebody listens and never accepts: not waited for longer than was said.
static void
silence_ends(void)
{
    struct scratch scratch;
    struct response response;
    struct err err;
    char path[1024];
    int fd;

    scratch_make(&scratch);
    scratch_name(&scratch, "s", path);
    fd = fake_bind(path, 1);
    CU_ASSERT(ask(path, 100, &response, &err) == ASK_BROKEN);
    CU_ASSERT_STRING_EQUAL(err.text, "the daemon does not answer in time");
    close(fd);
    scratch_remove(&scratch);
}

static const struct unit_test tests[] = {
    {"answers are judged", answers_are_judged},
    {"nobody is told",     nobody_is_told    },
    {"silence ends",       silence_ends      },
};

UNIT_MAIN("tool/ask", tests)
