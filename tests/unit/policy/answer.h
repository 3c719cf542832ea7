// SPDX-License-Identifier: BSD-2-Clause
// tests/unit/policy/answer.h - what a condition answers to a story: for rows.
#ifndef POSTERN_TESTS_UNIT_POLICY_ANSWER_H
#define POSTERN_TESTS_UNIT_POLICY_ANSWER_H

#include "policy/evidence.h"
#include "tests/unit/policy/story.h"

struct answer_row {
    const char *condition; // "virus=*"
    const char *story;
    const char *expected; // "yes", "no", or who is silent: "clamav", "rspamd second", "dissect"
};

static inline void
answer_text(struct answer answer, struct buf *out)
{
    static const char *const names[] = {"clamav", "rspamd", "second"};

    if (answer.kind != ANSWER_UNKNOWN)
        buf_add_text(out, answer.kind == ANSWER_YES ? "yes" : "no");
    for (size_t i = 0; i < UNIT_COUNT(names); i++) {
        if ((answer.causes >> i & 1) != 0)
            buf_printf(out, "%s%s", out->len > 0 ? " " : "", names[i]);
    }
    if ((answer.causes >> CONDITION_DISSECT & 1) != 0)
        buf_printf(out, "%sdissect", out->len > 0 ? " " : "");
}

// The first condition of the first rule; about the kit's last recipient.
static inline void
answer_check(struct kit *kit, const struct answer_row *row, bool is_settling)
{
    struct evidence evidence;
    struct buf text;

    story_tell(kit, row->story);
    kit->question.memo = kit->memo;
    evidence_init(&evidence, &kit->question, is_settling);
    buf_init(&text, 1024);
    (void)evidence_ask(&evidence, &kit->rules.items[0].conditions[0], kit->envelope.rcpt_count - 1);
    answer_text(
        evidence_ask(&evidence, &kit->rules.items[0].conditions[0], kit->envelope.rcpt_count - 1),
        &text);
    UNIT_CHECK_ROW(row->condition, strcmp(buf_text(&text), row->expected) == 0);
    if (strcmp(buf_text(&text), row->expected) != 0)
        fprintf(stderr, "  story \"%s\": is %s, expected %s\n", row->story, buf_text(&text),
                row->expected);
    evidence_clear(&evidence);
    buf_clear(&text);
}

static inline void
answer_begin(struct kit *kit, const struct answer_row *row)
{
    char *rules = mem_printf("x: action=hold; %s", row->condition);

    kit_init(kit, rules);
    mem_free(&rules);
}

static inline void
answer_check_all(const struct answer_row *rows, size_t count, bool is_settling)
{
    for (size_t i = 0; i < count; i++) {
        struct kit kit;

        answer_begin(&kit, &rows[i]);
        answer_check(&kit, &rows[i], is_settling);
        kit_clear(&kit);
    }
}

#endif
