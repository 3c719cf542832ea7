// SPDX-License-Identifier: BSD-2-Clause
#include "mime/reading/decode.h"
#include "tests/unit/harness.h"

#define B64 DECODE_BASE64
#define QP DECODE_QUOTED_PRINTABLE
#define UU DECODE_UUENCODE

static const struct {
    const char *value;
    enum decode_encoding encoding;
    bool is_known;
} names[] = {
    {"base64",                                      B64,             true },
    {" BASE64 (comment)\r\n",                       B64,             true },
    {"(a (nested) one) Base64",                     B64,             true },
    {"base(x)64",                                   B64,             true },
    {"\"base64\"",                                  B64,             false},
    {"base64;",                                     B64,             false},
    {"base64; x=y",                                 B64,             false},
    {"base 64",                                     B64,             false},
    {"base64 7bit",                                 B64,             false},
    {"x-base64",                                    B64,             false},
    {"base64, 8bit",                                B64,             false},
    {"Quoted-Printable",                            QP,              true },
    {"quoted-printable.",                           QP,              false},
    {"quotedprintable",                             QP,              false},
    {"x-uuencode",                                  UU,              true },
    {"uuencode",                                    UU,              true },
    {"X-UUE",                                       UU,              true },
    {"7bit",                                        DECODE_IDENTITY, true },
    {" 8BIT ",                                      DECODE_IDENTITY, true },
    {"binary",                                      DECODE_IDENTITY, true },
    {"7-bit",                                       DECODE_IDENTITY, false},
    {"",                                            DECODE_IDENTITY, false},
    {"(base64)",                                    DECODE_IDENTITY, false},
    {"((((base64",                                  DECODE_IDENTITY, false},
    {"plain",                                       DECODE_IDENTITY, false},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", DECODE_IDENTITY, false},
};

static void
test_names(void)
{
    for (size_t i = 0; i < UNIT_COUNT(names); i++) {
        bool known;

        UNIT_CHECK_ROW(names[i].value,
                       decode_encoding_find(span_of(names[i].value), &known) == names[i].encoding);
        UNIT_CHECK_ROW(names[i].value, known == names[i].is_known);
        UNIT_CHECK_ROW(names[i].value,
                       decode_encoding_find(span_of(names[i].value), NULL) == names[i].encoding);
    }
}

static const struct unit_test tests[] = {
    {"names", test_names},
};

UNIT_MAIN("mime/reading/decode_name", tests)
