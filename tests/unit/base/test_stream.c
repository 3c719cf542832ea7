// SPDX-License-Identifier: BSD-2-Clause
#include "base/stream.h"

#include <fcntl.h>
#include <sys/socket.h>

#include "base/tls.h"
#include "tests/unit/base/certs.h"
#include "tests/unit/base/tempdir.h"
#include "tests/unit/harness.h"

enum { INPUT_MAX = 100000 };

struct fixture {
    struct stream a, b;
    struct err err;
};

static void
set_up(struct fixture *f)
{
    int pair[2];

    memset(f, 0, sizeof *f);
    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    stream_init(&f->a, INPUT_MAX);
    stream_init(&f->b, INPUT_MAX);
    f->a.fd = pair[0];
    f->b.fd = pair[1];
}

static void
tear_down(struct fixture *f)
{
    stream_clear(&f->a);
    stream_clear(&f->b);
    CU_ASSERT_EQUAL(f->a.fd, -1);
}

static void
say(struct stream *stream, const char *text)
{
    stream_write(stream, text, strlen(text));
}

static void
test_there_and_back(void)
{
    struct fixture f;

    set_up(&f);
    CU_ASSERT_EQUAL(stream_read(&f.b, &f.err), 0);
    CU_ASSERT_EQUAL(stream_flush(&f.a, &f.err), 0);
    say(&f.a, "one\r\n");
    say(&f.a, "two\r\n");
    CU_ASSERT_EQUAL(stream_unsent(&f.a), 10);
    CU_ASSERT_EQUAL(stream_flush(&f.a, &f.err), 1);
    CU_ASSERT_EQUAL(stream_unsent(&f.a), 0);
    CU_ASSERT_PTR_NULL(f.a.wire.data);
    CU_ASSERT_EQUAL(stream_read(&f.b, &f.err), 1);
    CU_ASSERT_TRUE(span_is(stream_input(&f.b), "one\r\ntwo\r\n"));
    stream_consume(&f.b, 5);
    CU_ASSERT_TRUE(span_is(stream_input(&f.b), "two\r\n"));
    stream_free_idle_input(&f.b);
    CU_ASSERT_EQUAL(stream_input_len(&f.b), 5);
    say(&f.a, "three");
    CU_ASSERT_EQUAL(stream_flush(&f.a, &f.err), 1);
    CU_ASSERT_EQUAL(stream_read(&f.b, &f.err), 1);
    CU_ASSERT_TRUE(span_is(stream_input(&f.b), "two\r\nthree"));
    stream_consume(&f.b, 10);
    stream_free_idle_input(&f.b);
    CU_ASSERT_PTR_NULL(f.b.in.data);
    stream_clear(&f.a);
    CU_ASSERT_EQUAL(stream_read(&f.b, &f.err), 1);
    CU_ASSERT_TRUE(f.b.is_eof);
    tear_down(&f);
}

// Whoever has stopped in the middle of much data holds no buffer for more of it.
static void
test_idle_in_bulk(void)
{
    static const char bytes[60000];
    struct fixture f;

    set_up(&f);
    stream_write(&f.a, bytes, sizeof bytes);
    CU_ASSERT_EQUAL(stream_flush(&f.a, &f.err), 1);
    CU_ASSERT_EQUAL(stream_read(&f.b, &f.err), 1);
    stream_consume(&f.b, stream_input_len(&f.b));
    stream_free_idle_input(&f.b);
    CU_ASSERT_PTR_NOT_NULL(f.b.in.data); // the rest is there
    CU_ASSERT_EQUAL(stream_read(&f.b, &f.err), 1);
    stream_consume(&f.b, stream_input_len(&f.b));
    stream_free_idle_input(&f.b);
    CU_ASSERT_PTR_NULL(f.b.in.data);
    tear_down(&f);
}

// Much data in both ways at once, with odd bites.
static void
check_bulk(struct fixture *f)
{
    enum { TOTAL = 3000000 };
    struct stream *const ends[] = {&f->a, &f->b};
    size_t written[2] = {0, 0}, got[2] = {0, 0};
    unsigned wrong = 0;

    while ((got[0] < TOTAL || got[1] < TOTAL) && wrong == 0) {
        for (unsigned i = 0; i < 2; i++) {
            struct span input;
            char bytes[7777];

            for (size_t k = 0; k < sizeof bytes; k++)
                bytes[k] = (char)((written[i] + k) % 241);
            if (written[i] < TOTAL && stream_unsent(ends[i]) < 500000) {
                struct span parts[] = {span_from(bytes + sizeof bytes - 4000, 3000),
                                       span_from(NULL, 0),
                                       span_from(bytes + sizeof bytes - 1000, 1000)};

                stream_write(ends[i], bytes, sizeof bytes - 4000);
                wrong += stream_send(ends[i], parts, UNIT_COUNT(parts), &f->err) < 0;
                written[i] += sizeof bytes;
            }
            ends[i]->is_blocked = false;
            wrong += stream_flush(ends[i], &f->err) < 0;
            if (ends[i]->is_held)
                wrong += stream_unhold(ends[i], &f->err) < 0;
            else if (stream_input_len(ends[i]) < INPUT_MAX)
                wrong += stream_read(ends[i], &f->err) < 0;
            input = stream_input(ends[i]);
            wrong += input.len > INPUT_MAX;
            input.len = input.len < 9999 ? input.len : 9999;
            for (size_t k = 0; k < input.len; k++)
                wrong += input.data[k] != (char)((got[i] + k) % 241);
            got[i] += input.len;
            stream_consume(ends[i], input.len);
        }
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_TRUE(got[0] >= TOTAL && got[1] >= TOTAL);
}

static void
test_bulk(void)
{
    struct fixture f;

    set_up(&f);
    check_bulk(&f);
    tear_down(&f);
}

static void
shake_hands(struct fixture *f)
{
    for (unsigned i = 0; i < 10; i++) {
        CU_ASSERT_TRUE(stream_flush(&f->a, &f->err) >= 0);
        CU_ASSERT_TRUE(stream_read(&f->b, &f->err) >= 0);
        CU_ASSERT_TRUE(stream_flush(&f->b, &f->err) >= 0);
        CU_ASSERT_TRUE(stream_read(&f->a, &f->err) >= 0);
    }
}

static void
test_tls(void)
{
    struct fixture f;
    struct tempdir dir;
    struct tls_context *server, *client;
    char cert[200], key[200];

    tempdir_make(&dir);
    certs_write(&dir);
    snprintf(cert, sizeof cert, "%s/server.pem", dir.path);
    snprintf(key, sizeof key, "%s/server.key", dir.path);
    set_up(&f);
    server = tls_server_context_new(cert, key, NULL, &f.err);
    client = tls_client_context_new(NULL, &f.err);
    CU_ASSERT_TRUE_FATAL(server != NULL && client != NULL);
    // Queued before: goes out in clear. Queued after: waits for the handshake.
    say(&f.b, "220 go ahead\r\n");
    CU_ASSERT_EQUAL(stream_start_tls(&f.b, server, NULL, &f.err), 0);
    say(&f.b, "220 secret\r\n");
    CU_ASSERT_EQUAL(stream_flush(&f.b, &f.err), 1);
    CU_ASSERT_EQUAL(stream_unsent(&f.b), 12);
    CU_ASSERT_EQUAL(stream_read(&f.a, &f.err), 1);
    CU_ASSERT_TRUE(span_is(stream_input(&f.a), "220 go ahead\r\n"));
    CU_ASSERT_EQUAL(stream_start_tls(&f.a, client, "mx.example.com", &f.err), 0);
    CU_ASSERT_EQUAL(stream_input_len(&f.a), 0);
    CU_ASSERT_FALSE(stream_is_tls(&f.a));
    shake_hands(&f);
    CU_ASSERT_TRUE(stream_is_tls(&f.a) && stream_is_tls(&f.b));
    CU_ASSERT_TRUE(span_is(stream_input(&f.a), "220 secret\r\n"));
    stream_consume(&f.a, 12);
    check_bulk(&f);
    // The rest of what is under way, then the farewell.
    while (stream_unsent(&f.b) > 0 || stream_input_len(&f.a) > 0 || f.a.is_held) {
        stream_consume(&f.a, stream_input_len(&f.a));
        f.b.is_blocked = false;
        CU_ASSERT_TRUE_FATAL(stream_flush(&f.b, &f.err) >= 0);
        CU_ASSERT_TRUE_FATAL(
            (f.a.is_held ? stream_unhold(&f.a, &f.err) : stream_read(&f.a, &f.err)) >= 0);
    }
    say(&f.b, "bye");
    CU_ASSERT_EQUAL(stream_finish(&f.b, &f.err), 0);
    CU_ASSERT_EQUAL(stream_flush(&f.b, &f.err), 1);
    CU_ASSERT_EQUAL(stream_read(&f.a, &f.err), 1);
    CU_ASSERT_TRUE(span_is(stream_input(&f.a), "bye"));
    CU_ASSERT_TRUE(f.a.is_eof);
    tear_down(&f);
    tls_context_free(&server);
    tls_context_free(&client);
    tempdir_remove(&dir);
}

static void
test_eof_during_handshake(void)
{
    struct fixture f;
    struct tls_context *client;

    set_up(&f);
    client = tls_client_context_new(NULL, &f.err);
    CU_ASSERT_EQUAL(stream_start_tls(&f.a, client, NULL, &f.err), 0);
    CU_ASSERT_EQUAL(shutdown(f.b.fd, SHUT_WR), 0);
    CU_ASSERT_EQUAL(stream_read(&f.a, &f.err), -1);
    CU_ASSERT_PTR_NOT_NULL(strstr(f.err.text, "TLS"));
    tear_down(&f);
    tls_context_free(&client);
}

// In two parts, around one that is empty.
static int
send_text(struct fixture *f, const char *text)
{
    struct span parts[] = {span_from(text, 1), span_from(NULL, 0), span_of(text + 1)};

    return stream_send(&f->a, parts, UNIT_COUNT(parts), &f->err);
}

static void
test_sent_at_once(void)
{
    struct fixture f;

    set_up(&f);
    CU_ASSERT_EQUAL(send_text(&f, "one"), 1);
    CU_ASSERT_PTR_NULL(f.a.wire.data);
    say(&f.a, "two");
    CU_ASSERT_EQUAL(send_text(&f, "three"), 1);
    CU_ASSERT_EQUAL(stream_unsent(&f.a), 0);
    f.a.is_blocked = true;
    CU_ASSERT_EQUAL(send_text(&f, "four"), 0);
    CU_ASSERT_EQUAL(stream_unsent(&f.a), 4);
    f.a.is_blocked = false;
    CU_ASSERT_EQUAL(stream_flush(&f.a, &f.err), 1);
    CU_ASSERT_EQUAL(stream_read(&f.b, &f.err), 1);
    CU_ASSERT_TRUE(span_is(stream_input(&f.b), "onetwothreefour"));
    stream_clear(&f.b);
    CU_ASSERT_EQUAL(send_text(&f, "x"), -1);
    CU_ASSERT_EQUAL(f.err.kind, ERR_TEMP);
    tear_down(&f);
}

// Wherever the socket stops taking, what comes behind goes out later, in order.
static void
test_sent_in_part(void)
{
    enum { LEN = 300000, PART = 70001 };

    char *bytes = malloc(LEN);
    struct span parts[STREAM_PARTS];
    size_t got = 0, wrong = 0;
    struct fixture f;

    set_up(&f);
    for (size_t i = 0; i < LEN; i++)
        bytes[i] = (char)(i % 241);
    for (size_t i = 0; i < STREAM_PARTS; i++)
        parts[i] = span_from(bytes + LEN - (STREAM_PARTS - i) * PART, PART);
    stream_write(&f.a, bytes, LEN - STREAM_PARTS * PART);
    CU_ASSERT_EQUAL(stream_send(&f.a, parts, STREAM_PARTS, &f.err), 1);
    CU_ASSERT_TRUE(f.a.is_blocked && stream_unsent(&f.a) > 0 && stream_unsent(&f.a) < LEN);
    while (stream_read(&f.b, &f.err) > 0) {
        struct span input = stream_input(&f.b);

        for (size_t i = 0; i < input.len; i++)
            wrong += input.data[i] != bytes[got + i] ? 1 : 0;
        got += input.len;
        stream_consume(&f.b, input.len);
        f.a.is_blocked = false;
        CU_ASSERT_TRUE(stream_flush(&f.a, &f.err) >= 0);
    }
    CU_ASSERT_TRUE(got == LEN && wrong == 0);
    free(bytes);
    tear_down(&f);
}

static void
test_peer_gone(void)
{
    struct fixture f;

    set_up(&f);
    stream_clear(&f.b);
    say(&f.a, "x");
    CU_ASSERT_EQUAL(stream_flush(&f.a, &f.err), -1);
    CU_ASSERT_EQUAL(f.err.kind, ERR_TEMP);
    stream_drop_output(&f.a);
    CU_ASSERT_EQUAL(stream_unsent(&f.a), 0);
    tear_down(&f);
}

static void
test_blocked(void)
{
    struct fixture f;
    char bytes[100000] = "";
    size_t unsent;

    set_up(&f);
    for (unsigned i = 0; i < 100; i++)
        stream_write(&f.a, bytes, sizeof bytes);
    CU_ASSERT_EQUAL(stream_flush(&f.a, &f.err), 1);
    CU_ASSERT_TRUE(f.a.is_blocked);
    unsent = stream_unsent(&f.a);
    CU_ASSERT_TRUE(unsent > 0 && unsent < 100 * sizeof bytes);
    CU_ASSERT_EQUAL(stream_read(&f.b, &f.err), 1);
    CU_ASSERT_EQUAL(stream_flush(&f.a, &f.err), 0); // nobody said that it is writable
    CU_ASSERT_EQUAL(stream_unsent(&f.a), unsent);
    tear_down(&f);
}

static void
test_input_max(void)
{
    struct fixture f;
    char bytes[1000] = "";

    set_up(&f);
    stream_set_input_max(&f.b, 300);
    stream_write(&f.a, bytes, sizeof bytes);
    CU_ASSERT_EQUAL(stream_flush(&f.a, &f.err), 1);
    CU_ASSERT_EQUAL(stream_read(&f.b, &f.err), 1);
    CU_ASSERT_EQUAL(stream_input_len(&f.b), 300);
    stream_consume(&f.b, 100);
    CU_ASSERT_EQUAL(stream_read(&f.b, &f.err), 1);
    CU_ASSERT_EQUAL(stream_input_len(&f.b), 300);
    stream_set_input_max(&f.b, 10000);
    CU_ASSERT_EQUAL(stream_read(&f.b, &f.err), 1);
    CU_ASSERT_EQUAL(stream_input_len(&f.b), 900);
    tear_down(&f);
}

static const struct unit_test tests[] = {
    {"there and back",           test_there_and_back      },
    {"idle in bulk",             test_idle_in_bulk        },
    {"bulk",                     test_bulk                },
    {"TLS",                      test_tls                 },
    {"EOF during the handshake", test_eof_during_handshake},
    {"sent at once",             test_sent_at_once        },
    {"sent in part",             test_sent_in_part        },
    {"the peer is gone",         test_peer_gone           },
    {"blocked",                  test_blocked             },
    {"input max",                test_input_max           },
};

UNIT_MAIN("base/stream", tests)
