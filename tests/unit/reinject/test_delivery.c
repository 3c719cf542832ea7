// SPDX-License-Identifier: BSD-2-Clause
#include "reinject/delivery.h"

#include "tests/unit/harness.h"

static void
test_list(void)
{
    struct delivery items[3] = {{.from = "a"}, {.from = "b"}, {.from = "c"}};
    struct delivery_list list = {.count = 0};

    delivery_list_insert(&list, &items[1], NULL);
    delivery_list_insert(&list, &items[2], NULL);
    delivery_list_insert(&list, &items[0], list.first);
    CU_ASSERT(list.count == 3);
    CU_ASSERT(list.first == &items[0] && items[0].next == &items[1] && items[1].next == &items[2]);
    CU_ASSERT(list.last == &items[2] && items[2].prev == &items[1] && items[1].prev == &items[0]);
    delivery_list_remove(&list, &items[1]);
    CU_ASSERT(items[0].next == &items[2] && items[2].prev == &items[0]);
    CU_ASSERT(items[1].next == NULL && items[1].prev == NULL);
    delivery_list_remove(&list, &items[0]);
    CU_ASSERT(list.first == &items[2] && list.last == &items[2] && items[2].prev == NULL);
    delivery_list_remove(&list, &items[2]);
    CU_ASSERT(list.first == NULL && list.last == NULL && list.count == 0);
}

static void
test_fail_open(void)
{
    struct delivery_rcpt rcpts[3] = {
        {.result = DELIVERY_NONE},
        {.result = DELIVERY_SENT, .answer = {.code = 250}},
        {.result = DELIVERY_NONE                      }
    };
    struct delivery delivery = {.rcpts = rcpts, .rcpt_count = 3};
    struct answer answer = {.code = 451, .text = "later"};

    delivery_fail_open(&delivery, DELIVERY_TEMPORARY, &answer);
    CU_ASSERT(delivery_count(&delivery, DELIVERY_TEMPORARY) == 2);
    CU_ASSERT(delivery_count(&delivery, DELIVERY_NONE) == 0);
    CU_ASSERT(rcpts[1].result == DELIVERY_SENT && rcpts[1].answer.code == 250);
    CU_ASSERT(rcpts[2].answer.code == 451);
    CU_ASSERT_STRING_EQUAL(rcpts[2].answer.text, "later");
}

static void
test_clear(void)
{
    struct delivery_rcpt rcpt = {
        .path = "a@b", .number = 7, .result = DELIVERY_SENT, .answer = {.code = 250}};
    struct delivery delivery = {.from = "c@d",
                                .rcpts = &rcpt,
                                .rcpt_count = 1,
                                .deadline_ms = 17,
                                .relay = "x",
                                .queue_id = "y",
                                .dot_sent = true,
                                .alarm = true,
                                .was_stale = true,
                                .is_over = true,
                                .send_us = 5};

    delivery_clear(&delivery);
    CU_ASSERT(rcpt.result == DELIVERY_NONE && rcpt.answer.code == 0 && rcpt.number == 7);
    CU_ASSERT(delivery.relay[0] == '\0' && delivery.queue_id[0] == '\0');
    CU_ASSERT(!delivery.dot_sent && !delivery.alarm && !delivery.was_stale && !delivery.is_over);
    CU_ASSERT(delivery.send_us == 0);
    // What is asked stays.
    CU_ASSERT_STRING_EQUAL(delivery.from, "c@d");
    CU_ASSERT(delivery.deadline_ms == 17 && delivery.rcpt_count == 1);
}

static void
test_names(void)
{
    CU_ASSERT_STRING_EQUAL(delivery_result_name(DELIVERY_NONE), "none");
    CU_ASSERT_STRING_EQUAL(delivery_result_name(DELIVERY_SENT), "sent");
    CU_ASSERT_STRING_EQUAL(delivery_result_name(DELIVERY_TEMPORARY), "temporary");
    CU_ASSERT_STRING_EQUAL(delivery_result_name(DELIVERY_PERMANENT), "permanent");
}

static const struct unit_test tests[] = {
    {"list",             test_list     },
    {"fail who is open", test_fail_open},
    {"clear",            test_clear    },
    {"names",            test_names    },
};

UNIT_MAIN("reinject/delivery", tests)
