// SPDX-License-Identifier: BSD-2-Clause
// The EICAR string in every transfer encoding, and in each oddity of it that some reader reads on
// at.
#include "mime/reading/walk_private.h"

#include "tests/unit/mime/look_kit.h"

struct row {
    const char *name, *message;
    enum finding_defect defect; // DEFECT_COUNT: none asked for
};

#define FROM "From: a@example.org\r\n"
#define BASE64 FROM "Content-Transfer-Encoding: base64\r\n\r\n"
#define CTE FROM "Content-Transfer-Encoding: "

// Where the string is written out it is parted, so that no scanner finds it here.
static const struct row rows[] = {
    {"plain",                   FROM "\r\n{E}",                                                 DEFECT_COUNT           },
    {"8bit",                    CTE "8bit\r\n\r\n{E}",                                          DEFECT_COUNT           },
    {"base64",                  BASE64 "{B}\r\n",                                               DEFECT_COUNT           },
    {"base64, no line end",     BASE64 "{B}",                                                   DEFECT_COUNT           },
    {"upper case",              CTE "BASE64\r\n\r\n{B}\r\n",                                    DEFECT_COUNT           },
    {"comment",                 CTE "base64 (so)\r\n\r\n{B}\r\n",                               DEFECT_COUNT           },
    {"quoted",                  CTE "\"base64\"\r\n\r\n{B}\r\n",                                DEFECT_COUNT           },
    {"semicolon",               CTE "base64;\r\n\r\n{B}\r\n",                                   DEFECT_COUNT           },
    {"folded",                  CTE "\r\n base64\r\n\r\n{B}\r\n",                               DEFECT_COUNT           },
    {"first of two",            CTE "base64\r\nContent-Transfer-Encoding: 7bit\r\n\r\n{B}\r\n",
     DEFECT_REPEATED_TYPE                                                                                              },
    {"last of two",             CTE "7bit\r\nContent-Transfer-Encoding: base64\r\n\r\n{B}\r\n",
     DEFECT_REPEATED_TYPE                                                                                              },
    {"not encoded after all",   CTE "7bit\r\nContent-Transfer-Encoding: base64\r\n\r\n{E}",
     DEFECT_REPEATED_TYPE                                                                                              },
    {"unknown",                 CTE "x-unknown\r\n\r\n{E}",                                     DEFECT_UNKNOWN_ENCODING},
    {"unpadded",
     BASE64 "WDVPIVAlQEFQWzRcUFpYNTQoUF4p"
            "N0NDKTd9JEVJQ0FSLVNUQU5EQVJELUFOVElWSVJVUy1"
            "URVNULUZJTEUhJEgrSCo\r\n",                                                         DEFECT_BAD_BASE64      },
    {"padding in the middle",
     BASE64 "WA==NU8hUCVAQVBbNFxQWlg1NChQXik3"
            "Q0MpN30kRUlDQVItU1RBTkRBUkQt"
            "QU5USVZJUlVTLVRFU1QtRklMRSEkSCtIKg==\r\n",                                         DEFECT_BASE64_PADDING  },
    {"more behind it",          BASE64 "{B}\r\nQUJDRA==\r\n",                                   DEFECT_BASE64_PADDING  },
    {"junk",
     BASE64 "WDVP!IVAl*QEFQWzRcUF%pYNTQoUF4p"
            "N0NDKTd9JEVJQ0FSLVNUQU5EQVJELUFOVElWSVJVUy1"
            "URVNULUZJTEUhJEgrSCo=\r\n",                                                        DEFECT_BAD_BASE64      },
    {"short lines",
     BASE64 "W\r\nD\r\nV\r\nP\r\nIVAlQEFQWzRcUFpYNTQoUF4p"
            "N0NDKTd9JEVJQ0FSLVNUQU5EQ"
            " VJELUFOVElWSVJVUy1URVNULUZJTEUhJEgrSCo=\r\n",                                     DEFECT_COUNT           },
    {"dashes, letters to some",
     BASE64 "WDVPIVAlQEFQWzRcUFpYNTQoUF4p\r\n--\r\n"
            "N0NDKTd9JEVJQ0FSLVNUQU5EQVJELUFOVElWSVJVUy1"
            "URVNULUZJTEUhJEgrSCo=\r\n",                                                        DEFECT_BAD_BASE64      },
    {"no empty line",
     FROM "Content-Transfer-Encoding: base64\r\n"
          "{B}\r\n",                                                                            DEFECT_BAD_FIELD       },
    {"quoted-printable",
     CTE "quoted-printable\r\n\r\nX5O!P%@AP[4\\PZX54(P^)7CC)7}$=45ICAR-STANDARD-"
         "=\r\nANTIVIRUS-TEST-FILE!$H+H=2A",                                                    DEFECT_COUNT           },
    {"its lower case",
     CTE "quoted-printable\r\n\r\nX5O!P%@AP[4\\PZX54(P^)7CC)7}$=45ICAR-STANDARD-=\n"
         "ANTIVIRUS-TEST-FILE!$H+H=2a",                                                         DEFECT_COUNT           },
    {"soft break with blanks",
     CTE "quoted-printable\r\n\r\nX5O!P%@AP[4\\PZX54(P^)7CC)7}$=45ICAR-STAND"
         "ARD-= \t\r\nANTIVIRUS-TEST-FILE!$H+H*=",                                              DEFECT_COUNT           },
    {"inline uuencode",
     FROM "\r\nhello\r\n\r\nbegin 644 a.com\r\n"
          "M6#5/(5`E0$%06S1<4%I8-30H4%XI-T-#*3=])$5)0T%2+5-404Y$05)$+4%.\r\n"
          "75$E625)54RU415-4+49)3$4A)$@K2\"H\r\n`\r\nend\r\n",                                  DEFECT_HIDDEN_CONTENT  },
    {"uuencode declared",
     CTE "x-uuencode\r\n\r\nbegin 644 a.com\r\n"
         "M6#5/(5`E0$%06S1<4%I8-30H4%XI-T-#*3=])$5)0T%2+5-404Y$05)$+4%.\r\n"
         "75$E625)54RU415-4+49)3$4A)$@K2\"H\r\n`\r\nend\r\n",                                   DEFECT_COUNT           },
};

static bool
has_defect(const struct findings *findings, enum finding_defect defect)
{
    return defect == DEFECT_COUNT || findings_has_defect(findings, defect);
}

static void
test_eicar(void)
{
    struct dissect_setup setup;
    struct look *look;

    kit_setup(&setup);
    look = kit_look(&setup);
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct findings *findings = kit_look_at(look, rows[i].message);
        bool is_good = kit_has_eicar(findings) && has_defect(findings, rows[i].defect);

        UNIT_CHECK_ROW(rows[i].name, kit_has_eicar(findings));
        UNIT_CHECK_ROW(rows[i].name, has_defect(findings, rows[i].defect));
        if (!is_good) {
            struct buf tree;

            fprintf(stderr, "%s", kit_tree(findings, &tree));
            kit_marks(findings);
            buf_clear(&tree);
        }
        findings_free(&findings);
    }
    look_free(&look);
}

// yEnc: each byte moved by 42, escaped where it would be NUL, CR, LF or "=".
static void
test_yenc(void)
{
    struct dissect_setup setup;
    struct findings *findings;
    struct look *look;
    struct buf message;

    kit_setup(&setup);
    look = kit_look(&setup);
    buf_init(&message, 10000);
    buf_add_text(&message, FROM "\r\nhello\r\n=ybegin line=128 size=68 name=a.com\r\n");
    for (size_t i = 0; i < sample_eicar().len; i++) {
        unsigned char byte = (unsigned char)(sample_eicar().data[i] + 42);

        if (byte == 0 || byte == '\r' || byte == '\n' || byte == '=') {
            buf_add_char(&message, '=');
            byte = (unsigned char)(byte + 64);
        }
        buf_add_char(&message, (char)byte);
    }
    buf_add_text(&message, "\r\n=yend size=68\r\n");
    findings = kit_see(look, buf_span(&message));
    CU_ASSERT(kit_has_eicar(findings));
    CU_ASSERT(findings->part_count == 2 && span_is(findings->parts[1].names[0], "a.com"));
    findings_free(&findings);
    buf_clear(&message);
    look_free(&look);
}

// Short lines stand for long ones that lost their blanks: more may be in them than is looked into,
// and that is said.
static void
test_grown(void)
{
    static const char *const heads[] = {CTE "x-uuencode\r\n\r\n", FROM "\r\n"};
    struct dissect_setup setup;
    struct look *look;

    kit_setup(&setup);
    look = kit_look(&setup);
    for (size_t i = 0; i < UNIT_COUNT(heads); i++) {
        for (size_t lines = 0; lines <= 200; lines += 100) {
            struct findings *findings;
            struct buf message;

            buf_init(&message, 10000);
            buf_printf(&message, "%sbegin 644 a.com\r\n", heads[i]);
            for (size_t n = 0; n < lines; n++)
                buf_add_text(&message, "M\r\n");
            buf_add_text(&message, "#0V%T\r\n`\r\nend\r\n");
            findings = kit_see(look, buf_span(&message));
            CU_ASSERT(findings_has_defect(findings, DEFECT_BAD_UUENCODE) == (lines > 0));
            findings_free(&findings);
            buf_clear(&message);
        }
    }
    look_free(&look);
}

static const struct unit_test tests[] = {
    {"EICAR", test_eicar},
    {"yEnc",  test_yenc },
    {"grown", test_grown},
};

UNIT_MAIN("mime/reading/walk_leaf", tests)
