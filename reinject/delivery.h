// SPDX-License-Identifier: BSD-2-Clause
// reinject/delivery.h - one transaction with a next hop: what is asked, and what came of it.
//
// Owns: nothing of what it points to but the results' text. Who asked keeps it alive until on_done.
#ifndef POSTERN_REINJECT_DELIVERY_H
#define POSTERN_REINJECT_DELIVERY_H

#include "base/addr.h"
#include "reinject/answer.h"
#include "reinject/body.h"
#include "smtp/envelope.h"

enum delivery_result {
    DELIVERY_NONE,      // no answer yet
    DELIVERY_SENT,      // 2xx at the dot
    DELIVERY_TEMPORARY, // 4xx, connection or time-out trouble, needed ability missing
    DELIVERY_PERMANENT  // 5xx at MAIL, RCPT or dot
};

const char *delivery_result_name(enum delivery_result result);

struct delivery_rcpt {
    const char *path;
    const char *params;
    uint32_t number; // in the envelope; the asker's
    enum delivery_result result;
    struct answer answer; // code 0: no reply of the server; text tells why
};

struct delivery {
    const struct smtp_envelope *envelope; // XFORWARD, SMTPUTF8, BODY, listener data
    const char *from;                     // path
    const char *from_params;
    struct delivery_rcpt *rcpts;
    size_t rcpt_count;
    struct body *body;
    uint64_t deadline_ms; // loop time by which it must have ended before our dot goes out; 0: none
    void (*on_done)(void *arg, struct delivery *delivery);
    void *arg;

    // What came of it, beside the recipients' results.
    char relay[ADDR_TEXT_MAX];              // "127.0.0.1:10025", "/path"
    char queue_id[ANSWER_QUEUE_ID_MAX + 1]; // of the server; "" unknown
    bool dot_sent;   // end of data left (or may have left) and no reply came: maybe delivered
    bool offers_dsn; // the server did
    bool tls;
    bool body_same;
    bool alarm; // something a human must see (needed ability gone)
    struct digest_value digest;
    uint64_t wait_us;    // for a connection
    uint64_t connect_us; // connect, EHLO; 0 where it was kept
    uint64_t send_us;    // MAIL to the reply to the dot

    struct delivery *next, *prev; // hop's own, as all that follows
    uint64_t asked_us;
    bool is_over;   // failed without a connection; on_done is to come
    bool was_stale; // it met a stale connection once already
};

struct delivery_list {
    struct delivery *first, *last;
    size_t count;
};

// before NULL: at the end.
void delivery_list_insert(struct delivery_list *list, struct delivery *delivery,
                          struct delivery *before);
void delivery_list_remove(struct delivery_list *list, struct delivery *delivery);

// Forgets what came of a former try; what is asked stays.
void delivery_clear(struct delivery *delivery);
// Sets result and answer of every recipient that has none yet.
void delivery_fail_open(struct delivery *delivery, enum delivery_result result,
                        const struct answer *answer);
size_t delivery_count(const struct delivery *delivery, enum delivery_result result);
uint64_t delivery_clock_us(void); // monotonic, for the figures above

#endif
