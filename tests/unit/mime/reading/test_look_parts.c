// SPDX-License-Identifier: BSD-2-Clause
#include "mime/reading/look_private.h"

#include "tests/unit/mime/look_kit.h"

static struct look *look;

#define FROM "From: a@example.org\r\n"

// A message with one attachment, in base64.
static struct findings *
see_attached(const char *type, const char *name, struct span content)
{
    struct findings *findings;
    struct buf message;

    buf_init(&message, 1 << 20);
    buf_printf(&message, FROM "Content-Type: %s; name=\"%s\"\r\n", type, name);
    buf_add_text(&message, "Content-Transfer-Encoding: base64\r\n\r\n");
    sample_base64(&message, content);
    findings = kit_see(look, buf_span(&message));
    buf_clear(&message);
    return findings;
}

static void
test_digest(void)
{
    struct findings *findings = see_attached("a/b", "a", sample_eicar());
    char text[SHA256_TEXT_LEN + 1];

    sha256_format(findings->parts[0].sha256, text);
    CU_ASSERT_STRING_EQUAL(text,
                           "275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f");
    CU_ASSERT(findings->parts[0].decoded_len == 68);
    CU_ASSERT(span_is(findings->parts[0].sniffed, "text/plain"));
    findings_free(&findings);
}

#define GZIP                                                                                       \
    "\037\213\010\000\000\000\000\000\002\003\313\110"                                             \
    "\315\311\311\007\000\206\246\020\066\005\000\000\000"

static const struct {
    const char *name, *unpacked; // "": none
} compressed[] = {
    {"a.exe.gz", "a.exe"},
    {"a.exe.GZ", "a.exe"},
    {"a.exe",    ""     },
    {".gz",      ""     },
};

static void
test_unpacked_name(void)
{
    for (size_t i = 0; i < UNIT_COUNT(compressed); i++) {
        struct findings *findings = see_attached("a/b", compressed[i].name, SPAN_LITERAL(GZIP));
        const struct finding_part *part = &findings->parts[0];
        const bool has_more = compressed[i].unpacked[0] != '\0';

        UNIT_CHECK_ROW(compressed[i].name, part->name_count == 1 + (size_t)has_more);
        if (has_more && part->name_count > 1)
            UNIT_CHECK_ROW(compressed[i].name, span_is(part->names[1], compressed[i].unpacked));
        findings_free(&findings);
    }
}

#define ELF "\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\76\0\1\0\0\0\0\0\0\0\0\0\0\0"

struct disguise {
    const char *type, *name;
    bool is_marked;
};

static const struct disguise disguises[] = {
    {"application/octet-stream", "a.bin",  false},
    {"application/octet-stream", "a",      false},
    {"application/x-msdownload", "a.exe",  false},
    {"application/octet-stream", "a.jpg",  true },
    {"image/jpeg",               "a.exe",  true },
    {"text/plain",               "a",      true },
    {"application/octet-stream", "a.exe.", true },
};

static void
test_disguise(void)
{
    for (size_t i = 0; i < UNIT_COUNT(disguises); i++) {
        struct findings *findings =
            see_attached(disguises[i].type, disguises[i].name, SPAN_LITERAL(ELF));

        UNIT_CHECK_ROW(disguises[i].name, findings_has_defect(findings, DEFECT_TYPE_MISMATCH) ==
                                              disguises[i].is_marked);
        findings_free(&findings);
    }
}

struct archive_row {
    const char *name;
    unsigned levels;
    size_t members;
};

static void
test_zip_in_zip(void)
{
    static const struct archive_row rows[] = {
        {"zip",        1,  1 },
        {"zip in zip", 2,  2 },
        {"20",         20, 20}
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct findings *findings;
        struct buf zip;

        buf_init(&zip, 1 << 20);
        sample_nested_zip(&zip, "evil.com", sample_eicar(), rows[i].levels);
        findings = see_attached("application/octet-stream", "a.dat", buf_span(&zip));
        UNIT_CHECK_ROW(rows[i].name, kit_has_member(findings, "evil.com"));
        UNIT_CHECK_ROW(rows[i].name, findings->member_count == rows[i].members);
        UNIT_CHECK_ROW(rows[i].name,
                       findings->members[rows[i].members - 1].level == rows[i].levels);
        UNIT_CHECK_ROW(rows[i].name, span_is(findings->parts[0].sniffed, "application/zip"));
        findings_free(&findings);
        buf_clear(&zip);
    }
}

static void
test_members(void)
{
    const struct sample_member members[] = {
        {"../a.txt", "../a.txt", SPAN_LITERAL(ELF)   },
        {"ok",       "ok",       SPAN_LITERAL("text")}
    };
    struct findings *findings;
    struct buf zip;

    buf_init(&zip, 10000);
    sample_zip(&zip, members, 2);
    findings = see_attached("application/zip", "a.zip", buf_span(&zip));
    CU_ASSERT(findings->member_count == 2 && findings->members[0].part == 0);
    CU_ASSERT(findings_has_defect(findings, DEFECT_BAD_NAME));
    CU_ASSERT(findings_has_defect(findings, DEFECT_TYPE_MISMATCH));
    CU_ASSERT(!findings_has_defect(findings, DEFECT_ARCHIVE_DAMAGED));
    findings_free(&findings);
    zip.data[zip.len / 3] = (char)0xff;
    findings = see_attached("application/zip", "a.zip", span_from(zip.data, zip.len / 2));
    CU_ASSERT(findings_has_defect(findings, DEFECT_ARCHIVE_DAMAGED));
    findings_free(&findings);
    buf_clear(&zip);
}

struct encrypted_row {
    const char *name;
    struct span content;
    bool is_encrypted;
};

static const struct encrypted_row encrypted[] = {
    {"PDF",         SPAN_LITERAL("%PDF-1.4\n1 0 obj\n<<>>\ntrailer\n<< /Encrypt 2 0 R >>\n"), true },
    {"plain PDF",   SPAN_LITERAL("%PDF-1.4\n1 0 obj\n<<>>\ntrailer\n<< /Size 2 >>\n"),        false},
    {"Office",
     SPAN_LITERAL(
         "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0\0\0E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0"
         "g\0e\0\0\0"),
     true                                                                                          },
    {"OpenPGP",     SPAN_LITERAL("-----BEGIN PGP MESSAGE-----\n\nabc\n"),                     true },
    {"signed text", SPAN_LITERAL("-----BEGIN PGP SIGNED MESSAGE-----\n\nabc\n"),              false},
};

static void
test_encrypted(void)
{
    for (size_t i = 0; i < UNIT_COUNT(encrypted); i++) {
        struct findings *findings = see_attached("a/b", "a", encrypted[i].content);

        UNIT_CHECK_ROW(encrypted[i].name,
                       findings_is_encrypted(findings) == encrypted[i].is_encrypted);
        findings_free(&findings);
    }
}

static void
test_unknown_archive(void)
{
    struct findings *findings = see_attached(
        "application/ms-tnef", "winmail.dat",
        SPAN_LITERAL("\x78\x9f\x3e\x22\x01\x00\x01\x06\x90\x08\x00\x04\x00\x00\x00\x00\x00\x01"));

    CU_ASSERT(findings_has_defect(findings, DEFECT_ARCHIVE_UNKNOWN));
    findings_free(&findings);
}

static void
test_links(void)
{
    struct findings *findings = kit_look_at(
        look, FROM "Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\n"
                   "see http://a.example/\r\n--b\r\nContent-Type: text/html\r\n"
                   "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
                   "<html><a href=3D\"http://b.exa=\r\nmple/x\">x</a></html>\r\n--b--\r\n");

    CU_ASSERT(findings->link_count == 2);
    CU_ASSERT(span_is(findings->links[0], "http://a.example/"));
    CU_ASSERT(span_is(findings->links[1], "http://b.example/x"));
    findings_free(&findings);
}

// What stands around the parts and is no text belongs to no honest message.
static void
test_hidden(void)
{
    struct findings *findings = kit_look_at(
        look, FROM "Content-Type: multipart/mixed; boundary=b\r\n\r\n%PDF-1.4\n1 0 obj\n\r\n--b\r\n"
                   "\r\nx\r\n--b--\r\nbye\r\n");

    CU_ASSERT(findings_has_defect(findings, DEFECT_HIDDEN_CONTENT));
    CU_ASSERT(findings_is_ambiguous(findings));
    findings_free(&findings);
    findings =
        kit_look_at(look, FROM "Content-Type: multipart/mixed; boundary=b\r\n\r\nThis is MIME."
                               "\r\n--b\r\n\r\nx\r\n--b--\r\nbye\r\n");
    CU_ASSERT(!findings_is_ambiguous(findings));
    findings_free(&findings);
}

static const struct unit_test tests[] = {
    {"digest",          test_digest         },
    {"unpacked name",   test_unpacked_name  },
    {"disguise",        test_disguise       },
    {"zip in zip",      test_zip_in_zip     },
    {"members",         test_members        },
    {"encrypted",       test_encrypted      },
    {"unknown archive", test_unknown_archive},
    {"links",           test_links          },
    {"hidden",          test_hidden         },
};

int
main(void)
{
    struct dissect_setup setup;
    int result;

    kit_setup(&setup);
    look = kit_look(&setup);
    result = unit_run("mime/reading/look_parts", tests, UNIT_COUNT(tests));
    look_free(&look);
    return result;
}
