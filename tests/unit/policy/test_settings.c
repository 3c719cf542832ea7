// SPDX-License-Identifier: BSD-2-Clause
#include "policy/settings.h"

#include "base/mem.h"
#include "policy/match.h"
#include "tests/unit/harness.h"

static void
test_rule_defaults(void)
{
    struct rule_settings rule;
    const char *base = (const char *)&rule;

    rule_settings_init(&rule, "spam");
    CU_ASSERT_STRING_EQUAL(rule.name, "spam");
    for (size_t i = 0; i < rule_row_count; i++) {
        const struct setting_row *row = &rule_rows[i];

        UNIT_CHECK_ROW(row->name, setting_is_default(row, &rule));
        UNIT_CHECK_ROW(
            row->name,
            row->type != SETTING_TEXTS ||
                ((const struct setting_list *)(const void *)(base + row->offset))->count == 0);
        UNIT_CHECK_ROW(row->name,
                       row->type != SETTING_TEXT ||
                           (*(char *const *)(const void *)(base + row->offset))[0] == '\0');
    }
    CU_ASSERT(!rule.dry_run);
    rule_settings_clear(&rule);
    CU_ASSERT_PTR_NULL(rule.name);
}

// Each row of a list is another member.
static void
test_rule_lists(void)
{
    struct rule_settings rule;
    struct span values[2] = {SPAN_LITERAL("a"), SPAN_LITERAL("b")};
    struct err err;

    rule_settings_init(&rule, "x");
    for (size_t i = 0; i < rule_row_count; i++) {
        const struct setting_row *row = &rule_rows[i];
        const struct setting_list *list = (const void *)((const char *)&rule + row->offset);

        if (row->type != SETTING_TEXTS)
            continue;
        UNIT_CHECK_ROW(row->name, list->count == 0);
        UNIT_CHECK_ROW(row->name, setting_parse(row, values, 2, &rule, &err) == 0);
        UNIT_CHECK_ROW(row->name, list->count == 2 && strcmp(((char **)list->items)[1], "b") == 0);
    }
    rule_settings_clear(&rule);
}

static void
test_policy_defaults(void)
{
    struct policy_settings policy;
    double score = 0;

    setting_defaults(policy_rows, policy_row_count, &policy);
    CU_ASSERT(policy.deadline == 120000);
    CU_ASSERT_STRING_EQUAL(policy.authserv_id, "");
    CU_ASSERT(match_number_parse(span_of(policy.bounce_max_score), &score) == 0);
    CU_ASSERT(score > 9.9 && score < 10.1);
    setting_clear(policy_rows, policy_row_count, &policy);
}

struct bound_row {
    const char *name, *value;
    int result;
};

static const struct bound_row bound_rows[] = {
    {"deadline",         "1s",    0 },
    {"deadline",         "999ms", -1},
    {"deadline",         "590s",  0 },
    {"deadline",         "591s",  -1},
    {"bounce_max_score", "",      -1},
    {"bounce_max_score", "5.5",   0 },
};

static void
test_policy_bounds(void)
{
    struct policy_settings policy;

    setting_defaults(policy_rows, policy_row_count, &policy);
    for (size_t i = 0; i < UNIT_COUNT(bound_rows); i++) {
        const struct bound_row *row = &bound_rows[i];
        struct span value = span_of(row->value);
        const struct setting_row *setting =
            setting_find(policy_rows, policy_row_count, span_of(row->name));
        struct err err;

        CU_ASSERT_PTR_NOT_NULL_FATAL(setting);
        UNIT_CHECK_ROW(row->value, setting_parse(setting, &value, 1, &policy, &err) == row->result);
    }
    setting_clear(policy_rows, policy_row_count, &policy);
}

struct score_row {
    const char *score;
    int result;
};

static const struct score_row score_rows[] = {
    {"10",   0 },
    {"-1.5", 0 },
    {"0",    0 },
    {"ten",  -1},
    {"10..", -1},
    {"inf",  -1},
};

static void
test_policy_check(void)
{
    struct policy_settings policy;

    setting_defaults(policy_rows, policy_row_count, &policy);
    CU_ASSERT(policy_settings_check(&policy, NULL) == 0);
    for (size_t i = 0; i < UNIT_COUNT(score_rows); i++) {
        struct err err = {.text = ""};

        mem_free(&policy.bounce_max_score);
        policy.bounce_max_score = mem_strdup(score_rows[i].score);
        UNIT_CHECK_ROW(score_rows[i].score,
                       policy_settings_check(&policy, &err) == score_rows[i].result);
        UNIT_CHECK_ROW(score_rows[i].score,
                       score_rows[i].result == 0 || strstr(err.text, "bounce_max_score:") != NULL);
    }
    setting_clear(policy_rows, policy_row_count, &policy);
}

static const struct unit_test tests[] = {
    {"rule defaults",   test_rule_defaults  },
    {"rule lists",      test_rule_lists     },
    {"policy defaults", test_policy_defaults},
    {"policy bounds",   test_policy_bounds  },
    {"policy check",    test_policy_check   },
};

UNIT_MAIN("policy/settings", tests)
