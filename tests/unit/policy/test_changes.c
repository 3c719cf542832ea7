// SPDX-License-Identifier: BSD-2-Clause
#include "policy/changes.h"

#include "tests/unit/policy/story.h"

struct changes_row {
    const char *title, *rules, *story;
    const char *expected; // edits, or "RULE: error"
};

static const struct changes_row rows[] = {
    {"none",                     "",                                           "header=Subject:x",               ""                                                         },
    {"order",
     "a: add_header=X-A: 1|X-B: 1; set_header=X-C: 1; remove_header=To|X-Q*; "
     "subject_prefix=p; strip=*.exe",                                          "header=X-A:0 header=To:x header=X-Qa:1 header=X-Qb:1 header=x-qa:2 header=X-Postern-Z:1 "
     "edit=X-F part=a.exe",                                                 " {remove X-A, remove X-Postern-Z, add X-F, remove To, remove X-Qa, remove X-Qb, set X-C, "
     "add X-A, add X-B, prefix, replace 200+100}"                                                           },
    {"remove what is not there", "a: remove_header=To|X-*",                    "header=From:x",                  ""                                                         },
    {"remove unseen",            "a: remove_header=To",                        "nolook",                         " {remove To}"                                             },
    {"remove half seen",         "a: remove_header=To|X-*; add_header=X-A: 1",
     "limit=1 header=X-B:1 "
     "on_unscannable@dissect=accept",                                                                            " {remove X-A, remove To, remove X-B, remove X-*, add X-A}"},
    {"a field with an odd name", "a: remove_header=X*",                        "header=X\xc3\xbc:1 header=Xa:1",
     " {remove Xa}"                                                                                                                                                         },
    {"two in one place",         "a: strip=*\nb: add_header=X-A: 1",           "part=a part=b",
     " {add X-A, replace 200+100}"                                                                                                                                          },
};

static void
test_rows(void)
{
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        const struct changes_row *row = &rows[i];
        struct reading_course course;
        struct reading reading;
        struct edit_list edits;
        const char *rule = NULL;
        struct buf text;
        struct kit kit;

        kit_init(&kit, row->rules);
        story_tell(&kit, row->story);
        buf_init(&text, 1 << 16);
        reading_init(&reading, &kit.question, false);
        reading_course(&reading, 0, &course);
        CU_ASSERT(changes_make(&reading, &course, &edits, &rule, NULL) == 0);
        story_edits(&edits, &text);
        UNIT_CHECK_ROW(row->title, strcmp(buf_text(&text), row->expected) == 0);
        if (strcmp(buf_text(&text), row->expected) != 0)
            fprintf(stderr, "  is%s\n", buf_text(&text));
        CU_ASSERT_PTR_NULL(rule);
        edit_list_clear(&edits);
        reading_clear(&reading);
        buf_clear(&text);
        kit_clear(&kit);
    }
}

static void
add_fields(struct kit *kit, size_t count)
{
    struct findings *findings = kit->findings;
    char name[32];

    findings->headers = arena_array(&findings->arena, count, sizeof(findings->headers[0]));
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(name, sizeof(name), "X-Postern-%zu", i);
        findings->headers[findings->header_count++] =
            (struct finding_header){.name = arena_copy(&findings->arena, span_of(name))};
    }
}

struct culprit_row {
    const char *title, *rules, *story;
    size_t fields;
    const char *expected;
};

static const struct culprit_row culprit_rows[] = {
    {"as many as may be",         "",                                     "",                             CHANGES_MAX,     "0 accept"                   },
    {"too many fields",           "",                                     "",                             CHANGES_MAX + 1, "0 quarantine filter:dissect"},
    {"far too many fields",       "",                                     "",                             100000,          "0 quarantine filter:dissect"},
    {"let go all the same",       "",                                     "skip=filter:dissect",          100000,          "0 accept"                   },
    {"too many by a rule",        "a: remove_header=*\nb: action=accept", "",                             CHANGES_MAX + 1,
     "0 quarantine a"                                                                                                                                   },
    {"an attachment that is all", "a: strip=*.exe\nb: action=accept",     "part=b.exe part=a.exe",        0,
     "0 quarantine a"                                                                                                                                   },
    {"let go with it",            "a: strip=*.exe\nb: action=accept",     "part=b.exe part=a.exe skip=a", 0,
     "0 accept b"                                                                                                                                       },
};

// What cannot be done as it was asked for is not let through; who lets it go gets past the rule
// that asked.
static void
test_culprits(void)
{
    for (size_t i = 0; i < UNIT_COUNT(culprit_rows); i++) {
        const struct culprit_row *row = &culprit_rows[i];
        struct decision decision;
        struct buf text;
        struct kit kit;

        kit_init(&kit, row->rules);
        story_tell(&kit, row->story);
        add_fields(&kit, row->fields);
        if (kit.findings->part_count > 0)
            kit.findings->parts[1].is_located = false;
        buf_init(&text, 1 << 20);
        decide(&kit.question, &decision);
        story_decision(&decision, &text);
        UNIT_CHECK_ROW(row->title,
                       strncmp(buf_text(&text), row->expected, strlen(row->expected)) == 0);
        UNIT_CHECK_ROW(row->title, decision.groups[0].verdict != VERDICT_QUARANTINE ||
                                       decision.groups[0].edits.count == 0);
        decision_clear(&decision);
        buf_clear(&text);
        kit_clear(&kit);
    }
}

static void
test_size(void)
{
    char *value = mem_zalloc(60001);
    struct decision decision;
    struct kit kit;

    memset(value, 'v', 60000);
    kit_init(&kit, "");
    for (size_t i = 0; i < 4; i++) {
        CU_ASSERT(edit_list_add(&kit.results[KIT_RSPAMD].edits, EDIT_ADD, "X-Long", span_of(value),
                                0, NULL) == 0);
        decide(&kit.question, &decision);
        CU_ASSERT((decision.groups[0].verdict == VERDICT_ACCEPT) == (i < 3));
        decision_clear(&decision);
    }
    kit_clear(&kit);
    mem_free(&value);
}

static const struct unit_test tests[] = {
    {"rows",     test_rows    },
    {"culprits", test_culprits},
    {"size",     test_size    },
};

UNIT_MAIN("policy/changes", tests)
