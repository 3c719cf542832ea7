// SPDX-License-Identifier: BSD-2-Clause
// Conditions on what filters said.
#include "policy/evidence.h"

#include <math.h>

#include "base/glob.h"

static bool
could_tell(enum result_kind kind)
{
    return kind == RESULT_CLEAN || kind == RESULT_HIT || kind == RESULT_SKIPPED;
}

enum result_kind
evidence_result_kind(const struct evidence *evidence, size_t filter)
{
    const struct result *results = evidence->question->results;
    enum result_kind kind = results == NULL ? RESULT_PENDING : results[filter].kind;

    return kind == RESULT_PENDING && !evidence->is_settling ? RESULT_FAILED : kind;
}

double
evidence_score(const struct evidence *evidence)
{
    const struct decide_case *question = evidence->question;
    double highest = NAN;

    for (size_t i = 0; question->results != NULL && i < question->filter_count; i++) {
        const struct result *result = &question->results[i];

        if (result->has_score && (isnan(highest) || result->score > highest))
            highest = result->score;
    }
    return highest;
}

size_t
evidence_virus(const struct evidence *evidence)
{
    const struct decide_case *question = evidence->question;

    for (size_t i = 0; question->results != NULL && i < question->filter_count; i++) {
        if (question->results[i].is_virus)
            return i;
    }
    return SIZE_MAX;
}

static bool
has_name(const struct result *result, bool want_virus, const char *glob)
{
    if (result->is_virus != want_virus)
        return false;
    // One without a name is one all the same.
    if (want_virus && result->name_count == 0)
        return glob_match(span_of(glob), SPAN_LITERAL(""));
    for (size_t i = 0; i < result->name_count; i++) {
        if (glob_match(span_of(glob), span_of(result->names[i])))
            return true;
    }
    return false;
}

struct said { // by one filter
    const struct result *result;
    enum result_kind kind; // the result's, as evidence_result_kind sees it
    uint64_t cause;
};

static struct answer
unless_silent(const struct said *said, bool is_so)
{
    return evidence_answer_or(is_so, could_tell(said->kind) ? 0 : said->cause);
}

// That it failed, was skipped or could not scan the message is known; what it would have said is
// not.
static struct answer
ask_result(const struct said *said, struct span glob)
{
    const char *action = said->result->action;
    bool is_about_silence = span_is_nocase(glob, "failed") || span_is_nocase(glob, "skipped") ||
                            span_is_nocase(glob, "unscannable");

    if (said->kind == RESULT_PENDING)
        return unless_silent(said, false);
    if (glob_match(glob, span_of(result_kind_name(said->kind))) ||
        (action != NULL && glob_match(glob, span_of(action))))
        return evidence_answer(true);
    return is_about_silence ? evidence_answer(false) : unless_silent(said, false);
}

static struct answer
ask_kind(const struct said *said, enum result_kind wanted)
{
    return said->kind == RESULT_PENDING ? unless_silent(said, false)
                                        : evidence_answer(said->kind == wanted);
}

static struct answer
ask_filter(const struct evidence *evidence, enum condition_kind kind,
           const struct condition_value *value, size_t filter)
{
    static const struct result nobody_asked = {.kind = RESULT_PENDING};
    const struct result *results = evidence->question->results;
    struct said said = {.result = results == NULL ? &nobody_asked : &results[filter],
                        .kind = evidence_result_kind(evidence, filter),
                        .cause = UINT64_C(1) << filter};

    if (kind == CONDITION_FAILED)
        return ask_kind(&said, RESULT_FAILED);
    if (kind == CONDITION_UNSCANNABLE)
        return ask_kind(&said, RESULT_UNSCANNABLE);
    if (kind == CONDITION_RESULT)
        return ask_result(&said, span_of(value->text));
    if (kind == CONDITION_SCORE)
        return unless_silent(&said, said.result->has_score &&
                                        match_range_has(&value->range, said.result->score));
    return unless_silent(&said, has_name(said.result, kind == CONDITION_VIRUS, value->text));
}

// The highest of all: those that are silent can only raise it.
static struct answer
ask_highest(const struct evidence *evidence, const struct condition_value *value, uint64_t silent)
{
    const struct match_range *range = &value->range;
    double score = evidence_score(evidence);
    bool is_above = range->is_single ? score > range->low : score >= range->high;

    if (is_above)
        return evidence_answer(false);
    if (silent != 0 && score >= range->low && !range->is_single && isinf(range->high))
        return evidence_answer(true);
    if (silent != 0)
        return evidence_answer_or(false, silent);
    return evidence_answer(match_range_has(range, score));
}

static struct answer
ask_dissect(const struct evidence *evidence)
{
    const struct findings *findings = evidence->question->findings;

    if (findings == NULL)
        return evidence_answer_or(false, UINT64_C(1) << CONDITION_DISSECT);
    return evidence_answer(findings->limit != LIMIT_NONE);
}

// Bits of the filters that could tell of the condition, but did not.
static uint64_t
silent_ones(const struct evidence *evidence, enum condition_kind kind)
{
    const struct decide_case *question = evidence->question;
    uint64_t silent = 0;

    for (size_t i = 0; i < question->filter_count; i++) {
        if (condition_is_told_by(kind, question->filters[i].type) &&
            !could_tell(evidence_result_kind(evidence, i)))
            silent |= UINT64_C(1) << i;
    }
    return silent;
}

struct answer
evidence_results_ask(const struct evidence *evidence, enum condition_kind kind,
                     const struct condition_value *value)
{
    const struct decide_case *question = evidence->question;
    struct answer sum = {.kind = ANSWER_NO};

    if (value->filter == CONDITION_DISSECT)
        return ask_dissect(evidence);
    if (value->filter != CONDITION_ANY)
        return ask_filter(evidence, kind, value, value->filter);
    if (kind == CONDITION_SCORE)
        return ask_highest(evidence, value, silent_ones(evidence, kind));
    if (kind == CONDITION_UNSCANNABLE && question->findings != NULL)
        sum = ask_dissect(evidence);
    for (size_t i = 0; i < question->filter_count && sum.kind != ANSWER_YES; i++) {
        struct answer answer = {.kind = ANSWER_NO};

        if (condition_is_told_by(kind, question->filters[i].type))
            answer = ask_filter(evidence, kind, value, i);
        if (answer.kind != ANSWER_NO)
            sum = (struct answer){answer.kind, sum.causes | answer.causes};
    }
    return sum;
}
