// SPDX-License-Identifier: BSD-2-Clause
#include "policy/evidence.h"

#include "tests/unit/policy/answer.h"

static const struct answer_row rows[] = {
    {"from=*@example.org",      "",                       "yes"    },
    {"from=.example.org",       "from=a@sub.example.org", "yes"    },
    {"from=.example.org",       "from=a@example.org",     "no"     },
    {"from=<>",                 "from=<>",                "yes"    },
    {"from=!<>",                "from=<>",                "no"     },
    {"from=a@*|!*@example.org", "",                       "no"     },
    {"to=b@*",                  "to=b@example.com",       "yes"    },
    {"to=a@*",                  "to=b@example.com",       "no"     },
    {"client=127.0.0.0/8",      "",                       "yes"    },
    {"client=10.0.0.0/8|::1",   "",                       "no"     },
    {"client=!10.0.0.0/8",      "",                       "yes"    },
    {"client=127.0.*",          "",                       "yes"    },
    {"client=*.example.com",    "",                       "no"     },
    {"helo=mx.*",               "",                       "yes"    },
    {"helo=!mx.*",              "",                       "no"     },
    {"user=*",                  "",                       "no"     },
    {"user=!*",                 "",                       "yes"    },
    {"size=1000",               "",                       "yes"    },
    {"size=1K..",               "",                       "no"     },
    {"size=..1K",               "",                       "yes"    },
    {"from=/x/",                "",                       "no"     },
    {"from=/x/",                "hit=0",                  "yes"    },
    {"from=!/x/",               "hit=0",                  "no"     },
    {"from=!/x/",               "hit=1",                  "yes"    },
    {"from=/x/",                "limit=12",               "dissect"},
    {"from=!/x/",               "limit=12",               "dissect"},
    {"from=!/x/",               "limit=12 hit=0",         "no"     },
    {"from=/x/",                "nolook",                 "dissect"},
    {"from=/x/|*@example.org",  "nolook",                 "yes"    },
};

static void
test_rows(void)
{
    answer_check_all(rows, UNIT_COUNT(rows), false);
}

static void
test_user(void)
{
    static const struct {
        const char *rule;
        bool is_so;
    } users[] = {
        {"x: user=*; action=hold",          true },
        {"x: user=!*; action=hold",         false},
        {"x: user=joe@*; action=hold",      true },
        {"x: user=other@*|a; action=hold",  false},
        {"x: user=!other@*|a; action=hold", true },
    };

    for (size_t i = 0; i < UNIT_COUNT(users); i++) {
        struct evidence evidence;
        struct answer answer;
        struct kit kit;

        kit_init(&kit, users[i].rule);
        mem_free(&kit.envelope.from_params);
        kit.envelope.from_params = mem_strdup("AUTH=joe@example.org");
        evidence_init(&evidence, &kit.question, false);
        answer = evidence_ask(&evidence, &kit.rules.items[0].conditions[0], 0);
        UNIT_CHECK_ROW(users[i].rule, (answer.kind == ANSWER_YES) == users[i].is_so);
        evidence_clear(&evidence);
        kit_clear(&kit);
    }
}

// Hits about one recipient count for that one.
static void
test_rcpt_hits(void)
{
    struct evidence evidence;
    struct kit kit;

    kit_init(&kit, "x: to=/a/|/b/; action=hold");
    kit_rcpt(&kit, "b@example.com");
    kit_rcpt(&kit, "c@example.com");
    kit_hit(&kit, 0, 0);
    kit_hit(&kit, 1, 2);
    kit_hit(&kit, 7, 1);
    evidence_init(&evidence, &kit.question, false);
    CU_ASSERT(evidence_ask(&evidence, &kit.rules.items[0].conditions[0], 0).kind == ANSWER_YES);
    CU_ASSERT(evidence_ask(&evidence, &kit.rules.items[0].conditions[0], 1).kind == ANSWER_NO);
    CU_ASSERT(evidence_ask(&evidence, &kit.rules.items[0].conditions[0], 2).kind == ANSWER_YES);
    evidence_clear(&evidence);
    kit_clear(&kit);
}

static void
test_facts(void)
{
    struct evidence evidence;
    struct kit kit;

    kit_init(&kit, "x: action=hold");
    story_tell(&kit, "score=-3 virus@second=Eicar clamav!pending");
    evidence_init(&evidence, &kit.question, false);
    CU_ASSERT(evidence_score(&evidence) < -2.9);
    CU_ASSERT(evidence_virus(&evidence) == KIT_SECOND);
    CU_ASSERT(evidence_result_kind(&evidence, KIT_CLAMAV) == RESULT_FAILED);
    CU_ASSERT(!evidence_is_list(&evidence));
    evidence_clear(&evidence);
    evidence_init(&evidence, &kit.question, true);
    CU_ASSERT(evidence_result_kind(&evidence, KIT_CLAMAV) == RESULT_PENDING);
    evidence_clear(&evidence);
    kit.question.results = NULL;
    evidence_init(&evidence, &kit.question, false);
    CU_ASSERT(isnan(evidence_score(&evidence)));
    CU_ASSERT(evidence_virus(&evidence) == SIZE_MAX);
    evidence_clear(&evidence);
    kit_clear(&kit);
}

// What findings answered is not asked again, and nothing else is kept.
static void
test_memo(void)
{
    struct evidence evidence;
    unsigned char memo[2] = {0, 0};
    struct kit kit;

    kit_init(&kit, "x: from=*; virus=*; subject=x; attachment=*.exe; action=hold");
    CU_ASSERT_FATAL(kit.rules.memo_count == 2 && kit.rules.items[0].condition_count == 4);
    kit.question.memo = memo;
    kit_header(&kit, "Subject", "x");
    for (int round = 0; round < 2; round++) {
        const struct condition *conditions = kit.rules.items[0].conditions;

        evidence_init(&evidence, &kit.question, false);
        CU_ASSERT(evidence_ask(&evidence, &conditions[0], 0).kind == ANSWER_YES);
        CU_ASSERT(evidence_ask(&evidence, &conditions[1], 0).kind ==
                  (round == 0 ? ANSWER_NO : ANSWER_YES));
        CU_ASSERT(evidence_ask(&evidence, &conditions[2], 0).kind == ANSWER_YES);
        CU_ASSERT(evidence_ask(&evidence, &conditions[3], 0).kind == ANSWER_NO);
        evidence_clear(&evidence);
        kit_virus(&kit, KIT_CLAMAV, "Eicar");
        kit.findings->header_count = 0;
    }
    kit_clear(&kit);
}

static const struct unit_test tests[] = {
    {"rows",      test_rows     },
    {"user",      test_user     },
    {"rcpt hits", test_rcpt_hits},
    {"facts",     test_facts    },
    {"memo",      test_memo     },
};

UNIT_MAIN("policy/evidence", tests)
