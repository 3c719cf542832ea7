// SPDX-License-Identifier: BSD-2-Clause
// A line each: the value of a condition ("from=...") or an edit. What compiles gives a decision
// about a message, and the same one twice; what does not says why.
#include "tests/fuzz/fuzz.h"

#include "base/mem.h"
#include "policy/decide.h"

enum { VALUES_MAX = 16 };

static void
set_values(struct rule_settings *settings, struct span line)
{
    struct span name = span_cut(&line, '=');
    const struct setting_row *row = setting_find(rule_rows, rule_row_count, name);
    struct span values[VALUES_MAX];
    size_t count = 0;

    if (row == NULL)
        return;
    while (line.data != NULL && count < VALUES_MAX)
        values[count++] = span_cut(&line, '|');
    (void)setting_parse(row, values, count, settings, NULL);
}

static void
check_decision(const struct decide_case *question)
{
    struct decision first, second;

    decide(question, &first);
    decide(question, &second);
    FUZZ_CHECK(first.group_count == 1 && second.group_count == 1);
    FUZZ_CHECK(first.groups[0].verdict == second.groups[0].verdict);
    FUZZ_CHECK(first.groups[0].verdict != VERDICT_NONE);
    FUZZ_CHECK(edit_list_equal(&first.groups[0].edits, &second.groups[0].edits));
    FUZZ_CHECK(ranges_size(&first.groups[0].rcpts) == 1);
    (void)decide_is_settled(question);
    decision_clear(&first);
    decision_clear(&second);
}

static void
decide_by(const struct rules *rules, const struct filter_settings *filters, size_t filter_count)
{
    static const char name[] = "dir/a.exe";
    struct finding_header headers[] = {
        {.name = SPAN_LITERAL("Subject"),
         .raw = SPAN_LITERAL(" money"),
         .decoded = SPAN_LITERAL("money")        },
        {.name = SPAN_LITERAL("Authentication-Results"),
         .raw = SPAN_LITERAL(" mx; dkim=pass"),
         .decoded = SPAN_LITERAL("mx; dkim=pass")},
    };
    struct span names[] = {SPAN_LITERAL(name)};
    struct finding_part parts[] = {
        {.parent = -1,      .kind = FINDING_MULTIPART, .type = SPAN_LITERAL("multipart/mixed")},
        { .depth = 1,
         .type = SPAN_LITERAL("text/plain"),
         .names = names,
         .name_count = 1,
         .is_located = true,
         .head_begin = 100,
         .body_begin = 120,
         .body_end = 200},
    };
    struct findings findings = {.len = 1000,
                                .header_len = 50,
                                .headers = headers,
                                .header_count = 2,
                                .parts = parts,
                                .part_count = 2};
    struct dissect_settings dissect;
    struct policy_settings policy;
    struct smtp_envelope envelope;
    struct result results[2];
    struct decide_case question = {.rules = rules,
                                   .policy = &policy,
                                   .dissect = &dissect,
                                   .filters = filters,
                                   .results = results,
                                   .filter_count = filter_count,
                                   .findings = &findings,
                                   .envelope = &envelope,
                                   .len = 1000,
                                   .hostname = "mx"};

    setting_defaults(dissect_rows, dissect_row_count, &dissect);
    setting_defaults(policy_rows, policy_row_count, &policy);
    envelope_init(&envelope);
    envelope.from = mem_strdup("\"a\\b\"@example.org");
    envelope.client = mem_strdup("192.0.2.1");
    envelope.helo = mem_strdup("helo.example.org");
    envelope_add_rcpt(&envelope, SPAN_LITERAL("a@example.com"), SPAN_LITERAL(""));
    for (size_t i = 0; i < filter_count; i++) {
        result_init(&results[i]);
        results[i].kind = RESULT_CLEAN;
        results[i].has_score = true;
        results[i].score = 7;
    }
    check_decision(&question);
    findings.limit = LIMIT_DEPTH;
    check_decision(&question);
    question.findings = NULL;
    results[0].kind = RESULT_PENDING;
    check_decision(&question);
    setting_clear(dissect_rows, dissect_row_count, &dissect);
    setting_clear(policy_rows, policy_row_count, &policy);
    envelope_clear(&envelope);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rest = fuzz_span(data, size);
    struct filter_settings filters[2];
    struct rule_settings settings;
    struct rules rules;
    struct err err = {.text = ""};
    size_t rule;

    rule_settings_init(&settings, "rule");
    filter_settings_init(&filters[0], "clamav");
    filters[0].type = FILTER_CLAMD;
    filter_settings_init(&filters[1], "rspamd");
    filters[1].type = FILTER_RSPAMD;
    while (rest.len > 0)
        set_values(&settings, span_cut(&rest, '\n'));
    if (rules_compile(&settings, 1, filters, 2, &rules, &rule, &err) == 0) {
        decide_by(&rules, filters, 2);
        rules_clear(&rules);
    } else {
        FUZZ_CHECK(err.kind == ERR_PERM && err.text[0] != '\0' && rule == 0);
        FUZZ_CHECK(rules.items == NULL);
    }
    rule_settings_clear(&settings);
    filter_settings_clear(&filters[0]);
    filter_settings_clear(&filters[1]);
    return 0;
}
