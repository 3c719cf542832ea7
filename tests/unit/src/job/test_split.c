// SPDX-License-Identifier: BSD-2-Clause
#include "src/job/split.h"

#include "base/mem.h"
#include "tests/unit/harness.h"

enum { BLOCK = 65536, MESSAGE_MAX = 5 * BLOCK };

// A spool in memory that answers when it is told to; linked instead of spool/file.c and writer.c.
struct spool_file {
    struct smtp_envelope envelope;
    struct span message;
};

struct writer {
    struct smtp_envelope envelope;
    struct buf content;
    loop_callback *on_ready;
    writer_done *done;
    void *arg;
    bool is_waiting; // WRITER_WAIT was said
    bool is_committed;
};

static struct {
    struct writer *writer; // one at a time
    size_t block_max;
    spool_done *read_done; // of the read that waits
    void *read_arg;
    unsigned reads, waits, discarded;
    bool must_wait, exists;
    enum writer_kind kind;
    struct err read_err, commit_err;
    struct spool_file child;
} fake;

static char message_text[MESSAGE_MAX];

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

uint64_t
spool_file_len(const struct spool_file *file)
{
    return file->message.len;
}

void
spool_file_read(struct spool_file *file, uint64_t offset, char *data, size_t len, spool_done *done,
                void *arg)
{
    CU_ASSERT_PTR_NULL_FATAL(fake.read_done); // one at a time
    CU_ASSERT_FATAL(offset + len <= file->message.len);
    if (len > 0)
        memcpy(data, file->message.data + offset, len);
    fake.block_max = len > fake.block_max ? len : fake.block_max;
    fake.read_done = done;
    fake.read_arg = arg;
    fake.reads++;
}

struct writer *
writer_new(struct spool *spool, enum writer_kind kind, const struct smtp_envelope *envelope,
           loop_callback *on_ready, void *arg)
{
    CU_ASSERT_PTR_NULL_FATAL(fake.writer);
    CU_ASSERT(spool == NULL);
    fake.kind = kind;
    fake.writer = mem_zalloc(sizeof *fake.writer);
    envelope_copy(&fake.writer->envelope, envelope);
    buf_init(&fake.writer->content, MESSAGE_MAX);
    fake.writer->on_ready = on_ready;
    fake.writer->arg = arg;
    return fake.writer;
}

enum writer_go
writer_add(struct writer *writer, struct span content)
{
    CU_ASSERT_FATAL(writer == fake.writer && !writer->is_waiting && !writer->is_committed);
    CU_ASSERT(buf_add_span(&writer->content, content) == 0);
    writer->is_waiting = fake.must_wait;
    return fake.must_wait ? WRITER_WAIT : WRITER_GO_ON;
}

void
writer_commit(struct writer *writer, writer_done *done, void *arg)
{
    CU_ASSERT_FATAL(writer == fake.writer && !writer->is_waiting && !writer->is_committed);
    writer->is_committed = true;
    writer->done = done;
    writer->arg = arg;
}

static void
free_writer(void)
{
    envelope_clear(&fake.writer->envelope);
    buf_clear(&fake.writer->content);
    mem_free(&fake.writer);
}

void
writer_discard(struct writer **writer)
{
    if (*writer == NULL)
        return;
    CU_ASSERT(*writer == fake.writer);
    *writer = NULL;
    fake.discarded++;
    free_writer();
}

// What the child held is kept for the test.
static struct smtp_envelope child_envelope;
static struct buf child_content;

static void
answer_commit(void)
{
    struct writer *writer = fake.writer;
    bool failed = fake.commit_err.kind != ERR_NONE;

    envelope_copy(&child_envelope, &writer->envelope);
    CU_ASSERT(buf_add_span(&child_content, buf_span(&writer->content)) == 0);
    writer->done(writer->arg, failed || fake.exists ? NULL : &fake.child,
                 failed ? &fake.commit_err : NULL);
    free_writer();
}

// False: nothing waits.
static bool
turn(void)
{
    spool_done *done = fake.read_done;

    if (done != NULL) {
        fake.read_done = NULL;
        done(fake.read_arg, fake.read_err.kind == ERR_NONE ? NULL : &fake.read_err);
    } else if (fake.writer != NULL && fake.writer->is_waiting) {
        fake.writer->is_waiting = false;
        fake.waits++;
        fake.writer->on_ready(fake.writer->arg);
    } else if (fake.writer != NULL && fake.writer->is_committed) {
        answer_commit();
    } else {
        return false;
    }
    return true;
}

struct ending {
    char id[ID_MAX + 1];
    struct spool_file *file;
    struct err err;
    unsigned count;
};

static void
on_done(void *arg, const char *child_id, struct spool_file *file_take, const struct err *err)
{
    struct ending *ending = arg;

    strcpy(ending->id, child_id);
    ending->file = file_take;
    if (err != NULL)
        ending->err = *err;
    ending->count++;
}

static void
make_parent(struct spool_file *file, size_t len)
{
    struct smtp_envelope *envelope = &file->envelope;

    envelope_init(envelope);
    strcpy(envelope->id, "4X2k9QzT7mB");
    envelope->protocol = SMTP_PROTOCOL_LMTP;
    envelope->handoff = SMTP_HANDOFF_RELAY;
    envelope->esmtp = envelope->tls = true;
    envelope->arrived_ms = 1234;
    envelope->listener = mem_strdup("front");
    envelope->next_hop = mem_strdup("hop");
    envelope->hostname = mem_strdup("mx.example");
    envelope->client = mem_strdup("127.0.0.1");
    envelope->helo = mem_strdup("front.example");
    envelope->xforward[XFORWARD_ADDR] = mem_strdup("192.0.2.7");
    envelope->from = mem_strdup("from@example.org");
    envelope->from_params = mem_strdup("SIZE=7 RET=FULL ENVID=x");
    envelope->skip_rule = mem_strdup("virus");
    envelope->rule = mem_strdup("another");
    envelope_add_rcpt(envelope, SPAN_LITERAL("a@x"), SPAN_LITERAL("NOTIFY=SUCCESS"));
    envelope_add_rcpt(envelope, SPAN_LITERAL("b@x"), SPAN_LITERAL("ORCPT=rfc822;b"));
    envelope_add_rcpt(envelope, SPAN_LITERAL("c@x"), SPAN_LITERAL(""));
    envelope_add_rcpt(envelope, SPAN_LITERAL("d@x"), SPAN_LITERAL(""));
    for (size_t i = 0; i < len; i++)
        message_text[i] = (char)(i * 7 + i / BLOCK);
    file->message = span_from(message_text, len);
}

static void
reset(struct spool_file *parent, size_t len)
{
    memset(&fake, 0, sizeof fake);
    envelope_init(&child_envelope);
    buf_init(&child_content, MESSAGE_MAX);
    make_parent(parent, len);
}

static void
clear(struct spool_file *parent)
{
    CU_ASSERT_PTR_NULL(fake.writer);
    envelope_clear(&child_envelope);
    buf_clear(&child_content);
    envelope_clear(&parent->envelope);
}

// Recipients 1 and 3, or another address.
static struct ending
run(struct spool_file *parent, const char *address, const char *reason)
{
    struct split_request request = {
        .file = parent, .address = address, .reason = reason, .rule = "exe", .why = "a program"};
    struct ending ending = {.count = 0};
    struct ranges set;

    ranges_init(&set, 4);
    ranges_add(&set, 1);
    ranges_add(&set, 3);
    request.rcpts = address == NULL ? &set : NULL;
    split_start(NULL, &request, on_done, &ending);
    ranges_clear(&set);
    CU_ASSERT(ending.count == 0);
    while (turn())
        continue;
    CU_ASSERT(ending.count == 1);
    return ending;
}

static void
check_kept(void)
{
    CU_ASSERT(fake.kind == WRITER_CHILD);
    CU_ASSERT(child_envelope.protocol == SMTP_PROTOCOL_LMTP);
    CU_ASSERT(child_envelope.handoff == SMTP_HANDOFF_SPOOL);
    CU_ASSERT(child_envelope.esmtp && child_envelope.tls && child_envelope.arrived_ms == 1234);
    CU_ASSERT_STRING_EQUAL(child_envelope.listener, "front");
    CU_ASSERT_STRING_EQUAL(child_envelope.next_hop, "hop");
    CU_ASSERT_STRING_EQUAL(child_envelope.hostname, "mx.example");
    CU_ASSERT_STRING_EQUAL(child_envelope.client, "127.0.0.1");
    CU_ASSERT_STRING_EQUAL(child_envelope.helo, "front.example");
    CU_ASSERT_STRING_EQUAL(child_envelope.xforward[XFORWARD_ADDR], "192.0.2.7");
    CU_ASSERT_STRING_EQUAL(child_envelope.from, "from@example.org");
    CU_ASSERT_STRING_EQUAL(child_envelope.from_params, "SIZE=7 RET=FULL ENVID=x");
    CU_ASSERT_STRING_EQUAL(child_envelope.parent, "4X2k9QzT7mB");
    CU_ASSERT_STRING_EQUAL(child_envelope.rule, "exe");
    CU_ASSERT_STRING_EQUAL(child_envelope.why, "a program");
    CU_ASSERT_STRING_EQUAL(child_envelope.skip_rule, "virus");
}

static void
test_recipients(void)
{
    struct spool_file parent;
    struct ending ending;

    reset(&parent, 10);
    ending = run(&parent, NULL, "quarantine");
    CU_ASSERT(ending.file == &fake.child && ending.err.kind == ERR_NONE);
    check_kept();
    CU_ASSERT_STRING_EQUAL(ending.id, child_envelope.id);
    CU_ASSERT_STRING_EQUAL(child_envelope.reason, "quarantine");
    CU_ASSERT_STRING_EQUAL(child_envelope.group, "1,3");
    CU_ASSERT_FATAL(child_envelope.rcpt_count == 2);
    CU_ASSERT_STRING_EQUAL(child_envelope.rcpts[0].path, "b@x");
    CU_ASSERT_STRING_EQUAL(child_envelope.rcpts[0].params, "ORCPT=rfc822;b");
    CU_ASSERT_STRING_EQUAL(child_envelope.rcpts[1].path, "d@x");
    clear(&parent);
}

static void
test_copy(void)
{
    struct spool_file parent;
    struct ending ending;

    reset(&parent, 10);
    ending = run(&parent, "watch@x", "copy");
    CU_ASSERT(ending.file == &fake.child && ending.err.kind == ERR_NONE);
    check_kept();
    CU_ASSERT_STRING_EQUAL(child_envelope.reason, "copy");
    CU_ASSERT_PTR_NULL(child_envelope.group);
    CU_ASSERT_FATAL(child_envelope.rcpt_count == 1);
    CU_ASSERT_STRING_EQUAL(child_envelope.rcpts[0].path, "watch@x");
    CU_ASSERT_STRING_EQUAL(child_envelope.rcpts[0].params, "NOTIFY=NEVER");
    clear(&parent);
}

static const struct {
    const char *address, *reason;
} id_rows[] = {
    {NULL,      "quarantine"},
    {NULL,      "hold"      },
    {NULL,      "copy"      },
    {"1,3",     "copy"      }, // no recipients: an address that looks like them
    {"watch@x", "copy"      },
    {"match@x", "copy"      },
};

// The same child has the same name, another has another.
static void
test_ids(void)
{
    char ids[UNIT_COUNT(id_rows)][ID_MAX + 1];

    for (size_t i = 0; i < UNIT_COUNT(id_rows); i++) {
        for (int again = 0; again < 2; again++) {
            struct spool_file parent;
            struct ending ending;

            reset(&parent, 10);
            ending = run(&parent, id_rows[i].address, id_rows[i].reason);
            CU_ASSERT(id_is_valid(span_of(ending.id)));
            CU_ASSERT(again == 0 || strcmp(ids[i], ending.id) == 0);
            strcpy(ids[i], ending.id);
            clear(&parent);
        }
        for (size_t j = 0; j < i; j++)
            CU_ASSERT(strcmp(ids[i], ids[j]) != 0);
    }
}

static const size_t lens[] = {0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 4 * BLOCK + 17};

static void
test_content(void)
{
    for (size_t i = 0; i < UNIT_COUNT(lens); i++) {
        for (int must_wait = 0; must_wait < 2; must_wait++) {
            struct spool_file parent;
            struct ending ending;

            reset(&parent, lens[i]);
            fake.must_wait = must_wait != 0;
            ending = run(&parent, NULL, "hold");
            CU_ASSERT(ending.file == &fake.child);
            CU_ASSERT(child_content.len == lens[i]);
            CU_ASSERT(lens[i] == 0 || memcmp(child_content.data, message_text, lens[i]) == 0);
            CU_ASSERT(fake.block_max <= BLOCK && fake.reads <= 1 + lens[i] / BLOCK);
            CU_ASSERT((fake.waits > 0) == (must_wait != 0 && lens[i] > 0));
            clear(&parent);
        }
    }
}

static void
test_exists(void)
{
    struct spool_file parent;
    struct ending ending;

    reset(&parent, 10);
    fake.exists = true;
    ending = run(&parent, NULL, "hold");
    CU_ASSERT(ending.file == NULL && ending.err.kind == ERR_NONE);
    CU_ASSERT_STRING_EQUAL(ending.id, child_envelope.id);
    clear(&parent);
}

static void
test_failures(void)
{
    struct spool_file parent;
    struct ending ending;

    reset(&parent, 10);
    err_set(&fake.read_err, ERR_TEMP, "I/O error");
    ending = run(&parent, NULL, "hold");
    CU_ASSERT(ending.file == NULL && ending.err.kind == ERR_TEMP);
    CU_ASSERT_STRING_EQUAL(ending.err.text, "I/O error");
    CU_ASSERT(fake.discarded == 1);
    clear(&parent);

    reset(&parent, 10);
    err_set(&fake.commit_err, ERR_TEMP, "disk full");
    ending = run(&parent, NULL, "hold");
    CU_ASSERT(ending.file == NULL && ending.err.kind == ERR_TEMP);
    CU_ASSERT_STRING_EQUAL(ending.err.text, "disk full");
    clear(&parent);
}

// A child's child's child's ... has no room for another name; told later, and nothing is written.
static void
test_no_name(void)
{
    for (size_t len = 0; len < 2; len++) {
        struct spool_file parent;
        struct ending ending;

        reset(&parent, len);
        strcpy(parent.envelope.id, "4X2k9QzT7mB.zzzzzz.zzzzzz.zzzzzz.zzzzzz");
        ending = run(&parent, NULL, "hold");
        CU_ASSERT(ending.file == NULL && ending.err.kind == ERR_PERM);
        CU_ASSERT(fake.kind == WRITER_SPOOL && child_content.len == 0); // no writer was made
        clear(&parent);
    }
}

static const struct unit_test tests[] = {
    {"recipients", test_recipients},
    {"copy",       test_copy      },
    {"ids",        test_ids       },
    {"content",    test_content   },
    {"exists",     test_exists    },
    {"failures",   test_failures  },
    {"no name",    test_no_name   },
};

UNIT_MAIN("src/job/split", tests)
