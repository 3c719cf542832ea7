// SPDX-License-Identifier: BSD-2-Clause
#include "smtp/envelope.h"

#include <stdio.h>

#include "base/mem.h"
#include "tests/unit/harness.h"

struct param_row {
    const char *params, *keyword, *value; // value NULL: absent
};

static const struct param_row param_rows[] = {
    {NULL,                     "SIZE",     NULL        },
    {"",                       "SIZE",     NULL        },
    {"SIZE=12",                "SIZE",     "12"        },
    {"size=12",                "SIZE",     "12"        },
    {"BODY=8BITMIME SIZE=12",  "SIZE",     "12"        },
    {"BODY=8BITMIME  SIZE=12", "SIZE",     "12"        },
    {"BODY=8BITMIME SIZE=12",  "BODY",     "8BITMIME"  },
    {"SMTPUTF8",               "SMTPUTF8", ""          },
    {"X SMTPUTF8 Y",           "smtputf8", ""          },
    {"SIZEX=12",               "SIZE",     NULL        },
    {"XSIZE=12",               "SIZE",     NULL        },
    {"ENVID=SIZE=3",           "SIZE",     NULL        },
    {"SIZE=",                  "SIZE",     ""          },
    {"ORCPT=rfc822;a=b",       "ORCPT",    "rfc822;a=b"},
};

static void
test_param(void)
{
    for (size_t i = 0; i < UNIT_COUNT(param_rows); i++) {
        const struct param_row *row = &param_rows[i];
        struct span value = envelope_param(row->params, row->keyword);

        UNIT_CHECK_ROW(row->keyword, (value.data == NULL) == (row->value == NULL));
        UNIT_CHECK_ROW(row->keyword, row->value == NULL || span_is(value, row->value));
    }
}

struct need_row {
    const char *params;
    bool smtputf8, eightbit;
};

static const struct need_row need_rows[] = {
    {NULL,                     false, false},
    {"SIZE=1",                 false, false},
    {"BODY=7BIT",              false, false},
    {"BODY=8bitmime",          false, true },
    {"SMTPUTF8 BODY=8BITMIME", true,  true },
    {"smtputf8",               true,  false},
    {"ENVID=SMTPUTF8",         false, false},
};

static void
test_needs(void)
{
    for (size_t i = 0; i < UNIT_COUNT(need_rows); i++) {
        struct smtp_envelope envelope;

        envelope_init(&envelope);
        envelope.from_params = mem_strdup(need_rows[i].params);
        CU_ASSERT(envelope_needs_smtputf8(&envelope) == need_rows[i].smtputf8);
        CU_ASSERT(envelope_needs_8bitmime(&envelope) == need_rows[i].eightbit);
        envelope_clear(&envelope);
    }
}

static void
fill(struct smtp_envelope *envelope, size_t rcpts)
{
    char path[32];

    envelope_init(envelope);
    snprintf(envelope->id, sizeof(envelope->id), "0Abcdefghij");
    envelope->protocol = SMTP_PROTOCOL_LMTP;
    envelope->handoff = SMTP_HANDOFF_RELAY;
    envelope->esmtp = true;
    envelope->tls = true;
    envelope->arrived_ms = 1234;
    envelope->listener = mem_strdup("in");
    envelope->next_hop = mem_strdup("out");
    envelope->hostname = mem_strdup("mx");
    envelope->client = mem_strdup("local");
    envelope->helo = mem_strdup("there");
    for (size_t i = 0; i < XFORWARD_COUNT; i++)
        envelope->xforward[i] = mem_strdup(smtp_xforward_name((enum smtp_xforward)i));
    envelope->from = mem_strdup("");
    envelope->from_params = mem_strdup("SIZE=1");
    envelope->parent = mem_strdup("p");
    envelope->group = mem_strdup("0-1");
    envelope->reason = mem_strdup("copy");
    envelope->rule = mem_strdup("virus");
    envelope->why = mem_strdup("found one");
    envelope->skip_rule = mem_strdup("exe");
    for (size_t i = 0; i < rcpts; i++) {
        snprintf(path, sizeof(path), "r%zu@b", i);
        envelope_add_rcpt(envelope, span_of(path), SPAN_LITERAL("NOTIFY=NEVER trailing"));
    }
}

static void
test_recipients_keep_their_order(void)
{
    struct smtp_envelope envelope;
    char path[32];

    fill(&envelope, 1000);
    CU_ASSERT_EQUAL_FATAL(envelope.rcpt_count, 1000);
    for (size_t i = 0; i < 1000; i++) {
        snprintf(path, sizeof(path), "r%zu@b", i);
        CU_ASSERT_STRING_EQUAL(envelope.rcpts[i].path, path);
    }
    CU_ASSERT_STRING_EQUAL(envelope.rcpts[999].params, "NOTIFY=NEVER trailing");
    envelope_clear(&envelope);
    CU_ASSERT_EQUAL(envelope.rcpt_count, 0);
    CU_ASSERT_PTR_NULL(envelope.rcpts);
}

// The memory of a copy must fit whatever is added to it later, at each count.
static void
test_copy(void)
{
    for (size_t count = 0; count < 20; count++) {
        struct smtp_envelope first, copy;

        fill(&first, count);
        envelope_copy(&copy, &first);
        CU_ASSERT_EQUAL_FATAL(copy.rcpt_count, count);
        CU_ASSERT_STRING_EQUAL(copy.id, first.id);
        CU_ASSERT_STRING_EQUAL(copy.next_hop, "out");
        CU_ASSERT_STRING_EQUAL(copy.xforward[XFORWARD_SOURCE], "SOURCE");
        CU_ASSERT_STRING_EQUAL(copy.group, "0-1");
        CU_ASSERT(copy.rule != first.rule && copy.why != first.why);
        CU_ASSERT(copy.skip_rule != first.skip_rule);
        CU_ASSERT_STRING_EQUAL(copy.rule, "virus");
        CU_ASSERT_STRING_EQUAL(copy.why, "found one");
        CU_ASSERT_STRING_EQUAL(copy.skip_rule, "exe");
        CU_ASSERT(copy.protocol == SMTP_PROTOCOL_LMTP && copy.esmtp && copy.tls);
        envelope_clear(&first);
        envelope_add_rcpt(&copy, SPAN_LITERAL("last@b"), SPAN_LITERAL(""));
        CU_ASSERT_STRING_EQUAL(copy.rcpts[count].path, "last@b");
        CU_ASSERT(count == 0 || strcmp(copy.rcpts[0].path, "r0@b") == 0);
        envelope_clear(&copy);
    }
}

static void
test_reset(void)
{
    struct smtp_envelope envelope;

    fill(&envelope, 3);
    envelope_reset_transaction(&envelope);
    CU_ASSERT_STRING_EQUAL(envelope.id, "");
    CU_ASSERT_EQUAL(envelope.rcpt_count, 0);
    CU_ASSERT_PTR_NULL(envelope.from);
    CU_ASSERT_PTR_NULL(envelope.from_params);
    CU_ASSERT_PTR_NULL(envelope.parent);
    CU_ASSERT_PTR_NULL(envelope.rule);
    CU_ASSERT_PTR_NULL(envelope.why);
    CU_ASSERT_PTR_NULL(envelope.skip_rule);
    for (size_t i = 0; i < XFORWARD_COUNT; i++)
        CU_ASSERT_PTR_NULL(envelope.xforward[i]);
    CU_ASSERT_STRING_EQUAL(envelope.helo, "there");
    CU_ASSERT_STRING_EQUAL(envelope.listener, "in");
    CU_ASSERT(envelope.tls && envelope.esmtp);
    envelope_clear(&envelope);
    CU_ASSERT_PTR_NULL(envelope.helo);
}

static void
test_names(void)
{
    CU_ASSERT_STRING_EQUAL(smtp_protocol_name(SMTP_PROTOCOL_SMTP), "smtp");
    CU_ASSERT_STRING_EQUAL(smtp_protocol_name(SMTP_PROTOCOL_LMTP), "lmtp");
    CU_ASSERT_STRING_EQUAL(smtp_handoff_name(SMTP_HANDOFF_SPOOL), "spool");
    CU_ASSERT_STRING_EQUAL(smtp_handoff_name(SMTP_HANDOFF_RELAY), "relay");
    CU_ASSERT_STRING_EQUAL(smtp_xforward_name(XFORWARD_NAME), "NAME");
    CU_ASSERT_STRING_EQUAL(smtp_xforward_name(XFORWARD_IDENT), "IDENT");
    CU_ASSERT_STRING_EQUAL(smtp_xforward_name(XFORWARD_COUNT), "unknown");
}

static const struct unit_test tests[] = {
    {"param",      test_param                      },
    {"needs",      test_needs                      },
    {"recipients", test_recipients_keep_their_order},
    {"copy",       test_copy                       },
    {"reset",      test_reset                      },
    {"names",      test_names                      },
};

UNIT_MAIN("smtp/envelope", tests)
