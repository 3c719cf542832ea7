// SPDX-License-Identifier: BSD-2-Clause
#include "mime/reading/look_private.h"

#include "tests/unit/mime/look_kit.h"

struct row {
    enum pattern_target target;
    const char *text;
    bool has_hit;
};

static const struct row rows[] = {
    {PATTERN_FROM,        "^bounce@",            true },
    {PATTERN_FROM,        "^ann@",               false},
    {PATTERN_HELO,        "example\\.org$",      true },
    {PATTERN_USER,        "^ann$",               true },
    {PATTERN_USER,        "bob",                 false},
    {PATTERN_CLIENT_NAME, "^mail\\.",            true },
    {PATTERN_SUBJECT,     "^Gr\xc3\xbc\xc3\x9f", true },
    {PATTERN_SUBJECT,     "second",              true },
    {PATTERN_SUBJECT,     "bounce",              false},
    {PATTERN_HEADER,      "^X-Spam: yes$",       true },
    {PATTERN_HEADER,      "^X-Spam: no$",        false},
    {PATTERN_ATTACHMENT,  "\\.exe$",             true },
    {PATTERN_ATTACHMENT,  "^inner\\.com$",       true },
    {PATTERN_ATTACHMENT,  "\\.pdf$",             false},
    {PATTERN_MIME_TYPE,   "^image/jpeg$",        true },
    {PATTERN_MIME_TYPE,   "^application/zip$",   true },
    {PATTERN_MIME_TYPE,   "^text/html$",         false},
};

static const char message_head[] =
    "From: ann@example.org\r\nSubject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\nSubject: the second\r\n"
    "X-Spam: yes\r\nContent-Type: image/jpeg; name=\"a.exe\"\r\n"
    "Content-Transfer-Encoding: base64\r\n\r\n";

static struct findings *
see(const struct dissect_setup *setup, const struct span *rcpts, size_t rcpt_count)
{
    struct look *look = kit_look(setup);
    struct dissect_query query = {.from = SPAN_LITERAL("bounce@example.org"),
                                  .helo = SPAN_LITERAL("mail.example.org"),
                                  .user = SPAN_LITERAL("ann"),
                                  .client_name = SPAN_LITERAL("mail.example.org"),
                                  .rcpts = (struct span *)(uintptr_t)rcpts,
                                  .rcpt_count = rcpt_count};
    struct findings *findings;
    struct buf message, zip;
    struct err err;

    buf_init(&message, 10000);
    buf_init(&zip, 10000);
    sample_nested_zip(&zip, "inner.com", sample_eicar(), 1);
    buf_add_text(&message, message_head);
    sample_base64(&message, buf_span(&zip));
    query.content = buf_span(&message);
    query.len = message.len;
    findings = look_at(look, &query, -1, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(findings);
    buf_clear(&zip);
    buf_clear(&message);
    look_free(&look);
    return findings;
}

static void
test_targets(void)
{
    struct pattern_spec specs[UNIT_COUNT(rows)];
    struct dissect_setup setup;
    struct findings *findings;

    kit_setup(&setup);
    for (size_t i = 0; i < UNIT_COUNT(rows); i++)
        specs[i] = (struct pattern_spec){.target = rows[i].target, .text = span_of(rows[i].text)};
    setup.patterns = specs;
    setup.pattern_count = UNIT_COUNT(rows);
    findings = see(&setup, NULL, 0);
    for (uint32_t i = 0; i < UNIT_COUNT(rows); i++)
        UNIT_CHECK_ROW(rows[i].text,
                       findings_has_hit(findings, i, FINDING_ALL_RCPTS) == rows[i].has_hit);
    CU_ASSERT(findings->limit == LIMIT_NONE);
    findings_free(&findings);
}

static void
test_rcpts(void)
{
    static const struct span rcpts[] = {SPAN_LITERAL("bob@a.example"),
                                        SPAN_LITERAL("carol@b.example"),
                                        SPAN_LITERAL("BOB@b.example")};
    struct pattern_spec specs[] = {
        {.target = PATTERN_TO, .text = SPAN_LITERAL("^bob@"), .ignore_case = true},
        {.target = PATTERN_TO,                    .text = SPAN_LITERAL("dave")                             }
    };
    struct dissect_setup setup;
    struct findings *findings;

    kit_setup(&setup);
    setup.patterns = specs;
    setup.pattern_count = 2;
    findings = see(&setup, rcpts, 3);
    CU_ASSERT(findings->hit_count == 2);
    CU_ASSERT(findings->hits[0].pattern == 0 && findings->hits[0].rcpt == 0);
    CU_ASSERT(findings->hits[1].pattern == 0 && findings->hits[1].rcpt == 2);
    findings_free(&findings);
}

// An expression that would match for ever makes the message one that cannot be judged.
static void
test_limit(void)
{
    struct pattern_spec specs[] = {
        {.target = PATTERN_FROM, .text = SPAN_LITERAL("(([a-z.@]+)+)+$(?<!g)")},
        {.target = PATTERN_FROM, .text = SPAN_LITERAL("bounce")               }
    };
    struct dissect_setup setup;
    struct findings *findings;

    kit_setup(&setup);
    setup.patterns = specs;
    setup.pattern_count = 2;
    findings = see(&setup, NULL, 0);
    CU_ASSERT(findings->limit == LIMIT_MATCH && findings->limit_text.len > 0);
    CU_ASSERT(findings->hit_count == 0);
    findings_free(&findings);
}

static void
test_bad(void)
{
    struct pattern_spec specs[] = {
        {.target = PATTERN_FROM,    .text = SPAN_LITERAL("good")},
        {.target = PATTERN_SUBJECT, .text = SPAN_LITERAL("(bad")}
    };
    struct dissect_setup setup;
    struct err err = {.kind = ERR_NONE};

    kit_setup(&setup);
    setup.patterns = specs;
    setup.pattern_count = 2;
    CU_ASSERT_PTR_NULL(look_new(&setup, &err));
    CU_ASSERT(err.kind == ERR_PERM && strstr(err.text, "subject") != NULL);
}

static const struct unit_test tests[] = {
    {"targets",    test_targets},
    {"recipients", test_rcpts  },
    {"limit",      test_limit  },
    {"bad",        test_bad    },
};

UNIT_MAIN("mime/reading/look_patterns", tests)
