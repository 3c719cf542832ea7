// SPDX-License-Identifier: BSD-2-Clause
#include "mime/reading/collect.h"

#include "base/mem.h"
#include "tests/unit/harness.h"

static void
test_grow(void)
{
    struct findings *findings = findings_new();

    for (uint32_t i = 0; i < 100; i++) {
        struct finding_part *part = collect_part(findings);

        CU_ASSERT_PTR_NOT_NULL_FATAL(part);
        part->depth = i;
        collect_hit(findings, i, i + 1);
    }
    CU_ASSERT(findings->part_count == 100 && findings->hit_count == 100);
    for (uint32_t i = 0; i < 100; i++) {
        CU_ASSERT(findings->parts[i].depth == i);
        CU_ASSERT(findings->hits[i].pattern == i && findings->hits[i].rcpt == i + 1);
    }
    findings_free(&findings);
}

static void
test_marks(void)
{
    struct findings *findings = findings_new();

    collect_mark(findings, DEFECT_NUL, 0);
    collect_mark(findings, DEFECT_NUL, 1);
    collect_mark(findings, DEFECT_BAD_NAME, 0);
    collect_mark(findings, DEFECT_NUL, 0);
    CU_ASSERT(findings->mark_count == 3);
    CU_ASSERT(findings->marks[0].count == 2 && findings->marks[1].count == 1);
    findings_free(&findings);
}

static void
test_names(void)
{
    struct findings *findings = findings_new();
    struct finding_part *part = collect_part(findings);

    collect_name(findings, part, span_of("a.exe"));
    collect_name(findings, part, span_of(""));
    collect_name(findings, part, span_of("a.exe"));
    collect_name(findings, part, span_of("A.exe"));
    CU_ASSERT(part->name_count == 2);
    CU_ASSERT(span_is(part->names[0], "a.exe") && span_is(part->names[1], "A.exe"));
    findings_free(&findings);
}

// A rule's globs are held against each: what many names would cost the worker is bounded here.
static void
test_many_names(void)
{
    struct findings *findings = findings_new();
    struct finding_part *part = collect_part(findings);
    char text[32];

    for (int i = 0; i < 600; i++) {
        snprintf(text, sizeof text, "%d.exe", i);
        collect_name(findings, part, span_of(text));
    }
    CU_ASSERT(part->name_count == 500 && findings->name_count == 500);
    CU_ASSERT(findings->limit == LIMIT_FINDINGS);
    findings_free(&findings);
}

static void
test_links(void)
{
    struct findings *findings = findings_new();
    char text[32];

    CU_ASSERT(collect_link(findings, span_of("http://a/")));
    CU_ASSERT(collect_link(findings, span_of("http://a/")));
    CU_ASSERT(findings->link_count == 1);
    for (int i = 1; i < FINDINGS_LINKS_MAX; i++) {
        snprintf(text, sizeof(text), "http://%d/", i);
        CU_ASSERT(collect_link(findings, span_of(text)));
    }
    CU_ASSERT(!collect_link(findings, span_of("http://b/")));
    CU_ASSERT(findings->link_count == FINDINGS_LINKS_MAX && findings->limit == LIMIT_NONE);
    findings_free(&findings);
}

static void
test_limit(void)
{
    struct findings *findings = findings_new();

    collect_limit(findings, LIMIT_DEPTH, "deeper than %d", 32);
    collect_limit(findings, LIMIT_PARTS, "more");
    CU_ASSERT(findings->limit == LIMIT_DEPTH && span_is(findings->limit_text, "deeper than 32"));
    findings_free(&findings);
}

// What does not fit is told, and nothing is half there.
static void
test_full(void)
{
    struct findings *findings = findings_new();
    size_t len = 1 << 20;
    char *text = mem_zalloc(len);

    for (int i = 0; i < 20; i++)
        (void)collect_text(findings, span_from(text, len));
    CU_ASSERT(findings->limit == LIMIT_FINDINGS && findings->limit_text.len > 0);
    CU_ASSERT(collect_text(findings, span_from(text, len)).len == 0);
    while (collect_part(findings) != NULL)
        ;
    CU_ASSERT(findings->parts != NULL || findings->part_count == 0);
    mem_free(&text);
    findings_free(&findings);
}

static const struct unit_test tests[] = {
    {"grow",       test_grow      },
    {"marks",      test_marks     },
    {"names",      test_names     },
    {"many names", test_many_names},
    {"links",      test_links     },
    {"limit",      test_limit     },
    {"full",       test_full      },
};

UNIT_MAIN("mime/reading/collect", tests)
