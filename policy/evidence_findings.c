// SPDX-License-Identifier: BSD-2-Clause
// Conditions on what a dissector found.
#include "policy/evidence.h"

#include "base/glob.h"

static bool
has_field(const struct findings *findings, const char *name_glob, const char *value_glob)
{
    for (size_t i = 0; i < findings->header_count; i++) {
        const struct finding_header *header = &findings->headers[i];

        if (glob_match(span_of(name_glob), header->name) &&
            glob_match(span_of(value_glob), span_trim(header->decoded)))
            return true;
    }
    return false;
}

static bool
has_type(const struct findings *findings, struct span glob)
{
    for (size_t i = 0; i < findings->part_count; i++) {
        if (glob_match(glob, findings->parts[i].type) ||
            glob_match(glob, findings->parts[i].sniffed))
            return true;
    }
    for (size_t i = 0; i < findings->member_count; i++) {
        if (glob_match(glob, findings->members[i].sniffed))
            return true;
    }
    return false;
}

static bool
has_file_name(const struct findings *findings, struct span glob)
{
    for (size_t i = 0; i < findings->part_count; i++) {
        const struct finding_part *part = &findings->parts[i];

        for (size_t n = 0; n < part->name_count; n++) {
            if (match_file_name(glob, part->names[n]))
                return true;
        }
    }
    for (size_t i = 0; i < findings->member_count; i++) {
        if (match_file_name(glob, findings->members[i].name))
            return true;
    }
    return false;
}

static bool
has_defect(const struct findings *findings, int defect)
{
    if (defect == DEFECT_COUNT)
        return findings->mark_count > 0;
    if (defect == DEFECT_AMBIGUOUS)
        return findings_is_ambiguous(findings);
    return findings_has_defect(findings, (enum finding_defect)defect);
}

static bool
has_finding(const struct evidence *evidence, enum condition_kind kind,
            const struct condition_value *value)
{
    const struct findings *findings = evidence->question->findings;

    if (kind == CONDITION_ENCRYPTED)
        return findings_is_encrypted(findings);
    if (kind == CONDITION_DEFECT)
        return has_defect(findings, value->defect);
    if (kind == CONDITION_AUTH)
        return authres_has(&evidence->authres, span_of(value->name), span_of(value->text));
    if (kind == CONDITION_HEADER)
        return has_field(findings, value->name, value->text);
    if (kind == CONDITION_SUBJECT)
        return has_field(findings, "Subject", value->text);
    if (kind == CONDITION_MIME_TYPE)
        return has_type(findings, span_of(value->text));
    return has_file_name(findings, span_of(value->text));
}

// What is there is there; what is not may lie beyond the limit that ended the look.
struct answer
evidence_findings_ask(const struct evidence *evidence, enum condition_kind kind,
                      const struct condition_value *value)
{
    const struct findings *findings = evidence->question->findings;
    uint64_t blind = UINT64_C(1) << CONDITION_DISSECT;
    bool is_so;

    if (findings == NULL)
        return evidence_answer_or(false, blind);
    is_so = has_finding(evidence, kind, value);
    if (value->form == FORM_NO && (is_so || findings->limit == LIMIT_NONE))
        return evidence_answer(!is_so);
    return evidence_answer_or(is_so, findings->limit == LIMIT_NONE ? 0 : blind);
}

bool
evidence_is_list(const struct evidence *evidence)
{
    const struct findings *findings = evidence->question->findings;

    if (match_is_list_sender(span_of(evidence->question->envelope->from)))
        return true;
    return findings != NULL &&
           (has_field(findings, "List-Id", "*") || has_field(findings, "List-Post", "*") ||
            has_field(findings, "Precedence", "list") || has_field(findings, "Precedence", "bulk"));
}
