// SPDX-License-Identifier: BSD-2-Clause
// The EICAR string in every place of a multipart or message where some reader finds a part.
#include "mime/reading/walk_private.h"

#include "tests/unit/mime/look_kit.h"

struct row {
    const char *name, *message;
    enum finding_defect defect; // DEFECT_COUNT: none asked for
};

#define FROM "From: a@example.org\r\n"
#define TYPE FROM "Content-Type: multipart/mixed; "
#define ENCODED "Content-Transfer-Encoding: base64\r\n\r\n{B}\r\n"
#define PLAIN "\r\n{E}\r\n"

static const struct row rows[] = {
    {"part",                                     TYPE "boundary=b\r\n\r\n--b\r\n" PLAIN "--b--\r\n",                   DEFECT_COUNT            },
    {"base64 part",                              TYPE "boundary=b\r\n\r\n--b\r\n" ENCODED "--b--\r\n",                 DEFECT_COUNT            },
    {"prologue",                                 TYPE "boundary=b\r\n\r\n{E}\r\n--b\r\n\r\nx\r\n--b--\r\n",            DEFECT_COUNT            },
    {"epilogue",                                 TYPE "boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n{E}",                DEFECT_COUNT            },
    {"part in the prologue",
     TYPE "boundary=b\r\n\r\n--c\r\n" ENCODED "--c--\r\n--b\r\n\r\nx\r\n--b--\r\n",
     DEFECT_HIDDEN_CONTENT                                                                                                                     },
    {"part in the epilogue",
     TYPE "boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n--c\r\n" ENCODED "--c--\r\n",
     DEFECT_HIDDEN_CONTENT                                                                                                                     },
    {"part behind the end",
     TYPE "boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n--b\r\n" PLAIN "--b--\r\n",                                      DEFECT_COUNT            },
    {"no end",                                   TYPE "boundary=b\r\n\r\n--b\r\n\r\n{E}",                              DEFECT_NO_END_BOUNDARY  },
    {"first boundary of two",                    TYPE "boundary=b; boundary=c\r\n\r\n--b\r\n" PLAIN "--b--\r\n",
     DEFECT_ODD_BOUNDARY                                                                                                                       },
    {"second boundary of two",                   TYPE "boundary=b; boundary=c\r\n\r\n--c\r\n" PLAIN "--c--\r\n",
     DEFECT_ODD_BOUNDARY                                                                                                                       },
    {"second type",
     FROM
     "Content-Type: multipart/mixed; boundary=b\r\nContent-Type: text/plain\r\n\r\n--b\r\n" PLAIN
     "--b--\r\n",                                                                                                      DEFECT_REPEATED_TYPE    },
    {"first type",
     FROM
     "Content-Type: text/plain\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" PLAIN
     "--b--\r\n",                                                                                                      DEFECT_REPEATED_TYPE    },
    {"boundary of the first type",
     TYPE "boundary=b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--b\r\n" PLAIN
          "--b--\r\n",                                                                                                 DEFECT_REPEATED_TYPE    },
    {"plain to one, a part to the other",
     FROM "Content-Type: multipart/mixed; boundary=b\r\nContent-Type: text/plain\r\n\r\n{E}",
     DEFECT_REPEATED_TYPE                                                                                                                      },
    {"continued boundary",                       TYPE "boundary*0=b; boundary*1=c\r\n\r\n--bc\r\n" PLAIN "--bc--\r\n",
     DEFECT_ODD_BOUNDARY                                                                                                                       },
    {"encoded boundary",                         TYPE "boundary*=us-ascii''%62c\r\n\r\n--bc\r\n" PLAIN "--bc--\r\n",
     DEFECT_ODD_BOUNDARY                                                                                                                       },
    {"its raw text",
     TYPE "boundary*=us-ascii''%62c\r\n\r\n--us-ascii''%62c\r\n" PLAIN "--us-ascii''%62c--\r\n",
     DEFECT_ODD_BOUNDARY                                                                                                                       },
    {"boundary with a blank at its end",         TYPE "boundary=\"b \"\r\n\r\n--b \r\n" PLAIN "--b --\r\n",
     DEFECT_ODD_BOUNDARY                                                                                                                       },
    {"empty boundary",                           TYPE "boundary=\"\"\r\n\r\n--\r\n" PLAIN "----\r\n",                  DEFECT_ODD_BOUNDARY     },
    {"quoted boundary",                          TYPE "boundary=\"a b\\c\"\r\n\r\n--a bc\r\n" PLAIN "--a bc--\r\n",
     DEFECT_COUNT                                                                                                                              },
    {"no semicolon",
     FROM "Content-Type: multipart/mixed boundary=b\r\n\r\n--b\r\n" ENCODED "--b--\r\n",
     DEFECT_COUNT                                                                                                                              },
    {"not a multipart",
     FROM "Content-Type: text/plain; boundary=b\r\n\r\n--b\r\n" PLAIN "--b--\r\n",                                     DEFECT_COUNT            },
    {"blank in front of the colon",
     FROM "Content-Type : multipart/mixed; boundary=b\r\n\r\n--b\r\n" PLAIN "--b--\r\n",
     DEFECT_COUNT                                                                                                                              },
    {"encoded multipart",
     TYPE "boundary=b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=2D-b\r\n" PLAIN
          "=2D-b--\r\n",                                                                                               DEFECT_ENCODED_MULTIPART},
    {"encoding of the multipart for its parts",
     TYPE "boundary=b\r\nContent-Transfer-Encoding: base64\r\n\r\n--b\r\n\r\n{B}\r\n--b--\r\n",
     DEFECT_COUNT                                                                                                                              },
    {"no blank line behind the header",          TYPE "boundary=b\r\n\r\n--b\r\n{E}\r\n--b--\r\n",
     DEFECT_BAD_FIELD                                                                                                                          },
    {"message",                                  FROM "Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\n{E}",     DEFECT_COUNT            },
    {"message in a digest",
     FROM "Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nSubject: x\r\n" PLAIN
          "--b--",                                                                                                     DEFECT_COUNT            },
    {"encoded message",
     FROM
     "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n"
     "U3ViamVjdDogeA0KQ29udGVudC1UcmFuc2Zlci1FbmNvZGluZzogYmFzZTY0DQoNCldEVlBJVkFsUUVGUVd6UmNVRn"
     "BZ\r\n"
     "TlRRb1VGNHBOME5ES1RkOUpFVkpRMEZTTFZOVVFVNUVRVkpFTFVGT1ZFbFdTVkpWVXkxVVJWTlVMVVpKVEVVaEpFZ3"
     "JT\r\nQ289DQo=\r\n",                                                                                             DEFECT_COUNT            },
    {"message in a message",
     FROM "Content-Type: message/rfc822\r\n\r\nContent-Type: message/rfc822\r\n\r\nContent-Type: "
          "multipart/mixed; boundary=b\r\n\r\n--b\r\n" ENCODED "--b--\r\n",
     DEFECT_COUNT                                                                                                                              },
    {"mail in a file",
     TYPE "boundary=b\r\n\r\n--b\r\nContent-Type: application/x; name=a.eml\r\n\r\nSubject: "
          "x\r\n" ENCODED "--b--\r\n",
     DEFECT_COUNT                                                                                                                              },
    {"inner part ended by the outer boundary",
     TYPE "boundary=b\r\n\r\n--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\n{E}"
          "\r\n--b\r\n\r\nx\r\n--b--\r\n",                                                                             DEFECT_NO_END_BOUNDARY  },
    {"inner part behind the outer boundary",
     TYPE
     "boundary=b\r\n\r\n--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\nx\r\n"
     "--b\r\nContent-Type: text/plain\r\n\r\ny\r\n--c\r\n" ENCODED "--c--\r\n--b--\r\n",
     DEFECT_HIDDEN_CONTENT                                                                                                                     },
    {"outer boundary begins like the inner one",
     TYPE
     "boundary=b\r\n\r\n--b\r\nContent-Type: multipart/mixed; boundary=bb\r\n\r\n--bb\r\n\r\n{E}"
     "\r\n--bb--\r\n--b--\r\n",                                                                                        DEFECT_COUNT            },
};

static struct look *look;

static void
check(const char *name, const char *message, enum finding_defect defect)
{
    struct findings *findings = kit_look_at(look, message);
    bool is_marked = defect == DEFECT_COUNT || findings_has_defect(findings, defect);

    UNIT_CHECK_ROW(name, kit_has_eicar(findings));
    UNIT_CHECK_ROW(name, is_marked);
    UNIT_CHECK_ROW(name, findings->limit == LIMIT_NONE);
    if (!kit_has_eicar(findings) || !is_marked) {
        struct buf tree;

        fprintf(stderr, "%s", kit_tree(findings, &tree));
        kit_marks(findings);
        buf_clear(&tree);
    }
    findings_free(&findings);
}

static void
test_eicar(void)
{
    for (size_t i = 0; i < UNIT_COUNT(rows); i++)
        check(rows[i].name, rows[i].message, rows[i].defect);
}

// GMime matches no boundary above some 5,000 bytes.
static void
test_long_boundary(void)
{
    enum { LEN = 6000 };

    char *boundary = mem_zalloc(LEN + 1);
    char *message;

    memset(boundary, 'b', LEN);
    message = mem_printf(TYPE "boundary=%s\r\n\r\n--%s\r\n" PLAIN "--%s--\r\n", boundary, boundary,
                         boundary);
    check("6,000 bytes", message, DEFECT_ODD_BOUNDARY);
    mem_free(&message);
    mem_free(&boundary);
}

// A NUL, and a CR that ends a line, as those take them who cut no header there.
static void
test_odd_bytes(void)
{
    static const struct row odd[] = {
        {"NUL in the type",
         FROM "Content-Type: multi?part/mixed; boundary=b\r\n\r\n--b\r\n" PLAIN "--b--\r\n",
         DEFECT_NUL                                                                                           },
        {"NUL in front of the boundary", TYPE "?boundary=b\r\n\r\n--b\r\n" ENCODED "--b--\r\n",
         DEFECT_NUL                                                                                           },
        {"CR alone",                     TYPE "boundary=b\r\n\r\n--b??{E}?--b--\r\n",           DEFECT_BARE_CR},
    };

    for (size_t i = 0; i < UNIT_COUNT(odd); i++) {
        struct findings *findings;
        struct buf message;

        buf_init(&message, 10000);
        kit_fill(odd[i].message, &message);
        for (size_t n = 0; n < message.len; n++) {
            if (message.data[n] == '?')
                message.data[n] = odd[i].defect == DEFECT_NUL ? '\0' : '\r';
        }
        findings = kit_see(look, buf_span(&message));
        UNIT_CHECK_ROW(odd[i].name, kit_has_eicar(findings));
        UNIT_CHECK_ROW(odd[i].name, findings_has_defect(findings, odd[i].defect));
        findings_free(&findings);
        buf_clear(&message);
    }
}

static const struct unit_test tests[] = {
    {"EICAR",         test_eicar        },
    {"long boundary", test_long_boundary},
    {"odd bytes",     test_odd_bytes    },
};

int
main(void)
{
    struct dissect_setup setup;
    int result;

    kit_setup(&setup);
    look = kit_look(&setup);
    result = unit_run("mime/reading/walk_multi", tests, UNIT_COUNT(tests));
    look_free(&look);
    return result;
}
