// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/reinject/hop_fixture.h"

static void
test_in_order_on_one(void)
{
    const char *scripts[] = {HELLO SENT_SLOWLY SENT SENT SENT SENT "Q\n", NULL};
    struct fixture f;

    begin(&f, "in order on one", scripts, 1);
    open_hop(&f);
    send_all(&f, 5);
    CU_ASSERT(hop_waiting(f.hop) == 5);
    CU_ASSERT(f.done == 0); // never from within
    run_until(&f, 5);
    CU_ASSERT_STRING_EQUAL(f.order, "01234");
    for (size_t i = 0; i < 5; i++)
        check(&f, i, "sent 250");
    // The first made the connection; the last waited for the slow first.
    CU_ASSERT(f.mails[0].delivery.connect_us > 0 && f.mails[1].delivery.connect_us == 0);
    CU_ASSERT(f.mails[4].delivery.wait_us >= 25000);
    CU_ASSERT(f.mails[0].delivery.send_us >= 25000);
    CU_ASSERT(strncmp(f.mails[0].delivery.relay, "127.0.0.1:", 10) == 0);
    end(&f);
}

static void
test_bound(void)
{
    // The third script would fail the test if a third connection came.
    const char *scripts[] = {HELLO SENT_SLOWLY SENT_SLOWLY "D\n",
                             HELLO SENT_SLOWLY SENT_SLOWLY "D\n", NULL};
    struct fixture f;

    begin(&f, "bound", scripts, 2);
    open_hop(&f);
    send_all(&f, 4);
    run_until(&f, 4);
    CU_ASSERT(f.dialogue.accepted == 2);
    end(&f);
}

static void
test_abilities(void)
{
    const char *scripts[] = {"S 220 mx\nC EHLO me.example\nS 250-mx\nS 250-8BITMIME\nS 250-DSN\n"
                             "S 250 PIPELINING\n" SENT SENT "Q\n",
                             NULL};
    struct caps known = {.flags = CAPS_SMTPUTF8 | CAPS_DSN};
    struct fixture f;

    begin(&f, "abilities", scripts, 1);
    open_hop(&f);
    CU_ASSERT(!hop_is_known(f.hop));
    CU_ASSERT(hop_offers(f.hop) == (CAPS_8BITMIME | CAPS_SMTPUTF8 | CAPS_DSN));
    hop_learn(f.hop, &f.dialogue.addr, &known);
    CU_ASSERT(hop_is_known(f.hop) && hop_offers(f.hop) == known.flags);
    send_all(&f, 2);
    run_until(&f, 2);
    CU_ASSERT(f.learned == 1);
    CU_ASSERT(f.caps.flags == (CAPS_8BITMIME | CAPS_DSN | CAPS_PIPELINING));
    CU_ASSERT(hop_offers(f.hop) == f.caps.flags);
    CU_ASSERT(f.mails[0].delivery.offers_dsn);
    end(&f);
}

static void
test_stale_unseen(void)
{
    const char *scripts[] = {HELLO SENT BEGUN "X\n", HELLO SENT "Q\n", NULL};
    struct fixture f;

    begin(&f, "stale", scripts, 1);
    open_hop(&f);
    send_all(&f, 2);
    run_until(&f, 2);
    check(&f, 1, "sent 250");
    end(&f);
}

static void
test_stale_twice(void)
{
    // The second time it meets a connection that another mail had used.
    const char *scripts[] = {HELLO SENT BEGUN "X\n", HELLO BEGUN "S 421 no\nE\n", NULL};
    struct fixture f;

    begin(&f, "stale twice", scripts, 1);
    open_hop(&f);
    send_all(&f, 2);
    run_until(&f, 2);
    check(&f, 1, "temporary 421");
    end(&f);
}

static void
check_server(const struct fixture *f, size_t index, const struct addr *addr, bool is_up,
             size_t connections)
{
    struct hop_server server;

    CU_ASSERT_FATAL(hop_server(f->hop, index, &server));
    CU_ASSERT(addr_equal(server.addr, addr));
    CU_ASSERT(server.is_up == is_up);
    CU_ASSERT_EQUAL(server.connections, connections);
}

static void
test_backup(void)
{
    const char *scripts[] = {HELLO SENT SENT "Q\n", NULL};
    struct hop_server none;
    struct fixture f;

    begin(&f, "backup", scripts, 1);
    f.settings.addr = closed_port();
    f.settings.backup = (struct setting_list){&f.dialogue.addr, 1};
    open_hop(&f);
    check_server(&f, 0, &f.settings.addr, true, 0);
    check_server(&f, 1, &f.dialogue.addr, true, 0);
    CU_ASSERT(!hop_server(f.hop, 2, &none) && !hop_server(f.hop, SIZE_MAX, &none));
    send_all(&f, 2);
    run_until(&f, 2);
    check(&f, 0, "sent 250");
    check(&f, 1, "sent 250");
    check_server(&f, 0, &f.settings.addr, false, 0);
    check_server(&f, 1, &f.dialogue.addr, true, 1);
    end(&f);
}

static void
test_back_to_the_first(void)
{
    // The backup serves until the first, looked at again after its time, greets.
    const char *scripts[] = {HELLO SENT SENT SENT "Q\n", NULL};
    const char *first_scripts[] = {"S 421 not yet\nE\n", HELLO SENT "Q\n", NULL};
    struct dialogue first;
    struct fixture f;

    begin(&f, "back to the first: backup", scripts, 2);
    dialogue_begin_at(&first, "back to the first", first_scripts, f.dialogue.loop);
    f.config.on_caps = NULL;
    f.settings.dead_time = 100;
    f.settings.backup = (struct setting_list){&f.dialogue.addr, 1};
    f.settings.addr = first.addr;
    open_hop(&f);
    hop_send(f.hop, &f.mails[0].delivery);
    run_until(&f, 1);
    hop_send(f.hop, &f.mails[1].delivery);
    run_until(&f, 2);
    dialogue_linger(&f.dialogue, 120);
    hop_send(f.hop, &f.mails[2].delivery); // the backup takes it, the first is looked at
    run_until(&f, 3);
    dialogue_linger(&f.dialogue, 150);
    hop_send(f.hop, &f.mails[3].delivery);
    run_until(&f, 4);
    CU_ASSERT(first.accepted == 2);
    for (size_t i = 0; i < 4; i++)
        check(&f, i, "sent 250");
    CU_ASSERT(strcmp(f.mails[2].delivery.relay, f.mails[3].delivery.relay) != 0);
    hop_free(&f.hop);
    dialogue_linger(&f.dialogue, 10);
    dialogue_end_at(&first);
    open_hop(&f);
    end(&f);
}

static void
test_all_dead(void)
{
    const char *scripts[] = {"X\n", HELLO SENT SENT "Q\n", NULL};
    struct fixture f;

    begin(&f, "all dead", scripts, 1);
    open_hop(&f);
    hop_send(f.hop, &f.mails[0].delivery);
    run_until(&f, 1);
    check(&f, 0, "temporary 0");
    // Nobody waits, and nobody knocks again within the second.
    hop_send(f.hop, &f.mails[1].delivery);
    hop_send(f.hop, &f.mails[2].delivery);
    CU_ASSERT(f.done == 1 && hop_waiting(f.hop) == 0);
    run_until(&f, 3);
    check(&f, 1, "temporary 0");
    CU_ASSERT(strstr(f.mails[2].rcpts[0].answer.text, "lost 127.0.0.1:") != NULL);
    CU_ASSERT(f.dialogue.accepted == 1);
    dialogue_linger(&f.dialogue, SERVERS_PROBE_MS + 20);
    hop_send(f.hop, &f.mails[3].delivery);
    hop_send(f.hop, &f.mails[4].delivery);
    run_until(&f, 5);
    check(&f, 3, "sent 250");
    check(&f, 4, "sent 250");
    end(&f);
}

static void
test_refused_text(void)
{
    const char *scripts[] = {NULL};
    char text[ADDR_TEXT_MAX], expected[ADDR_TEXT_MAX + 64];
    struct fixture f;

    begin(&f, "refused", scripts, 4);
    dialogue_stop_listening(&f.dialogue);
    addr_format(&f.dialogue.addr, text);
    snprintf(expected, sizeof(expected), "connect to %s: Connection refused", text + 5);
    open_hop(&f);
    send_all(&f, 4);
    run_until(&f, 4);
    CU_ASSERT_STRING_EQUAL(f.order, "0123");
    CU_ASSERT_STRING_EQUAL(f.mails[3].rcpts[0].answer.text, expected);
    end(&f);
}

static void
test_crowded(void)
{
    // The server wants no second connection: the first serves all.
    const char *scripts[] = {HELLO SENT_SLOWLY SENT SENT "Q\n", "W 10\nS 421 4.7.0 too many\nE\n",
                             NULL};
    struct fixture f;

    begin(&f, "crowded", scripts, 2);
    open_hop(&f);
    send_all(&f, 3);
    run_until(&f, 3);
    for (size_t i = 0; i < 3; i++)
        check(&f, i, "sent 250");
    end(&f);
}

static void
test_send_from_within_done(void)
{
    const char *scripts[] = {HELLO SENT SENT "Q\n", NULL};
    struct fixture f;

    begin(&f, "send from within done", scripts, 1);
    f.again = &f;
    open_hop(&f);
    hop_send(f.hop, &f.mails[0].delivery);
    run_until(&f, 2);
    CU_ASSERT_STRING_EQUAL(f.order, "01");
    end(&f);
}

static void
test_bad_ca(void)
{
    const char *scripts[] = {NULL};
    struct err err = {.kind = ERR_NONE};
    struct fixture f;

    begin(&f, "bad ca", scripts, 1);
    f.settings.tls = HOP_TLS_REQUIRE;
    f.settings.tls_ca = (char *)(uintptr_t) "/nonexistent/ca.pem";
    f.hop = hop_new(f.dialogue.loop, &f.config, &err);
    CU_ASSERT_PTR_NULL(f.hop);
    CU_ASSERT(err.kind == ERR_PERM && err.text[0] != '\0');
    f.settings.tls = HOP_TLS_NO;
    open_hop(&f);
    end(&f);
}

static const struct unit_test tests[] = {
    {"in order on one",       test_in_order_on_one      },
    {"bound",                 test_bound                },
    {"abilities",             test_abilities            },
    {"stale, unseen",         test_stale_unseen         },
    {"stale, twice",          test_stale_twice          },
    {"backup",                test_backup               },
    {"back to the first",     test_back_to_the_first    },
    {"all dead",              test_all_dead             },
    {"the text of a refusal", test_refused_text         },
    {"crowded",               test_crowded              },
    {"send from within done", test_send_from_within_done},
    {"bad ca",                test_bad_ca               },
};

UNIT_MAIN("reinject/hop", tests)
