// SPDX-License-Identifier: BSD-2-Clause
// tests/unit/reinject/hop_fixture.h - a hop with scripted servers, for its tests.
#ifndef POSTERN_TESTS_UNIT_REINJECT_HOP_FIXTURE_H
#define POSTERN_TESTS_UNIT_REINJECT_HOP_FIXTURE_H

#include "reinject/hop.h"
#include "reinject/servers.h"
#include "tests/unit/reinject/dialogue.h"

#define HELLO "S 220 mx ESMTP\nC EHLO me.example\nS 250-mx\nS 250 PIPELINING\n"
#define BEGUN "C MAIL FROM:<from@example.org>\nP RCPT TO:<a@x>\nP DATA\n"
#define TAKEN "S 250 Ok\nS 250 Ok\nS 354 go\nC x\nP .\nS 250 Ok\n"
#define SENT BEGUN TAKEN
#define SENT_SLOWLY BEGUN "W 30\n" TAKEN

enum { MAILS = 5 };

struct fixture {
    struct dialogue dialogue;
    struct hop_settings settings;
    struct hop_config config;
    struct hop *hop;
    struct dialogue_mail mails[MAILS];
    char order[MAILS * 2 + 1]; // who is done, in order
    size_t done, stop_at;
    struct fixture *again; // on_done of the first sends the second
    unsigned learned;
    struct caps caps;
};

static inline void
on_delivered(void *arg, struct delivery *delivery)
{
    struct dialogue_mail *mail = arg;
    struct fixture *f = (struct fixture *)(void *)mail->envelope.listener;
    size_t index = (size_t)(mail - f->mails);

    (void)delivery;
    mail->done++;
    CU_ASSERT_FATAL(f->done < sizeof(f->order) - 1);
    f->order[f->done++] = (char)('0' + index);
    if (f->again != NULL && index == 0)
        hop_send(f->hop, &f->mails[1].delivery);
    if (f->done >= f->stop_at)
        loop_stop(f->dialogue.loop);
}

static inline void
on_caps(void *arg, const struct addr *server, const struct caps *caps)
{
    struct fixture *f = arg;

    CU_ASSERT(addr_equal(server, &f->dialogue.addr));
    f->caps = *caps;
    f->learned++;
}

static inline void
begin(struct fixture *f, const char *name, const char *const *scripts, size_t connections)
{
    memset(f, 0, sizeof(*f));
    dialogue_begin(&f->dialogue, name, scripts);
    f->settings = dialogue_settings(&f->dialogue);
    f->config = (struct hop_config){.settings = &f->settings,
                                    .hostname = "me.example",
                                    .connections = connections,
                                    .on_caps = on_caps,
                                    .arg = f};
    for (size_t i = 0; i < MAILS; i++) {
        dialogue_mail(&f->mails[i], f->dialogue.loop, "", "a@x", SPAN_LITERAL("x\r\n"));
        f->mails[i].envelope.listener = (char *)f; // the way back
        f->mails[i].delivery.on_done = on_delivered;
    }
    f->hop = NULL;
}

static inline void
open_hop(struct fixture *f)
{
    f->hop = hop_new(f->dialogue.loop, &f->config, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(f->hop);
}

static inline void
send_all(struct fixture *f, size_t count)
{
    for (size_t i = 0; i < count; i++)
        hop_send(f->hop, &f->mails[i].delivery);
}

static inline void
run_until(struct fixture *f, size_t done)
{
    f->stop_at = done;
    loop_run(f->dialogue.loop);
    CU_ASSERT(f->done == done);
}

static inline void
check(struct fixture *f, size_t index, const char *expected)
{
    dialogue_check_results(f->dialogue.name, &f->mails[index].delivery, expected);
}

static inline void
end(struct fixture *f)
{
    CU_ASSERT(hop_waiting(f->hop) == 0);
    hop_free(&f->hop);
    CU_ASSERT_PTR_NULL(f->hop);
    dialogue_linger(&f->dialogue, 10);
    for (size_t i = 0; i < MAILS; i++) {
        CU_ASSERT(f->mails[i].done <= 1);
        dialogue_mail_clear(&f->mails[i]);
    }
    dialogue_end(&f->dialogue);
}

// An address at which nobody listens.
static inline struct addr
closed_port(void)
{
    struct addr addr = {.len = sizeof(struct sockaddr_in)};
    struct sockaddr_in in = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    memcpy(&addr.sa, &in, sizeof(in));
    CU_ASSERT_FATAL(bind(fd, (struct sockaddr *)&addr.sa, addr.len) == 0);
    getsockname(fd, (struct sockaddr *)&addr.sa, &addr.len);
    close(fd);
    return addr;
}

#endif
