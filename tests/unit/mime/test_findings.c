// SPDX-License-Identifier: BSD-2-Clause
#include "mime/findings.h"

#include <ctype.h>

#include "tests/unit/harness.h"
#include "tests/unit/mime/findings_sample.h"

static bool
is_plain_name(const char *name)
{
    if (name == NULL || name[0] == '\0')
        return false;
    for (; *name != '\0'; name++) {
        if (!islower((unsigned char)*name) && !isdigit((unsigned char)*name) && *name != '_')
            return false;
    }
    return true;
}

static void
test_names(void)
{
    for (int limit = 0; limit < LIMIT_COUNT; limit++) {
        CU_ASSERT_TRUE(is_plain_name(finding_limit_name((enum finding_limit)limit)));
        for (int other = 0; other < limit; other++)
            CU_ASSERT_STRING_NOT_EQUAL(finding_limit_name((enum finding_limit)limit),
                                       finding_limit_name((enum finding_limit)other));
    }
    for (int defect = 0; defect < DEFECT_COUNT; defect++) {
        const char *name = finding_defect_name((enum finding_defect)defect);

        CU_ASSERT_TRUE(is_plain_name(name));
        CU_ASSERT_EQUAL((int)finding_defect_find(span_of(name)), defect);
    }
    CU_ASSERT_EQUAL(finding_defect_find(span_of("NUL")), DEFECT_NUL);
    CU_ASSERT_EQUAL(finding_defect_find(span_of("nu")), DEFECT_COUNT);
    CU_ASSERT_EQUAL(finding_defect_find(span_of("")), DEFECT_COUNT);
}

static void
test_defects(void)
{
    struct findings findings = findings_sample();

    CU_ASSERT_TRUE(findings_has_defect(&findings, DEFECT_NUL));
    CU_ASSERT_TRUE(findings_has_defect(&findings, DEFECT_HIDDEN_CONTENT));
    CU_ASSERT_FALSE(findings_has_defect(&findings, DEFECT_BARE_CR));
    CU_ASSERT_TRUE(findings_is_ambiguous(&findings));
    CU_ASSERT_TRUE(findings_has_defect(&findings, DEFECT_AMBIGUOUS));
    findings.mark_count = 1;
    CU_ASSERT_FALSE(findings_is_ambiguous(&findings));
    CU_ASSERT_FALSE(findings_has_defect(&findings, DEFECT_AMBIGUOUS));
}

static void
test_encrypted(void)
{
    struct findings findings = findings_sample();

    CU_ASSERT_TRUE(findings_is_encrypted(&findings));
    findings.part_count = 1;
    CU_ASSERT_TRUE(findings_is_encrypted(&findings)); // a member
    findings.member_count = 1;
    CU_ASSERT_FALSE(findings_is_encrypted(&findings));
    findings.part_count = 2;
    CU_ASSERT_TRUE(findings_is_encrypted(&findings));
}

static void
test_header(void)
{
    struct findings findings = findings_sample();

    CU_ASSERT_PTR_EQUAL(findings_header(&findings, "SUBJECT", 0), &sample_headers[0]);
    CU_ASSERT_PTR_EQUAL(findings_header(&findings, "Subject", 1), &sample_headers[2]);
    CU_ASSERT_PTR_NULL(findings_header(&findings, "Subject", 2));
    CU_ASSERT_PTR_EQUAL(findings_header(&findings, "from", 0), &sample_headers[1]);
    CU_ASSERT_PTR_NULL(findings_header(&findings, "fro", 0));
}

static void
test_hits(void)
{
    struct findings findings = findings_sample();

    CU_ASSERT_TRUE(findings_has_hit(&findings, 0, FINDING_ALL_RCPTS));
    CU_ASSERT_FALSE(findings_has_hit(&findings, 0, 0));
    CU_ASSERT_TRUE(findings_has_hit(&findings, 4095, 7));
    CU_ASSERT_FALSE(findings_has_hit(&findings, 4095, FINDING_ALL_RCPTS));
}

static void
test_empty(void)
{
    struct findings *findings = findings_new();

    CU_ASSERT_EQUAL(findings->limit, LIMIT_NONE);
    CU_ASSERT_FALSE(findings_is_ambiguous(findings));
    CU_ASSERT_FALSE(findings_is_encrypted(findings));
    CU_ASSERT_PTR_NULL(findings_header(findings, "From", 0));
    CU_ASSERT_PTR_NOT_NULL(arena_array(&findings->arena, 1, FINDINGS_MEMORY_MAX / 2));
    CU_ASSERT_PTR_NULL(arena_array(&findings->arena, 1, FINDINGS_MEMORY_MAX));
    findings_free(&findings);
    CU_ASSERT_PTR_NULL(findings);
    findings_free(&findings);
}

static const struct unit_test tests[] = {
    {"names",     test_names    },
    {"defects",   test_defects  },
    {"encrypted", test_encrypted},
    {"header",    test_header   },
    {"hits",      test_hits     },
    {"empty",     test_empty    },
};

UNIT_MAIN("mime/findings", tests)
