// SPDX-License-Identifier: BSD-2-Clause
#include "track/snapshot.h"

#include <math.h>

#include "tests/unit/harness.h"
#include "tests/unit/spool/sample.h"

enum { RCPTS = 5, ROOM = 1 << 20 };

struct stand {
    struct smtp_envelope envelope;
    struct spool_state state;
    struct arena arena;
    struct record record;
    int result;
};

static void
begin(struct stand *stand, const char *const *journal)
{
    sample_envelope(&stand->envelope, RCPTS);
    state_init(&stand->state, RCPTS);
    arena_init(&stand->arena, ROOM);
    if (journal != NULL)
        sample_apply(&stand->state, journal);
}

static void
take(struct stand *stand)
{
    arena_clear(&stand->arena);
    stand->result = snapshot_of(&stand->envelope, &stand->state, &stand->arena, &stand->record);
}

static void
end(struct stand *stand)
{
    arena_clear(&stand->arena);
    state_clear(&stand->state);
    envelope_clear(&stand->envelope);
}

static void
forward(struct stand *stand, enum smtp_xforward attribute, const char *value)
{
    mem_free(&stand->envelope.xforward[attribute]);
    stand->envelope.xforward[attribute] = mem_strdup(value);
}

static void
the_envelope_is_told(void)
{
    struct stand stand;
    const struct record *record = &stand.record;

    begin(&stand, NULL);
    take(&stand);
    CU_ASSERT(stand.result == 0);
    CU_ASSERT(span_is(record->id, sample_id));
    CU_ASSERT(record->parent.len == 0 && record->kind.len == 0);
    CU_ASSERT(record->arrived_ms == 1700000000123);
    CU_ASSERT(span_is(record->listener, "inet:127.0.0.1:10024"));
    CU_ASSERT(span_is(record->next_hop, "reinject"));
    CU_ASSERT(span_is(record->from, "a@example.org"));
    CU_ASSERT(record->queue_id.len == 0 && record->client_name.len == 0);
    CU_ASSERT(span_is(record->client, "127.0.0.1"));
    CU_ASSERT(span_is(record->helo, "localhost"));
    CU_ASSERT(isnan(record->score) && record->result_count == 0 && record->group_count == 0);
    CU_ASSERT(record->rcpt_count == RCPTS);
    CU_ASSERT(span_is(record->rcpts[4].to, "r4@example.com"));
    CU_ASSERT(record->rcpts[4].status == RCPT_OPEN);
    CU_ASSERT(record->rcpts[4].group == record->group_count);
    end(&stand);
}

static void
whom_postfix_had_it_from_is_told(void)
{
    struct stand stand;
    const struct record *record = &stand.record;

    begin(&stand, NULL);
    forward(&stand, XFORWARD_NAME, "mail.example.org");
    forward(&stand, XFORWARD_ADDR, "IPv6:2001:db8::5");
    forward(&stand, XFORWARD_HELO, "a+20b");
    forward(&stand, XFORWARD_IDENT, "4Zb1ym3kXYz9");
    stand.envelope.parent = mem_strdup("4X2k9QzT7mA");
    stand.envelope.reason = mem_strdup("quarantine");
    take(&stand);
    CU_ASSERT(span_is(record->client_name, "mail.example.org"));
    CU_ASSERT(span_is(record->client, "2001:db8::5"));
    CU_ASSERT(span_is(record->helo, "a b"));
    CU_ASSERT(span_is(record->queue_id, "4Zb1ym3kXYz9"));
    CU_ASSERT(span_is(record->parent, "4X2k9QzT7mA"));
    CU_ASSERT(span_is(record->kind, "quarantine"));
    forward(&stand, XFORWARD_NAME, "[UNAVAILABLE]");
    forward(&stand, XFORWARD_IDENT, "[UNAVAILABLE]");
    take(&stand);
    CU_ASSERT(record->client_name.len == 0 && record->queue_id.len == 0);
    forward(&stand, XFORWARD_IDENT, "a+zz");
    take(&stand);
    CU_ASSERT(stand.result == 0 && record->queue_id.len == 0);
    end(&stand);
}

static void
the_journal_is_told(void)
{
    static const char *const journal[] = {
        "found len=7 message_id=<1@example.org> subject=Hi",
        "result filter=clamav result=hit virus=1 name=Eicar name=Other server=unix:/c took=3100",
        "result filter=rspamd result=clean score=2.5 required=15 action=greylist took=20500",
        "result filter=spamd result=failed reason=down score=1 required=5 took=1",
        "decided g=0 verdict=accept r=0-1 edit=x edit=y",
        "decided g=1 verdict=redirect rule=away reason=moved r=2 to=<d@example.com>~SIZE",
        "decided g=2 verdict=quarantine rule=virus reason=Eicar r=3",
        "sent r=0 relay=127.0.0.1:10025 code=250 reply=2.0.0 qid=4OUT1",
        "deferred r=1 relay=127.0.0.1:10025 until=1700000060000 code=451 reply=later",
        "moved r=3 child=4X2k9QzT7mB.1",
        NULL,
    };
    struct stand stand;
    const struct record *record = &stand.record;
    const struct record_rcpt *rcpts;

    begin(&stand, journal);
    take(&stand);
    rcpts = record->rcpts;
    CU_ASSERT(stand.result == 0);
    CU_ASSERT(record->step == stand.state.next_seq && record->step > 10);
    CU_ASSERT(span_is(record->message_id, "<1@example.org>"));
    CU_ASSERT(span_is(record->subject, "Hi"));
    CU_ASSERT_FATAL(record->result_count == 3 && record->group_count == 3);
    CU_ASSERT(span_is(record->results[0].filter, "clamav"));
    CU_ASSERT(record->results[0].kind == RESULT_HIT && record->results[0].is_virus);
    CU_ASSERT(span_is(record->results[0].names, "Eicar, Other"));
    CU_ASSERT(record->results[0].took_us == 3100 && !record->results[0].has_score);
    CU_ASSERT(record->results[1].has_score && record->results[1].score == 2.5);
    CU_ASSERT(span_is(record->results[1].action, "greylist"));
    CU_ASSERT(span_is(record->results[2].reason, "down"));
    CU_ASSERT(record->score == 2.5);
    CU_ASSERT(record->groups[0].verdict == VERDICT_ACCEPT && record->groups[0].edits == 2);
    CU_ASSERT(span_is(record->groups[2].rule, "virus"));
    CU_ASSERT(span_is(record->groups[2].reason, "Eicar"));
    CU_ASSERT(rcpts[0].status == RCPT_SENT && rcpts[0].code == 250 && rcpts[0].group == 0);
    CU_ASSERT(span_is(rcpts[0].queue_id, "4OUT1") && span_is(rcpts[0].relay, "127.0.0.1:10025"));
    CU_ASSERT(rcpts[0].at_ms > 1700000000000 && rcpts[0].redirected.len == 0);
    CU_ASSERT(rcpts[1].status == RCPT_DEFERRED && rcpts[1].until_ms == 1700000060000);
    CU_ASSERT(rcpts[1].tries == 1 && span_is(rcpts[1].reply, "later"));
    CU_ASSERT(rcpts[2].status == RCPT_OPEN && span_is(rcpts[2].redirected, "d@example.com"));
    CU_ASSERT(rcpts[3].status == RCPT_MOVED && span_is(rcpts[3].child, "4X2k9QzT7mB.1"));
    CU_ASSERT(rcpts[4].group == record->group_count);
    end(&stand);
}

static void
who_was_released_is_told(void)
{
    static const char *const journal[] = {
        "decided g=0 verdict=quarantine rule=virus reason=Eicar r=0-4",
        "quarantined rule=virus reason=Eicar",
        "release r=0 child=4X2k9QzT7mB.1",
        "released r=0 child=4X2k9QzT7mB.1",
        NULL,
    };
    struct stand stand;

    begin(&stand, journal);
    take(&stand);
    CU_ASSERT(span_is(stand.record.place_reason, "Eicar"));
    CU_ASSERT(span_is(stand.record.rcpts[0].child, "4X2k9QzT7mB.1"));
    CU_ASSERT(stand.record.rcpts[1].child.len == 0);
    end(&stand);
}

// Hundreds of names: whole ones, as many as there is room for.
static void
names_are_cut_between_two(void)
{
    struct stand stand;
    char line[2900] = "result filter=f result=hit";
    struct span names;

    for (int i = 0; i < 150; i++)
        snprintf(line + strlen(line), 20, " name=SYMBOL_%03d", i);
    begin(&stand, (const char *const[]){line, NULL});
    take(&stand);
    CU_ASSERT_FATAL(stand.record.result_count == 1);
    names = stand.record.results[0].names;
    CU_ASSERT(names.len <= RECORD_NAMES_MAX && names.len > RECORD_NAMES_MAX - 12);
    CU_ASSERT(names.len % 12 == 10); // "SYMBOL_000, ... SYMBOL_nnn"
    end(&stand);
}

static void
a_full_arena_is_told(void)
{
    static const char *const journal[] = {
        "result filter=clamav result=hit virus=1 name=Eicar took=3100",
        "decided g=0 verdict=accept r=0-4",
        NULL,
    };
    struct stand stand;
    size_t needed;
    int failures = 0;

    begin(&stand, journal);
    forward(&stand, XFORWARD_IDENT, "4Zb1ym3kXYz9");
    take(&stand);
    needed = stand.arena.given;
    for (size_t room = 0; room < needed; room += 8) {
        arena_clear(&stand.arena);
        arena_init(&stand.arena, room);
        failures +=
            snapshot_of(&stand.envelope, &stand.state, &stand.arena, &stand.record) != 0 ? 1 : 0;
    }
    CU_ASSERT(needed > 100 && failures == (int)((needed + 7) / 8));
    end(&stand);
}

// The scribe takes no time beyond the last one, so what stands there is told as that.
static void
times_are_bounded(void)
{
    struct stand stand;

    begin(&stand, NULL);
    stand.envelope.arrived_ms = RECORD_TIME_MAX + 1;
    stand.state.rcpts[0].at_ms = INT64_MAX;
    stand.state.rcpts[0].until_ms = RECORD_TIME_MAX;
    take(&stand);
    CU_ASSERT(stand.result == 0 && stand.record.arrived_ms == RECORD_TIME_MAX);
    CU_ASSERT(stand.record.rcpts[0].at_ms == RECORD_TIME_MAX);
    CU_ASSERT(stand.record.rcpts[0].until_ms == RECORD_TIME_MAX);
    end(&stand);
}

static const struct unit_test tests[] = {
    {"the envelope is told",             the_envelope_is_told            },
    {"whom Postfix had it from is told", whom_postfix_had_it_from_is_told},
    {"the journal is told",              the_journal_is_told             },
    {"who was released is told",         who_was_released_is_told        },
    {"names are cut between two",        names_are_cut_between_two       },
    {"times are bounded",                times_are_bounded               },
    {"a full arena is told",             a_full_arena_is_told            },
};

UNIT_MAIN("track/snapshot", tests)
