// SPDX-License-Identifier: BSD-2-Clause
// tests/unit/policy/kit.h - rules from a few lines of text, and a message to hold them against.
//
// A line of rules: "name: setting=value|value; setting=value". Filters: clamav and second (clamd),
// rspamd. Results are clean and findings complete until a test says otherwise.
#ifndef POSTERN_TESTS_UNIT_POLICY_KIT_H
#define POSTERN_TESTS_UNIT_POLICY_KIT_H

#include <math.h>

#include "base/mem.h"
#include "policy/decide.h"
#include "policy/rule_private.h"
#include "tests/unit/harness.h"

enum { KIT_CLAMAV, KIT_RSPAMD, KIT_SECOND, KIT_FILTERS };

enum { KIT_RULES_MAX = 24, KIT_ITEMS_MAX = 32 };

struct kit {
    struct rule_settings settings[KIT_RULES_MAX];
    size_t setting_count;
    struct rules rules;
    struct filter_settings filters[KIT_FILTERS];
    struct result results[KIT_FILTERS];
    struct policy_settings policy;
    struct dissect_settings dissect;
    struct smtp_envelope envelope;
    struct findings *findings;
    char *skip_rule; // of the case
    unsigned char memo[KIT_ITEMS_MAX];
    struct decide_case question;
};

static inline void
kit_set(struct rule_settings *settings, struct span item)
{
    struct span name = span_trim(span_cut(&item, '='));
    struct span values[KIT_ITEMS_MAX];
    const struct setting_row *row = setting_find(rule_rows, rule_row_count, name);
    struct err err;
    size_t count = 0;

    CU_ASSERT_PTR_NOT_NULL_FATAL(row);
    while (item.data != NULL && count < KIT_ITEMS_MAX)
        values[count++] = span_cut(&item, '|');
    if (setting_parse(row, values, count, settings, &err) != 0) {
        fprintf(stderr, "%s\n", err.text);
        CU_FAIL_FATAL("a setting of the test is bad");
    }
}

static inline void
kit_read(struct kit *kit, const char *text)
{
    struct span rest = span_of(text);

    while (rest.len > 0) {
        struct span line = span_cut(&rest, '\n');
        struct span title = span_trim(span_cut(&line, ':'));
        char *name = mem_strndup(title.data, title.len);
        struct rule_settings *settings = &kit->settings[kit->setting_count++];

        CU_ASSERT_FATAL(kit->setting_count < KIT_RULES_MAX);
        rule_settings_init(settings, name);
        mem_free(&name);
        while (line.len > 0)
            kit_set(settings, span_trim(span_cut(&line, ';')));
    }
}

static inline int
kit_compile(struct kit *kit, size_t *rule_out, struct err *err)
{
    return rules_compile(kit->settings, kit->setting_count, kit->filters, KIT_FILTERS, &kit->rules,
                         rule_out, err);
}

// Without rules compiled.
static inline void
kit_begin(struct kit *kit)
{
    static const char *const names[KIT_FILTERS] = {"clamav", "rspamd", "second"};

    memset(kit, 0, sizeof(*kit));
    for (size_t i = 0; i < KIT_FILTERS; i++) {
        filter_settings_init(&kit->filters[i], names[i]);
        kit->filters[i].type = i == KIT_RSPAMD ? FILTER_RSPAMD : FILTER_CLAMD;
        result_init(&kit->results[i]);
        kit->results[i].kind = RESULT_CLEAN;
    }
    setting_defaults(policy_rows, policy_row_count, &kit->policy);
    setting_defaults(dissect_rows, dissect_row_count, &kit->dissect);
    envelope_init(&kit->envelope);
    kit->envelope.from = mem_strdup("sender@example.org");
    kit->envelope.from_params = mem_strdup("");
    kit->envelope.client = mem_strdup("127.0.0.1");
    kit->envelope.helo = mem_strdup("mx.example.com");
    kit->findings = findings_new();
    kit->findings->len = 1000;
    kit->findings->header_len = 100;
    kit->question = (struct decide_case){
        .rules = &kit->rules,
        .policy = &kit->policy,
        .dissect = &kit->dissect,
        .filters = kit->filters,
        .results = kit->results,
        .filter_count = KIT_FILTERS,
        .findings = kit->findings,
        .envelope = &kit->envelope,
        .len = 1000,
        .hostname = "mx.example.com",
    };
}

static inline void
kit_rcpt(struct kit *kit, const char *path)
{
    envelope_add_rcpt(&kit->envelope, span_of(path), span_of(""));
}

// With rules, and one recipient: a@example.com.
static inline void
kit_init(struct kit *kit, const char *rules)
{
    struct err err = {.text = ""};
    size_t rule;
    int result;

    kit_begin(kit);
    kit_read(kit, rules);
    result = kit_compile(kit, &rule, &err);
    if (result != 0)
        fprintf(stderr, "rules: %s\n", err.text);
    CU_ASSERT_FATAL(result == 0);
    kit_rcpt(kit, "a@example.com");
}

static inline void
kit_from(struct kit *kit, const char *path)
{
    mem_free(&kit->envelope.from);
    kit->envelope.from = mem_strdup(path);
}

static inline void
kit_virus(struct kit *kit, size_t filter, const char *name)
{
    kit->results[filter].kind = RESULT_HIT;
    kit->results[filter].is_virus = true;
    result_add_name(&kit->results[filter], span_of(name));
}

static inline void
kit_score(struct kit *kit, double score)
{
    kit->results[KIT_RSPAMD].has_score = true;
    kit->results[KIT_RSPAMD].score = score;
}

static inline void
kit_header(struct kit *kit, const char *name, const char *value)
{
    struct findings *findings = kit->findings;

    if (findings->headers == NULL)
        findings->headers =
            arena_array(&findings->arena, KIT_ITEMS_MAX, sizeof(findings->headers[0]));
    CU_ASSERT_FATAL(findings->header_count < KIT_ITEMS_MAX);
    findings->headers[findings->header_count++] =
        (struct finding_header){.name = arena_copy(&findings->arena, span_of(name)),
                                .raw = arena_copy(&findings->arena, span_of(value)),
                                .decoded = arena_copy(&findings->arena, span_of(value))};
}

// A leaf at [begin, end) of the message, below the first part (the message itself, made here).
static inline struct finding_part *
kit_part(struct kit *kit, const char *name, uint64_t begin, uint64_t end)
{
    struct findings *findings = kit->findings;
    struct finding_part *part;

    if (findings->parts == NULL) {
        findings->parts = arena_array(&findings->arena, KIT_ITEMS_MAX, sizeof(findings->parts[0]));
        findings->parts[findings->part_count++] =
            (struct finding_part){.parent = -1,
                                  .kind = FINDING_MULTIPART,
                                  .type = SPAN_LITERAL("multipart/mixed"),
                                  .is_located = true,
                                  .body_begin = findings->header_len,
                                  .body_end = findings->len};
    }
    CU_ASSERT_FATAL(findings->part_count < KIT_ITEMS_MAX);
    part = &findings->parts[findings->part_count++];
    *part = (struct finding_part){.depth = 1,
                                  .type = SPAN_LITERAL("application/octet-stream"),
                                  .is_located = true,
                                  .head_begin = begin,
                                  .body_begin = begin,
                                  .body_end = end};
    if (name != NULL) {
        part->names = arena_array(&findings->arena, 1, sizeof(part->names[0]));
        part->names[0] = arena_copy(&findings->arena, span_of(name));
        part->name_count = 1;
    }
    return part;
}

static inline struct finding_member *
kit_member(struct kit *kit, uint32_t part, const char *name)
{
    struct findings *findings = kit->findings;

    if (findings->members == NULL)
        findings->members =
            arena_array(&findings->arena, KIT_ITEMS_MAX, sizeof(findings->members[0]));
    CU_ASSERT_FATAL(findings->member_count < KIT_ITEMS_MAX);
    findings->members[findings->member_count] = (struct finding_member){
        .part = part, .level = 1, .name = arena_copy(&findings->arena, span_of(name))};
    return &findings->members[findings->member_count++];
}

static inline void
kit_mark(struct kit *kit, enum finding_defect defect)
{
    struct findings *findings = kit->findings;

    findings->marks = arena_array(&findings->arena, 1, sizeof(findings->marks[0]));
    findings->marks[0] = (struct finding_mark){.defect = defect, .count = 1};
    findings->mark_count = 1;
}

static inline void
kit_hit(struct kit *kit, uint32_t pattern, uint32_t rcpt)
{
    struct findings *findings = kit->findings;

    if (findings->hits == NULL)
        findings->hits = arena_array(&findings->arena, KIT_ITEMS_MAX, sizeof(findings->hits[0]));
    findings->hits[findings->hit_count++] = (struct finding_hit){pattern, rcpt};
}

static inline void
kit_clear(struct kit *kit)
{
    rules_clear(&kit->rules);
    for (size_t i = 0; i < kit->setting_count; i++)
        rule_settings_clear(&kit->settings[i]);
    for (size_t i = 0; i < KIT_FILTERS; i++) {
        filter_settings_clear(&kit->filters[i]);
        result_clear(&kit->results[i]);
    }
    setting_clear(policy_rows, policy_row_count, &kit->policy);
    setting_clear(dissect_rows, dissect_row_count, &kit->dissect);
    envelope_clear(&kit->envelope);
    findings_free(&kit->findings);
    mem_free(&kit->skip_rule);
}

#endif
