// SPDX-License-Identifier: BSD-2-Clause
#include "src/job/outcome.h"

#include "tests/unit/harness.h"

static struct delivery_rcpt
rcpt(enum delivery_result result, int code, const char *enhanced, const char *text)
{
    struct delivery_rcpt one = {.path = "b@example.com", .params = "", .result = result};

    one.answer.code = code;
    (void)snprintf(one.answer.enhanced, sizeof one.answer.enhanced, "%s", enhanced);
    (void)snprintf(one.answer.text, sizeof one.answer.text, "%s", text);
    return one;
}

static void
test_reply(void)
{
    static const struct {
        const char *name;
        enum delivery_result result;
        int code;
        const char *enhanced, *text;
        int expected;
        const char *expected_enhanced;
    } rows[] = {
        {"sent",                          DELIVERY_SENT,      250, "2.0.0", "Ok: queued as X",    250, "2.0.0"},
        {"no enhanced code",              DELIVERY_SENT,      250, "",      "ok",                 250, ""     },
        {"temporary",                     DELIVERY_TEMPORARY, 450, "4.2.0", "later",              450, "4.2.0"},
        {"permanent",                     DELIVERY_PERMANENT, 550, "5.1.1", "no",                 550, "5.1.1"},
        {"a greeting's 5xx is temporary", DELIVERY_TEMPORARY, 554, "5.3.2", "no",                 451, "4.4.0"},
        {"nobody there",                  DELIVERY_TEMPORARY, 0,   "",      "Connection refused", 451, "4.4.0"},
        {"no answer at all",              DELIVERY_NONE,      0,   "",      "",                   451, "4.4.0"},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct delivery_rcpt one =
            rcpt(rows[i].result, rows[i].code, rows[i].enhanced, rows[i].text);
        struct smtp_reply reply;

        outcome_reply(&one, &reply);
        UNIT_CHECK_ROW(rows[i].name, reply.code == rows[i].expected);
        UNIT_CHECK_ROW(rows[i].name, strcmp(reply.enhanced, rows[i].expected_enhanced) == 0);
    }
}

static void
test_worst(void)
{
    static const struct {
        const char *name, *results;
        int expected;
        size_t sent, temporary, permanent;
    } rows[] = {
        {"all sent",       "ss",  250, 2, 0, 0},
        {"4xx before 5xx", "spt", 450, 1, 1, 1},
        {"5xx before 2xx", "sps", 550, 2, 0, 1},
        {"nobody",         "",    451, 0, 0, 0}
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct delivery_rcpt list[4];
        struct delivery delivery = {.rcpts = list, .rcpt_count = strlen(rows[i].results)};
        struct outcome_count count;
        struct smtp_reply reply;

        for (size_t k = 0; k < delivery.rcpt_count; k++) {
            char letter = rows[i].results[k];

            list[k] = letter == 's'   ? rcpt(DELIVERY_SENT, 250, "2.0.0", "ok")
                      : letter == 'p' ? rcpt(DELIVERY_PERMANENT, 550, "5.1.1", "no")
                                      : rcpt(DELIVERY_TEMPORARY, 450, "4.2.0", "later");
        }
        count = outcome_of(&delivery);
        outcome_worst_reply(&delivery, &reply);
        UNIT_CHECK_ROW(rows[i].name, reply.code == rows[i].expected);
        UNIT_CHECK_ROW(rows[i].name, count.sent == rows[i].sent);
        UNIT_CHECK_ROW(rows[i].name, count.temporary == rows[i].temporary);
        UNIT_CHECK_ROW(rows[i].name, count.permanent == rows[i].permanent);
    }
}

static const struct unit_test tests[] = {
    {"what a client is told", test_reply},
    {"one reply for many",    test_worst}
};

UNIT_MAIN("src/job/outcome", tests)
