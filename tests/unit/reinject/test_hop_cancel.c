// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/reinject/hop_fixture.h"

static void
test_cancel_waiting(void)
{
    const char *scripts[] = {HELLO SENT SENT "Q\n", NULL};
    struct fixture f;

    begin(&f, "cancel who waits", scripts, 1);
    open_hop(&f);
    send_all(&f, 3);
    CU_ASSERT(hop_cancel(f.hop, &f.mails[1].delivery) == 0);
    CU_ASSERT(hop_waiting(f.hop) == 2);
    run_until(&f, 2);
    CU_ASSERT_STRING_EQUAL(f.order, "02");
    end(&f);
}

static void
test_cancel_under_way(void)
{
    const char *scripts[] = {
        HELLO BEGUN "S 250 Ok\nE\n",
        HELLO BEGUN "S 250 Ok\nS 250 Ok\nS 354 go\nC x\nP .\nW 500\nS 250 Ok\nQ\n", NULL};
    struct fixture f;

    begin(&f, "cancel under way", scripts, 1);
    open_hop(&f);
    send_all(&f, 2);
    dialogue_linger(&f.dialogue, 150);
    CU_ASSERT(hop_cancel(f.hop, &f.mails[0].delivery) == 0);
    dialogue_linger(&f.dialogue, 150);
    CU_ASSERT(hop_cancel(f.hop, &f.mails[1].delivery) == -1); // its dot is out
    run_until(&f, 1);
    CU_ASSERT_STRING_EQUAL(f.order, "1");
    check(&f, 1, "sent 250");
    end(&f);
}

static void
test_cancel_what_failed(void)
{
    const char *scripts[] = {"X\n", NULL};
    struct fixture f;

    begin(&f, "cancel what failed", scripts, 1);
    open_hop(&f);
    hop_send(f.hop, &f.mails[0].delivery);
    run_until(&f, 1);
    hop_send(f.hop, &f.mails[1].delivery);
    hop_send(f.hop, &f.mails[2].delivery);
    CU_ASSERT(hop_cancel(f.hop, &f.mails[1].delivery) == 0);
    run_until(&f, 2);
    CU_ASSERT_STRING_EQUAL(f.order, "02");
    end(&f);
}

static void
test_no_cancel_between_two_transactions(void)
{
    // One recipient has it already: what is left must be told.
    const char *scripts[] = {
        HELLO "C MAIL FROM:<from@example.org>\nP RCPT TO:<a@x>\nP RCPT TO:<b@x>\nP DATA\n"
              "S 250 Ok\nS 250 Ok\nS 452 4.5.3 full\nS 354 go\nC x\nP .\nS 250 Ok\n"
              "C MAIL FROM:<from@example.org>\nP RCPT TO:<b@x>\nP DATA\nW 500\nS 250 Ok\nS 250 Ok\n"
              "S 354 go\nC x\nP .\nS 250 Ok\nQ\n",
        NULL};
    struct fixture f;
    struct dialogue_mail *mail = &f.mails[0];

    begin(&f, "no cancel between two transactions", scripts, 1);
    dialogue_mail_clear(mail);
    dialogue_mail(mail, f.dialogue.loop, "", "a@x b@x", SPAN_LITERAL("x\r\n"));
    mail->envelope.listener = (char *)&f;
    mail->delivery.on_done = on_delivered;
    open_hop(&f);
    hop_send(f.hop, &mail->delivery);
    dialogue_linger(&f.dialogue, 150);
    CU_ASSERT(hop_cancel(f.hop, &mail->delivery) == -1);
    run_until(&f, 1);
    check(&f, 0, "sent 250, sent 250");
    end(&f);
}

static void
test_deadline_while_waiting(void)
{
    const char *scripts[] = {HELLO BEGUN "W 100\n" TAKEN SENT "Q\n", NULL};
    struct fixture f;

    begin(&f, "deadline while waiting", scripts, 1);
    open_hop(&f);
    f.mails[1].delivery.deadline_ms = loop_now_ms(f.dialogue.loop) + 40;
    send_all(&f, 3);
    run_until(&f, 3);
    CU_ASSERT_STRING_EQUAL(f.order, "102");
    check(&f, 1, "temporary 0");
    CU_ASSERT_STRING_EQUAL(f.mails[1].rcpts[0].answer.text, "deadline passed");
    end(&f);
}

static void
test_deadline_of_one_sent_back(void)
{
    // The deadline of the last one passes while the one before it has a connection, a dead one.
    const char *scripts[] = {HELLO SENT BEGUN "W 60\nX\n", "W 900\n" HELLO SENT "Q\n", NULL};
    struct fixture f;
    uint64_t began_ms;

    begin(&f, "deadline of one sent back", scripts, 1);
    open_hop(&f);
    began_ms = loop_now_ms(f.dialogue.loop);
    f.mails[1].delivery.deadline_ms = began_ms + 200;
    f.mails[2].delivery.deadline_ms = began_ms + 20;
    send_all(&f, 4);
    run_until(&f, 3);
    CU_ASSERT_STRING_EQUAL(f.order, "021");
    CU_ASSERT(loop_now_ms(f.dialogue.loop) - began_ms < 800);
    CU_ASSERT_STRING_EQUAL(f.mails[1].rcpts[0].answer.text, "deadline passed");
    run_until(&f, 4);
    check(&f, 3, "sent 250");
    end(&f);
}

static const struct unit_test tests[] = {
    {"cancel who waits",                   test_cancel_waiting                    },
    {"cancel under way",                   test_cancel_under_way                  },
    {"cancel what failed",                 test_cancel_what_failed                },
    {"no cancel between two transactions", test_no_cancel_between_two_transactions},
    {"deadline while waiting",             test_deadline_while_waiting            },
    {"deadline of one sent back",          test_deadline_of_one_sent_back         },
};

UNIT_MAIN("reinject/hop_cancel", tests)
