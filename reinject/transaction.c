// SPDX-License-Identifier: BSD-2-Clause
#include "reinject/transaction.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

// Content is given when less than this is unsent; a piece goes in one write then.
enum { LOW_WATER = BODY_BLOCK / 2 };

static bool
is_pipelined(const struct transaction *transaction)
{
    return (transaction->caps->flags & CAPS_PIPELINING) != 0;
}

static void
set_state(struct transaction *transaction, enum step_state state)
{
    if (transaction->state != state && log_is_wanted(LOG_DEBUG_))
        log_debug("send", "%s: %s -> %s", transaction->delivery->envelope->id,
                  step_find(transaction->state)->name, step_find(state)->name);
    transaction->state = state;
}

// --- sending ---

static void
write_batch(struct transaction *transaction, const struct transaction_way *way)
{
    struct delivery *delivery = transaction->delivery;
    struct buf *batch = &transaction->batch;

    if (!way->without_forward)
        transaction->xforwards = step_write_xforward(delivery->envelope, transaction->caps, batch);
    step_write_mail(delivery, transaction->caps, batch);
    for (size_t i = 0; i < delivery->rcpt_count; i++) {
        if (delivery->rcpts[i].result != DELIVERY_NONE)
            continue;
        delivery->rcpts[i].answer = (struct answer){.code = 0};
        step_write_rcpt(&delivery->rcpts[i], transaction->caps, batch);
        transaction->rcpts++;
    }
    if (!transaction->is_bdat)
        (void)buf_add_text(batch, "DATA\r\n");
}

// The next line, or all of them where the server does not mind.
static void
send_commands(struct transaction *transaction)
{
    struct span batch = buf_span(&transaction->batch);
    size_t len = batch.len;

    if (!is_pipelined(transaction) && len > 0)
        len = (size_t)((const char *)memchr(batch.data, '\n', len) - batch.data) + 1;
    conn_write(transaction->conn, batch.data, len);
    buf_drop(&transaction->batch, len);
}

// While content leaves, BDAT's replies come; the reply to the last chunk is that to the dot.
static void
set_content_state(struct transaction *transaction)
{
    bool is_last = transaction->is_dot_out && (!transaction->is_bdat || transaction->chunks == 1);

    if (transaction->state != STEP_CONTENT && transaction->state != STEP_DOT)
        return;
    set_state(transaction, is_last ? STEP_DOT : STEP_CONTENT);
}

static enum transaction_result
send_piece(struct transaction *transaction)
{
    struct body *body = transaction->delivery->body;
    char head[48];
    struct body_bite bite;
    bool is_last;
    int len;

    switch (body_next(body, &bite, &is_last)) {
    case BODY_WAIT:
    case BODY_END:
        return TRANSACTION_GOES_ON;
    case BODY_FAILED:
        return TRANSACTION_DISTRUST;
    case BODY_READY:
        break;
    }
    if (transaction->is_bdat) {
        len = snprintf(head, sizeof(head), "BDAT %zu%s\r\n", bite.len, is_last ? " LAST" : "");
        conn_write(transaction->conn, head, (size_t)len);
        transaction->chunks++;
    }
    conn_send(transaction->conn, bite.parts, BODY_PARTS);
    transaction->is_dot_out = is_last;
    transaction->is_sending = !is_last;
    set_content_state(transaction);
    return TRANSACTION_GOES_ON;
}

enum transaction_result
transaction_send(struct transaction *transaction)
{
    if (!transaction->is_sending || transaction->is_held ||
        conn_unsent(transaction->conn) > LOW_WATER)
        return TRANSACTION_GOES_ON;
    return send_piece(transaction);
}

void
transaction_begin(struct transaction *transaction, struct delivery *delivery,
                  const struct transaction_way *way, loop_callback *ready, void *arg)
{
    unsigned needed = CAPS_CHUNKING | CAPS_PIPELINING;
    bool is_small = body_size(delivery->body) <= BODY_BLOCK;

    *transaction = (struct transaction){.delivery = delivery,
                                        .conn = transaction->conn,
                                        .caps = transaction->caps,
                                        .is_lmtp = way->is_lmtp,
                                        .is_held = way->is_held,
                                        .began_us = delivery_clock_us()};
    transaction->is_bdat = way->may_chunk && (transaction->caps->flags & needed) == needed;
    buf_init(&transaction->batch, SIZE_MAX / 4);
    write_batch(transaction, way);
    body_begin(delivery->body, transaction->is_bdat ? STUFF_CHUNK : STUFF_DATA, ready, arg);
    transaction->state = transaction->xforwards > 0 ? STEP_XFORWARD : STEP_MAIL;
    transaction->is_sending = transaction->is_bdat && is_small && way->may_hurry;
    if (!way->is_held)
        transaction_release(transaction);
}

void
transaction_release(struct transaction *transaction)
{
    transaction->is_held = false;
    send_commands(transaction);
    // Right behind the commands, whatever their length. A failed read is seen again at the next
    // call.
    if (transaction->is_sending)
        (void)send_piece(transaction);
}

void
transaction_clear(struct transaction *transaction)
{
    if (transaction->delivery != NULL) {
        body_stop(transaction->delivery->body);
        transaction->delivery->send_us += delivery_clock_us() - transaction->began_us;
    }
    buf_clear(&transaction->batch);
    *transaction = (struct transaction){
        .conn = transaction->conn, .caps = transaction->caps, .state = STEP_IDLE};
}

// --- replies ---

typedef enum transaction_result reader(struct transaction *, const struct answer *, enum step_next);

static enum delivery_result
result_of(int code)
{
    if (code / 100 == 2)
        return DELIVERY_SENT;
    return code / 100 == 5 ? DELIVERY_PERMANENT : DELIVERY_TEMPORARY;
}

static bool
is_accepted(const struct delivery_rcpt *rcpt)
{
    return rcpt->result == DELIVERY_NONE && rcpt->answer.code / 100 == 2;
}

static void
end_rcpt(struct delivery_rcpt *rcpt, const struct answer *answer)
{
    rcpt->result = result_of(answer->code);
    rcpt->answer = *answer;
}

static void
end_accepted(struct transaction *transaction, const struct answer *answer)
{
    struct delivery *delivery = transaction->delivery;

    for (size_t i = 0; i < delivery->rcpt_count; i++) {
        if (is_accepted(&delivery->rcpts[i]))
            end_rcpt(&delivery->rcpts[i], answer);
    }
}

// More behind the last reply, before a byte of content left, would pass for the reply to the dot.
static enum transaction_result
begin_content(struct transaction *transaction)
{
    if (conn_input(transaction->conn).len > 0)
        return TRANSACTION_DISTRUST;
    transaction->is_sending = true;
    set_state(transaction, STEP_CONTENT);
    return transaction_send(transaction);
}

// All RCPT replies are in.
static enum transaction_result
after_rcpts(struct transaction *transaction)
{
    bool is_hurried = transaction->is_sending || transaction->is_dot_out;

    transaction->rcpt_at = 0; // over LMTP the replies to the end go through them once more
    if (transaction->is_bdat && transaction->accepted == 0 && transaction->chunks == 0)
        return TRANSACTION_RESET;
    if (is_hurried) {
        // The body left behind the commands: the server answers BDAT in any case.
        transaction->state = STEP_CONTENT;
        transaction->dots =
            transaction->is_lmtp && transaction->accepted > 0 ? transaction->accepted : 1;
        set_content_state(transaction);
        return TRANSACTION_GOES_ON;
    }
    transaction->dots = transaction->is_lmtp ? transaction->accepted : 1;
    if (transaction->is_bdat)
        return begin_content(transaction);
    if (transaction->accepted == 0 && !is_pipelined(transaction))
        return TRANSACTION_RESET;
    set_state(transaction, STEP_DATA);
    send_commands(transaction);
    return TRANSACTION_GOES_ON;
}

static enum transaction_result
read_xforward(struct transaction *transaction, const struct answer *answer, enum step_next next)
{
    (void)next;
    if (answer->code / 100 != 2) {
        log_warning("send", "%s: XFORWARD refused (%d %s): sent without",
                    transaction->delivery->envelope->id, answer->code, answer->text);
        // 501 is about this one's values; anything else will not change.
        transaction->is_forward_refused |= answer->code / 100 == 5 && answer->code != 501;
    }
    if (--transaction->xforwards == 0)
        set_state(transaction, STEP_MAIL);
    send_commands(transaction);
    return TRANSACTION_GOES_ON;
}

static enum transaction_result
read_mail(struct transaction *transaction, const struct answer *answer, enum step_next next)
{
    if (next == NEXT_FAIL_ALL) {
        delivery_fail_open(transaction->delivery, result_of(answer->code), answer);
        transaction->is_failed = true;
        if (!is_pipelined(transaction))
            return TRANSACTION_RESET;
    }
    set_state(transaction, STEP_RCPT);
    send_commands(transaction);
    return TRANSACTION_GOES_ON;
}

static struct delivery_rcpt *
next_rcpt(struct transaction *transaction)
{
    struct delivery *delivery = transaction->delivery;

    for (;;) {
        struct delivery_rcpt *rcpt = &delivery->rcpts[transaction->rcpt_at];

        assert(transaction->rcpt_at < delivery->rcpt_count);
        transaction->rcpt_at++;
        if (rcpt->result == DELIVERY_NONE)
            return rcpt;
    }
}

static enum transaction_result
read_rcpt(struct transaction *transaction, const struct answer *answer, enum step_next next)
{
    // Behind a refused MAIL the replies mean nothing.
    if (!transaction->is_failed) {
        struct delivery_rcpt *rcpt = next_rcpt(transaction);

        rcpt->answer = *answer;
        if (next == NEXT_STATE)
            transaction->accepted++;
        else if (transaction->accepted == 0 || !step_is_full(answer))
            rcpt->result = result_of(answer->code);
    }
    if (--transaction->rcpts == 0)
        return after_rcpts(transaction);
    send_commands(transaction);
    return TRANSACTION_GOES_ON;
}

static enum transaction_result
read_data(struct transaction *transaction, const struct answer *answer, enum step_next next)
{
    bool is_go = next == NEXT_STATE;

    // 354 although nobody was accepted: a lone dot might make it an empty message. 503 although
    // somebody was: we do not mean the same transaction.
    if (is_go != (transaction->accepted > 0) && (is_go || answer->code == 503))
        return TRANSACTION_DISTRUST;
    if (is_go)
        return begin_content(transaction);
    end_accepted(transaction, answer);
    return TRANSACTION_RESET;
}

// A chunk before the last one.
static enum transaction_result
read_chunk(struct transaction *transaction, const struct answer *answer, enum step_next next)
{
    if (!transaction->is_bdat || transaction->chunks == 0)
        return TRANSACTION_DISTRUST;
    transaction->chunks--;
    if (next == NEXT_FAIL_ALL) {
        end_accepted(transaction, answer);
        return TRANSACTION_DISTRUST; // the rest of the body may be on its way
    }
    set_content_state(transaction);
    return TRANSACTION_GOES_ON;
}

static void
note_sent(struct delivery *delivery, const struct answer *answer)
{
    delivery->digest = body_digest(delivery->body);
    delivery->body_same = body_is_same(delivery->body);
    if (delivery->queue_id[0] == '\0')
        answer_queue_id(answer, delivery->queue_id);
}

static enum transaction_result
read_dot(struct transaction *transaction, const struct answer *answer, enum step_next next)
{
    struct delivery *delivery = transaction->delivery;
    bool is_good = next == NEXT_STATE;

    if (transaction->accepted == 0)
        return is_good ? TRANSACTION_DISTRUST : TRANSACTION_RESET;
    if (is_good)
        note_sent(delivery, answer);
    if (!transaction->is_lmtp) {
        end_accepted(transaction, answer);
        return is_good ? TRANSACTION_OVER : TRANSACTION_RESET;
    }
    while (!is_accepted(&delivery->rcpts[transaction->rcpt_at]))
        transaction->rcpt_at++;
    end_rcpt(&delivery->rcpts[transaction->rcpt_at], answer);
    return --transaction->dots > 0 ? TRANSACTION_GOES_ON : TRANSACTION_OVER;
}

enum transaction_result
transaction_read(struct transaction *transaction, const struct answer *answer)
{
    static reader *const readers[] = {
        [STEP_XFORWARD] = read_xforward, [STEP_MAIL] = read_mail,     [STEP_RCPT] = read_rcpt,
        [STEP_DATA] = read_data,         [STEP_CONTENT] = read_chunk, [STEP_DOT] = read_dot,
    };
    enum step_next next = step_after(transaction->state, answer->code);

    if (next == NEXT_DROP)
        return TRANSACTION_DISTRUST;
    transaction->is_answered = true;
    return readers[transaction->state](transaction, answer, next);
}
