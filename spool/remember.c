// SPDX-License-Identifier: BSD-2-Clause
#include "spool/remember.h"

#include <errno.h>
#include <string.h>

#include "spool/remember_file.h"

enum { ROWS = REMEMBER_ROWS };

// --- rows ---

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
    if (!remember_is_good(row))
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
        if (digest_equal(bucket->rows[i].key, key) && remember_is_good(&bucket->rows[i]))
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
    return remember_write(remember, told_out->row, row) == 0 ? REMEMBER_OURS : REMEMBER_NO_ROOM;
}

enum remember_find
remember_claim(struct remember *remember, const struct remember_claim *claim,
               struct remember_told *told_out)
{
    enum remember_find find = REMEMBER_NO_ROOM;
    struct remember_bucket bucket;
    uint64_t number;

    memset(told_out, 0, sizeof *told_out);
    if (remember == NULL)
        return REMEMBER_NO_ROOM;
    number = claim->key.high % remember->buckets;
    if (remember_lock(remember, number) < 0)
        return errno == EAGAIN ? REMEMBER_UNDER_WAY : REMEMBER_NO_ROOM;
    if (remember_read(remember, number, claim->now_ms, &bucket) == 0)
        find = claim_in(remember, claim, &bucket, told_out);
    remember_unlock(remember, number);
    return find;
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
    remember_write_or_owe(remember, answer->row, answer->key, &row);
}

void
remember_forget(struct remember *remember, struct digest_value key, uint64_t number)
{
    struct remember_row none = {.at_ms = 0};

    if (remember != NULL)
        remember_write_or_owe(remember, number, key, &none);
}

void
remember_forget_answer(struct remember *remember, struct digest_value key)
{
    struct remember_bucket bucket;
    struct remember_row *row;
    uint64_t number;

    if (remember == NULL)
        return;
    number = key.high % remember->buckets;
    if (remember_lock(remember, number) < 0)
        return;
    row = remember_read(remember, number, 0, &bucket) == 0 ? find_row(&bucket, key) : NULL;
    if (row != NULL && row->owner == 0)
        remember_forget(remember, key, number_of(&bucket, row));
    remember_unlock(remember, number);
}
