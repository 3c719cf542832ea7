// SPDX-License-Identifier: BSD-2-Clause
#include "mime/reading/textual.h"

#include <string.h>

#include "tests/unit/harness.h"

static void
test_kinds(void)
{
    static const struct {
        const char *name, *text, *type;
    } rows[] = {
        {"plain",                   "Hello,\r\n\tyou.\r\n",               "text/plain"            },
        {"nothing",                 "",                                   "text/plain"            },
        {"UTF-8",
         "Gr\xc3\xbc\xc3\x9f"
         "e",                                                             "text/plain"            },
        {"a character cut",         "Gr\xc3\xbc\xe2\x82",                 "text/plain"            },
        {"Latin 1",
         "Gr\xfc\xdf"
         "e an alle",                                                     NULL                    },
        {"an archive of libraries", "!<arch>\nname",                      NULL                    },
        {"a control",               "a\x01z and more",                    NULL                    },
        {"ISO-2022-JP",             "\x1b$B%\"\x1b(B",                    "text/plain"            },
        {"HTML",                    "<!DOCTYPE HTML><p>",                 "text/html"             },
        {"HTML behind blanks",      "\xef\xbb\xbf \r\n<HtMl>",            "text/html"             },
        {"HTML behind a comment",   "<!-- x -->\n<html>",                 "text/html"             },
        {"a script in a text",      "hello <SCRIPT>alert(1)</script>",    "text/html"             },
        {"XML",                     "<?xml version=\"1.0\"?><a/>",        "text/xml"              },
        {"SVG in XML",              "<?xml version=\"1.0\"?>\n<svg>",     "image/svg+xml"         },
        {"a shell script",          "#!/bin/sh\n",                        "text/x-shellscript"    },
        {"a batch file",            "@ECHO OFF\r\n",                      "text/x-msdos-batch"    },
        {"a PDF without a binary",  "%PDF-1.4\n1 0 obj",                  "application/pdf"       },
        {"a link for Windows",      "[InternetShortcut]\r\nURL=file://a", "application/x-mswinurl"},
        {"a message",               "Received: from a\r\n",               "message/rfc822"        },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct span type = textual_type(span_of(rows[i].text));

        UNIT_CHECK_ROW(rows[i].name,
                       rows[i].type == NULL ? type.data == NULL : span_is(type, rows[i].type));
    }
    CU_ASSERT_PTR_NULL(textual_type(span_from("MZ\0\0", 4)).data);
}

// Each byte at each place among others, where more than a byte at a time comes in.
static void
test_bytes(void)
{
    enum { LEN = 20 };

    for (unsigned byte = 0; byte < 0x80; byte++) {
        bool is_text =
            (byte >= 0x20 && byte != 0x7f) || (byte != 0 && strchr("\t\n\r\f\x1b", (int)byte));

        for (size_t at = 0; at < LEN; at++) {
            char text[LEN];

            memset(text, 'a', LEN);
            text[at] = (char)byte;
            CU_ASSERT_EQUAL(textual_type(span_from(text, LEN)).data != NULL, is_text);
        }
    }
}

static const struct unit_test tests[] = {
    {"kinds of texts", test_kinds},
    {"bytes",          test_bytes},
};

UNIT_MAIN("mime/reading/textual", tests)
