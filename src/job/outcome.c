// SPDX-License-Identifier: BSD-2-Clause
#include "src/job/outcome.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "reinject/retry.h"

// A server that gives a thousand recipients a thousand different 4xx replies, try after try, must
// not make the journal grow without end: the log has them all, the journal some.
enum { PATHS_A_LINE = 20, DELAYS_TEXT = 96, DEFERRED_LINES_MAX = 16 };

// What becomes of some recipients that got the same answer.
struct share {
    const struct delivery_rcpt *first;
    const char *event; // "sent", "deferred", "failed"
    const char *why;
    int64_t until_ms;
    struct ranges set;
    bool is_expired;
};

struct outcome_count
outcome_of(const struct delivery *delivery)
{
    struct outcome_count count = {0};

    for (size_t i = 0; i < delivery->rcpt_count; i++) {
        switch (delivery->rcpts[i].result) {
        case DELIVERY_SENT:
            count.sent++;
            break;
        case DELIVERY_PERMANENT:
            count.permanent++;
            break;
        default:
            count.temporary++;
            break;
        }
    }
    return count;
}

static bool
is_same_share(const struct delivery_rcpt *a, const struct delivery_rcpt *b,
              const struct spool_state *state)
{
    return a->result == b->result && a->answer.code == b->answer.code &&
           state->rcpts[a->number].tries == state->rcpts[b->number].tries &&
           strcmp(a->answer.enhanced, b->answer.enhanced) == 0 &&
           strcmp(a->answer.text, b->answer.text) == 0;
}

static void
decide_event(struct share *share, const struct spool_file *file, const struct spool_state *state,
             const struct outcome_context *context)
{
    const struct settings *settings = context->settings;
    int64_t arrived = spool_file_envelope(file)->arrived_ms;
    uint32_t tries = state->rcpts[share->first->number].tries + 1;

    if (share->first->result == DELIVERY_SENT) {
        share->event = "sent";
        return;
    }
    if (share->first->result == DELIVERY_PERMANENT && !settings->delivery.soft_bounce) {
        share->event = "failed";
        return;
    }
    share->is_expired = retry_is_expired(arrived, settings->spool.lifetime, context->now_ms);
    share->event = share->is_expired ? "failed" : "deferred";
    share->until_ms =
        retry_next_ms(&settings->spool.retry, tries, context->now_ms, context->random);
}

static void
note_share(struct spool_file *file, const struct delivery *delivery, const struct share *share)
{
    const struct answer *answer = &share->first->answer;
    struct journal_writer writer;
    struct buf ranges;
    char digest[DIGEST_TEXT_LEN + 1], reply[ANSWER_TEXT_MAX + 16];

    buf_init(&ranges, JOURNAL_LINE_MAX);
    ranges_format(&share->set, &ranges);
    spool_note_begin(file, &writer, share->event);
    journal_field(&writer, "r", buf_span(&ranges));
    journal_field_text(&writer, "relay", delivery->relay);
    // An expired message's last 4xx is no refusal: code 0 tells "failed" by us.
    journal_field_number(&writer, "code", share->is_expired ? 0 : answer->code);
    (void)snprintf(reply, sizeof reply, "%s%s%s", answer->enhanced,
                   answer->enhanced[0] != '\0' ? " " : "", answer->text);
    journal_field_text(&writer, "reply", reply);
    if (strcmp(share->event, "deferred") == 0)
        journal_field_number(&writer, "until", share->until_ms);
    if (strcmp(share->event, "sent") == 0) {
        digest_format(delivery->digest, digest);
        journal_field_text(&writer, "qid", delivery->queue_id);
        journal_field_text(&writer, "body", delivery->body_same ? "same" : "edited");
        journal_field_text(&writer, "digest", digest);
    }
    spool_note_end(file, &writer);
    buf_clear(&ranges);
}

static int
add_delay(char *out, size_t size, uint64_t us)
{
    if (us < 10000)
        return snprintf(out, size, "%llu.%llu", (unsigned long long)(us / 1000),
                        (unsigned long long)(us % 1000 / 100));
    return snprintf(out, size, "%llu", (unsigned long long)(us / 1000));
}

// Postfix's four, in milliseconds: receiving / waiting for a connection / connecting / sending.
static void
format_delays(const struct delivery *delivery, uint64_t received_us, char out[DELAYS_TEXT])
{
    const uint64_t delays[] = {received_us, delivery->wait_us, delivery->connect_us,
                               delivery->send_us};
    size_t used = 0;

    for (size_t i = 0; i < sizeof delays / sizeof *delays; i++) {
        if (i > 0)
            out[used++] = '/';
        used += (size_t)add_delay(out + used, DELAYS_TEXT - used, delays[i]);
    }
    out[used] = '\0';
}

static void
log_reply(struct log_line *line, const struct share *share)
{
    const struct answer *answer = &share->first->answer;
    const char *status = share->is_expired ? "expired" : share->event;
    char text[ANSWER_TEXT_MAX + 32];

    if (answer->code != 0)
        (void)snprintf(text, sizeof text, "%d%s%s%s%s", answer->code,
                       answer->enhanced[0] != '\0' ? " " : "", answer->enhanced,
                       answer->text[0] != '\0' ? " " : "", answer->text);
    else
        (void)snprintf(text, sizeof text, "%s", answer->text);
    log_status(line, status, span_of(text));
}

static void
log_tail(struct log_line *line, const struct delivery *delivery, const struct share *share,
         const struct outcome_context *context, int64_t arrived_ms)
{
    char digest[DIGEST_TEXT_LEN + 1], delays[DELAYS_TEXT];
    int64_t delay = context->now_ms > arrived_ms ? context->now_ms - arrived_ms : 0;

    log_text(line, "relay", delivery->relay[0] != '\0' ? delivery->relay : "none");
    if (share->first->answer.enhanced[0] != '\0')
        log_text(line, "dsn", share->first->answer.enhanced);
    log_reply(line, share);
    if (share->first->result == DELIVERY_SENT) {
        digest_format(delivery->digest, digest);
        log_text(line, "queue_id", delivery->queue_id);
        log_text(line, "body", delivery->body_same ? "same" : "edited");
        log_text(line, "digest", digest);
    }
    format_delays(delivery, context->received_us, delays);
    log_duration(line, "delay", (uint64_t)delay * 1000);
    log_text(line, "delays", delays);
}

static void
log_share(const struct spool_file *file, const struct delivery *delivery, const struct share *share,
          const struct outcome_context *context)
{
    enum log_level level = share->first->result == DELIVERY_SENT ? LOG_INFO_ : LOG_NOTICE_;
    struct log_line line;
    size_t paths = 0;

    for (size_t i = 0; i < delivery->rcpt_count; i++) {
        const struct delivery_rcpt *rcpt = &delivery->rcpts[i];

        if (!ranges_has(&share->set, rcpt->number))
            continue;
        if (paths == 0)
            log_begin(&line, level, "send", spool_file_id(file));
        log_path(&line, "to", span_of(rcpt->path));
        if (++paths < PATHS_A_LINE)
            continue;
        log_tail(&line, delivery, share, context, spool_file_envelope(file)->arrived_ms);
        log_end(&line);
        paths = 0;
    }
    if (paths == 0)
        return;
    log_tail(&line, delivery, share, context, spool_file_envelope(file)->arrived_ms);
    log_end(&line);
}

struct tally {          // of one delivery
    struct ranges seen; // indexes into its recipients
    struct ranges rest; // numbers of those who share the journal's last line on deferrals
    int64_t rest_until_ms;
    size_t deferred_lines;
};

static void
note_or_merge(struct spool_file *file, const struct delivery *delivery, const struct share *share,
              struct tally *tally)
{
    bool is_deferred = strcmp(share->event, "deferred") == 0;

    if (!is_deferred || tally->deferred_lines++ < DEFERRED_LINES_MAX) {
        note_share(file, delivery, share);
        return;
    }
    for (size_t i = 0; i < share->set.count; i++) {
        if (ranges_has(&share->set, i))
            ranges_add(&tally->rest, i);
    }
    tally->rest_until_ms = share->until_ms;
}

static void
note_rest(struct spool_file *file, const struct delivery *delivery, const struct tally *tally)
{
    struct delivery_rcpt any = {.result = DELIVERY_TEMPORARY};
    struct share share = {
        .first = &any, .event = "deferred", .until_ms = tally->rest_until_ms, .set = tally->rest};

    answer_set(&any.answer, "one of many different replies; the log has each");
    if (ranges_size(&tally->rest) > 0)
        note_share(file, delivery, &share);
}

static void
take_share(struct spool_file *file, const struct delivery *delivery, struct share *share,
           const struct outcome_context *context, struct tally *tally)
{
    const struct spool_state *state = spool_file_state(file);
    size_t first = (size_t)(share->first - delivery->rcpts);

    ranges_init(&share->set, state->rcpt_count);
    for (size_t i = first; i < delivery->rcpt_count; i++) {
        if (ranges_has(&tally->seen, i) || !is_same_share(share->first, &delivery->rcpts[i], state))
            continue;
        ranges_add(&tally->seen, i);
        ranges_add(&share->set, delivery->rcpts[i].number);
    }
    decide_event(share, file, state, context);
    log_share(file, delivery, share, context);
    if (context->may_wait || share->first->result == DELIVERY_SENT)
        note_or_merge(file, delivery, share, tally);
    ranges_clear(&share->set);
}

void
outcome_note(struct spool_file *file, const struct delivery *delivery,
             const struct outcome_context *context)
{
    struct tally tally = {0};

    ranges_init(&tally.seen, delivery->rcpt_count);
    ranges_init(&tally.rest, spool_file_state(file)->rcpt_count);
    for (size_t i = 0; i < delivery->rcpt_count; i++) {
        struct share share = {.first = &delivery->rcpts[i]};

        if (!ranges_has(&tally.seen, i))
            take_share(file, delivery, &share, context, &tally);
    }
    note_rest(file, delivery, &tally);
    ranges_clear(&tally.seen);
    ranges_clear(&tally.rest);
}

void
outcome_reply(const struct delivery_rcpt *rcpt, struct smtp_reply *reply_out)
{
    const struct answer *answer = &rcpt->answer;
    int wanted = rcpt->result == DELIVERY_SENT ? 2 : rcpt->result == DELIVERY_PERMANENT ? 5 : 4;

    if (answer->code / 100 == wanted)
        reply_set(reply_out, answer->code, answer->enhanced[0] != '\0' ? answer->enhanced : NULL,
                  "%s", answer->text);
    else // the server's fault, or no server: whatever it said, the client may try again
        reply_set(reply_out, 451, "4.4.0", "%s", answer->text);
}

void
outcome_worst_reply(const struct delivery *delivery, struct smtp_reply *reply_out)
{
    static const enum delivery_result order[] = {DELIVERY_NONE, DELIVERY_TEMPORARY,
                                                 DELIVERY_PERMANENT, DELIVERY_SENT};

    for (size_t k = 0; k < sizeof order / sizeof *order; k++) {
        for (size_t i = 0; i < delivery->rcpt_count; i++) {
            if (delivery->rcpts[i].result != order[k])
                continue;
            outcome_reply(&delivery->rcpts[i], reply_out);
            return;
        }
    }
    reply_set(reply_out, 451, "4.3.0", "no recipients");
}
