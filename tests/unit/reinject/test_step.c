// SPDX-License-Identifier: BSD-2-Clause
#include "reinject/step.h"

#include "tests/unit/harness.h"

static void
test_table_is_full(void)
{
    for (int state = STEP_GREETING; state <= STEP_CLOSED; state++) {
        const struct step_row *row = step_find((enum step_state)state);

        CU_ASSERT((int)row->state == state);
        CU_ASSERT(row->name != NULL && row->name[0] != '\0');
        CU_ASSERT(row->good == 2 || row->good == 3);
    }
}

static const struct {
    const char *name;
    enum step_state state;
    int code;
    enum step_next next;
} after_rows[] = {
    {"mail without starttls",      STEP_MAIL,     530, NEXT_DROP       },
    {"mail out of sequence",       STEP_MAIL,     503, NEXT_DROP       },
    {"rcpt behind a refused mail", STEP_RCPT,     503, NEXT_FAIL_RCPT  },
    {"greeting",                   STEP_GREETING, 220, NEXT_STATE      },
    {"greeting 5xx",               STEP_GREETING, 554, NEXT_DROP       },
    {"ehlo unknown",               STEP_EHLO,     502, NEXT_HELO       },
    {"ehlo later",                 STEP_EHLO,     451, NEXT_DROP       },
    {"helo refused",               STEP_HELO,     550, NEXT_DROP       },
    {"no tls today",               STEP_STARTTLS, 454, NEXT_WITHOUT_TLS},
    {"unasked",                    STEP_IDLE,     250, NEXT_DROP       },
    {"xforward refused",           STEP_XFORWARD, 550, NEXT_STATE      },
    {"mail 4xx",                   STEP_MAIL,     451, NEXT_FAIL_ALL   },
    {"mail 5xx",                   STEP_MAIL,     550, NEXT_FAIL_ALL   },
    {"mail 354",                   STEP_MAIL,     354, NEXT_DROP       },
    {"rcpt 5xx",                   STEP_RCPT,     550, NEXT_FAIL_RCPT  },
    {"data 354",                   STEP_DATA,     354, NEXT_STATE      },
    {"data 250",                   STEP_DATA,     250, NEXT_DROP       },
    {"dot 250",                    STEP_DOT,      250, NEXT_STATE      },
    {"dot 354",                    STEP_DOT,      354, NEXT_DROP       },
    {"shutdown at greeting",       STEP_GREETING, 421, NEXT_DROP       },
    {"shutdown at xforward",       STEP_XFORWARD, 421, NEXT_DROP       },
    {"shutdown at rcpt",           STEP_RCPT,     421, NEXT_DROP       },
    {"shutdown at the dot",        STEP_DOT,      421, NEXT_DROP       },
    {"rset refused",               STEP_RSET,     500, NEXT_DROP       },
};

static void
test_after(void)
{
    for (size_t i = 0; i < UNIT_COUNT(after_rows); i++)
        UNIT_CHECK_ROW(after_rows[i].name,
                       step_after(after_rows[i].state, after_rows[i].code) == after_rows[i].next);
}

static void
test_full(void)
{
    struct answer full = {.code = 452, .enhanced = "4.5.3"};
    struct answer bare = {.code = 452};
    struct answer disk = {.code = 452, .enhanced = "4.3.1"};
    struct answer old = {.code = 552, .enhanced = "5.5.3"};
    struct answer quota = {.code = 552, .enhanced = "5.2.2"};
    struct answer other = {.code = 450, .enhanced = "4.5.3"};

    CU_ASSERT(step_is_full(&full) && step_is_full(&bare) && step_is_full(&old));
    CU_ASSERT(!step_is_full(&disk) && !step_is_full(&quota) && !step_is_full(&other));
}

enum { EVERYTHING = CAPS_SIZE | CAPS_8BITMIME | CAPS_SMTPUTF8 | CAPS_DSN };

static const struct {
    const char *name, *from, *params;
    unsigned flags;
    const char *line;
} mail_rows[] = {
    {"null sender",   "",          "",                                                    0,                      "MAIL FROM:<>\r\n"   },
    {"verbatim",      "A@b",       "BODY=8BITMIME RET=HDRS ENVID=a+2Bd SMTPUTF8 AUTH=<>", EVERYTHING,
     "MAIL FROM:<A@b> SIZE=11 BODY=8BITMIME RET=HDRS ENVID=a+2Bd SMTPUTF8 AUTH=<>\r\n"                                                 },
    {"size is ours",  "a@b",       "SIZE=99999 BODY=7BIT",                                EVERYTHING,
     "MAIL FROM:<a@b> SIZE=11 BODY=7BIT\r\n"                                                                                           },
    {"size left out", "a@b",       "size=99999",                                          CAPS_DSN,               "MAIL FROM:<a@b>\r\n"},
    {"no dsn",        "a@b",       "RET=FULL ENVID=x BODY=8BITMIME",                      EVERYTHING & ~CAPS_DSN,
     "MAIL FROM:<a@b> SIZE=11 BODY=8BITMIME\r\n"                                                                                       },
    {"no 8bitmime",   "a@b",       "BODY=7BIT",                                           0,                      "MAIL FROM:<a@b>\r\n"},
    {"blanks",        "\"a b\"@c", "  RET=FULL   ENVID=x ",                               CAPS_DSN,
     "MAIL FROM:<\"a b\"@c> RET=FULL ENVID=x\r\n"                                                                                      },
};

static void
test_mail(void)
{
    struct body_source source = {.memory = SPAN_LITERAL("123456789"), .len = 9};
    struct body_piece pieces[] = {{.literal = SPAN_LITERAL("\r\n")}, {.len = 9}};
    struct body *body = body_new(&source, pieces, 2);

    for (size_t i = 0; i < UNIT_COUNT(mail_rows); i++) {
        struct delivery delivery = {
            .from = mail_rows[i].from, .from_params = mail_rows[i].params, .body = body};
        struct caps caps = {.flags = mail_rows[i].flags};
        struct buf out;

        buf_init(&out, 1000);
        step_write_mail(&delivery, &caps, &out);
        UNIT_CHECK_ROW(mail_rows[i].name, strcmp(buf_text(&out), mail_rows[i].line) == 0);
        buf_clear(&out);
    }
    body_free(&body);
}

static void
test_rcpt(void)
{
    struct delivery_rcpt rcpt = {.path = "postmaster",
                                 .params = "ORCPT=rfc822;x@y NOTIFY=SUCCESS,FAILURE"};
    struct caps with = {.flags = CAPS_DSN}, without = {.flags = 0};
    struct buf out;

    buf_init(&out, 1000);
    step_write_rcpt(&rcpt, &with, &out);
    step_write_rcpt(&rcpt, &without, &out);
    CU_ASSERT_STRING_EQUAL(buf_text(&out),
                           "RCPT TO:<postmaster> ORCPT=rfc822;x@y NOTIFY=SUCCESS,FAILURE\r\n"
                           "RCPT TO:<postmaster>\r\n");
    buf_clear(&out);
}

static void
test_xforward(void)
{
    char name[256], helo[260], huge[520];
    struct smtp_envelope envelope = {
        .xforward = {[XFORWARD_ADDR] = "192.0.2.1",
                     [XFORWARD_IDENT] = "4Zb1+2B",
                     [XFORWARD_SOURCE] = "REMOTE"}
    };
    struct caps all = {.xforward = (1U << XFORWARD_COUNT) - 1};
    struct caps some = {.xforward = 1U << XFORWARD_IDENT};
    struct caps none = {.xforward = 0};
    struct buf out;

    buf_init(&out, 4000);
    CU_ASSERT(step_write_xforward(&envelope, &all, &out) == 1);
    CU_ASSERT(step_write_xforward(&envelope, &some, &out) == 1);
    CU_ASSERT(step_write_xforward(&envelope, &none, &out) == 0);
    CU_ASSERT_STRING_EQUAL(buf_text(&out), "XFORWARD ADDR=192.0.2.1 IDENT=4Zb1+2B SOURCE=REMOTE\r\n"
                                           "XFORWARD IDENT=4Zb1+2B\r\n");
    buf_reset(&out);
    // 8 for the verb, 6 and 250, 6 and 240, 2 for the end: 512 fit, 513 do not.
    memset(name, 'n', sizeof(name));
    memset(helo, 'h', sizeof(helo));
    memset(huge, 'x', sizeof(huge));
    name[250] = '\0';
    helo[240] = '\0';
    huge[519] = '\0';
    envelope = (struct smtp_envelope){
        .xforward = {[XFORWARD_NAME] = name, [XFORWARD_HELO] = helo, [XFORWARD_PROTO] = huge}
    };
    CU_ASSERT(step_write_xforward(&envelope, &all, &out) == 1);
    CU_ASSERT(out.len == 512);
    helo[240] = 'h';
    helo[241] = '\0';
    buf_reset(&out);
    CU_ASSERT(step_write_xforward(&envelope, &all, &out) == 2);
    CU_ASSERT(out.len == 512 + 1 + 10);
    CU_ASSERT(strstr(buf_text(&out), "PROTO") == NULL);
    buf_clear(&out);
}

static void
test_missing(void)
{
    struct delivery delivery = {.from = "a@b", .from_params = "BODY=8BITMIME SMTPUTF8"};
    struct caps caps = {.flags = CAPS_8BITMIME | CAPS_SMTPUTF8};

    CU_ASSERT_PTR_NULL(step_missing(&delivery, &caps));
    caps.flags = CAPS_8BITMIME;
    CU_ASSERT_STRING_EQUAL(step_missing(&delivery, &caps), "SMTPUTF8");
    caps.flags = CAPS_SMTPUTF8;
    CU_ASSERT_STRING_EQUAL(step_missing(&delivery, &caps), "8BITMIME");
    delivery.from_params = "BODY=7BIT";
    CU_ASSERT_PTR_NULL(step_missing(&delivery, &caps));
}

static void
test_safe(void)
{
    struct delivery_rcpt rcpt = {.path = "c@d", .params = ""};
    struct delivery delivery = {
        .from = "\xc3\xa9@b", .from_params = "", .rcpts = &rcpt, .rcpt_count = 1};

    CU_ASSERT(step_is_safe(&delivery));
    rcpt.path = "c@d>\r\nDATA";
    CU_ASSERT(!step_is_safe(&delivery));
    rcpt.path = "c@d";
    rcpt.params = "NOTIFY=NEVER\n";
    CU_ASSERT(!step_is_safe(&delivery));
    rcpt.params = "";
    delivery.from_params = "\x7f";
    CU_ASSERT(!step_is_safe(&delivery));
}

static const struct unit_test tests[] = {
    {"the table is full",        test_table_is_full},
    {"what a reply leads to",    test_after        },
    {"the transaction is full",  test_full         },
    {"MAIL",                     test_mail         },
    {"RCPT",                     test_rcpt         },
    {"XFORWARD",                 test_xforward     },
    {"what is missing",          test_missing      },
    {"nothing dangerous leaves", test_safe         },
};

UNIT_MAIN("reinject/step", tests)
