// SPDX-License-Identifier: BSD-2-Clause
#include "policy/reading.h"

#include <string.h>

#include "base/mem.h"

_Static_assert(RULES_MAX <= UINT16_MAX, "numbers of rules");

enum rule_answer_kind { RULE_UNREAD, RULE_NO, RULE_OPEN, RULE_STOP, RULE_YES };

struct rule_answer {
    enum rule_answer_kind kind;
    uint64_t causes; // STOP
};

struct reading_rule {
    bool is_used; // by the listener
    struct rule_answer answer;
};

static enum verdict
effect_of_error(int on_error)
{
    static const enum verdict effects[] = {[FILTER_ERROR_DEFER] = VERDICT_DEFER,
                                           [FILTER_ERROR_ACCEPT] = VERDICT_NONE,
                                           [FILTER_ERROR_QUARANTINE] = VERDICT_QUARANTINE,
                                           [FILTER_ERROR_RULES] = VERDICT_NONE};

    return effects[on_error];
}

static enum verdict
effect_of_unscannable(int on_unscannable)
{
    static const enum verdict effects[] = {[FILTER_UNSCANNABLE_QUARANTINE] = VERDICT_QUARANTINE,
                                           [FILTER_UNSCANNABLE_HOLD] = VERDICT_HOLD,
                                           [FILTER_UNSCANNABLE_ACCEPT] = VERDICT_NONE};

    return effects[on_unscannable];
}

static enum verdict
effect_of_dissect(const struct decide_case *question)
{
    static const enum verdict effects[] = {[DISSECT_QUARANTINE] = VERDICT_QUARANTINE,
                                           [DISSECT_HOLD] = VERDICT_HOLD,
                                           [DISSECT_ACCEPT] = VERDICT_NONE};

    if (question->findings == NULL)
        return question->look_failed || question->rules->needs_findings ? VERDICT_DEFER
                                                                        : VERDICT_NONE;
    return question->findings->limit == LIMIT_NONE ? VERDICT_NONE
                                                   : effects[question->dissect->on_unscannable];
}

static enum verdict
effect_of_filter(const struct evidence *evidence, size_t filter)
{
    const struct filter_settings *settings = &evidence->question->filters[filter];
    enum result_kind kind = evidence_result_kind(evidence, filter);

    if (kind == RESULT_FAILED)
        return effect_of_error(settings->on_error);
    return kind == RESULT_UNSCANNABLE ? effect_of_unscannable(settings->on_unscannable)
                                      : VERDICT_NONE;
}

const char *
reading_filter_rule(const struct reading *reading, size_t cause)
{
    const struct rules *rules = reading->evidence.question->rules;

    return rules->filter_rules[cause == CONDITION_DISSECT ? rules->filter_count : cause];
}

bool
reading_is_skipped(const struct reading *reading, const char *name)
{
    struct span left = span_of(reading->evidence.question->skip_rule);

    while (left.len > 0) {
        if (span_is(span_cut(&left, ','), name))
            return true;
    }
    return false;
}

static void
set_effect(struct reading *reading, size_t cause, enum verdict effect)
{
    if (reading_is_skipped(reading, reading_filter_rule(reading, cause)))
        effect = VERDICT_NONE;
    reading->effect[cause] = effect;
    if (effect != VERDICT_NONE)
        reading->stops |= UINT64_C(1) << cause;
}

static void
set_effects(struct reading *reading)
{
    const struct decide_case *question = reading->evidence.question;

    for (size_t i = 0; i < question->filter_count; i++) {
        set_effect(reading, i, effect_of_filter(&reading->evidence, i));
        if (evidence_result_kind(&reading->evidence, i) == RESULT_PENDING)
            reading->opens |= UINT64_C(1) << i;
    }
    set_effect(reading, CONDITION_DISSECT, effect_of_dissect(question));
}

static bool
is_listed(const struct setting_list *names, const char *name)
{
    char *const *items = names == NULL ? NULL : names->items;

    if (names == NULL || names->count == 0)
        return true;
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(items[i], name) == 0)
            return true;
    }
    return false;
}

void
reading_init(struct reading *reading, const struct decide_case *question, bool is_settling)
{
    const struct rules *rules = question->rules;

    *reading = (struct reading){
        .rules = mem_zarray(rules->count, sizeof(reading->rules[0])),
        .fired = mem_zarray(rules->count, sizeof(reading->fired[0])),
        .dry = mem_zarray(rules->count, sizeof(reading->dry[0])),
    };
    evidence_init(&reading->evidence, question, is_settling);
    for (size_t i = 0; i < rules->count; i++)
        reading->rules[i].is_used = is_listed(question->use_rules, rules->items[i].name);
    set_effects(reading);
}

void
reading_clear(struct reading *reading)
{
    evidence_clear(&reading->evidence);
    mem_free(&reading->rules);
    mem_free(&reading->fired);
    mem_free(&reading->dry);
}

size_t
reading_worst(const struct reading *reading, uint64_t causes)
{
    static const enum verdict order[] = {VERDICT_DEFER, VERDICT_HOLD, VERDICT_QUARANTINE};

    for (size_t k = 0; k < sizeof(order) / sizeof(order[0]); k++) {
        for (size_t i = 0; i < READING_CAUSES; i++) {
            if ((causes >> i & 1) != 0 && reading->effect[i] == order[k])
                return i;
        }
    }
    return SIZE_MAX;
}

// A condition that fails for sure outweighs one that is open, that one which stops, that the rest.
static void
weigh(struct rule_answer *sum, enum rule_answer_kind kind, uint64_t causes)
{
    if (kind < sum->kind)
        sum->kind = kind;
    sum->causes |= causes;
}

static void
weigh_answer(const struct reading *reading, struct answer answer, struct rule_answer *sum)
{
    if (answer.kind == ANSWER_YES)
        return;
    if (answer.kind == ANSWER_NO || (answer.causes & (reading->opens | reading->stops)) == 0)
        weigh(sum, RULE_NO, 0);
    else if ((answer.causes & reading->opens) != 0)
        weigh(sum, RULE_OPEN, 0);
    else
        weigh(sum, RULE_STOP, answer.causes & reading->stops);
}

static struct rule_answer
ask(const struct reading *reading, const struct rule *rule, bool about_rcpt, size_t rcpt)
{
    struct rule_answer sum = {.kind = RULE_YES};

    for (size_t i = 0; i < rule->condition_count && sum.kind != RULE_NO; i++) {
        const struct condition *condition = &rule->conditions[i];

        if ((condition->kind == CONDITION_TO) == about_rcpt)
            weigh_answer(reading, evidence_ask(&reading->evidence, condition, rcpt), &sum);
    }
    return sum;
}

// To strip only what was found before a limit would let the rest through.
static void
weigh_strip(const struct reading *reading, const struct rule *rule, struct rule_answer *sum)
{
    uint64_t blind = UINT64_C(1) << CONDITION_DISSECT;

    if (rule->strip_count > 0 && sum->kind != RULE_NO && (reading->stops & blind) != 0)
        weigh(sum, RULE_STOP, blind);
}

static struct rule_answer
answer_of(struct reading *reading, size_t index, size_t rcpt)
{
    const struct rule *rule = &reading->evidence.question->rules->items[index];
    struct reading_rule *known = &reading->rules[index];
    struct rule_answer sum, about_rcpt;

    if (known->answer.kind == RULE_UNREAD) {
        known->answer = ask(reading, rule, false, 0);
        weigh_strip(reading, rule, &known->answer);
    }
    sum = known->answer;
    if (rule->asks_rcpt && sum.kind != RULE_NO) {
        about_rcpt = ask(reading, rule, true, rcpt);
        weigh(&sum, about_rcpt.kind, about_rcpt.causes);
    }
    return sum;
}

// True: reading ends with this rule.
static bool
take_rule(struct reading *reading, size_t index, struct rule_answer answer,
          struct reading_course *course)
{
    const struct rule *rule = &reading->evidence.question->rules->items[index];

    if (answer.kind == RULE_OPEN) {
        course->stop = READ_OPEN;
        return true;
    }
    if (reading_is_skipped(reading, rule->name)) {
        course->stands_in |= answer.kind == RULE_YES && rule->asks_filters;
        return false;
    }
    if (rule->dry_run) {
        if (answer.kind == RULE_YES)
            course->dry[course->dry_count++] = (uint16_t)index;
        return false;
    }
    if (answer.kind == RULE_STOP) {
        course->stop = READ_CANNOT_TELL;
        course->cause = reading_worst(reading, answer.causes);
        return true;
    }
    course->fired[course->fired_count++] = (uint16_t)index;
    course->stop = rule->verdict == VERDICT_NONE ? READ_TO_END : READ_VERDICT;
    return rule->verdict != VERDICT_NONE;
}

void
reading_course(struct reading *reading, size_t rcpt, struct reading_course *course_out)
{
    size_t count = reading->evidence.question->rules->count;

    *course_out =
        (struct reading_course){.stop = READ_TO_END, .fired = reading->fired, .dry = reading->dry};
    for (size_t i = 0; i < count; i++) {
        struct rule_answer answer;

        if (!reading->rules[i].is_used)
            continue;
        answer = answer_of(reading, i, rcpt);
        if (answer.kind != RULE_NO && take_rule(reading, i, answer, course_out))
            return;
    }
}
