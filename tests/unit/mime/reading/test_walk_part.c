// SPDX-License-Identifier: BSD-2-Clause
#include "mime/reading/walk_private.h"

#include "tests/unit/mime/look_kit.h"

static struct look *look;

#define FROM "From: a@example.org\r\n"

struct mark_row {
    const char *name, *message;
    enum finding_defect defect;
    uint32_t part;
};

static const struct mark_row mark_rows[] = {
    {"no From",               "Subject: x\r\n\r\nhi",                                                DEFECT_NO_FROM,         0},
    {"two Froms",             FROM FROM "\r\nhi",                                                    DEFECT_REPEATED_FIELD,  0},
    {"no header",             "\r\nhi",                                                              DEFECT_NO_HEADER,       0},
    {"From line",             "From a b c\r\n" FROM "\r\nhi",                                        DEFECT_MBOX_FROM,       0},
    {"no field",              FROM "what\r\n\r\nhi",                                                 DEFECT_BAD_FIELD,       0},
    {"NUL comes through",     FROM "Subject: x\r\n\r\nhi",                                           DEFECT_COUNT,           0},
    {"long line",             FROM "\r\n",                                                           DEFECT_COUNT,           0},
    {"raw 8-bit",             FROM "Subject: \xfc\r\n\r\nhi",                                        DEFECT_RAW_8BIT_HEADER, 0},
    {"charset",               FROM "Content-Type: text/plain; charset=x-none\r\n\r\n\xfchi",
     DEFECT_UNKNOWN_CHARSET,                                                                                                 0},
    {"partial",               FROM "Content-Type: message/partial; id=x\r\n\r\nhi",                  DEFECT_PARTIAL,         0},
    {"external",              FROM "Content-Type: message/external-body; access-type=URL\r\n\r\nhi",
     DEFECT_EXTERNAL_BODY,                                                                                                   0},
    {"two names",
     FROM
     "Content-Type: a/b; name=a.txt\r\nContent-Disposition: attachment; filename=a.exe\r\n\r\nhi",   DEFECT_NAMES_DIFFER,    0},
    {"bad name",              FROM "Content-Type: a/b; name=\"../a.txt\"\r\n\r\nhi",                 DEFECT_BAD_NAME,        0},
    {"a mail in base64",
     FROM "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: "
          "base64\r\n\r\nRnJvbTogYQ0KDQpoaQ==",                                                      DEFECT_ENCODED_MESSAGE, 0},
    {"two names of one sort", FROM "Content-Type: a/b; name=a.txt; name=a.exe\r\n\r\nhi",
     DEFECT_REPEATED_PARAMETER,                                                                                              0},
    {"a part's bad field",
     FROM
     "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nwhat\r\nX: y\r\n\r\nhi\r\n--b--\r\n",  DEFECT_BAD_FIELD,       1},
};

static bool
has_mark(const struct findings *findings, enum finding_defect defect, uint32_t part)
{
    for (size_t i = 0; i < findings->mark_count; i++) {
        if (findings->marks[i].defect == defect && findings->marks[i].part == part)
            return true;
    }
    return defect == DEFECT_COUNT && findings->mark_count == 0;
}

static void
test_marks(void)
{
    for (size_t i = 0; i < UNIT_COUNT(mark_rows); i++) {
        const struct mark_row *row = &mark_rows[i];
        struct findings *findings = kit_look_at(look, row->message);

        UNIT_CHECK_ROW(row->name, has_mark(findings, row->defect, row->part));
        if (!has_mark(findings, row->defect, row->part))
            kit_marks(findings);
        findings_free(&findings);
    }
}

// Thirty ways to write "evil.exe": each is among the part's names.
static const char *const spellings[] = {
    "Content-Type: a/b; name=evil.exe",
    "Content-Type: a/b; name=\"evil.exe\"",
    "Content-Type: a/b; NAME=evil.exe",
    "Content-Type: a/b;name=evil.exe",
    "Content-Type: a/b; name = evil.exe",
    "Content-Type: a/b; name=\"evil\\.exe\"",
    "Content-Type: a/b;\r\n\tname=evil.exe",
    "Content-Type: a/b; name=evil.exe; name=good.txt",
    "Content-Type: a/b; name=good.txt; name=evil.exe",
    "Content-Type: a/b; name*=utf-8''evil.exe",
    "Content-Type: a/b; name*=utf-8''evil%2Eexe",
    "Content-Type: a/b; name*=utf-8'en'%65vil.exe",
    "Content-Type: a/b; name*=''evil.exe",
    "Content-Type: a/b; name*0=evil; name*1=.exe",
    "Content-Type: a/b; name*1=.exe; name*0=evil",
    "Content-Type: a/b; name*0*=utf-8''evil; name*1=.exe",
    "Content-Type: a/b; name*0*=utf-8''evil; name*1*=%2Eexe",
    "Content-Type: a/b; name=\"=?utf-8?Q?evil.exe?=\"",
    "Content-Type: a/b; name==?utf-8?B?ZXZpbC5leGU=?=",
    "Content-Type: a/b; name=\"=?utf-8?B?ZXZpbA==?= =?utf-8?B?LmV4ZQ==?=\"",
    "Content-Type: a/b; name=\"=?utf-8?Q?evil?=\r\n =?utf-8?Q?.exe?=\"",
    "Content-Type: a/b; name=good.txt; name*=utf-8''evil.exe",
    "Content-Type: a/b; name=evil.exe; name*=utf-8''good.txt",
    "Content-Type: a/b\r\nContent-Disposition: attachment; filename=evil.exe",
    "Content-Type: a/b; name=good.txt\r\nContent-Disposition: attachment; filename=evil.exe",
    "Content-Type: a/b; name=evil.exe\r\nContent-Disposition: attachment; filename=good.txt",
    "Content-Disposition: attachment; filename=good.txt\r\nContent-Disposition: inline; "
    "filename=evil.exe",
    "Content-Disposition: attachment; filename=evil.exe\r\nContent-Disposition: inline; "
    "filename=good.txt",
    "Content-Type: a/b; name=evil.exe\r\nContent-Type: a/b; name=good.txt",
    "Content-Disposition: filename=evil.exe",
    "Content-Type: a/b; name=\"evil.exe",
    "Content-Type: a/b; filename=evil.exe",
    "Content-Disposition: attachment; name=evil.exe",
    "Content-Type: a/b; name='evil.exe'",
    "Content-Disposition: attachment; filename=\"evil.exe\" (a comment)",
};

static void
test_spellings(void)
{
    for (size_t i = 0; i < UNIT_COUNT(spellings); i++) {
        char *message = mem_printf(FROM "%s\r\n\r\nhi", spellings[i]);
        struct findings *findings = kit_look_at(look, message);
        bool is_seen = false;

        for (size_t n = 0; n < findings->parts[0].name_count; n++)
            is_seen = is_seen || span_is(findings->parts[0].names[n], "evil.exe");
        UNIT_CHECK_ROW(spellings[i], is_seen);
        for (size_t n = 0; n < findings->parts[0].name_count && !is_seen; n++)
            fprintf(stderr, "  \"%.*s\"\n", (int)findings->parts[0].names[n].len,
                    findings->parts[0].names[n].data);
        findings_free(&findings);
        mem_free(&message);
    }
}

static void
test_headers(void)
{
    static const char message[] =
        "From: =?utf-8?Q?J=C3=B6rg?= <a@b>\r\nSubject: one\r\n two \r\nX : y\n"
        "\r\nbody";
    struct findings *findings = kit_look_at(look, message);
    const struct finding_header *header;

    CU_ASSERT(findings->header_count == 3 && findings->header_len == sizeof(message) - 1 - 4);
    CU_ASSERT(span_is(findings_header(findings, "from", 0)->decoded, "J\xc3\xb6rg <a@b>"));
    header = findings_header(findings, "SUBJECT", 0);
    CU_ASSERT(span_is(header->raw, " one\r\n two "));
    CU_ASSERT(span_starts_nocase(header->decoded, "one") && header->decoded.len >= 7);
    CU_ASSERT(header->offset == 35 && header->len == 21);
    CU_ASSERT(span_is(findings->headers[2].name, "X"));
    findings_free(&findings);
}

static void
test_fields(void)
{
    struct findings *findings = kit_look_at(
        look, FROM "Content-Type: Text/HTML; charset=UTF-8\r\nContent-Transfer-Encoding: BASE64\r\n"
                   "Content-Disposition: INLINE\r\n\r\naGk=");
    const struct finding_part *part = &findings->parts[0];

    CU_ASSERT(part->kind == FINDING_LEAF && part->parent == -1 && part->decoded_len == 2);
    CU_ASSERT(span_is(part->type, "text/html") && span_is(part->charset, "utf-8"));
    CU_ASSERT(span_is(part->encoding, "base64") && span_is(part->disposition, "inline"));
    CU_ASSERT(part->is_located && part->head_begin == 0 && part->body_end == findings->len);
    findings_free(&findings);
}

static void
test_encrypted(void)
{
    static const struct {
        const char *value;
        bool is_encrypted;
    } types[] = {
        {"multipart/encrypted; boundary=b",                   true },
        {"application/pkcs7-mime; smime-type=enveloped-data", true },
        {"application/pkcs7-mime; smime-type=signed-data",    false},
        {"text/plain",                                        false}
    };

    for (size_t i = 0; i < UNIT_COUNT(types); i++) {
        char *message = mem_printf(FROM "Content-Type: %s\r\n\r\nhi", types[i].value);
        struct findings *findings = kit_look_at(look, message);

        UNIT_CHECK_ROW(types[i].value, findings_is_encrypted(findings) == types[i].is_encrypted);
        findings_free(&findings);
        mem_free(&message);
    }
}

static const struct unit_test tests[] = {
    {"marks",     test_marks    },
    {"spellings", test_spellings},
    {"headers",   test_headers  },
    {"fields",    test_fields   },
    {"encrypted", test_encrypted},
};

int
main(void)
{
    struct dissect_setup setup;
    int result;

    kit_setup(&setup);
    look = kit_look(&setup);
    result = unit_run("mime/reading/walk_part", tests, UNIT_COUNT(tests));
    look_free(&look);
    return result;
}
