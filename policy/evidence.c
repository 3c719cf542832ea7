// SPDX-License-Identifier: BSD-2-Clause
#include "policy/evidence.h"

#include "base/glob.h"

void
evidence_init(struct evidence *evidence, const struct decide_case *question, bool is_settling)
{
    const char *authserv_id = question->policy->authserv_id;

    *evidence = (struct evidence){.question = question, .is_settling = is_settling};
    origin_init(&evidence->origin, question->envelope);
    if (question->findings == NULL)
        return;
    if (authserv_id == NULL || authserv_id[0] == '\0')
        authserv_id = question->hostname;
    authres_read(question->findings, authserv_id, &evidence->authres);
}

void
evidence_clear(struct evidence *evidence)
{
    origin_clear(&evidence->origin);
    authres_clear(&evidence->authres);
}

struct answer
evidence_answer(bool is_so)
{
    return (struct answer){.kind = is_so ? ANSWER_YES : ANSWER_NO};
}

struct answer
evidence_answer_or(bool is_so, uint64_t causes)
{
    if (is_so || causes == 0)
        return evidence_answer(is_so);
    return (struct answer){.kind = ANSWER_UNKNOWN, .causes = causes};
}

static struct answer
ask_pattern(const struct evidence *evidence, const struct condition_value *value, uint32_t rcpt)
{
    const struct findings *findings = evidence->question->findings;
    bool is_blind = findings == NULL || findings->limit != LIMIT_NONE;
    bool has_hit = findings != NULL && findings_has_hit(findings, value->pattern, rcpt);

    return evidence_answer_or(has_hit, is_blind ? UINT64_C(1) << CONDITION_DISSECT : 0);
}

static bool
has_client(const struct origin *origin, const struct condition_value *value)
{
    if (value->form == FORM_NET)
        return origin->addr.len > 0 && net_has(&value->net, &origin->addr);
    return glob_match(span_of(value->text), span_of(origin->name)) ||
           glob_match(span_of(value->text), span_of(origin->address));
}

static bool
has_envelope(const struct evidence *evidence, enum condition_kind kind,
             const struct condition_value *value, size_t rcpt)
{
    const struct smtp_envelope *envelope = evidence->question->envelope;

    if (kind == CONDITION_FROM)
        return match_address(span_of(value->text), span_of(envelope->from));
    if (kind == CONDITION_TO)
        return match_address(span_of(value->text), span_of(envelope->rcpts[rcpt].path));
    if (kind == CONDITION_CLIENT)
        return has_client(&evidence->origin, value);
    if (kind == CONDITION_HELO)
        return glob_match(span_of(value->text), span_of(evidence->origin.helo));
    // "*" is any who logged in, not everybody.
    if (kind == CONDITION_USER)
        return evidence->origin.user[0] != '\0' &&
               glob_match(span_of(value->text), span_of(evidence->origin.user));
    return match_range_has(&value->range, (double)evidence->question->len);
}

static struct answer
ask_value(const struct evidence *evidence, enum condition_kind kind,
          const struct condition_value *value, size_t rcpt)
{
    if (value->form == FORM_PATTERN)
        return ask_pattern(evidence, value,
                           kind == CONDITION_TO ? (uint32_t)rcpt : FINDING_ALL_RCPTS);
    if (kind <= CONDITION_SIZE)
        return evidence_answer(has_envelope(evidence, kind, value, rcpt));
    if (condition_asks_filters(kind))
        return evidence_results_ask(evidence, kind, value);
    return evidence_findings_ask(evidence, kind, value);
}

static struct answer
ask_values(const struct evidence *evidence, const struct condition *condition, size_t rcpt)
{
    struct answer sum = {.kind = ANSWER_NO};

    for (size_t i = 0; i < condition->count; i++) {
        const struct condition_value *value = &condition->values[i];
        struct answer answer = ask_value(evidence, condition->kind, value, rcpt);

        if (answer.kind == (value->is_negated ? ANSWER_NO : ANSWER_YES))
            return evidence_answer(true);
        if (answer.kind == ANSWER_UNKNOWN) {
            sum.kind = ANSWER_UNKNOWN;
            sum.causes |= answer.causes;
        }
    }
    return sum;
}

// Only the dissector is ever silent about what findings answer.
struct answer
evidence_ask(const struct evidence *evidence, const struct condition *condition, size_t rcpt)
{
    unsigned char *memo = evidence->question->memo;
    struct answer answer;

    if (memo == NULL || condition->memo == SIZE_MAX)
        return ask_values(evidence, condition, rcpt);
    if (memo[condition->memo] > 0) {
        answer.kind = (enum answer_kind)(memo[condition->memo] - 1);
        answer.causes = answer.kind == ANSWER_UNKNOWN ? UINT64_C(1) << CONDITION_DISSECT : 0;
        return answer;
    }
    answer = ask_values(evidence, condition, rcpt);
    memo[condition->memo] = (unsigned char)(answer.kind + 1);
    return answer;
}
