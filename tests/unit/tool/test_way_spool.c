// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/tool/quarantined.h"
#include "tests/unit/tool/stand.h"
#include "tool/way.h"

#define CHILD STAND_A ".1"
#define FOUND "found len=22 message_id=<1@example.org> subject=Hi|"

static const struct way *
find(const struct ways *ways, const char *id)
{
    return ways_find(ways, span_of(id));
}

// A waits with one sent, its child D is held, B is in quarantine, C is over.
static void
fill(struct stand *stand)
{
    int bucket = stand_bucket(stand);

    stand_put(stand->instance.fd, "slot-0001", STAND_A, "Subject: a\r\n\r\nbody a\r\n",
              FOUND "result filter=clamav result=clean took=3100|"
                    "decided g=0 verdict=accept r=0-1|decided g=1 verdict=hold r=2|"
                    "moved r=2 child=" CHILD "|attempt g=0 r=0-1 hop=x|"
                    "sent r=0 relay=x:25 code=250 reply=ok qid=4OUT1|"
                    "deferred r=1 until=1700000160000 code=451 reply=later",
              "rest of an earlier message\n");
    stand_put(stand->root.hold_fd, CHILD, CHILD, "Subject: d\r\n\r\nbody d\r\n",
              "held reason=by~hand", "");
    quarantine_put(stand, STAND_B, FOUND QUARANTINE_CAUGHT);
    stand_put(bucket, STAND_C, STAND_C, "c", "sent r=0-2 relay=x:25 code=250 qid=4OUT2|done", "");
    close(bucket);
}

static enum tool_exit
search(struct stand *stand, struct ways *ways, const char *any_id)
{
    ways_clear(ways);
    ways_init(ways);
    stand_rewind(stand);
    return way_search(&stand->tool, ways, any_id);
}

static void
any_id_finds_the_family(void)
{
    static const struct {
        const char *any_id;
        const char *found[3]; // besides these there is nothing
    } rows[] = {
        {STAND_A,           {STAND_A, CHILD, NULL}   },
        {CHILD,             {STAND_A, CHILD, NULL}   },
        {"4OUT1",           {STAND_A, CHILD, NULL}   },
        {"<1@example.org>", {STAND_A, CHILD, STAND_B}},
        {"1@example.org",   {STAND_A, CHILD, STAND_B}},
        {STAND_C,           {STAND_C, NULL, NULL}    },
        {"4OUT2",           {STAND_C, NULL, NULL}    },
        {"4OUT",            {NULL, NULL, NULL}       },
        {"",                {NULL, NULL, NULL}       },
        {"<>",              {NULL, NULL, NULL}       },
        {"../" STAND_A,     {NULL, NULL, NULL}       },
    };
    struct ways ways = {.count = 0};
    struct stand stand;

    stand_make(&stand);
    fill(&stand);
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        size_t count = 0;

        UNIT_CHECK_ROW(rows[i].any_id, search(&stand, &ways, rows[i].any_id) == TOOL_DONE);
        while (count < 3 && rows[i].found[count] != NULL) {
            const struct way *way = find(&ways, rows[i].found[count++]);

            UNIT_CHECK_ROW(rows[i].any_id, way != NULL && way->in_spool && !way->in_ledger);
        }
        UNIT_CHECK_ROW(rows[i].any_id, ways.count == count && ways.has_looked);
    }
    ways_clear(&ways);
    stand_remove(&stand);
}

static void
a_file_tells_all_it_knows(void)
{
    struct ways ways = {.count = 0};
    const struct record *record;
    const struct way *way;
    struct stand stand;

    stand_make(&stand);
    fill(&stand);
    CU_ASSERT(search(&stand, &ways, STAND_A) == TOOL_DONE);
    way = find(&ways, STAND_A);
    CU_ASSERT_FATAL(way != NULL);
    record = &way->record;
    CU_ASSERT(way->place.is_slot && strcmp(way->place.name, "slot-0001") == 0);
    CU_ASSERT(record->place == RECORD_WAITING && record->size == 22);
    CU_ASSERT(span_is(record->subject, "Hi") && span_is(record->from, "sA@example.org"));
    CU_ASSERT(record->result_count == 1 && record->group_count == 2 && record->rcpt_count == 3);
    CU_ASSERT(way_rcpt_status(&ways, way, &record->rcpts[0]) == STATUS_REINJECTED);
    CU_ASSERT(way_rcpt_status(&ways, way, &record->rcpts[1]) == STATUS_DEFERRED);
    way = find(&ways, CHILD);
    CU_ASSERT_FATAL(way != NULL);
    CU_ASSERT(way->record.place == RECORD_HOLD && way->place.place == PLACE_HOLD);
    CU_ASSERT(span_is(way->record.place_reason, "by hand"));
    CU_ASSERT(search(&stand, &ways, STAND_B) == TOOL_DONE);
    CU_ASSERT(find(&ways, STAND_B)->record.place == RECORD_QUARANTINE);
    CU_ASSERT(search(&stand, &ways, STAND_C) == TOOL_DONE);
    CU_ASSERT(find(&ways, STAND_C)->record.place == RECORD_DONE);
    ways_clear(&ways);
    stand_remove(&stand);
}

// The queue id of Postfix that handed it over, as XFORWARD had it.
static void
the_ident_finds_it(void)
{
    struct ways ways = {.count = 0};
    struct smtp_envelope envelope;
    struct stand stand;
    struct buf image;
    int fd;

    stand_make(&stand);
    sample_envelope(&envelope, 1);
    envelope.xforward[XFORWARD_IDENT] = mem_strdup("4IN+2B1");
    buf_init(&image, 1 << 20);
    (void)sample_seal(&envelope, span_of("x"), &image);
    fd = openat(stand.root.hold_fd, sample_id, O_CREAT | O_WRONLY, 0600);
    CU_ASSERT(write(fd, image.data, image.len) == (ssize_t)image.len);
    close(fd);
    CU_ASSERT(search(&stand, &ways, "4IN+1") == TOOL_DONE && ways.count == 1);
    CU_ASSERT(search(&stand, &ways, "4IN+2B1") == TOOL_DONE && ways.count == 0);
    buf_clear(&image);
    envelope_clear(&envelope);
    ways_clear(&ways);
    stand_remove(&stand);
}

// What the ledger knows of A: `step` from its file's, with a delivery in it.
static void
know(struct ways *ways, const struct record *file, int64_t steps, enum record_place place,
     struct record_rcpt *rcpts, struct record_final *final)
{
    struct record record = *file;

    *final = (struct record_final){.status = STATUS_SENT};
    memcpy(rcpts, file->rcpts, file->rcpt_count * sizeof *rcpts);
    rcpts[0].finals = final;
    rcpts[0].final_count = 1;
    rcpts[1].status = RCPT_OPEN;
    record.rcpts = rcpts;
    record.step = (uint64_t)((int64_t)record.step + steps);
    record.place = place;
    record.told_ms = 77;
    record.stage_us[STAGE_SEND] = 4100;
    ways_clear(ways);
    ways_init(ways);
    ways_add(ways, &record)->in_ledger = true;
}

static void
ledger_and_spool_are_one(void)
{
    static const struct {
        const char *name;
        int64_t steps;
        enum record_place before, after;
        bool in_spool, is_newer; // the file
    } rows[] = {
        {"behind",          -1, RECORD_ACTIVE,  RECORD_WAITING, true,  true },
        {"behind and over", -1, RECORD_DONE,    RECORD_WAITING, true,  true },
        {"the same",        0,  RECORD_WAITING, RECORD_WAITING, true,  false},
        {"ahead",           1,  RECORD_ACTIVE,  RECORD_WAITING, true,  false},
        {"ahead and over",  1,  RECORD_DONE,    RECORD_DONE,    false, false},
    };
    struct record_rcpt rcpts[3];
    struct record_final final;
    struct ways file = {.count = 0}, ways = {.count = 0};
    struct stand stand;

    stand_make(&stand);
    fill(&stand);
    CU_ASSERT_FATAL(search(&stand, &file, STAND_A) == TOOL_DONE);
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        const struct way *way;

        know(&ways, &find(&file, STAND_A)->record, rows[i].steps, rows[i].before, rcpts, &final);
        UNIT_CHECK_ROW(rows[i].name, way_look_for(&stand.tool, &ways) == TOOL_DONE);
        way = find(&ways, STAND_A);
        UNIT_CHECK_ROW(rows[i].name, way->in_ledger && way->in_spool == rows[i].in_spool);
        UNIT_CHECK_ROW(rows[i].name, way->record.place == rows[i].after);
        UNIT_CHECK_ROW(rows[i].name, way->record.rcpts[0].final_count == 1);
        UNIT_CHECK_ROW(rows[i].name, way->record.told_ms == 77);
        UNIT_CHECK_ROW(rows[i].name, way->record.stage_us[STAGE_SEND] == 4100);
        UNIT_CHECK_ROW(rows[i].name,
                       (way->record.rcpts[1].status == RCPT_DEFERRED) == rows[i].is_newer);
        // Whom the ledger does not know yet.
        UNIT_CHECK_ROW(rows[i].name, find(&ways, CHILD) != NULL && !find(&ways, CHILD)->in_ledger);
    }
    ways_clear(&file);
    ways_clear(&ways);
    stand_remove(&stand);
}

static void
what_is_over_is_only_about_to_go(void)
{
    struct record record = {.id = span_of(STAND_C), .step = 1000, .place = RECORD_DONE};
    struct ways ways;
    struct stand stand;

    stand_make(&stand);
    fill(&stand);
    ways_init(&ways);
    (void)ways_add(&ways, &record);
    CU_ASSERT(way_look_for(&stand.tool, &ways) == TOOL_DONE);
    CU_ASSERT(ways.count == 1 && !ways.items[0].in_spool);
    ways_clear(&ways);
    stand_remove(&stand);
}

static void
damage_is_passed_over(void)
{
    struct ways ways = {.count = 0};
    struct stand stand;
    int fd;

    stand_make(&stand);
    fill(&stand);
    fd = openat(stand.root.hold_fd, CHILD, O_WRONLY | O_TRUNC);
    CU_ASSERT(write(fd, "rubbish", 7) == 7);
    close(fd);
    CU_ASSERT(search(&stand, &ways, STAND_A) == TOOL_DONE && ways.count == 1);
    mem_free(&stand.settings->spool.path);
    stand.settings->spool.path = mem_strdup("/nowhere/at/all");
    CU_ASSERT(search(&stand, &ways, STAND_A) == TOOL_NOTHING && !ways.has_looked);
    fflush(stand.tool.errors);
    CU_ASSERT(stand_has(stand.errors, "/nowhere/at/all"));
    ways_clear(&ways);
    stand_remove(&stand);
}

static const struct unit_test tests[] = {
    {"any id finds the family",          any_id_finds_the_family         },
    {"a file tells all it knows",        a_file_tells_all_it_knows       },
    {"the ident finds it",               the_ident_finds_it              },
    {"ledger and spool are one",         ledger_and_spool_are_one        },
    {"what is over is only about to go", what_is_over_is_only_about_to_go},
    {"damage is passed over",            damage_is_passed_over           },
};

UNIT_MAIN("tool/way_spool", tests)
