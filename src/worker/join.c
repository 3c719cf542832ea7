// SPDX-License-Identifier: BSD-2-Clause
#include "src/worker/join.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "spool/recall.h"

enum {
    LOOK_AGAIN_MS = 50,
    HEIR_MS = 5000 // what was left under way may be in the spool: who adopts it tells by then
                   // (or in half of the time that there is)
};

enum part { PART_OPEN, PART_CLAIMED, PART_TOLD, PART_TWIN };

struct join_rcpt {
    struct digest_value key;
    uint64_t place;
    enum part part;
    size_t twin_of;
    uint64_t row;  // of the claim
    bool is_fresh; // claimed, and perhaps not written yet
    struct remember_told *told;
};

struct join {
    struct join_parts parts;
    struct loop_timer *timer;
    uint64_t since_ms;
    char id[ID_MAX + 1], awaited[ID_MAX + 1];
    struct join_rcpt *busy; // of the awaited one; the first to be looked at again
    bool is_lmtp, is_named;
    struct join_rcpt *rcpts;
    struct join_rcpt **order; // by place and key: two tries claim in the same order, and rows
                              // that follow each other are written together
    size_t count;
    struct smtp_reply *replies;
    size_t reply_count;
    join_done *done;
    void *arg;
};

// --- who is who ---

static int
compare(const void *a, const void *b)
{
    const struct join_rcpt *one = *(struct join_rcpt *const *)a;
    const struct join_rcpt *two = *(struct join_rcpt *const *)b;

    if (one->place != two->place)
        return one->place < two->place ? -1 : 1;
    if (one->key.high != two->key.high)
        return one->key.high < two->key.high ? -1 : 1;
    if (one->key.low != two->key.low)
        return one->key.low < two->key.low ? -1 : 1;
    return one < two ? -1 : one > two;
}

static void
know_recipients(struct join *join, const struct smtp_envelope *envelope,
                struct digest_value content)
{
    struct buf scratch;

    buf_init(&scratch, SIZE_MAX / 4);
    join->count = envelope->rcpt_count;
    join->rcpts = mem_zarray(join->count, sizeof *join->rcpts);
    join->order = mem_zarray(join->count, sizeof(void *));
    for (size_t i = 0; i < join->count; i++) {
        join->rcpts[i].key = recall_key(join->parts.remember, content, envelope, i, &scratch);
        join->rcpts[i].place = remember_place(join->parts.remember, join->rcpts[i].key);
        join->order[i] = &join->rcpts[i];
    }
    buf_clear(&scratch);
    qsort(join->order, join->count, sizeof(void *), compare);
    for (size_t i = 1; i < join->count; i++) {
        struct join_rcpt *rcpt = join->order[i], *former = join->order[i - 1];

        if (!digest_equal(rcpt->key, former->key))
            continue;
        rcpt->part = PART_TWIN;
        rcpt->twin_of =
            former->part == PART_TWIN ? former->twin_of : (size_t)(former - join->rcpts);
    }
}

// --- claims ---

static void
let_go(const struct join *join, struct join_rcpt *rcpt)
{
    if (rcpt->part == PART_CLAIMED)
        remember_forget(join->parts.remember, rcpt->key, rcpt->row);
    if (rcpt->part != PART_TWIN)
        rcpt->part = PART_OPEN;
    mem_free(&rcpt->told);
}

static void
let_all_go(struct join *join)
{
    for (size_t i = 0; i < join->count; i++)
        let_go(join, join->order[i]);
    (void)remember_flush(join->parts.remember);
}

static bool
is_heir(const struct join *join)
{
    uint64_t waited = loop_now_ms(join->parts.loop) - join->since_ms;

    return waited >= HEIR_MS || waited >= join->parts.wait_ms / 2;
}

// False: somebody has him.
static bool
claim(struct join *join, struct join_rcpt *rcpt, bool is_anew)
{
    struct remember_claim claim = {
        .key = rcpt->key,
        .id = join->id,
        .now_ms = loop_realtime_ms(join->parts.loop),
        .is_heir = is_heir(join),
        .is_anew = is_anew,
    };
    struct remember_told told;

    mem_free(&rcpt->told);
    switch (remember_claim(join->parts.remember, &claim, &told)) {
    case REMEMBER_OURS:
        rcpt->part = PART_CLAIMED;
        rcpt->is_fresh = true;
        rcpt->row = told.row;
        return true;
    case REMEMBER_TOLD:
        rcpt->part = PART_TOLD;
        rcpt->told = mem_zalloc(sizeof *rcpt->told);
        *rcpt->told = told;
        return true;
    case REMEMBER_NO_ROOM:
        rcpt->part = PART_OPEN;
        return true;
    default:
        rcpt->part = PART_OPEN;
        memcpy(join->awaited, told.id, sizeof join->awaited);
        join->busy = rcpt;
        return false;
    }
}

static bool
is_refused(const struct join_rcpt *rcpt)
{
    return rcpt->part == PART_TOLD && rcpt->told->reply.code / 100 == 5;
}

static bool
claim_some(struct join *join, size_t from, size_t to, bool is_anew)
{
    for (size_t i = from; i < to; i++) {
        struct join_rcpt *rcpt = join->order[i];
        bool is_wanted = is_anew ? is_refused(rcpt) : rcpt->part != PART_TWIN;

        if (is_wanted && !claim(join, rcpt, is_anew))
            return false;
    }
    return true;
}

// Those who stand at one place are claimed at once.
static size_t
end_of_place(const struct join *join, size_t from)
{
    size_t to = from + 1;

    while (to < join->count && join->order[to]->place == join->order[from]->place)
        to++;
    return to;
}

static void
settle_claims(const struct join *join, size_t from, size_t to, bool is_written)
{
    for (size_t i = from; i < to; i++) {
        struct join_rcpt *rcpt = join->order[i];

        if (rcpt->is_fresh && !is_written)
            rcpt->part = PART_OPEN;
        rcpt->is_fresh = false;
    }
}

static bool
claim_each(struct join *join, bool is_anew)
{
    bool is_free = true;
    size_t to;

    for (size_t from = 0; is_free && from < join->count; from = to) {
        to = end_of_place(join, from);
        remember_hold(join->parts.remember, join->order[from]->place);
        is_free = claim_some(join, from, to, is_anew);
        settle_claims(join, from, to, remember_release(join->parts.remember));
    }
    return is_free;
}

static size_t
count_refused(const struct join *join, size_t *all_out)
{
    size_t refused = 0;

    *all_out = 0;
    for (size_t i = 0; i < join->count; i++) {
        refused += is_refused(&join->rcpts[i]) ? 1 : 0;
        *all_out += join->rcpts[i].part != PART_TWIN ? 1 : 0;
    }
    return refused;
}

// A thousand others are not looked at again and again on one's account.
static bool
is_still_busy(struct join *join)
{
    struct join_rcpt *busy = join->busy;

    if (busy == NULL)
        return false;
    if (!claim(join, busy, false))
        return true;
    let_go(join, busy);
    return false;
}

static bool
try_claims(struct join *join)
{
    size_t all, refused;

    if (is_still_busy(join) || !claim_each(join, false))
        return false;
    refused = count_refused(join, &all);
    return join->is_lmtp || refused == 0 || refused == all || claim_each(join, true);
}

// --- told ---

static void
list_same(const struct join *join, size_t first, struct ranges *set_out, bool *seen)
{
    const char *id = join->rcpts[first].told->id;

    ranges_init(set_out, join->count);
    for (size_t i = first; i < join->count; i++) {
        if (join->rcpts[i].part != PART_TOLD || strcmp(join->rcpts[i].told->id, id) != 0)
            continue;
        ranges_add(set_out, i);
        seen[i] = true;
    }
}

static void
log_joined(const struct join *join, const char *id, const struct ranges *set,
           const struct smtp_reply *reply)
{
    struct log_line line;

    log_begin(&line, LOG_INFO_, "smtp", join->id);
    log_text(&line, "joined", id);
    log_number(&line, "code", (uint64_t)reply->code);
    log_number(&line, "nrcpt", ranges_size(set));
    log_number(&line, "of", join->count);
    log_duration(&line, "waited",
                 (loop_now_ms(join->parts.loop) - join->since_ms) * UINT64_C(1000));
    log_end(&line);
}

// A line for each message that has some of them.
static void
tell_joined(const struct join *join)
{
    bool *seen = mem_zarray(join->count + 1, sizeof *seen);
    bool has_joined = false;
    struct ranges set;

    for (size_t i = 0; i < join->count; i++) {
        if (seen[i] || join->rcpts[i].part != PART_TOLD)
            continue;
        list_same(join, i, &set, seen);
        log_joined(join, join->rcpts[i].told->id, &set, &join->rcpts[i].told->reply);
        ranges_clear(&set);
        has_joined = true;
    }
    mem_free(&seen);
    if (has_joined && join->parts.counters != NULL)
        atomic_fetch_add(&join->parts.counters->joined, 1);
}

void
join_move(const struct join *join, struct writer *writer)
{
    bool *seen = mem_zarray(join->count + 1, sizeof *seen);
    struct ranges set;

    for (size_t i = 0; i < join->count; i++) {
        if (seen[i] || join->rcpts[i].part != PART_TOLD)
            continue;
        list_same(join, i, &set, seen);
        writer_move(writer, &set, join->rcpts[i].told->id);
        ranges_clear(&set);
    }
    mem_free(&seen);
    ranges_init(&set, join->count);
    for (size_t i = 0; i < join->count; i++) {
        if (join->rcpts[i].part == PART_TWIN)
            ranges_add(&set, i);
    }
    if (ranges_size(&set) > 0)
        writer_move(writer, &set, join->id);
    ranges_clear(&set);
}

bool
join_has_all(const struct join *join)
{
    for (size_t i = 0; i < join->count; i++) {
        if (join->rcpts[i].part == PART_OPEN || join->rcpts[i].part == PART_CLAIMED)
            return false;
    }
    return join->count > 0;
}

bool
join_has_accepted(const struct join *join)
{
    for (size_t i = 0; i < join->count; i++) {
        if (join->rcpts[i].part == PART_TOLD && !is_refused(&join->rcpts[i]))
            return true;
    }
    return false;
}

// --- answers ---

bool
join_settle(struct join *join, const struct smtp_reply *replies, size_t count)
{
    struct remember_answer answer = {.id = join->id, .at_ms = loop_realtime_ms(join->parts.loop)};
    bool is_remembered = true;

    for (size_t i = 0; i < join->count; i++) {
        struct join_rcpt *rcpt = join->order[i];
        const struct smtp_reply *reply = &replies[count == 1 ? 0 : rcpt - join->rcpts];

        is_remembered = is_remembered && rcpt->part != PART_OPEN;
        if (rcpt->part != PART_CLAIMED || (reply->code / 100 != 2 && reply->code / 100 != 5))
            continue;
        answer.key = rcpt->key;
        answer.row = rcpt->row;
        answer.reply = reply;
        remember_tell(join->parts.remember, &answer);
        rcpt->part = PART_OPEN;
    }
    (void)remember_flush(join->parts.remember);
    return is_remembered;
}

static bool
has_told(const struct join *join)
{
    for (size_t i = 0; i < join->count; i++) {
        if (join->rcpts[i].told != NULL)
            return true;
    }
    return false;
}

const struct smtp_reply *
join_replies(struct join *join, const struct smtp_reply *replies, size_t *count_io)
{
    size_t count = *count_io;

    mem_free(&join->replies);
    join->reply_count = count == 1 && !has_told(join) ? 1 : join->count;
    join->replies = mem_zarray(join->reply_count, sizeof *join->replies);
    for (size_t i = 0; i < join->reply_count; i++) {
        const struct join_rcpt *rcpt = &join->rcpts[i];
        size_t of = rcpt->part == PART_TWIN ? rcpt->twin_of : i;

        if (join->rcpts[of].told != NULL)
            join->replies[i] = join->rcpts[of].told->reply;
        else
            join->replies[i] = replies[count == 1 ? 0 : of];
    }
    *count_io = join->reply_count;
    return join->replies;
}

bool
join_is_named(const struct join *join)
{
    return join->is_named;
}

static void
forget_told(const struct join *join)
{
    for (size_t i = 0; i < join->count; i++) {
        if (join->rcpts[i].part == PART_TOLD)
            remember_forget_answer(join->parts.remember, join->rcpts[i].key);
    }
}

// --- life ---

static void
look_again(void *arg)
{
    struct join *join = arg;
    uint64_t waited = loop_now_ms(join->parts.loop) - join->since_ms;
    bool is_ready = try_claims(join);

    if (!is_ready) {
        let_all_go(join);
        if (waited < join->parts.wait_ms) {
            loop_timer_start(join->timer, LOOK_AGAIN_MS);
            return;
        }
        log_warning("smtp",
                    "%s: the same message is still under way as %s: the client has to come again",
                    join->id, join->awaited[0] != '\0' ? join->awaited : "another");
    }
    tell_joined(join);
    join->done(join->arg, !is_ready);
}

bool
join_start(struct join *join, const struct smtp_envelope *envelope, struct digest_value content,
           join_done *done, void *arg)
{
    join->done = done;
    join->arg = arg;
    join->is_lmtp = envelope->protocol == SMTP_PROTOCOL_LMTP;
    join->is_named = recall_is_named(envelope);
    memcpy(join->id, envelope->id, sizeof join->id);
    join->since_ms = loop_now_ms(join->parts.loop);
    know_recipients(join, envelope, content);
    if (try_claims(join)) {
        tell_joined(join);
        return true;
    }
    let_all_go(join);
    join->timer = loop_timer_new(join->parts.loop, look_again, join);
    loop_timer_start(join->timer, LOOK_AGAIN_MS);
    return false;
}

struct join *
join_new(const struct join_parts *parts)
{
    struct join *join = mem_zalloc(sizeof *join);

    join->parts = *parts;
    return join;
}

void
join_free(struct join **join_in)
{
    struct join *join = *join_in;

    if (join == NULL)
        return;
    let_all_go(join);
    loop_timer_free(&join->timer);
    mem_free(&join->rcpts);
    mem_free(&join->order);
    mem_free(&join->replies);
    mem_free(join_in);
}

void
join_end(struct join **join, bool is_heard)
{
    if (is_heard)
        forget_told(*join);
    else
        (void)join_settle(*join, (*join)->replies, (*join)->reply_count);
    join_free(join);
}
