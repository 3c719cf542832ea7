// SPDX-License-Identifier: BSD-2-Clause
#include "spool/recall.h"

#include "tests/unit/spool/kit.h"
#include "tests/unit/spool/sample.h"

enum { LEN = 150000 };

static const char id[] = "4X2k9QzT7mB";
static struct kit kit;
static char folder[64];
static bool is_named;

// --- keys ---

static struct digest_value
key_with(struct digest_value content, const struct smtp_envelope *envelope, size_t number)
{
    struct digest_value key;
    struct buf scratch;

    buf_init(&scratch, SIZE_MAX / 4);
    (void)buf_add_text(&scratch, "what was there before");
    key = recall_key(kit.spool->remember, content, envelope, number, &scratch);
    buf_clear(&scratch);
    return key;
}

static struct digest_value
key_of(const struct smtp_envelope *envelope, uint8_t content)
{
    return key_with((struct digest_value){.high = content}, envelope, 0);
}

static void
replace(char **text, const char *with)
{
    mem_free(text);
    *text = mem_strdup(with);
}

static void
test_key(void)
{
    static const struct {
        const char *name;
        const char *from, *path, *params, *next_hop, *ident;
        uint8_t content;
        bool is_same;
    } rows[] = {
        {"the same",          "a@b", "c@d",  "",             "out",  NULL,          1, true },
        {"content",           "a@b", "c@d",  "",             "out",  NULL,          2, false},
        {"sender",            "",    "c@d",  "",             "out",  NULL,          1, false},
        {"recipient",         "a@b", "C@d",  "",             "out",  NULL,          1, false},
        {"parameters",        "a@b", "c@d",  "NOTIFY=NEVER", "out",  NULL,          1, false},
        {"next hop",          "a@b", "c@d",  "",             "out2", NULL,          1, false},
        {"queue id",          "a@b", "c@d",  "",             "out",  "4Zb1ym3kXYz", 1, false},
        {"one text's letter", "a@",  "bc@d", "",             "out",  NULL,          1, false},
    };
    struct smtp_envelope envelope;
    struct digest_value first;

    kit_folder(folder);
    kit_remember_ms = 1000;
    kit_open(&kit, folder, false);
    kit_envelope(&envelope, id, 1);
    replace(&envelope.from, "a@b");
    sample_set_rcpt(&envelope.rcpts[0], "c@d", "");
    first = key_of(&envelope, 1);
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        replace(&envelope.from, rows[i].from);
        sample_set_rcpt(&envelope.rcpts[0], rows[i].path, rows[i].params);
        replace(&envelope.next_hop, rows[i].next_hop);
        mem_free(&envelope.xforward[XFORWARD_IDENT]);
        if (rows[i].ident != NULL)
            envelope.xforward[XFORWARD_IDENT] = mem_strdup(rows[i].ident);
        UNIT_CHECK_ROW(rows[i].name,
                       digest_equal(key_of(&envelope, rows[i].content), first) == rows[i].is_same);
    }
    envelope_clear(&envelope);
    kit_close(&kit);
    kit_remove(folder);
}

// --- what an adopted message tells ---

static int64_t
now(void)
{
    return loop_realtime_ms(kit.loop);
}

static struct digest_value
key_in_spool(const struct smtp_envelope *envelope, size_t number)
{
    struct digest_value content, key;
    char *text = mem_zalloc(LEN);

    kit_content(id, LEN, text);
    content = digest_of(span_from(text, LEN));
    key = key_with(content, envelope, number);
    mem_free(&text);
    return key;
}

static void
make_envelope(struct smtp_envelope *envelope, size_t rcpts)
{
    kit_envelope(envelope, id, rcpts);
    if (is_named)
        envelope->xforward[XFORWARD_IDENT] = mem_strdup("4Zb1ym3kXYz");
}

static enum remember_find
find(size_t number, struct remember_told *told_out)
{
    struct remember_claim claim = {.id = "4X2k9QzT7mZ", .now_ms = now()};
    struct smtp_envelope envelope;
    enum remember_find result;

    make_envelope(&envelope, number + 1);
    claim.key = key_in_spool(&envelope, number);
    result = remember_claim(kit.spool->remember, &claim, told_out);
    if (result == REMEMBER_OURS)
        remember_forget(kit.spool->remember, claim.key, told_out->row);
    CU_ASSERT(remember_flush(kit.spool->remember));
    envelope_clear(&envelope);
    return result;
}

// As the worker that died had it.
static void
claim_first(void)
{
    struct remember_claim claim = {.id = id, .now_ms = now()};
    struct smtp_envelope envelope;
    struct remember_told told;

    make_envelope(&envelope, 1);
    claim.key = key_in_spool(&envelope, 0);
    CU_ASSERT(remember_claim(kit.spool->remember, &claim, &told) == REMEMBER_OURS);
    envelope_clear(&envelope);
}

static struct writer *
begin_writer(int64_t arrived_ms, const char *parent, enum smtp_handoff handoff)
{
    struct smtp_envelope envelope;
    struct writer *writer;
    char *content = mem_zalloc(LEN);

    make_envelope(&envelope, 2);
    sample_set_rcpt(&envelope.rcpts[1], "two@example.org", "");
    envelope.arrived_ms = arrived_ms;
    envelope.handoff = handoff;
    envelope.parent = parent == NULL ? NULL : mem_strdup(parent);
    writer = writer_new(kit.spool, WRITER_SPOOL, &envelope, kit_on_ready, &kit);
    kit_content(id, LEN, content);
    (void)writer_add(writer, span_from(content, LEN));
    mem_free(&content);
    envelope_clear(&envelope);
    return writer;
}

static struct spool_file *
commit(struct writer *writer)
{
    kit.is_done = false;
    writer_commit(writer, kit_on_written, &kit);
    kit_run(&kit, kit_is_done);
    CU_ASSERT_PTR_NOT_NULL_FATAL(kit.file);
    return kit.file;
}

static void
note_rejected(struct spool_file *file)
{
    struct journal_writer line;

    spool_note_begin(file, &line, "decided");
    journal_field_number(&line, "g", 0);
    journal_field_text(&line, "verdict", "reject");
    journal_field_text(&line, "r", "0");
    spool_note_end(file, &line);
    kit_note(file, "discarded", "0");
}

// What a worker left that died before it could say that the message is kept.
static void
test_adopted(void)
{
    enum { HOUR = 3600000 };

    // clang-format off
    static const struct {
        const char *name;
        uint64_t remember;
        int64_t age_ms;
        const char *parent, *moved;
        bool is_relay, is_rejected, is_unnamed, was_had;
        enum remember_find first;
    } rows[] = {
        {"told",              HOUR, 0,    NULL,          NULL, 0, 0, 0, 0, REMEMBER_TOLD   },
        {"long ago",          HOUR, HOUR, NULL,          NULL, 0, 0, 0, 0, REMEMBER_OURS   },
        {"our own child",     HOUR, 0,    "4X2k9QzT7mA", NULL, 0, 0, 0, 0, REMEMBER_OURS   },
        {"another has him",   HOUR, 0,    NULL,          "0",  0, 0, 0, 0, REMEMBER_OURS   },
        {"spool, rejected",   HOUR, 0,    NULL,          NULL, 0, 1, 0, 0, REMEMBER_TOLD   },
        {"relay, rejected",   HOUR, 0,    NULL,          NULL, 1, 1, 0, 0, REMEMBER_OURS   },
        {"perhaps another's", HOUR, 0,    NULL,          NULL, 0, 0, 1, 0, REMEMBER_OURS   },
        {"perhaps unheard",   HOUR, 0,    NULL,          NULL, 0, 0, 1, 1, REMEMBER_TOLD   },
        {"nothing is kept",   0,    0,    NULL,          NULL, 0, 0, 0, 0, REMEMBER_NO_ROOM},
    };

    // clang-format on

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct spool_file *file;
        struct remember_told told;

        is_named = !rows[i].is_unnamed;
        kit_folder(folder);
        kit_remember_ms = HOUR;
        kit_open(&kit, folder, false);
        file = commit(begin_writer(now() - rows[i].age_ms, rows[i].parent,
                                   rows[i].is_relay ? SMTP_HANDOFF_RELAY : SMTP_HANDOFF_SPOOL));
        if (rows[i].moved != NULL)
            kit_note(file, "moved", rows[i].moved);
        if (rows[i].is_rejected)
            note_rejected(file);
        kit_flush(&kit, file, false);
        UNIT_CHECK_ROW(rows[i].name, find(0, &told) == REMEMBER_OURS);
        if (rows[i].was_had)
            claim_first();
        spool_file_release(&file);
        kit_close(&kit);
        kit_remember_ms = rows[i].remember;
        kit_open(&kit, folder, false);
        kit_await_files(&kit, 1);
        UNIT_CHECK_ROW(rows[i].name, find(0, &told) == rows[i].first);
        UNIT_CHECK_ROW(rows[i].name, rows[i].first != REMEMBER_TOLD ||
                                         strcmp(told.reply.text, "Ok: queued as 4X2k9QzT7mB") == 0);
        kit_close(&kit);
        kit_remove(folder);
    }
    kit_remember_ms = 0;
}

static const struct unit_test tests[] = {
    {"what makes the key", test_key    },
    {"an adopted message", test_adopted},
};

UNIT_MAIN("spool/recall", tests)
