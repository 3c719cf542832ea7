// SPDX-License-Identifier: BSD-2-Clause
#include "mime/reading/odd.h"

#include "tests/unit/mime/look_kit.h"

static struct look *look;

#define FROM "From: a@example.org\r\nMIME-Version: 1.0\r\n"
#define MIXED FROM "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
#define TEXT "--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n"
#define END "--b--\r\n"
#define FILE_IN(encoding)                                                                          \
    "--b\r\nContent-Type: application/octet-stream; "                                              \
    "name=a\r\nContent-Transfer-Encoding: " encoding "\r\n\r\n"

static void
test_messages(void)
{
    static const struct {
        const char *name, *message;
        bool is_odd;
    } rows[] = {
        {"text",                  FROM "\r\nhello\r\n",                                             false},
        {"no From",               "Subject: x\r\n\r\nhello\r\n",                                    false},
        {"two Subjects",          FROM "Subject: x\r\nSubject: y\r\n\r\nhello\r\n",                 false},
        {"unknown charset",       FROM "Content-Type: text/plain; charset=x-none\r\n\r\n\xe4\r\n",  false},
        {"file in base64",        MIXED TEXT FILE_IN("base64") "{B}\r\n" END,                       false},
        {"in capital letters",    MIXED TEXT FILE_IN("BASE64") "{B}\r\n" END,                       false},
        {"quoted-printable",      MIXED TEXT FILE_IN("quoted-printable") "a=\r\nb=41\r\n" END,      false},
        {"prologue and epilogue", MIXED "Of many parts.\r\n" TEXT END "Bye.\r\n",                   false},
        {"message",               FROM "Content-Type: message/rfc822\r\n\r\n" FROM "\r\nhello\r\n", false},
        {"bounce",
         MIXED TEXT "--b\r\nContent-Type: message/delivery-status\r\n\r\n"
                    "Action: failed\r\n" END,
         false                                                                                           },
        {"message/global",        FROM "Content-Type: message/global\r\n\r\n" FROM "\r\nhello\r\n", true },
        {"soft break, blanks",    MIXED TEXT FILE_IN("quoted-printable") "a= \r\nb=41\r\n" END,     true },
        {"x-uuencode",            MIXED TEXT FILE_IN("x-uuencode") "x\r\n" END,                     true },
        {"unknown encoding",      MIXED TEXT FILE_IN("x-none") "x\r\n" END,                         true },
        {"uuencode in a text",    FROM "\r\nbegin 644 a\r\n#86)C\r\n`\r\nend\r\n",                  true },
        {"two types",
         FROM "Content-Type: text/plain\r\nContent-Type: text/html\r\n\r\n"
              "x\r\n",                                                                              true },
        {"no end",                MIXED TEXT,                                                       true },
        {"bare CR",               FROM "\r\nhello\r\n\r",                                           true },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct findings *findings = kit_look_at(look, rows[i].message);

        UNIT_CHECK_ROW(rows[i].name, findings->is_odd == rows[i].is_odd);
        findings_free(&findings);
    }
}

static void
test_limit(void)
{
    struct findings findings = {.limit = LIMIT_PARTS};

    CU_ASSERT_TRUE(odd_is(&findings));
    findings.limit = LIMIT_NONE;
    CU_ASSERT_FALSE(odd_is(&findings));
}

// Clamd goes down only so far.
static void
test_depth(void)
{
    struct finding_part part = {.parent = -1, .depth = 8};
    struct findings findings = {.parts = &part, .part_count = 1};

    CU_ASSERT_FALSE(odd_is(&findings));
    part.depth++;
    CU_ASSERT_TRUE(odd_is(&findings));
}

static void
test_marks(void)
{
    for (unsigned defect = 0; defect < DEFECT_COUNT; defect++) {
        struct finding_mark mark = {.defect = (enum finding_defect)defect, .count = 1};
        struct findings findings = {.marks = &mark, .mark_count = 1};
        bool is_harmless = defect == DEFECT_NO_FROM || defect == DEFECT_REPEATED_FIELD ||
                           defect == DEFECT_UNKNOWN_CHARSET;

        UNIT_CHECK_ROW(finding_defect_name(mark.defect), odd_is(&findings) != is_harmless);
    }
}

static const struct unit_test tests[] = {
    {"messages", test_messages},
    {"limit",    test_limit   },
    {"depth",    test_depth   },
    {"marks",    test_marks   },
};

int
main(void)
{
    struct dissect_setup setup;
    int result;

    kit_setup(&setup);
    look = kit_look(&setup);
    result = unit_run("mime/reading/odd", tests, UNIT_COUNT(tests));
    look_free(&look);
    return result;
}
