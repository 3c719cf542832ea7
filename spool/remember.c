// SPDX-License-Identifier: BSD-2-Clause
#include "spool/remember.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "spool/remember_file.h"

// REACH: of the buckets, those that one message's recipients are in, at least; or as large a part.
enum { ROWS = REMEMBER_ROWS, REACH = 256, REACH_PART = 16 };

// --- rows ---

// One message's recipients have the upper half of their keys in common: they are near each other.
uint64_t
remember_place(const struct remember *remember, struct digest_value key)
{
    uint64_t reach;

    if (remember == NULL)
        return 0;
    reach = remember->buckets / REACH_PART > REACH ? remember->buckets / REACH_PART : REACH;
    return ((key.high >> 32) + (key.high & UINT32_MAX) % reach) % remember->buckets;
}

// Either way: a clock that was set must not keep it for ever.
static bool
is_expired(const struct remember *remember, const struct remember_row *row, int64_t now_ms)
{
    int64_t age = now_ms > row->at_ms ? now_ms - row->at_ms : row->at_ms - now_ms;

    return age >= remember->lifetime_ms;
}

// 0: it holds nothing that counts; 1: an answer; 2: what a dead process has left; 3: a live one's.
static int
worth_of(const struct remember *remember, const struct remember_row *row, int64_t now_ms)
{
    if (row->at_ms == 0)
        return 0;
    if (row->owner != 0 && remember_is_alive(remember, row->owner))
        return 3;
    if (is_expired(remember, row, now_ms))
        return 0;
    return row->owner != 0 ? 2 : 1;
}

static struct remember_row *
find_row(struct remember_bucket *bucket, struct digest_value key)
{
    for (size_t i = 0; i < ROWS; i++) {
        if (bucket->rows[i].at_ms != 0 && digest_equal(bucket->rows[i].key, key))
            return &bucket->rows[i];
    }
    return NULL;
}

// The least worth, and of these the oldest; NULL: all are under way.
static struct remember_row *
find_room(const struct remember *remember, struct remember_bucket *bucket)
{
    struct remember_row *best = NULL;
    int best_worth = 3;

    for (size_t i = 0; i < ROWS; i++) {
        struct remember_row *row = &bucket->rows[i];
        int worth = worth_of(remember, row, bucket->now_ms);

        if (worth > best_worth || worth == 3 ||
            (best != NULL && worth == best_worth && row->at_ms >= best->at_ms))
            continue;
        best = row;
        best_worth = worth;
    }
    return best;
}

static uint64_t
number_of(const struct remember_bucket *bucket, const struct remember_row *row)
{
    return bucket->number * ROWS + (uint64_t)(row - bucket->rows);
}

static void
set_text(char *out, size_t size, const char *text)
{
    size_t len = strnlen(text, size - 1);

    memcpy(out, text, len);
    out[len] = '\0';
}

static void
fill_row(struct remember_row *row, struct digest_value key, const char *id, int64_t at_ms)
{
    memset(row, 0, sizeof *row);
    row->key = key;
    row->at_ms = at_ms;
    set_text(row->id, sizeof row->id, id);
}

static void
take_out(const struct remember_row *row, struct remember_told *told_out)
{
    memcpy(told_out->id, row->id, sizeof told_out->id);
    reply_set(&told_out->reply, row->code, row->enhanced[0] != '\0' ? row->enhanced : NULL, "%s",
              row->text);
}

// --- the calls ---

static bool
is_answer(const struct remember_row *row)
{
    return row->owner == 0 && (row->code / 100 == 2 || row->code / 100 == 5) &&
           memchr(row->id, '\0', sizeof row->id) != NULL &&
           memchr(row->enhanced, '\0', sizeof row->enhanced) != NULL &&
           memchr(row->text, '\0', sizeof row->text) != NULL;
}

static enum remember_find
claim_in(struct remember *remember, const struct remember_claim *claim,
         struct remember_bucket *bucket, struct remember_told *told_out)
{
    struct remember_row *row = find_row(bucket, claim->key);
    int worth = row == NULL ? 0 : worth_of(remember, row, claim->now_ms);

    if (worth == 3 || (worth == 2 && !claim->is_heir)) {
        set_text(told_out->id, sizeof told_out->id, row->id);
        return REMEMBER_UNDER_WAY;
    }
    if (worth == 1 && is_answer(row) && !(claim->is_anew && row->code / 100 == 5)) {
        take_out(row, told_out);
        return REMEMBER_TOLD;
    }
    if (claim->is_left_only && worth != 2)
        return REMEMBER_NO_ROOM;
    if (row == NULL)
        row = find_room(remember, bucket);
    if (row == NULL)
        return REMEMBER_NO_ROOM;
    fill_row(row, claim->key, claim->id, claim->now_ms);
    row->owner = remember->owner;
    told_out->row = number_of(bucket, row);
    remember->is_claimed[row - bucket->rows] = true;
    remember_add(remember, told_out->row, row);
    return REMEMBER_OURS;
}

static int
hold(struct remember *remember, uint64_t place)
{
    assert(!remember->is_held);
    (void)remember_flush(remember);
    memset(remember->is_claimed, 0, sizeof remember->is_claimed);
    if (remember_lock(remember, place) < 0)
        return -1;
    remember->is_held = remember_read(remember, place, 0, &remember->held) == 0;
    if (remember->is_held)
        return 0;
    remember_unlock(remember, place);
    errno = EIO;
    return -1;
}

void
remember_hold(struct remember *remember, uint64_t place)
{
    if (remember != NULL)
        (void)hold(remember, place); // else each claim tries by itself
}

// Some of them may have been written.
static void
give_up_claims(struct remember *remember)
{
    for (size_t i = 0; i < ROWS; i++) {
        const struct remember_row *row = &remember->held.rows[i];

        if (remember->is_claimed[i])
            remember_owe_none(remember, number_of(&remember->held, row), row->key);
    }
}

bool
remember_release(struct remember *remember)
{
    bool is_written = remember_flush(remember);

    if (remember == NULL || !remember->is_held)
        return is_written;
    if (!is_written)
        give_up_claims(remember);
    remember_unlock(remember, remember->held.number);
    remember->is_held = false;
    return is_written;
}

enum remember_find
remember_claim(struct remember *remember, const struct remember_claim *claim,
               struct remember_told *told_out)
{
    uint64_t place = remember_place(remember, claim->key);
    enum remember_find find;
    bool was_held;

    memset(told_out, 0, sizeof *told_out);
    if (remember == NULL)
        return REMEMBER_NO_ROOM;
    was_held = remember->is_held;
    assert(!was_held || remember->held.number == place);
    if (!was_held && hold(remember, place) < 0)
        return errno == EAGAIN ? REMEMBER_UNDER_WAY : REMEMBER_NO_ROOM;
    remember->held.now_ms = claim->now_ms;
    find = claim_in(remember, claim, &remember->held, told_out);
    if (!was_held && !remember_release(remember) && find == REMEMBER_OURS)
        find = REMEMBER_NO_ROOM;
    return find;
}

struct digest_value
remember_near(struct digest_value message, struct digest_value key)
{
    key.high = message.high >> 32 << 32 | (key.high & UINT32_MAX);
    return key;
}

struct digest_value
remember_key(const struct remember *remember, struct span text)
{
    return digest_seeded(text, remember == NULL ? 0 : remember->seed);
}

void
remember_tell(struct remember *remember, const struct remember_answer *answer)
{
    const struct smtp_reply *reply = answer->reply;
    struct remember_row row;

    if (remember == NULL || answer->at_ms <= 0)
        return;
    fill_row(&row, answer->key, answer->id, answer->at_ms);
    row.code = reply->code;
    set_text(row.enhanced, sizeof row.enhanced, reply->enhanced);
    set_text(row.text, sizeof row.text, reply->text);
    remember_add_or_owe(remember, answer->row, answer->key, &row);
}

void
remember_forget(struct remember *remember, struct digest_value key, uint64_t number)
{
    struct remember_row none = {.at_ms = 0};

    if (remember != NULL)
        remember_add_or_owe(remember, number, key, &none);
}

void
remember_forget_answer(struct remember *remember, struct digest_value key)
{
    struct remember_row *row;

    if (remember == NULL || hold(remember, remember_place(remember, key)) < 0)
        return;
    row = find_row(&remember->held, key);
    if (row != NULL && row->owner == 0)
        remember_forget(remember, key, number_of(&remember->held, row));
    (void)remember_release(remember);
}
