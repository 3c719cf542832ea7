// SPDX-License-Identifier: BSD-2-Clause
#include "spool/ids.h"

#include <assert.h>
#include <string.h>

#include "base/digest.h"

static size_t
head_of(const char *id)
{
    return (size_t)(digest_sum64(span_of(id), 0) % IDS_HEADS);
}

void
ids_add(struct ids *ids, struct ids_member *member, const char *id, void *owner)
{
    size_t head = head_of(id);

    assert(member->id == NULL);
    member->id = id;
    member->owner = owner;
    member->next = ids->heads[head];
    ids->heads[head] = member;
    ids->count++;
}

void
ids_remove(struct ids *ids, struct ids_member *member)
{
    struct ids_member **link;

    if (member->id == NULL)
        return;
    link = &ids->heads[head_of(member->id)];
    while (*link != member) {
        assert(*link != NULL);
        link = &(*link)->next;
    }
    *link = member->next;
    member->id = NULL;
    ids->count--;
}

const struct ids_member *
ids_find(const struct ids *ids, const char *id)
{
    const struct ids_member *member = ids->heads[head_of(id)];

    while (member != NULL && strcmp(member->id, id) != 0)
        member = member->next;
    return member;
}
