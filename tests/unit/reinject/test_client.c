// SPDX-License-Identifier: BSD-2-Clause
#include "reinject/client.h"

#include "reinject/client_state.h"
#include "tests/unit/reinject/dialogue.h"

#define HELLO "S 220 mx ESMTP\nC EHLO me.example\n"
#define CHUNK HELLO "S 250-mx\nS 250-CHUNKING\nS 250 PIPELINING\n"
#define PIPELINE HELLO "S 250-mx\nS 250 PIPELINING\n"
#define PLAIN HELLO "S 250 mx\n"
#define MAIL "C MAIL FROM:<from@example.org>\n"
#define SENT MAIL "P RCPT TO:<a@x>\nP BDAT 3 LAST\nP x\nS 250 Ok\nS 250 Ok\nS 250 Ok\n"
#define SENT_DATA MAIL "P RCPT TO:<a@x>\nP DATA\nS 250 Ok\nS 250 Ok\nS 354 go\nC x\nP .\nS 250 Ok\n"

enum { MAILS = 2 };

// One client without a hop; sends its mails one after the other, on the same connection.
struct fixture {
    struct dialogue dialogue;
    struct hop_settings settings;
    struct client_config config;
    struct client *client;
    struct dialogue_mail mails[MAILS];
    size_t mail_count, sent;
    unsigned ready, closed, stale;
    bool was_why, is_slow; // slow: the next mail is sent by the test
};

static void
send_next(struct fixture *f)
{
    if (f->sent < f->mail_count && client_is_usable(f->client))
        client_send(f->client, &f->mails[f->sent++].delivery);
    else
        loop_stop(f->dialogue.loop);
}

static void
on_ready(void *arg, struct client *client)
{
    struct fixture *f = arg;

    CU_ASSERT(client_is_usable(client));
    f->ready++;
    send_next(f);
}

static void
on_done(void *arg, struct client *client, struct delivery *delivery, bool is_stale)
{
    struct fixture *f = arg;
    struct dialogue_mail *mail = delivery->arg;

    (void)client;
    mail->done++;
    f->stale += is_stale ? 1 : 0;
    if (f->is_slow)
        loop_stop(f->dialogue.loop);
    else
        send_next(f);
}

static void
on_closed(void *arg, struct client *client, const struct err *why)
{
    struct fixture *f = arg;

    CU_ASSERT(!client_is_usable(client));
    f->closed++;
    f->was_why = why != NULL;
    loop_stop(f->dialogue.loop);
}

static void
begin(struct fixture *f, const char *name, const char *const *scripts, size_t mail_count)
{
    static const struct client_handler handler = {
        .on_ready = on_ready, .on_done = on_done, .on_closed = on_closed};

    memset(f, 0, sizeof(*f));
    dialogue_begin(&f->dialogue, name, scripts);
    f->settings = dialogue_settings(&f->dialogue);
    f->config = (struct client_config){
        .settings = &f->settings, .hostname = "me.example", .handler = &handler, .arg = f};
    f->mail_count = mail_count;
    for (size_t i = 0; i < MAILS; i++)
        dialogue_mail(&f->mails[i], f->dialogue.loop, "", "a@x", SPAN_LITERAL("x\r\n"));
}

static void
start(struct fixture *f)
{
    f->client = client_new(f->dialogue.loop, &f->dialogue.addr, &f->config);
    loop_run(f->dialogue.loop);
}

static void
end(struct fixture *f)
{
    client_quit(&f->client);
    CU_ASSERT_PTR_NULL(f->client);
    dialogue_linger(&f->dialogue, 10);
    for (size_t i = 0; i < MAILS; i++)
        dialogue_mail_clear(&f->mails[i]);
    dialogue_end(&f->dialogue);
}

struct row {
    const char *name, *script;
    const char *first, *second; // results; NULL: it was not sent
    unsigned stale;
};

static const struct row rows[] = {
    {"kept, nothing in between",                              CHUNK SENT SENT "Q\n",                                            "sent 250",      "sent 250",    0},
    {"RSET behind a failure, in one write with what follows",
     CHUNK MAIL "P RCPT TO:<a@x>\nP BDAT 3 LAST\nP x\nS 250 Ok\nS 550 no\nS 554 no\n"
                "C RSET\nP MAIL FROM:<from@example.org>\nP RCPT TO:<a@x>\nP BDAT 3 LAST\nP x\n"
                "S 250 Ok\nS 250 Ok\nS 250 Ok\nS 250 Ok\nQ\n",                                                                  "permanent 550", "sent 250",    0},
    {"RSET line by line",
     PLAIN MAIL "S 250 Ok\nC RCPT TO:<a@x>\nS 550 no\nC RSET\nW 10\nS 250 Ok\n"
                "C MAIL FROM:<from@example.org>\nS 250 Ok\nC RCPT TO:<a@x>\nS 250 Ok\nC DATA\n"
                "S 354 go\nC x\nP .\nS 250 Ok\nQ\n",                                                                            "permanent 550", "sent 250",    0},
    {"RSET refused",
     PIPELINE MAIL "P RCPT TO:<a@x>\nP DATA\nS 250 Ok\nS 550 no\nS 554 no\n"
                   "C RSET\nP MAIL FROM:<from@example.org>\nP RCPT TO:<a@x>\nP DATA\nS 500 no\nE\n",                            "permanent 550", "none 0",      1},
    {"stale: closed at the next MAIL",                        PIPELINE SENT_DATA MAIL "P RCPT TO:<a@x>\nP DATA\nX\n",
     "sent 250",                                                                                                                                 "none 0",      1},
    {"stale: reset at the next MAIL",                         PIPELINE SENT_DATA MAIL "P RCPT TO:<a@x>\nP DATA\nR\n",
     "sent 250",                                                                                                                                 "none 0",      1},
    {"stale: 421 at the next MAIL",
     PIPELINE SENT_DATA MAIL "P RCPT TO:<a@x>\nP DATA\nS 421 timeout\nE\n",                                                     "sent 250",      "none 0",
     1                                                                                                                                                           },
    {"not stale: a reply came",                               PIPELINE SENT_DATA MAIL "P RCPT TO:<a@x>\nP DATA\nS 250 Ok\nX\n",
     "sent 250",                                                                                                                                 "temporary 0", 0},
    {"not stale: the whole message had left",
     CHUNK SENT MAIL "P RCPT TO:<a@x>\nP BDAT 3 LAST\nP x\nX\n",                                                                "sent 250",      "temporary 0", 0},
    {"not stale: a new connection",                           PIPELINE MAIL "P RCPT TO:<a@x>\nP DATA\nX\n",                     "temporary 0",
     NULL,                                                                                                                                                      0},
};

static void
run_row(const struct row *row)
{
    const char *scripts[] = {row->script, NULL};
    struct fixture f;

    begin(&f, row->name, scripts, 2);
    start(&f);
    UNIT_CHECK_ROW(row->name, f.ready == 1 && f.closed == 0);
    UNIT_CHECK_ROW(row->name, f.mails[0].done == 1);
    UNIT_CHECK_ROW(row->name, f.mails[1].done == (row->second != NULL ? 1 : 0));
    dialogue_check_results(row->name, &f.mails[0].delivery, row->first);
    if (row->second != NULL)
        dialogue_check_results(row->name, &f.mails[1].delivery, row->second);
    UNIT_CHECK_ROW(row->name, f.stale == row->stale);
    end(&f);
}

static void
test_rows(void)
{
    for (size_t i = 0; i < UNIT_COUNT(rows); i++)
        run_row(&rows[i]);
}

// Unused for a second: the body waits for the replies.
static void
check_old_connection(const char *name, const char *const *scripts, const char *result)
{
    struct fixture f;

    begin(&f, name, scripts, 2);
    f.is_slow = true;
    start(&f);
    dialogue_linger(&f.dialogue, 1050);
    send_next(&f);
    loop_run(f.dialogue.loop);
    dialogue_check_results(name, &f.mails[1].delivery, result);
    end(&f);
}

static void
test_old_connection_does_not_hurry(void)
{
    // So that a retry is safe.
    const char *const scripts[] = {CHUNK SENT MAIL "P RCPT TO:<a@x>\nW 20\nS 250 Ok\nS 250 Ok\n"
                                                   "C BDAT 3 LAST\nP x\nS 250 Ok\nQ\n",
                                   NULL};

    check_old_connection("old connection", scripts, "sent 250");
}

static void
test_reply_before_the_body(void)
{
    const char *const scripts[] = {
        CHUNK SENT MAIL "P RCPT TO:<a@x>\nS 250 Ok\nS 250 Ok\nS 250 queued\nE\n", NULL};

    check_old_connection("reply before the body", scripts, "temporary 0");
}

static void
test_idle_ends(void)
{
    const char *scripts[] = {CHUNK SENT "Q\n", NULL};
    struct fixture f;

    begin(&f, "idle", scripts, 1);
    f.settings.idle = 30;
    start(&f);
    CU_ASSERT(client_is_usable(f.client));
    loop_run(f.dialogue.loop);
    CU_ASSERT(f.closed == 1 && !f.was_why);
    end(&f);
}

static void
test_word_while_idle(void)
{
    const char *scripts[] = {CHUNK SENT "W 10\nS 421 bye\nE\n", NULL};
    struct fixture f;

    begin(&f, "a word while idle", scripts, 1);
    start(&f);
    CU_ASSERT(client_is_usable(f.client));
    loop_run(f.dialogue.loop);
    CU_ASSERT(f.closed == 1 && !f.was_why);
    end(&f);
}

static void
test_refused_connection(void)
{
    const char *scripts[] = {NULL};
    struct fixture f;

    begin(&f, "refused connection", scripts, 1);
    dialogue_stop_listening(&f.dialogue);
    start(&f);
    CU_ASSERT(f.closed == 1 && f.was_why && f.ready == 0);
    end(&f);
}

static void
test_cancel_before_the_dot(void)
{
    const char *scripts[] = {PIPELINE MAIL "P RCPT TO:<a@x>\nP DATA\nS 250 Ok\nE\n", NULL};
    struct fixture f;

    begin(&f, "cancel before the dot", scripts, 1);
    f.client = client_new(f.dialogue.loop, &f.dialogue.addr, &f.config);
    dialogue_linger(&f.dialogue, 150);
    CU_ASSERT(f.sent == 1);
    CU_ASSERT(client_cancel(f.client) == 0);
    CU_ASSERT(!client_is_usable(f.client));
    dialogue_linger(&f.dialogue, 10);
    CU_ASSERT(f.mails[0].done == 0 && f.closed == 0);
    end(&f);
}

static void
test_cancel_behind_the_dot(void)
{
    const char *scripts[] = {CHUNK MAIL "P RCPT TO:<a@x>\nP BDAT 3 LAST\nP x\nW 500\n"
                                        "S 250 Ok\nS 250 Ok\nS 250 Ok\nQ\n",
                             NULL};
    struct fixture f;

    begin(&f, "cancel behind the dot", scripts, 1);
    f.client = client_new(f.dialogue.loop, &f.dialogue.addr, &f.config);
    dialogue_linger(&f.dialogue, 150);
    CU_ASSERT(f.sent == 1 && f.mails[0].done == 0);
    CU_ASSERT(client_cancel(f.client) == -1);
    loop_run(f.dialogue.loop);
    CU_ASSERT(f.mails[0].done == 1);
    dialogue_check_results("cancel", &f.mails[0].delivery, "sent 250");
    end(&f);
}

static void
test_cancel_what_is_refused(void)
{
    const char *scripts[] = {PLAIN "Q\n", NULL};
    struct fixture f;

    begin(&f, "cancel what is refused", scripts, 0);
    f.mails[0].delivery.from_params = "SMTPUTF8";
    start(&f);
    client_send(f.client, &f.mails[0].delivery);
    CU_ASSERT(!client_is_usable(f.client));
    CU_ASSERT(client_cancel(f.client) == 0);
    CU_ASSERT(client_is_usable(f.client));
    dialogue_linger(&f.dialogue, 10);
    CU_ASSERT(f.mails[0].done == 0);
    end(&f);
}

// It has its result; handed over once more there would be nobody left to send it to.
static void
test_refused_is_never_stale(void)
{
    const char *scripts[] = {PIPELINE SENT_DATA "E\n", NULL};
    struct fixture f;
    struct err err;

    begin(&f, "refused is never stale", scripts, 1);
    f.mails[1].delivery.from_params = "SMTPUTF8";
    start(&f);
    client_send(f.client, &f.mails[1].delivery);
    err_set(&err, ERR_TEMP, "lost");
    client_lose(f.client, &err, true); // as when the server closes in the same turn
    CU_ASSERT(f.mails[1].done == 1 && f.stale == 0);
    dialogue_check_results("refused is never stale", &f.mails[1].delivery, "temporary 0");
    end(&f);
}

static void
test_control_characters_stay_here(void)
{
    const char *scripts[] = {PLAIN "Q\n", NULL};
    struct fixture f;

    begin(&f, "control characters", scripts, 1);
    f.mails[0].delivery.from = "a@b>\r\nRCPT TO:<evil@x";
    start(&f);
    dialogue_check_results("control characters", &f.mails[0].delivery, "temporary 0");
    CU_ASSERT(f.mails[0].delivery.alarm);
    CU_ASSERT(client_is_usable(f.client));
    end(&f);
}

// --- large bodies ---

struct slow_disk {
    struct loop *loop;
    struct loop_deferred soon;
    body_read_done *done;
    void *done_arg;
    size_t reads, fail_at;
};

static void
finish_read(void *arg)
{
    struct slow_disk *disk = arg;
    struct err err = {.kind = ERR_TEMP, .text = "I/O error"};

    disk->done(disk->done_arg, disk->reads == disk->fail_at ? &err : NULL);
}

static void
begin_read(void *arg, uint64_t offset, char *data, size_t len, body_read_done *done, void *done_arg)
{
    struct slow_disk *disk = arg;

    (void)offset;
    for (size_t i = 0; i < len; i++)
        data[i] = i % 64 == 62 ? '\r' : i % 64 == 63 ? '\n' : 'x';
    disk->done = done;
    disk->done_arg = done_arg;
    disk->reads++;
    loop_defer(disk->loop, &disk->soon);
}

static void
use_disk(struct fixture *f, struct slow_disk *disk, uint64_t len, size_t fail_at)
{
    struct body_source source = {.len = len, .read = begin_read, .arg = disk};
    struct body_piece whole = {.len = len};

    *disk = (struct slow_disk){
        .loop = f->dialogue.loop, .soon = {.run = finish_read, .arg = disk},
             .fail_at = fail_at
    };
    body_free(&f->mails[0].body);
    f->mails[0].body = body_new(&source, &whole, 1);
    f->mails[0].delivery.body = f->mails[0].body;
}

static void
test_large_in_chunks(void)
{
    // Not in one write with the commands: it waits to hear whether anybody wants it.
    const char *scripts[] = {
        CHUNK MAIL "P RCPT TO:<a@x>\nW 20\nS 250 Ok\nS 250 Ok\nC BDAT 65536\nN 65536\n"
                   "C BDAT 65536\nN 65536\nS 250 Ok\nS 250 Ok\nC BDAT 64 LAST\nN 64\nS 250 Ok\nQ\n",
        NULL};
    struct slow_disk disk;
    struct fixture f;

    begin(&f, "large, in chunks", scripts, 1);
    use_disk(&f, &disk, 2 * BODY_BLOCK + 64, 0);
    start(&f);
    dialogue_check_results("large, in chunks", &f.mails[0].delivery, "sent 250");
    end(&f);
}

static void
test_chunk_refused(void)
{
    const char *scripts[] = {CHUNK MAIL
                             "P RCPT TO:<a@x>\nS 250 Ok\nS 250 Ok\nC BDAT 65536\nN 65536\n"
                             "S 552 5.3.4 too big\nD\n",
                             NULL};
    struct slow_disk disk;
    struct fixture f;

    begin(&f, "chunk refused", scripts, 1);
    use_disk(&f, &disk, 64 * BODY_BLOCK, 0);
    start(&f);
    dialogue_check_results("chunk refused", &f.mails[0].delivery, "permanent 552 5.3.4");
    CU_ASSERT(!client_is_usable(f.client));
    end(&f);
}

static void
test_nobody_wants_the_large(void)
{
    const char *scripts[] = {
        CHUNK MAIL "P RCPT TO:<a@x>\nS 250 Ok\nS 550 5.1.1 no\nC RSET\nS 250 Ok\nQ\n", NULL};
    struct slow_disk disk;
    struct fixture f;

    begin(&f, "nobody wants the large", scripts, 1);
    use_disk(&f, &disk, 64 * BODY_BLOCK, 0);
    start(&f);
    dialogue_check_results("nobody wants it", &f.mails[0].delivery, "permanent 550 5.1.1");
    end(&f);
}

static void
test_back_pressure(void)
{
    enum { BLOCKS = 1024 };

    // 64 MB. The server does not read on: what lies in between is the sockets' and ours.
    const char *scripts[] = {PIPELINE MAIL "P RCPT TO:<a@x>\nP DATA\nS 250 Ok\nS 250 Ok\nS 354 go\n"
                                           "W 600\nN 67108864\nC .\nS 250 Ok\nQ\n",
                             NULL};
    struct slow_disk disk;
    struct fixture f;

    begin(&f, "back pressure", scripts, 1);
    use_disk(&f, &disk, (uint64_t)BLOCKS * BODY_BLOCK, 0);
    f.client = client_new(f.dialogue.loop, &f.dialogue.addr, &f.config);
    dialogue_linger(&f.dialogue, 400);
    CU_ASSERT(disk.reads > 0 && disk.reads < BLOCKS / 4);
    loop_run(f.dialogue.loop);
    dialogue_check_results("back pressure", &f.mails[0].delivery, "sent 250");
    CU_ASSERT(disk.reads == BLOCKS);
    end(&f);
}

static void
test_unreadable(void)
{
    const char *scripts[] = {
        PIPELINE MAIL "P RCPT TO:<a@x>\nP DATA\nS 250 Ok\nS 250 Ok\nS 354 go\nN 65536\nE\n", NULL};
    struct slow_disk disk;
    struct fixture f;

    begin(&f, "unreadable", scripts, 1);
    use_disk(&f, &disk, 4 * BODY_BLOCK, 2);
    start(&f);
    dialogue_check_results("unreadable", &f.mails[0].delivery, "temporary 0");
    CU_ASSERT(strstr(f.mails[0].rcpts[0].answer.text, "I/O error") != NULL);
    CU_ASSERT(!f.mails[0].delivery.dot_sent);
    end(&f);
}

static const struct unit_test tests[] = {
    {"two on one connection",            test_rows                         },
    {"an old connection does not hurry", test_old_connection_does_not_hurry},
    {"a reply before the body",          test_reply_before_the_body        },
    {"idle ends",                        test_idle_ends                    },
    {"a word while idle",                test_word_while_idle              },
    {"refused connection",               test_refused_connection           },
    {"cancel before the dot",            test_cancel_before_the_dot        },
    {"cancel behind the dot",            test_cancel_behind_the_dot        },
    {"cancel what is refused",           test_cancel_what_is_refused       },
    {"refused is never stale",           test_refused_is_never_stale       },
    {"control characters stay here",     test_control_characters_stay_here },
    {"large, in chunks",                 test_large_in_chunks              },
    {"a chunk refused",                  test_chunk_refused                },
    {"nobody wants the large",           test_nobody_wants_the_large       },
    {"back pressure",                    test_back_pressure                },
    {"unreadable",                       test_unreadable                   },
};

UNIT_MAIN("reinject/client", tests)
