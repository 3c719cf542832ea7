// SPDX-License-Identifier: BSD-2-Clause
#include "spool/state_decided.h"

#include <string.h>

#include "base/mem.h"
#include "smtp/xtext.h"

static char **
get_texts(const struct journal_line *line, const char *key, size_t *count_out)
{
    char **texts = NULL;
    size_t count = 0;

    for (size_t i = 0; i < line->field_count; i++)
        count += span_is(line->fields[i].key, key) ? 1 : 0;
    *count_out = 0;
    if (count == 0)
        return NULL;
    texts = mem_zarray(count, sizeof(texts[0]));
    for (size_t i = 0; i < line->field_count; i++) {
        if (span_is(line->fields[i].key, key))
            texts[(*count_out)++] = journal_decode(line->fields[i].value, JOURNAL_LINE_MAX);
    }
    return texts;
}

// A power of two, so that growing one by one costs no more than its end.
static size_t
group_room(size_t count)
{
    size_t room = 4;

    while (room < count)
        room *= 2;
    return room;
}

// The place of group number, which no line has decided yet; NULL if there is none such.
static struct decided_group *
make_group(struct spool_state *state, uint64_t number)
{
    size_t count = state->group_count;
    size_t room = group_room(number + 1);

    if (number < count)
        return state->groups[number].verdict == VERDICT_NONE ? &state->groups[number] : NULL;
    // A line in between may be damaged: then its group is one of nobody.
    if (count == 0 || room > group_room(count))
        state->groups = mem_regrow(state->groups, room, sizeof(state->groups[0]));
    memset(&state->groups[count], 0, (number + 1 - count) * sizeof(state->groups[0]));
    state->group_count = number + 1;
    return &state->groups[number];
}

bool
state_decided_apply(struct spool_state *state, const struct journal_line *line)
{
    enum verdict verdict = verdict_find(journal_get(line, "verdict"));
    struct decided_group *group;
    struct ranges_walk walk;
    size_t size = ranges_walk_init(&walk, journal_get(line, "r"), state->rcpt_count);
    size_t to_count = 0;
    uint64_t number;
    bool fits = true;

    for (size_t i = 0; i < line->field_count; i++) {
        to_count += span_is(line->fields[i].key, "to") ? 1 : 0;
        fits = fits && xtext_is_valid(line->fields[i].value);
    }
    // With fewer or more addresses than recipients somebody's mail would go to somebody else.
    if (!fits || verdict == VERDICT_NONE || size == 0 || (to_count > 0 && to_count != size) ||
        str_parse_u64(journal_get(line, "g"), STATE_GROUPS_MAX - 1, &number) != 0)
        return false;
    group = make_group(state, number);
    if (group == NULL)
        return false;
    *group =
        (struct decided_group){.verdict = verdict,
                               .rule = journal_get_text(line, "rule", STATE_TEXT_MAX),
                               .reason = journal_get_text(line, "reason", STATE_TEXT_MAX),
                               .received = journal_get_text(line, "received", JOURNAL_LINE_MAX),
                               .from = journal_get_text(line, "from", JOURNAL_LINE_MAX)};
    group->to = get_texts(line, "to", &group->to_count);
    group->edits = get_texts(line, "edit", &group->edit_count);
    for (size_t i = 0; ranges_walk_next(&walk); i++) {
        struct rcpt_state *rcpt = &state->rcpts[walk.number];

        if (state_rcpt_is_retired(rcpt)) {
            fits = false;
            continue;
        }
        rcpt->group = (int)number;
        rcpt->at_ms = line->time_ms;
        rcpt->to = i < group->to_count ? group->to[i] : NULL;
        state->unheld = state->unheld && verdict != VERDICT_HOLD;
    }
    return fits;
}
