// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/src/job/fake_line.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "reinject/hop.h"
#include "spool/writer.h"

enum { QUEUE_MAX = 512, TEXT_MAX = 1 << 16, KEY = 7 };

struct spool_file {
    struct smtp_envelope envelope;
    struct spool_state state;
    struct buf notes;
    bool is_durable;
};

struct writer {
    struct smtp_envelope envelope;
};

struct waiting {
    void (*run)(struct waiting *waiting);
    spool_done *done;
    writer_done *written;
    void *arg;
    struct writer *writer;
    struct delivery *delivery;
    struct err err;
    bool failed;
    void (*run_later)(void *arg);
};

const char *fake_answers = "";
bool fake_offers_dsn, fake_disk_is_full, fake_send_is_held, fake_is_large, fake_is_crowded;
struct buf fake_journal, fake_end, fake_children;

static struct waiting queue[QUEUE_MAX];
static size_t queue_len;
static struct delivery *held_delivery;
static char id_text[] = "4X2k9QzT7mB";

static struct waiting *
enqueue(void (*run)(struct waiting *waiting), void *arg)
{
    struct waiting *waiting = &queue[queue_len++];

    memset(waiting, 0, sizeof *waiting);
    waiting->run = run;
    waiting->arg = arg;
    return waiting;
}

static void
run_later(struct waiting *waiting)
{
    waiting->run_later(waiting->arg);
}

void
fake_later(void (*run)(void *arg), void *arg)
{
    enqueue(run_later, arg)->run_later = run;
}

bool
fake_turn(void)
{
    struct waiting first;

    if (queue_len == 0)
        return false;
    first = queue[0];
    memmove(queue, queue + 1, --queue_len * sizeof *queue);
    first.run(&first);
    return true;
}

void
fake_reset(void)
{
    fake_clear();
    buf_init(&fake_journal, TEXT_MAX);
    buf_init(&fake_end, TEXT_MAX);
    buf_init(&fake_children, TEXT_MAX);
    fake_offers_dsn = true;
    fake_disk_is_full = false;
    fake_send_is_held = false;
    fake_is_large = false;
    fake_is_crowded = false;
    held_delivery = NULL;
    queue_len = 0;
}

void
fake_clear(void)
{
    buf_clear(&fake_journal);
    buf_clear(&fake_end);
    buf_clear(&fake_children);
}

struct spool_file *
fake_file(const struct fake_message *message)
{
    struct spool_file *file = mem_zalloc(sizeof *file);
    struct smtp_envelope *envelope = &file->envelope;

    envelope_init(envelope);
    memcpy(envelope->id, id_text, sizeof id_text);
    envelope->protocol = message->protocol;
    envelope->handoff = message->is_durable ? SMTP_HANDOFF_SPOOL : SMTP_HANDOFF_RELAY;
    envelope->arrived_ms = 1;
    envelope->hostname = mem_strdup("mx.example");
    envelope->client = mem_strdup("127.0.0.1");
    envelope->helo = mem_strdup("front.example");
    envelope->next_hop = mem_strdup(message->next_hop);
    envelope->listener = mem_strdup("front");
    envelope->from = mem_strdup(message->from);
    envelope->from_params = mem_strdup("");
    for (size_t i = 0; i < message->rcpt_count; i++)
        envelope_add_rcpt(envelope, span_of("b@example.com"), span_of(message->rcpt_params));
    file->is_durable = message->is_durable;
    state_init(&file->state, message->rcpt_count);
    buf_init(&file->notes, TEXT_MAX);
    return file;
}

static void
free_file(struct spool_file **file)
{
    envelope_clear(&(*file)->envelope);
    state_clear(&(*file)->state);
    buf_clear(&(*file)->notes);
    mem_free(file);
}

void
fake_note(struct spool_file *file, const char *event, const char *key, const char *value)
{
    struct journal_writer writer;

    spool_note_begin(file, &writer, event);
    journal_field_text(&writer, key, value);
    spool_note_end(file, &writer);
}

void
fake_move(struct spool_file *file, const char *ranges, const char *child)
{
    struct journal_writer writer;

    spool_note_begin(file, &writer, "moved");
    journal_field_text(&writer, "r", ranges);
    journal_field_text(&writer, "child", child);
    spool_note_end(file, &writer);
}

// --- spool/spool.h ---

const char *
spool_file_id(const struct spool_file *file)
{
    return file->envelope.id;
}

const struct smtp_envelope *
spool_file_envelope(const struct spool_file *file)
{
    return &file->envelope;
}

struct spool_state *
spool_file_state(struct spool_file *file)
{
    return &file->state;
}

uint64_t
spool_file_len(const struct spool_file *file)
{
    (void)file;
    return fake_is_large ? 1 << 20 : 4;
}

struct digest_value
spool_file_digest(const struct spool_file *file)
{
    (void)file;
    return (struct digest_value){0};
}

bool
spool_file_is_durable(const struct spool_file *file)
{
    return file->is_durable;
}

struct span
spool_file_memory(const struct spool_file *file)
{
    (void)file;
    return fake_is_large ? (struct span){NULL, 0} : span_of("\r\na\n");
}

void
spool_note_begin(struct spool_file *file, struct journal_writer *writer, const char *event)
{
    (void)buf_printf(&fake_journal, "%s ", event);
    buf_reset(&file->notes);
    journal_begin(writer, &file->notes, KEY, file->state.next_seq, 1000, event);
}

void
spool_note_end(struct spool_file *file, struct journal_writer *writer)
{
    static struct journal_reader reader;
    struct journal_line line;

    (void)journal_end(writer);
    journal_reader_init(&reader, buf_span(&file->notes), KEY);
    if (journal_next(&reader, &line))
        state_apply(&file->state, &line);
}

bool
spool_file_is_crowded(const struct spool_file *file)
{
    (void)file;
    return fake_is_crowded;
}

static void
run_done(struct waiting *waiting)
{
    waiting->done(waiting->arg, waiting->failed ? &waiting->err : NULL);
}

void
spool_file_flush(struct spool_file *file, bool durable, spool_done *done, void *arg)
{
    (void)file;
    (void)durable;
    enqueue(run_done, arg)->done = done;
}

void
spool_file_read(struct spool_file *file, uint64_t offset, char *data, size_t len, spool_done *done,
                void *arg)
{
    (void)file;
    (void)offset;
    memset(data, 'a', len);
    enqueue(run_done, arg)->done = done;
}

static void
give_up(struct spool_file **file, const char *how)
{
    (void)buf_printf(&fake_end, "%s ", how);
    free_file(file);
}

void
spool_file_finish(struct spool_file **file)
{
    give_up(file, "finish");
}

void
spool_file_wait(struct spool_file **file, int64_t until_ms)
{
    give_up(file, until_ms > 0 ? "wait" : "wait-now");
}

void
spool_file_hold(struct spool_file **file, const char *reason)
{
    (void)reason;
    give_up(file, "hold");
}

void
spool_file_quarantine(struct spool_file **file, const char *rule, const char *reason)
{
    (void)rule;
    (void)reason;
    give_up(file, "quarantine");
}

int
spool_file_open_read(struct spool_file *file, uint64_t *offset_out, struct err *err)
{
    (void)file;
    *offset_out = 0;
    return err_set(err, ERR_TEMP, "in memory only");
}

int
spool_dir_fd(const struct spool *spool)
{
    (void)spool;
    return -1;
}

void
spool_file_release(struct spool_file **file)
{
    give_up(file, "release");
}

void
spool_file_discard(struct spool_file **file)
{
    give_up(file, "discard");
}

static struct waiting *
fail_if_full(struct waiting *waiting)
{
    waiting->failed = fake_disk_is_full;
    err_set(&waiting->err, ERR_TEMP, "disk full");
    return waiting;
}

void
spool_file_take_over(struct spool_file *file, spool_done *done, void *arg)
{
    file->is_durable = !fake_disk_is_full;
    fail_if_full(enqueue(run_done, arg))->done = done;
}

void
spool_poke(struct spool *spool)
{
    (void)spool;
}

// --- spool/writer.h ---

struct writer *
writer_new(struct spool *spool, enum writer_kind kind, const struct smtp_envelope *envelope,
           loop_callback *on_ready, void *arg)
{
    struct writer *writer = mem_zalloc(sizeof *writer);

    (void)spool;
    (void)kind;
    (void)on_ready;
    (void)arg;
    envelope_init(&writer->envelope);
    envelope_copy(&writer->envelope, envelope);
    return writer;
}

enum writer_go
writer_add(struct writer *writer, struct span content)
{
    (void)writer;
    (void)content;
    return WRITER_GO_ON;
}

static void
run_written(struct waiting *waiting)
{
    struct writer *writer = waiting->writer;

    if (!waiting->failed)
        (void)buf_printf(&fake_children, "%s ", writer->envelope.reason);
    envelope_clear(&writer->envelope);
    mem_free(&writer);
    waiting->written(waiting->arg, NULL, waiting->failed ? &waiting->err : NULL);
}

void
writer_commit(struct writer *writer, writer_done *done, void *arg)
{
    struct waiting *waiting = fail_if_full(enqueue(run_written, arg));

    waiting->writer = writer;
    waiting->written = done;
}

// --- src/job/routes.h, reinject/hop.h, reinject/body.h ---

struct hop *
routes_find(struct routes *routes, const char *name)
{
    return strcmp(name, "gone") == 0 ? NULL : (struct hop *)routes;
}

static void
set_result(struct delivery_rcpt *rcpt, char letter)
{
    rcpt->result = letter == 's'   ? DELIVERY_SENT
                   : letter == 'p' ? DELIVERY_PERMANENT
                                   : DELIVERY_TEMPORARY;
    rcpt->answer.code = letter == 's' ? 250 : letter == 'p' ? 550 : 450;
    if (letter == 'd') // a reply of its own for each recipient
        (void)snprintf(rcpt->answer.text, sizeof rcpt->answer.text, "later, %u", rcpt->number);
    else
        (void)snprintf(rcpt->answer.text, sizeof rcpt->answer.text, "answer %c", letter);
}

static void
run_delivery(struct waiting *waiting)
{
    struct delivery *delivery = waiting->delivery;

    for (size_t i = 0; i < delivery->rcpt_count; i++) {
        set_result(&delivery->rcpts[i], *fake_answers);
        if (fake_answers[0] != '\0' && fake_answers[1] != '\0')
            fake_answers++;
    }
    delivery->offers_dsn = fake_offers_dsn;
    delivery->on_done(delivery->arg, delivery);
}

void
hop_send(struct hop *hop, struct delivery *delivery)
{
    (void)hop;
    if (fake_send_is_held)
        held_delivery = delivery;
    else
        enqueue(run_delivery, NULL)->delivery = delivery;
}

void
fake_answer(void)
{
    enqueue(run_delivery, NULL)->delivery = held_delivery;
    held_delivery = NULL;
}

int
hop_cancel(struct hop *hop, struct delivery *delivery)
{
    (void)hop;
    if (held_delivery != delivery)
        return -1;
    held_delivery = NULL;
    return 0;
}

struct body *
body_new(const struct body_source *source, const struct body_piece *pieces, size_t count)
{
    (void)source;
    (void)pieces;
    (void)count;
    return NULL;
}

void
body_free(struct body **body)
{
    *body = NULL;
}
