// SPDX-License-Identifier: BSD-2-Clause
#include "spool/format.h"

#include "tests/unit/harness.h"
#include "tests/unit/spool/sample.h"

static bool
is_same(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

// Parameters are "" without, which is how NULL comes back.
static bool
is_same_params(const char *a, const char *b)
{
    return strcmp(a != NULL ? a : "", b != NULL ? b : "") == 0;
}

static bool
is_equal(const struct smtp_envelope *a, const struct smtp_envelope *b)
{
    bool equal = strcmp(a->id, b->id) == 0 && a->protocol == b->protocol &&
                 a->handoff == b->handoff && a->esmtp == b->esmtp && a->tls == b->tls &&
                 a->arrived_ms == b->arrived_ms && is_same(a->listener, b->listener) &&
                 is_same(a->next_hop, b->next_hop) && is_same(a->hostname, b->hostname) &&
                 is_same(a->client, b->client) && is_same(a->helo, b->helo) &&
                 is_same(a->from, b->from) && is_same_params(a->from_params, b->from_params) &&
                 is_same(a->parent, b->parent) && is_same(a->group, b->group) &&
                 is_same(a->reason, b->reason) && is_same(a->rule, b->rule) &&
                 is_same(a->why, b->why) && is_same(a->skip_rule, b->skip_rule) &&
                 a->rcpt_count == b->rcpt_count;

    for (size_t i = 0; i < XFORWARD_COUNT; i++)
        equal = equal && is_same(a->xforward[i], b->xforward[i]);
    for (size_t i = 0; equal && i < a->rcpt_count; i++)
        equal = is_same(a->rcpts[i].path, b->rcpts[i].path) &&
                is_same_params(a->rcpts[i].params, b->rcpts[i].params);
    return equal;
}

static void
check_same(const char *name, const struct smtp_envelope *envelope)
{
    struct smtp_envelope again;
    struct err err = {.text = ""};
    struct buf text;

    buf_init(&text, FORMAT_ENVELOPE_MAX);
    UNIT_CHECK_ROW(name, format_envelope_write(envelope, &text) == 0);
    UNIT_CHECK_ROW(name, format_envelope_read(buf_span(&text), &again, &err) == 0);
    UNIT_CHECK_ROW(name, is_equal(envelope, &again));
    envelope_clear(&again);
    buf_clear(&text);
}

static void
set(char **member, const char *text)
{
    mem_free(member);
    *member = mem_strdup(text);
}

static void
test_as_it_stands(void)
{
    struct smtp_envelope envelope;
    struct buf text;

    sample_envelope(&envelope, 2);
    set(&envelope.helo, "a b=c");
    set(&envelope.xforward[XFORWARD_ADDR], "IPv6:2001:db8::1");
    set(&envelope.xforward[XFORWARD_IDENT], "4Zb+2B");
    sample_set_rcpt(&envelope.rcpts[1], "r1@example.com", "NOTIFY=FAILURE ORCPT=rfc822;x");
    buf_init(&text, FORMAT_ENVELOPE_MAX);
    buf_add_text(&text, "before\n");
    CU_ASSERT_EQUAL(format_envelope_write(&envelope, &text), 0);
    CU_ASSERT_STRING_EQUAL(buf_text(&text), "before\n"
                                            "id 4X2k9QzT7mB\n"
                                            "protocol smtp\n"
                                            "handoff spool\n"
                                            "esmtp yes\n"
                                            "tls no\n"
                                            "arrived 1700000000123\n"
                                            "listener inet:127.0.0.1:10024\n"
                                            "next_hop reinject\n"
                                            "hostname mx1.example.com\n"
                                            "client 127.0.0.1\n"
                                            "helo a+20b+3Dc\n"
                                            "xforward_addr IPv6:2001:db8::1\n"
                                            "xforward_ident 4Zb+2B2B\n"
                                            "from <a@example.org> SIZE=123\n"
                                            "rcpt <r0@example.com>\n"
                                            "rcpt <r1@example.com> NOTIFY=FAILURE ORCPT=rfc822;x\n"
                                            "\n");
    buf_clear(&text);
    envelope_clear(&envelope);
}

static void
test_child_as_it_stands(void)
{
    struct smtp_envelope envelope;
    struct buf text;

    sample_envelope(&envelope, 1);
    set(&envelope.parent, "4X2k9QzT7mA");
    set(&envelope.group, "3");
    set(&envelope.reason, "release");
    set(&envelope.rule, "virus");
    set(&envelope.why, "Eicar found");
    set(&envelope.skip_rule, "virus");
    buf_init(&text, FORMAT_ENVELOPE_MAX);
    CU_ASSERT_EQUAL(format_envelope_write(&envelope, &text), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_text(&text), "\nparent 4X2k9QzT7mA\n"
                                                   "group 3\n"
                                                   "reason release\n"
                                                   "rule virus\n"
                                                   "why Eicar+20found\n"
                                                   "skip_rule virus\n"
                                                   "from "));
    buf_clear(&text);
    envelope_clear(&envelope);
}

static void
test_paths(void)
{
    static const struct {
        const char *path, *params;
        bool is_kept;
    } rows[] = {
        {"",                           "",                              true },
        {"",                           "SIZE=1 BODY=8BITMIME",          true },
        {"postmaster",                 "",                              true },
        {"a@b",                        NULL,                            true },
        {"a@b",                        "AUTH=<>",                       true },
        {"a@b",                        "ORCPT=rfc822;x>y NOTIFY=NEVER", true },
        {"a@b",                        " X  Y ",                        true },
        {"a@b",                        "> X",                           true },
        {"\"a b\"@c",                  "SIZE=1",                        true },
        {"\"a> b\"@c",                 "SIZE=1",                        true },
        {"\"> X=<\"@c",                "",                              true },
        {"\"a\\\"> b\"@c",             "SIZE=1",                        true },
        {"\"a\\\\\"@c",                "SIZE=1",                        true },
        {"\"\"@c",                     "SIZE=1",                        true },
        {"\xc3\xa4@b\xc3\xbc.example", "SMTPUTF8",                      true },
        {"a<b@c",                      "",                              true },
        {"a+b=c%d!e/f@g",              "ENVID=a+3Db",                   true },
        {"x@[IPv6:2001:db8::1]",       "",                              true },
        {"a\xff@b",                    "",                              true },
        {"a>b@c",                      "",                              false},
        {"\"a@c",                      "",                              false},
        {"\"a\\",                      "",                              false},
        {"a\n@b",                      "",                              false},
        {"a@b",                        "X\nrcpt <c@d>",                 false},
        {"a@b",                        "X\r",                           false},
        {"a\t@b",                      "",                              false},
        {"a@b\x7f",                    "",                              false},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        for (int is_from = 0; is_from < 2; is_from++) {
            struct smtp_envelope envelope;
            struct buf text;

            sample_envelope(&envelope, 3);
            if (is_from) {
                set(&envelope.from, rows[i].path);
                set(&envelope.from_params, rows[i].params);
            } else {
                sample_set_rcpt(&envelope.rcpts[1], rows[i].path, rows[i].params);
            }
            buf_init(&text, FORMAT_ENVELOPE_MAX);
            buf_add_char(&text, 'x');
            if (rows[i].is_kept)
                check_same(rows[i].path, &envelope);
            else
                UNIT_CHECK_ROW(rows[i].path, format_envelope_write(&envelope, &text) == -1);
            UNIT_CHECK_ROW(rows[i].path, text.len == 1);
            buf_clear(&text);
            envelope_clear(&envelope);
        }
    }
}

// Each text may be missing, empty, or hold any byte but NUL.
static void
test_texts(void)
{
    static const char *const values[] = {NULL,
                                         "",
                                         " ",
                                         "a",
                                         "a b",
                                         "a\nid x",
                                         "+",
                                         "+41",
                                         "=",
                                         "\x01\x7f\x80\xff",
                                         "\xc3\xa4 <b> \"c\""};
    struct smtp_envelope envelope;

    for (size_t i = 0; i < UNIT_COUNT(values); i++) {
        sample_envelope(&envelope, 1);
        set(&envelope.listener, values[i]);
        set(&envelope.next_hop, values[i]);
        check_same("listener, next_hop", &envelope);
        set(&envelope.hostname, values[i]);
        set(&envelope.client, values[i]);
        set(&envelope.helo, values[i]);
        check_same("hostname, client, helo", &envelope);
        for (size_t j = 0; j < XFORWARD_COUNT; j++) {
            set(&envelope.xforward[j], values[i]);
            check_same(smtp_xforward_name((enum smtp_xforward)j), &envelope);
        }
        set(&envelope.parent, values[i]);
        set(&envelope.group, values[i]);
        set(&envelope.reason, values[i]);
        check_same("parent, group, reason", &envelope);
        set(&envelope.rule, values[i]);
        check_same("rule", &envelope);
        set(&envelope.why, values[i]);
        check_same("why", &envelope);
        set(&envelope.skip_rule, values[i]);
        check_same("skip_rule", &envelope);
        envelope_clear(&envelope);
    }
}

static void
test_every_byte_of_a_text(void)
{
    struct smtp_envelope envelope;
    char every[256] = "";

    for (size_t i = 0; i < 255; i++)
        every[i] = (char)(i + 1);
    sample_envelope(&envelope, 1);
    set(&envelope.helo, every);
    set(&envelope.xforward[XFORWARD_HELO], every);
    check_same("every byte", &envelope);
    envelope_clear(&envelope);
}

static void
test_other_members(void)
{
    static const int64_t times[] = {0, 1, INT64_MAX};
    struct smtp_envelope envelope;

    sample_envelope(&envelope, 1);
    for (unsigned mask = 0; mask < 16; mask++) {
        envelope.protocol = mask & 1 ? SMTP_PROTOCOL_LMTP : SMTP_PROTOCOL_SMTP;
        envelope.handoff = mask & 2 ? SMTP_HANDOFF_RELAY : SMTP_HANDOFF_SPOOL;
        envelope.esmtp = (mask & 4) != 0;
        envelope.tls = (mask & 8) != 0;
        check_same("flags", &envelope);
    }
    for (size_t i = 0; i < UNIT_COUNT(times); i++) {
        envelope.arrived_ms = times[i];
        check_same("arrived", &envelope);
    }
    CU_ASSERT_EQUAL(id_child(sample_id, 35, envelope.id), 0);
    set(&envelope.parent, sample_id);
    set(&envelope.group, "0-3,7");
    set(&envelope.reason, "bounce");
    check_same("child", &envelope);
    envelope_clear(&envelope);
}

static void
test_many_recipients(void)
{
    struct smtp_envelope envelope;

    sample_envelope(&envelope, 1000);
    check_same("1,000", &envelope);
    envelope_clear(&envelope);
    sample_envelope(&envelope, 50000);
    check_same("50,000", &envelope);
    envelope_clear(&envelope);
}

static void
test_what_cannot_be_written(void)
{
    struct smtp_envelope envelope;
    struct buf text;
    char *path = mem_zalloc(1 << 20);

    buf_init(&text, SIZE_MAX / 4);
    buf_add_text(&text, "kept");
    sample_envelope(&envelope, 0);
    CU_ASSERT_EQUAL(format_envelope_write(&envelope, &text), -1);
    memset(path, 'x', (1 << 20) - 1);
    for (size_t i = 0; i < 15; i++)
        envelope_add_rcpt(&envelope, span_of(path), span_of(""));
    check_same("below the bound", &envelope);
    envelope_add_rcpt(&envelope, span_of(path), span_of(""));
    CU_ASSERT_EQUAL(format_envelope_write(&envelope, &text), -1);
    envelope_clear(&envelope);
    sample_envelope(&envelope, 1);
    strcpy(envelope.id, "../passwd");
    CU_ASSERT_EQUAL(format_envelope_write(&envelope, &text), -1);
    CU_ASSERT_STRING_EQUAL(buf_text(&text), "kept");
    buf_clear(&text);
    strcpy(envelope.id, sample_id);
    for (size_t ceiling = 0; ceiling < 240; ceiling++) {
        buf_init(&text, ceiling);
        CU_ASSERT_EQUAL(format_envelope_write(&envelope, &text), -1);
        CU_ASSERT_EQUAL(text.len, 0);
        buf_clear(&text);
    }
    envelope_clear(&envelope);
    mem_free(&path);
}

#define START "id 4X2k9QzT7mB\nprotocol smtp\nhandoff spool\nesmtp yes\ntls no\narrived 1\n"

static void
test_strictness(void)
{
    static const struct {
        const char *text;
        const char *complaint; // NULL: good
    } rows[] = {
        {START "from <>\nrcpt <a@b>\n\n",                 NULL                   },
        {"rcpt <c@d>\nfrom <>\n" START "rcpt <a@b>\n\n",  NULL                   },
        {START "helo\nfrom <>\nrcpt <a@b>\n\n",           NULL                   },
        {START "from <>\nrcpt <a@b>\n",                   "empty line"           },
        {START "from <>\nrcpt <a@b>\n\n\n",               "unknown key"          },
        {START "from <>\n\nrcpt <a@b>\n\n",               "unknown key"          },
        {START "from <>\nrcpt <a@b>\n\nx",                "empty line"           },
        {START "from <>\nrcpt <a@b>\nfuture 1\n\n",       "unknown key"          },
        {START "From <>\nrcpt <a@b>\n\n",                 "unknown key"          },
        {START " from <>\nrcpt <a@b>\n\n",                "unknown key"          },
        {START "from\t<>\nrcpt <a@b>\n\n",                "unknown key"          },
        {START "from <>\n\n",                             "rcpt is missing"      },
        {START "rcpt <a@b>\n\n",                          "from is missing"      },
        {"id 4X2k9QzT7mB\n\n",                            "protocol is missing"  },
        {"\n\n",                                          "unknown key"          },
        {"\n",                                            "empty line"           },
        {"",                                              "empty line"           },
        {START "tls no\nfrom <>\nrcpt <a@b>\n\n",         "tls is there twice"   },
        {START "helo a\nhelo a\nfrom <>\nrcpt <a@b>\n\n", "helo is there twice"  },
        {START "why a\nwhy a\nfrom <>\nrcpt <a@b>\n\n",   "why is there twice"   },
        {START "from <>\nfrom <>\nrcpt <a@b>\n\n",        "from is there twice"  },
        {START "helo \nfrom <>\nrcpt <a@b>\n\n",          "bad value of helo"    },
        {START "helo a b\nfrom <>\nrcpt <a@b>\n\n",       "bad value of helo"    },
        {START "helo +4\nfrom <>\nrcpt <a@b>\n\n",        "bad value of helo"    },
        {START "helo +00\nfrom <>\nrcpt <a@b>\n\n",       "bad value of helo"    },
        {START "helo \xc3\xa4\nfrom <>\nrcpt <a@b>\n\n",  "bad value of helo"    },
        {START "from\nrcpt <a@b>\n\n",                    "bad value of from"    },
        {START "from a\nrcpt <a@b>\n\n",                  "bad value of from"    },
        {START "from <\nrcpt <a@b>\n\n",                  "bad value of from"    },
        {START "from <a\nrcpt <a@b>\n\n",                 "bad value of from"    },
        {START "from <\"a>\nrcpt <a@b>\n\n",              "bad value of from"    },
        {START "from <>x\nrcpt <a@b>\n\n",                "bad value of from"    },
        {START "from <> \nrcpt <a@b>\n\n",                "bad value of from"    },
        {START "from <a\rb>\nrcpt <a@b>\n\n",             "bad value of from"    },
        {START "from <>\nrcpt <a@b>x\n\n",                "bad value of rcpt"    },
        {START "from <>\nrcpt <a@b> \n\n",                "bad value of rcpt"    },
        {"id 4X2k9QzT7m\n\n",                             "bad value of id"      },
        {"id 4X2k9QzT7mB/\n\n",                           "bad value of id"      },
        {"id ..\n\n",                                     "bad value of id"      },
        {"id\n\n",                                        "bad value of id"      },
        {"protocol uucp\n\n",                             "bad value of protocol"},
        {"protocol SMTP\n\n",                             "bad value of protocol"},
        {"handoff \n\n",                                  "bad value of handoff" },
        {"handoff none\n\n",                              "bad value of handoff" },
        {"esmtp 1\n\n",                                   "bad value of esmtp"   },
        {"tls yes \n\n",                                  "bad value of tls"     },
        {"arrived -1\n\n",                                "bad value of arrived" },
        {"arrived 9223372036854775808\n\n",               "bad value of arrived" },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct smtp_envelope envelope;
        struct err err = {.text = ""};
        bool is_good = rows[i].complaint == NULL;

        UNIT_CHECK_ROW(rows[i].text, format_envelope_read(span_of(rows[i].text), &envelope, &err) ==
                                         (is_good ? 0 : -1));
        if (!is_good) {
            UNIT_CHECK_ROW(rows[i].text, err.kind == ERR_PERM);
            UNIT_CHECK_ROW(err.text, strstr(err.text, rows[i].complaint) != NULL);
            UNIT_CHECK_ROW(rows[i].text, envelope.from == NULL && envelope.rcpts == NULL);
        }
        envelope_clear(&envelope);
    }
}

// Nothing shorter than the whole is an envelope; any one byte changed is refused or another one.
static void
test_every_byte(void)
{
    struct smtp_envelope envelope, again;
    struct err err;
    struct buf text;

    sample_envelope(&envelope, 2);
    set(&envelope.xforward[XFORWARD_NAME], "mail.example.org");
    buf_init(&text, FORMAT_ENVELOPE_MAX);
    CU_ASSERT_EQUAL_FATAL(format_envelope_write(&envelope, &text), 0);
    for (size_t i = 0; i < text.len; i++) {
        char kept = text.data[i];

        CU_ASSERT_EQUAL(format_envelope_read(span_from(text.data, i), &again, &err), -1);
        for (int byte = 0; byte < 256; byte++) {
            text.data[i] = (char)byte;
            if ((char)byte != kept && format_envelope_read(buf_span(&text), &again, &err) == 0) {
                CU_ASSERT_FALSE(is_equal(&envelope, &again));
                envelope_clear(&again);
            }
        }
        text.data[i] = kept;
    }
    buf_clear(&text);
    envelope_clear(&envelope);
}

static const struct unit_test tests[] = {
    {"as it stands",           test_as_it_stands          },
    {"child as it stands",     test_child_as_it_stands    },
    {"paths",                  test_paths                 },
    {"texts",                  test_texts                 },
    {"every byte of a text",   test_every_byte_of_a_text  },
    {"other members",          test_other_members         },
    {"many recipients",        test_many_recipients       },
    {"what cannot be written", test_what_cannot_be_written},
    {"strictness",             test_strictness            },
    {"every byte",             test_every_byte            },
};

UNIT_MAIN("spool/format_envelope", tests)
