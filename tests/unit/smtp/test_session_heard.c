// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/smtp/talk.h"

static void
on_heard(void *arg, bool is_heard)
{
    struct talk *talk = arg;

    buf_add_text(&talk->events, is_heard ? "heard " : "unheard ");
}

enum then { THEN_SAYS, THEN_CLOSES, THEN_CLOSES_UNREAD, THEN_WE_DRAIN, THEN_WE_ABORT };

// What the client does behind the answer to its message.
static const struct heard_row {
    const char *name, *end, *says;
    enum then then;
    const char *events;
} heard_rows[] = {
    {"says more",          ".\r\n",           "NO",       THEN_SAYS,          "heard "            },
    {"quits",              ".\r\n",           "QUIT\r\n", THEN_SAYS,          "heard "            },
    {"closes in order",    ".\r\n",           "",         THEN_CLOSES,        "heard "            },
    {"closes, unread",     ".\r\n",           "",         THEN_CLOSES_UNREAD, "unheard "          },
    {"has quit before",    ".\r\nQUIT\r\n",   "",         THEN_SAYS,          "unheard "          },
    {"next mail before",   ".\r\n" TALK_MAIL, "",         THEN_SAYS,          "mail<a@b>[] heard "},
    {"half a line before", ".\r\nNO",         "",         THEN_SAYS,          ""                  },
    {"we drain",           ".\r\n",           "",         THEN_WE_DRAIN,      "heard "            },
    {"we give up",         ".\r\n",           "",         THEN_WE_ABORT,      "unheard "          },
};

static void
answer_and_go_on(struct talk *talk, const struct heard_row *row)
{
    talk_finish(talk);
    session_watch(talk->session, on_heard, talk);
    talk_turns(talk, 2); // the answer is there
    if (row->then == THEN_CLOSES_UNREAD)
        talk_hang_up(talk);
    talk_settle(talk);
    talk_say(talk, span_of(row->says));
    if (row->then == THEN_CLOSES)
        talk_hang_up(talk);
    else if (row->then == THEN_WE_DRAIN)
        session_drain(talk->session);
    else if (row->then == THEN_WE_ABORT)
        session_abort(talk->session);
    talk_settle(talk);
}

static void
test_heard(void)
{
    for (size_t i = 0; i < UNIT_COUNT(heard_rows); i++) {
        const struct heard_row *row = &heard_rows[i];
        struct talk talk;

        talk_init(&talk, TALK_NEVER_FINISH);
        talk_start(&talk);
        talk_say(&talk, SPAN_LITERAL(TALK_UP_TO_RCPT "DATA\r\nx\r\n"));
        talk_settle(&talk);
        talk_say(&talk, span_of(row->end));
        talk_settle(&talk);
        buf_reset(&talk.events);
        answer_and_go_on(&talk, row);
        UNIT_CHECK_ROW(row->name,
                       talk_same(row->name, "events", buf_span(&talk.events), row->events));
        talk_clear(&talk);
    }
}

static const struct unit_test tests[] = {
    {"heard", test_heard},
};

UNIT_MAIN("smtp/session, heard", tests)
