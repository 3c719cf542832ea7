// SPDX-License-Identifier: BSD-2-Clause
#include "policy/ending.h"

#include <math.h>

#include "base/mem.h"

// Peers' words, and the jail's: escaped and cut.
static char *
reason_of(const char *who, struct span why)
{
    struct buf text;
    char *reason;

    buf_init(&text, ENDING_REASON_MAX);
    if (who != NULL)
        str_escape(&text, span_of(who), NULL, ENDING_REASON_MAX / 2);
    if (who != NULL && why.len > 0)
        buf_add_text(&text, ": ");
    str_escape(&text, why, NULL, ENDING_REASON_MAX);
    reason = mem_strndup(text.data, text.len);
    buf_clear(&text);
    return reason;
}

static const struct decide_case *
case_of(const struct reading *reading)
{
    return reading->evidence.question;
}

static void
end_for_virus(const struct reading *reading, size_t filter, struct ending *ending)
{
    const struct result *result = &case_of(reading)->results[filter];

    ending->verdict = VERDICT_QUARANTINE;
    ending->rule = reading_filter_rule(reading, filter);
    ending->reason = reason_of(NULL, result->name_count > 0 ? span_of(result->names[0])
                                                            : SPAN_LITERAL("a virus"));
}

static struct span
why_silent(const struct reading *reading, size_t cause)
{
    const struct decide_case *question = case_of(reading);
    const char *reason;

    if (cause == CONDITION_DISSECT)
        return question->findings != NULL ? question->findings->limit_text
                                          : SPAN_LITERAL("nobody could look into it");
    reason = question->results == NULL ? NULL : question->results[cause].reason;
    return reason != NULL ? span_of(reason) : SPAN_LITERAL("not asked");
}

static void
end_for_silence(const struct reading *reading, size_t cause, struct ending *ending)
{
    const struct filter_settings *filters = case_of(reading)->filters;

    ending->verdict = reading->effect[cause];
    ending->rule = reading_filter_rule(reading, cause);
    ending->reason = reason_of(cause == CONDITION_DISSECT ? "dissect" : filters[cause].name,
                               why_silent(reading, cause));
}

static void
end_for_wish(const struct reading *reading, size_t filter, struct ending *ending)
{
    static const enum verdict verdicts[] = {[WISH_NONE] = VERDICT_NONE,
                                            [WISH_ACCEPT] = VERDICT_NONE,
                                            [WISH_REJECT] = VERDICT_REJECT,
                                            [WISH_DEFER] = VERDICT_DEFER,
                                            [WISH_QUARANTINE] = VERDICT_QUARANTINE,
                                            [WISH_DISCARD] = VERDICT_DISCARD};
    const struct result *result = &case_of(reading)->results[filter];
    const char *why = result->reply != NULL ? result->reply : result->action;

    ending->verdict = verdicts[result->wish];
    ending->rule = reading_filter_rule(reading, filter);
    ending->reason = reason_of(case_of(reading)->filters[filter].name, span_of(why));
}

// The first filter with the most severe wish; SIZE_MAX: none has one.
static size_t
find_wish(const struct reading *reading)
{
    static const enum result_wish order[] = {WISH_REJECT, WISH_DISCARD, WISH_QUARANTINE,
                                             WISH_DEFER};
    const struct decide_case *question = case_of(reading);

    for (size_t k = 0; question->results != NULL && k < sizeof(order) / sizeof(order[0]); k++) {
        for (size_t i = 0; i < question->filter_count; i++) {
            if (question->results[i].wish == order[k] &&
                !reading_is_skipped(reading, reading_filter_rule(reading, i)))
                return i;
        }
    }
    return SIZE_MAX;
}

// The operator let it go in spite of what filters said: then only who did not answer still counts.
static uint64_t
silent_at_end(const struct reading *reading, bool stands_in)
{
    uint64_t causes = reading->stops;

    for (size_t i = 0; stands_in && i < READING_CAUSES; i++) {
        if (reading->effect[i] != VERDICT_DEFER)
            causes &= ~(UINT64_C(1) << i);
    }
    return causes;
}

static void
end_without_rule(const struct reading *reading, bool stands_in, struct ending *ending)
{
    size_t virus = evidence_virus(&reading->evidence);
    size_t wish = find_wish(reading);
    size_t silent = reading_worst(reading, silent_at_end(reading, stands_in));

    ending->verdict = VERDICT_ACCEPT;
    if (virus != SIZE_MAX && !stands_in &&
        !reading_is_skipped(reading, reading_filter_rule(reading, virus)))
        end_for_virus(reading, virus, ending);
    else if (wish != SIZE_MAX && !stands_in)
        end_for_wish(reading, wish, ending);
    else if (silent != SIZE_MAX)
        end_for_silence(reading, silent, ending);
}

static bool
is_barred(const struct reading *reading)
{
    const struct evidence *evidence = &reading->evidence;
    double score = evidence_score(evidence);
    double limit;

    if (match_number_parse(span_of(case_of(reading)->policy->bounce_max_score), &limit) != 0)
        limit = -INFINITY;
    return span_of(case_of(reading)->envelope->from).len == 0 ||
           evidence_virus(evidence) != SIZE_MAX || score > limit || evidence_is_list(evidence);
}

static void
end_by_rule(const struct reading *reading, const struct reading_course *course,
            struct ending *ending)
{
    const struct rule *rule =
        &case_of(reading)->rules->items[course->fired[course->fired_count - 1]];

    ending->verdict = rule->verdict;
    ending->rule = rule->name;
    ending->reason = mem_strdup(rule->reason);
    ending->to = rule->to;
}

void
ending_of(const struct reading *reading, const struct reading_course *course,
          struct ending *ending_out)
{
    *ending_out = (struct ending){.verdict = VERDICT_NONE};
    if (course->stop == READ_VERDICT)
        end_by_rule(reading, course, ending_out);
    else if (course->stop == READ_CANNOT_TELL)
        end_for_silence(reading, course->cause, ending_out);
    else
        end_without_rule(reading, course->stands_in, ending_out);
    if (ending_out->verdict == VERDICT_REJECT && is_barred(reading)) {
        ending_out->verdict = VERDICT_QUARANTINE;
        ending_out->is_rejected = true;
    }
}

void
ending_clear(struct ending *ending)
{
    mem_free(&ending->reason);
}

bool
ending_keeps_edits(enum verdict verdict)
{
    return verdict == VERDICT_ACCEPT || verdict == VERDICT_REDIRECT || verdict == VERDICT_HOLD;
}

// Is a filter pending that could tell of this? Scanners for viruses alone change nothing.
static bool
awaits(const struct reading *reading, enum condition_kind kind)
{
    const struct decide_case *question = case_of(reading);

    for (size_t i = 0; i < question->filter_count; i++) {
        if ((reading->opens >> i & 1) != 0 && condition_is_told_by(kind, question->filters[i].type))
            return true;
    }
    return false;
}

bool
ending_is_settled(const struct reading *reading, const struct reading_course *course)
{
    const struct rule *rule;

    if (reading->opens == 0 || course->stop == READ_CANNOT_TELL)
        return true;
    if (course->stop != READ_VERDICT)
        return false;
    rule = &case_of(reading)->rules->items[course->fired[course->fired_count - 1]];
    if (ending_keeps_edits(rule->verdict))
        return !awaits(reading, CONDITION_SYMBOL);
    return rule->verdict != VERDICT_REJECT || is_barred(reading) ||
           !(awaits(reading, CONDITION_SCORE) || awaits(reading, CONDITION_VIRUS));
}
