// SPDX-License-Identifier: BSD-2-Clause
#include "src/worker/flow.h"

#include <stdio.h>

#include "base/mem.h"
#include "tests/unit/filters/fake_loop.h"
#include "tests/unit/harness.h"

enum { MESSAGES = 9 };

// Stands in for src/job/job.c.
struct jobs {
    size_t room;
    loop_callback *on_room;
    void *arg;
};

struct message {
    char name;
    struct flow_turn turn;
};

static struct jobs jobs;
static struct loop *loop;
static struct flow *flow;
static struct message messages[MESSAGES];
static char passed[2 * MESSAGES];

size_t
jobs_room(const struct jobs *given)
{
    return given->room;
}

void
jobs_watch_room(struct jobs *given, loop_callback *on_room, void *arg)
{
    given->on_room = on_room;
    given->arg = arg;
}

static void
pass(void *arg)
{
    const struct message *message = arg;

    snprintf(passed + strlen(passed), sizeof passed - strlen(passed), "%c", message->name);
}

static void
enter(struct message *message)
{
    if (flow_enter(flow, &message->turn, pass, message))
        pass(message);
}

// A step a character: a message by its letter comes, and by its capital one it leaves; "+" a job
// has gone; "&" so, in the same turn as the next step; "*" half a second goes by, and else none;
// "!" draining; "|" between what was let pass.
static void
take_step(char step, uint64_t *now_ms)
{
    if (step >= 'a' && step < 'a' + MESSAGES)
        enter(&messages[step - 'a']);
    else if (step >= 'A' && step < 'A' + MESSAGES)
        flow_leave(&messages[step - 'A'].turn);
    else if (step == '!')
        flow_open(flow);
    else if (step == '|')
        snprintf(passed + strlen(passed), sizeof passed - strlen(passed), "|");
    if (step == '+' || step == '&') {
        jobs.room++;
        jobs.on_room(jobs.arg);
    }
    *now_ms += step == '*' ? 500 : 0;
    if (step != '&')
        fake_loop_run_to(loop, *now_ms);
}

static void
test_steps(void)
{
    static const struct {
        const char *name;
        size_t room;
        const char *steps, *passed;
    } rows[] = {
        {"room for all",                                           3, "abc|",        "abc|"   },
        {"room for two",                                           2, "abc|",        "ab|"    },
        {"one more with each that goes",                           1, "abcd|+|+|+",  "a|b|c|d"},
        {"who waits comes before who has come since",              1, "ab&c|+",      "ab|c"   },
        {"no longer than a second",                                0, "a*|*|",       "|a|"    },
        {"each for itself",                                        0, "a*b*|*",      "a|b"    },
        {"beyond the room, none has it",                           1, "ab**|c+|+|+", "ab||c|" },
        {"gone while it waits",                                    0, "abcB|+|+",    "|a|c"   },
        {"gone at the end of the line",                            0, "abB|c+|+",    "|a|c"   },
        {"the first is gone, and the time of the next one counts", 0, "a*bA*|*",     "|b"     },
        {"never a job: its place is free",                         1, "ab|A|",       "a|b|"   },
        {"left twice",                                             1, "aAAbc|",      "ab|"    },
        {"draining",                                               0, "ab|!|c",      "|ab|c"  },
        {"room comes when nobody waits",                           0, "++ab|c",      "ab|"    },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        uint64_t now_ms;

        loop = fake_loop_new();
        now_ms = 0;
        jobs = (struct jobs){.room = rows[i].room};
        flow = flow_new(loop, &jobs);
        passed[0] = '\0';
        for (size_t k = 0; k < MESSAGES; k++)
            messages[k] = (struct message){.name = (char)('a' + k)};
        for (const char *step = rows[i].steps; *step != '\0'; step++)
            take_step(*step, &now_ms);
        UNIT_CHECK_ROW(rows[i].name, strcmp(passed, rows[i].passed) == 0);
        for (size_t k = 0; k < MESSAGES; k++)
            flow_leave(&messages[k].turn);
        flow_free(&flow);
        CU_ASSERT_PTR_NULL(jobs.on_room);
        fake_loop_free(&loop);
    }
}

static const struct unit_test tests[] = {
    {"who passes, and when", test_steps},
};

UNIT_MAIN("src/worker/flow", tests)
