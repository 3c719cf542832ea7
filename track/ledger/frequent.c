// SPDX-License-Identifier: BSD-2-Clause
#include "track/ledger/frequent.h"

#include <string.h>

#include "base/digest.h"
#include "base/mem.h"

enum { SLOTS = 1 << 17 }; // more than twice FREQUENT_MAX

struct entry {
    uint64_t count;
    size_t len;
    char text[];
};

struct frequent {
    struct entry *slots[SLOTS]; // by digest, the next free one where it is taken
    size_t count;
};

struct frequent *
frequent_new(void)
{
    return mem_zalloc(sizeof(struct frequent));
}

void
frequent_free(struct frequent **frequent)
{
    if (*frequent == NULL)
        return;
    for (size_t i = 0; i < SLOTS; i++)
        mem_free(&(*frequent)->slots[i]);
    mem_free(frequent);
}

static struct entry **
find_slot(struct frequent *frequent, struct span text)
{
    size_t at = (size_t)digest_sum64(text, 0) % SLOTS;

    while (frequent->slots[at] != NULL &&
           (frequent->slots[at]->len != text.len ||
            (text.len > 0 && memcmp(frequent->slots[at]->text, text.data, text.len) != 0)))
        at = (at + 1) % SLOTS;
    return &frequent->slots[at];
}

static uint64_t
mean(const struct frequent *frequent)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < SLOTS; i++)
        sum += frequent->slots[i] != NULL ? frequent->slots[i]->count : 0;
    return sum / frequent->count;
}

// Who came no more often than the mean goes. Where that is everybody, all begin again.
static void
forget_rare(struct frequent *frequent)
{
    struct entry **old = mem_zalloc(sizeof(frequent->slots));
    uint64_t bar = mean(frequent);

    memcpy(old, frequent->slots, sizeof(frequent->slots));
    memset(frequent->slots, 0, sizeof(frequent->slots));
    frequent->count = 0;
    for (size_t i = 0; i < SLOTS; i++) {
        if (old[i] == NULL)
            continue;
        if (old[i]->count <= bar) {
            mem_free(&old[i]);
            continue;
        }
        *find_slot(frequent, span_from(old[i]->text, old[i]->len)) = old[i];
        frequent->count++;
    }
    mem_free(&old);
}

void
frequent_add(struct frequent *frequent, struct span text)
{
    struct entry **slot;

    text.len = text.len < FREQUENT_TEXT_MAX ? text.len : FREQUENT_TEXT_MAX;
    slot = find_slot(frequent, text);
    if (*slot == NULL && frequent->count == FREQUENT_MAX) {
        forget_rare(frequent);
        slot = find_slot(frequent, text);
    }
    if (*slot == NULL) {
        *slot = mem_zalloc(sizeof(**slot) + text.len);
        (*slot)->len = text.len;
        if (text.len > 0)
            memcpy((*slot)->text, text.data, text.len);
        frequent->count++;
    }
    (*slot)->count++;
}

static bool
is_before(const struct entry *entry, const struct frequent_text *other)
{
    size_t len = entry->len < other->text.len ? entry->len : other->text.len;
    int order = len == 0 ? 0 : memcmp(entry->text, other->text.data, len);

    if (entry->count != other->count)
        return entry->count > other->count;
    return order != 0 ? order < 0 : entry->len < other->text.len;
}

size_t
frequent_list(const struct frequent *frequent, size_t max, struct frequent_text *texts_out)
{
    size_t count = 0;

    for (size_t i = 0; i < SLOTS; i++) {
        const struct entry *entry = frequent->slots[i];
        size_t at = count;

        while (entry != NULL && at > 0 && is_before(entry, &texts_out[at - 1]))
            at--;
        if (entry == NULL || at == max)
            continue;
        count += count < max ? 1 : 0;
        memmove(&texts_out[at + 1], &texts_out[at], (count - 1 - at) * sizeof(texts_out[0]));
        texts_out[at] = (struct frequent_text){span_from(entry->text, entry->len), entry->count};
    }
    return count;
}
