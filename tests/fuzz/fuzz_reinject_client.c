// SPDX-License-Identifier: BSD-2-Clause
// A next hop that answers anything at any time: who asked is told once, what leaves holds no bare
// CR or LF and one end, and what counts as sent has left.
#include "tests/fuzz/peer.h"

#include "base/mem.h"
#include "reinject/client.h"

enum { RCPTS = 2 };

static const char content[] = "Subject: x\r\n\r\n.\r\n..\r\nMAIL FROM:<evil@example.org>\r\n.\r\n";
static const char stuffed[] =
    "Subject: x\r\n\r\n..\r\n...\r\nMAIL FROM:<evil@example.org>\r\n..\r\n.\r\n";

struct run {
    struct loop *loop;
    struct peer peer;
    struct client *client;
    struct delivery delivery;
    struct delivery_rcpt rcpts[RCPTS];
    unsigned done, closed;
};

static void
on_ready(void *arg, struct client *client)
{
    struct run *run = arg;

    FUZZ_CHECK(client_is_usable(client) && run->done + run->closed == 0);
    client_send(client, &run->delivery);
}

static void
on_done(void *arg, struct client *client, struct delivery *delivery, bool is_stale)
{
    struct run *run = arg;

    (void)client;
    (void)is_stale;
    FUZZ_CHECK(delivery == &run->delivery);
    run->done++;
    loop_stop(run->loop);
}

static void
on_closed(void *arg, struct client *client, const struct err *why)
{
    struct run *run = arg;

    FUZZ_CHECK(why != NULL && !client_is_usable(client));
    run->closed++;
    loop_stop(run->loop);
}

static void
stop(void *arg)
{
    loop_stop(arg);
}

// Until the peer has seen the end of the connection.
static void
linger(struct run *run)
{
    struct loop_timer *timer = loop_timer_new(run->loop, stop, run->loop);

    client_abort(&run->client);
    for (int i = 0; i < 20 && run->peer.conn != NULL; i++) {
        run->peer.rest = span_of(" ");
        loop_timer_start(timer, 1);
        loop_run(run->loop);
    }
    loop_timer_free(&timer);
}

static bool
has(struct span heard, const char *text)
{
    return heard.len > 0 && memmem(heard.data, heard.len, text, strlen(text)) != NULL;
}

static void
check(const struct run *run, bool is_lmtp)
{
    struct span heard = buf_span(&run->peer.heard);
    size_t sent = delivery_count(&run->delivery, DELIVERY_SENT);

    FUZZ_CHECK(run->done + run->closed == 1);
    FUZZ_CHECK(!is_lmtp || !has(heard, "EHLO"));
    if (run->closed > 0)
        FUZZ_CHECK(sent == 0 && !has(heard, "MAIL"));
    for (size_t i = 0; i < RCPTS; i++) {
        const struct answer *answer = &run->rcpts[i].answer;

        FUZZ_CHECK(run->rcpts[i].result != DELIVERY_SENT || answer->code / 100 == 2);
        FUZZ_CHECK(run->rcpts[i].result != DELIVERY_PERMANENT || answer->code / 100 == 5);
    }
    if (!run->peer.was_left || heard.len == 0)
        return;
    if (heard.data[heard.len - 1] == '\n')
        FUZZ_CHECK(fuzz_is_wire_clean(heard));
    if (sent > 0)
        FUZZ_CHECK(has(heard, stuffed) || has(heard, content));
}

static void
deliver(struct run *run, struct span pieces, const struct hop_settings *settings)
{
    static const struct client_handler handler = {on_ready, on_done, on_closed};
    struct body_source source = {.memory = span_of(content), .len = strlen(content)};
    struct body_piece whole = {.len = strlen(content)};
    struct smtp_envelope envelope;
    struct client_config config = {
        .settings = settings, .hostname = "me.example", .handler = &handler, .arg = run};
    struct addr addr;

    envelope_init(&envelope);
    strcpy(envelope.id, "4X2k9QzT7mB");
    envelope.xforward[XFORWARD_NAME] = mem_strdup("a+20b");
    for (size_t i = 0; i < RCPTS; i++)
        run->rcpts[i] = (struct delivery_rcpt){.path = "bob@example.com", .params = ""};
    source.digest = digest_of(source.memory);
    run->delivery = (struct delivery){.envelope = &envelope,
                                      .from = "ann@example.org",
                                      .from_params = "BODY=8BITMIME RET=HDRS",
                                      .rcpts = run->rcpts,
                                      .rcpt_count = RCPTS,
                                      .body = body_new(&source, &whole, 1)};
    run->loop = loop_new(NULL);
    peer_begin(&run->peer, run->loop, pieces, &addr);
    run->client = client_new(run->loop, &addr, &config);
    loop_run(run->loop);
    linger(run);
    check(run, settings->protocol == HOP_LMTP);
    peer_clear(&run->peer);
    loop_free(&run->loop);
    body_free(&run->delivery.body);
    envelope_clear(&envelope);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hop_settings settings;
    struct run run = {.done = 0};

    if (size == 0 || size > 8192)
        return 0;
    fuzz_keep_silent();
    setting_defaults(hop_rows, hop_row_count, &settings);
    settings.protocol = data[0] & 1 ? HOP_LMTP : HOP_SMTP;
    settings.chunking = data[0] & 2;
    deliver(&run, fuzz_span(data + 1, size - 1), &settings);
    setting_clear(hop_rows, hop_row_count, &settings);
    return 0;
}
