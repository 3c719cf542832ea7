// SPDX-License-Identifier: BSD-2-Clause
#include "policy/authres.h"

#include "base/buf.h"
#include "tests/unit/harness.h"

static void
list(const struct authres *authres, struct buf *out)
{
    for (size_t i = 0; i < authres->count; i++)
        buf_printf(out, "%s%s=%s", i > 0 ? " " : "", authres->items[i].method,
                   authres->items[i].result);
}

struct value_row {
    const char *value, *expected;
};

static const struct value_row value_rows[] = {
    {"mx.example.com; dkim=pass header.d=a.example; spf=fail",                        "dkim=pass spf=fail" },
    {" MX.example.com 1 ; dkim=pass",                                                 "dkim=pass"          },
    {"mx.example.com; none",                                                          ""                   },
    {"mx.example.com",                                                                ""                   },
    {"",                                                                              ""                   },
    {"other.example; dkim=pass",                                                      ""                   },
    {"mx.example.com.evil.example; dkim=pass",                                        ""                   },
    {"(c) mx.example.com (c; dkim=pass) (nested (c)) ;\r\n\tdkim (x) = (y) fail (z)", "dkim=fail"          },
    {"\"mx.example.com\"; spf=pass",                                                  "spf=pass"           },
    {"mx.example.com; dkim/1=pass",                                                   "dkim=pass"          },
    {"mx.example.com; dkim=fail reason=\"; dmarc=pass\"; spf=none",                   "dkim=fail spf=none" },
    {"mx.example.com; dkim=fail reason=\"a\\\"; dmarc=pass\"",                        "dkim=fail"          },
    {"mx.example.com; dkim=fail (\\); dmarc=pass)",                                   "dkim=fail"          },
    {"mx.example.com; dkim=fail (open; dmarc=pass",                                   "dkim=fail"          },
    {"mx.example.com; dkim=fail \"open; dmarc=pass",                                  "dkim=fail"          },
    {"mx.example.com; dkim=pass; dkim=fail",                                          "dkim=pass dkim=fail"},
    {"mx.example.com; =pass; dkim=; a b=pass;;",                                      ""                   },
    {"mx.example.com; dkim=pass\\",                                                   "dkim=pass\\"        },
};

static void
test_values(void)
{
    for (size_t i = 0; i < UNIT_COUNT(value_rows); i++) {
        const struct value_row *row = &value_rows[i];
        struct authres authres = {NULL, 0};
        struct buf text;

        buf_init(&text, 4096);
        authres_add(&authres, span_of(row->value), "mx.example.com", 0);
        list(&authres, &text);
        UNIT_CHECK_ROW(row->value, strcmp(buf_text(&text), row->expected) == 0);
        authres_clear(&authres);
        buf_clear(&text);
    }
}

// Each beginning of a value is a value: nothing is read beyond its end.
static void
test_pieces(void)
{
    static const char whole[] = "mx.example.com 1; (c \\) x) dkim/1=pass r=\"a\\\"b\"; spf=fail";

    for (size_t len = 0; len < sizeof(whole); len++) {
        struct authres authres = {NULL, 0};
        char *piece = malloc(len > 0 ? len : 1);

        memcpy(piece, whole, len);
        authres_add(&authres, span_from(piece, len), "mx.example.com", 0);
        CU_ASSERT(authres.count <= 2);
        authres_clear(&authres);
        free(piece);
    }
}

struct field_row {
    const char *title;
    const char *fields[6]; // name, value, ...
    const char *expected;
};

#define RECEIVED "Received", "from a by b"
#define OURS(text) "Authentication-Results", "mx.example.com; " text

static const struct field_row field_rows[] = {
    {"above",              {OURS("spf=pass"), RECEIVED},                         "spf=pass"},
    {"below the first",
     {RECEIVED, "authentication-results", "mx.example.com; spf=pass", RECEIVED},
     "spf=pass"                                                                            },
    {"below the second",   {RECEIVED, RECEIVED, OURS("spf=pass")},               ""        },
    {"the topmost counts",
     {OURS("spf=fail"), RECEIVED, OURS("spf=pass; dkim=pass")},
     "spf=fail dkim=pass"                                                                  },
    {"other fields",       {"Subject", "mx.example.com; spf=pass"},              ""        },
};

static void
test_fields(void)
{
    for (size_t i = 0; i < UNIT_COUNT(field_rows); i++) {
        const struct field_row *row = &field_rows[i];
        struct finding_header headers[3] = {{.offset = 0}};
        struct findings findings = {.headers = headers};
        struct authres authres;
        struct buf text;

        for (size_t k = 0; k < 6 && row->fields[k] != NULL; k += 2) {
            headers[findings.header_count].name = span_of(row->fields[k]);
            headers[findings.header_count++].raw = span_of(row->fields[k + 1]);
        }
        buf_init(&text, 4096);
        authres_read(&findings, "mx.example.com", &authres);
        list(&authres, &text);
        UNIT_CHECK_ROW(row->title, strcmp(buf_text(&text), row->expected) == 0);
        authres_clear(&authres);
        buf_clear(&text);
    }
}

static void
test_bound(void)
{
    struct authres authres = {NULL, 0};
    struct buf value;

    buf_init(&value, 1 << 20);
    buf_add_text(&value, "id");
    for (int i = 0; i < 1000; i++)
        buf_printf(&value, "; m%d=pass", i);
    authres_add(&authres, buf_span(&value), "id", 0);
    CU_ASSERT(authres.count == AUTHRES_MAX);
    CU_ASSERT(authres_has(&authres, SPAN_LITERAL("m7"), SPAN_LITERAL("p*")));
    CU_ASSERT(authres_has(&authres, SPAN_LITERAL("m?"), SPAN_LITERAL("pass")));
    CU_ASSERT(!authres_has(&authres, SPAN_LITERAL("m7"), SPAN_LITERAL("fail")));
    CU_ASSERT(!authres_has(&authres, SPAN_LITERAL("x*"), SPAN_LITERAL("*")));
    authres_clear(&authres);
    buf_clear(&value);
}

static const struct unit_test tests[] = {
    {"values", test_values},
    {"pieces", test_pieces},
    {"fields", test_fields},
    {"bound",  test_bound },
};

UNIT_MAIN("policy/authres", tests)
