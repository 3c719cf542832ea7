// SPDX-License-Identifier: BSD-2-Clause
#include "src/worker/intake.h"

#include "base/log.h"
#include "base/mem.h"
#include "reinject/delivery.h"
#include "spool/writer.h"
#include "src/worker/join.h"

struct passage { // one transaction on its way in
    struct intake *intake;
    struct smtp_session *session; // NULL once the client is gone or answered
    struct join *join;            // NULL: nothing is remembered
    struct writer *writer;
    struct job *job; // relay, until it answers
    struct flow_turn turn;
    bool is_lmtp, is_relay;
    uint64_t held_us; // until it was its turn
    uint64_t bare_newlines, odd_paths;
    uint64_t since_us; // when the step under way began: content, then sealing
    struct job_arrival arrival;
};

static void
passage_free(struct passage *passage)
{
    flow_leave(&passage->turn);
    writer_discard(&passage->writer);
    join_free(&passage->join);
    mem_free(&passage);
}

static int
on_mail(void *arg, struct smtp_transaction *transaction, char id_out[ID_MAX + 1],
        struct smtp_reply *reply_out)
{
    struct intake *intake = ((struct intake_door *)arg)->intake;
    struct err err = {0};

    if (spool_check_room(intake->spool, intake->page, transaction->declared_size, &err) != 0) {
        log_warning("smtp", "mail refused for now: %s", err.text);
        reply_set(reply_out, 452, "4.3.1", "Insufficient system storage");
        return -1;
    }
    id_next(&intake->ids, loop_realtime_ms(intake->loop), id_out);
    return 0;
}

static void
on_writer_ready(void *arg)
{
    struct passage *passage = arg;

    if (passage->session != NULL)
        session_resume(passage->session);
}

// By the wall clock, since that is what the envelope has; it may be set in between.
static uint64_t
us_since(int64_t now_ms, const struct smtp_envelope *envelope)
{
    return now_ms > envelope->arrived_ms ? (uint64_t)(now_ms - envelope->arrived_ms) * 1000 : 0;
}

static struct join *
new_join(const struct intake *intake)
{
    struct join_parts parts = {.loop = intake->loop,
                               .remember = spool_remember(intake->spool),
                               .counters = intake->counters,
                               .wait_ms = intake->settings->delivery.relay_deadline};

    return parts.remember != NULL ? join_new(&parts) : NULL;
}

static int
on_data(void *arg, struct smtp_transaction *transaction, struct smtp_reply *reply_out)
{
    struct intake *intake = ((struct intake_door *)arg)->intake;
    struct passage *passage = mem_zalloc(sizeof *passage);

    (void)reply_out;
    passage->intake = intake;
    passage->is_relay = transaction->envelope->handoff == SMTP_HANDOFF_RELAY;
    passage->is_lmtp = transaction->envelope->protocol == SMTP_PROTOCOL_LMTP;
    passage->since_us = delivery_clock_us();
    passage->arrival.receive_us = us_since(loop_realtime_ms(intake->loop), transaction->envelope);
    passage->session = transaction->session;
    passage->join = new_join(intake);
    passage->writer = writer_new(intake->spool, passage->is_relay ? WRITER_RELAY : WRITER_SPOOL,
                                 transaction->envelope, on_writer_ready, passage);
    transaction->state = passage;
    return 0;
}

static enum smtp_go
on_content(void *arg, struct smtp_transaction *transaction, struct span content)
{
    struct passage *passage = transaction->state;

    (void)arg;
    return writer_add(passage->writer, content) == WRITER_WAIT ? SMTP_WAIT : SMTP_GO_ON;
}

static void
log_received(const struct passage *passage, const struct spool_file *file)
{
    const struct smtp_envelope *envelope = spool_file_envelope(file);
    struct log_line line;

    log_begin(&line, LOG_DEBUG_, "smtp", spool_file_id(file));
    log_text(&line, "client",
             envelope->xforward[XFORWARD_ADDR] != NULL ? envelope->xforward[XFORWARD_ADDR]
                                                       : envelope->client);
    log_text(&line, "client_name", envelope->xforward[XFORWARD_NAME]);
    log_text(&line, "queue_id", envelope->xforward[XFORWARD_IDENT]);
    log_path(&line, "from", span_of(envelope->from));
    log_number(&line, "size", spool_file_len(file));
    log_number(&line, "nrcpt", envelope->rcpt_count);
    log_text(&line, "handoff", smtp_handoff_name(envelope->handoff));
    if (passage->bare_newlines > 0)
        log_number(&line, "bare_newlines", passage->bare_newlines);
    if (passage->odd_paths > 0)
        log_number(&line, "odd_paths", passage->odd_paths);
    if (passage->held_us >= 1000)
        log_number(&line, "held_back_ms", passage->held_us / 1000);
    log_end(&line);
}

static void
count_received(const struct passage *passage, const struct spool_file *file)
{
    atomic_fetch_add(&passage->intake->counters->received, 1);
    atomic_fetch_add(&passage->intake->counters->received_bytes, spool_file_len(file));
}

// The reply for all: 4xx before 5xx before 2xx.
static const struct smtp_reply *
worst_of(const struct smtp_reply *replies, size_t count)
{
    static const int order[] = {4, 5, 2};

    for (size_t k = 0; k < sizeof order / sizeof *order; k++) {
        for (size_t i = 0; i < count; i++) {
            if (replies[i].code / 100 == order[k])
                return &replies[i];
        }
    }
    return replies;
}

static void
on_heard(void *arg, bool is_heard)
{
    struct join *join = arg;

    join_end(&join, is_heard);
}

// Its answer is remembered once it is known whether the client has heard it.
static bool
is_watched(const struct passage *passage)
{
    return passage->join != NULL && passage->session != NULL && !join_is_named(passage->join);
}

static void
watch(struct passage *passage)
{
    session_watch(passage->session, on_heard, passage->join);
    passage->join = NULL;
}

static void
reply_to(const struct passage *passage, const struct smtp_reply *replies, size_t count)
{
    if (passage->join != NULL)
        replies = join_replies(passage->join, replies, &count);
    if (passage->session != NULL && passage->is_lmtp)
        session_finish(passage->session, replies, count);
    else if (passage->session != NULL)
        session_finish(passage->session, worst_of(replies, count), 1);
}

// The last word, to the client that is still there and to the memory of it. False: to nobody.
static bool
answer(struct passage *passage, const struct smtp_reply *replies, size_t count)
{
    bool is_heard = passage->session != NULL;

    if (passage->join != NULL && !is_watched(passage))
        is_heard = join_settle(passage->join, replies, count) || is_heard;
    reply_to(passage, replies, count);
    if (is_watched(passage))
        watch(passage);
    passage_free(passage);
    return is_heard;
}

static void
refuse(struct passage *passage, const struct err *err)
{
    struct smtp_reply reply;

    log_error("spool", "cannot keep a message: %s", err->text);
    reply_set(&reply, 452, "4.3.1", "Insufficient system storage");
    (void)answer(passage, &reply, 1);
}

static bool
on_answer(void *arg, const struct smtp_reply *replies, size_t count)
{
    return answer(arg, replies, count);
}

static void
on_kept(void *arg, struct spool_file *file_take, const struct err *err)
{
    struct passage *passage = arg;
    struct jobs *jobs = passage->intake->jobs;
    struct job_arrival arrival = passage->arrival;
    struct smtp_reply reply;

    passage->writer = NULL;
    arrival.seal_us = delivery_clock_us() - passage->since_us;
    if (err != NULL) {
        refuse(passage, err);
        return;
    }
    log_received(passage, file_take);
    count_received(passage, file_take);
    if (!spool_file_is_durable(file_take)) {
        passage->job = job_start_relay(jobs, file_take, &arrival, on_answer, passage);
        return;
    }
    reply_set(&reply, 250, "2.0.0", "Ok: queued as %s", spool_file_id(file_take));
    (void)answer(passage, &reply, 1);
    job_start(jobs, file_take, JOB_FRESH, &arrival);
}

static void
commit(void *arg)
{
    struct passage *passage = arg;
    uint64_t now_us = delivery_clock_us();

    passage->held_us = now_us - passage->since_us;
    passage->arrival.receive_us += passage->held_us;
    passage->since_us = now_us;
    writer_commit(passage->writer, on_kept, passage);
}

// Over relay the client waits for the outcome anyway.
static void
take_turn(struct passage *passage)
{
    passage->since_us = delivery_clock_us();
    if (passage->is_relay || flow_enter(passage->intake->flow, &passage->turn, commit, passage))
        commit(passage);
}

static void
go_on_joined(struct passage *passage)
{
    struct smtp_reply none = {0};

    if (join_has_all(passage->join)) {
        (void)answer(passage, &none, 1);
        return;
    }
    passage->arrival.has_accepted = join_has_accepted(passage->join);
    join_move(passage->join, passage->writer);
    take_turn(passage);
}

static void
on_joined(void *arg, bool is_late)
{
    struct passage *passage = arg;
    struct smtp_reply reply;

    passage->arrival.waited_us = delivery_clock_us() - passage->since_us;
    if (!is_late) {
        go_on_joined(passage);
        return;
    }
    reply_set(&reply, 451, "4.3.0", "The same message is still under way");
    (void)answer(passage, &reply, 1);
}

static void
on_end(void *arg, struct smtp_transaction *transaction)
{
    struct passage *passage = transaction->state;

    (void)arg;
    passage->bare_newlines = transaction->bare_newlines;
    passage->odd_paths = transaction->odd_paths;
    passage->arrival.is_loop = transaction->is_loop;
    passage->arrival.receive_us += delivery_clock_us() - passage->since_us;
    passage->since_us = delivery_clock_us();
    if (passage->join == NULL)
        take_turn(passage);
    else if (join_start(passage->join, transaction->envelope, writer_digest(passage->writer),
                        on_joined, passage))
        go_on_joined(passage);
}

// What the job has sent on already is answered, to be remembered.
static void
on_abort(void *arg, struct smtp_transaction *transaction, bool is_gone)
{
    struct passage *passage = transaction->state;

    (void)arg;
    (void)is_gone;
    if (passage == NULL)
        return;
    transaction->state = NULL;
    passage->session = NULL;
    if (passage->job != NULL)
        job_leave(passage->job);
    else
        passage_free(passage);
}

static unsigned
offers(void *arg)
{
    struct intake_door *door = arg;

    return routes_offers(door->intake->routes, door->next_hop);
}

const struct smtp_handler intake_handler = {.on_mail = on_mail,
                                            .on_data = on_data,
                                            .on_content = on_content,
                                            .on_end = on_end,
                                            .on_abort = on_abort,
                                            .offers = offers};
