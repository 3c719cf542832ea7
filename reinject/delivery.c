// SPDX-License-Identifier: BSD-2-Clause
#include "reinject/delivery.h"

#include <time.h>

static const char *const result_names[] = {
    [DELIVERY_NONE] = "none",
    [DELIVERY_SENT] = "sent",
    [DELIVERY_TEMPORARY] = "temporary",
    [DELIVERY_PERMANENT] = "permanent",
};

const char *
delivery_result_name(enum delivery_result result)
{
    return result_names[result];
}

void
delivery_list_insert(struct delivery_list *list, struct delivery *delivery, struct delivery *before)
{
    struct delivery *behind = before != NULL ? before->prev : list->last;

    delivery->next = before;
    delivery->prev = behind;
    *(behind != NULL ? &behind->next : &list->first) = delivery;
    *(before != NULL ? &before->prev : &list->last) = delivery;
    list->count++;
}

void
delivery_list_remove(struct delivery_list *list, struct delivery *delivery)
{
    *(delivery->prev != NULL ? &delivery->prev->next : &list->first) = delivery->next;
    *(delivery->next != NULL ? &delivery->next->prev : &list->last) = delivery->prev;
    delivery->next = NULL;
    delivery->prev = NULL;
    list->count--;
}

void
delivery_clear(struct delivery *delivery)
{
    for (size_t i = 0; i < delivery->rcpt_count; i++) {
        delivery->rcpts[i].result = DELIVERY_NONE;
        delivery->rcpts[i].answer = (struct answer){.code = 0};
    }
    delivery->relay[0] = '\0';
    delivery->queue_id[0] = '\0';
    delivery->dot_sent = false;
    delivery->offers_dsn = false;
    delivery->tls = false;
    delivery->body_same = false;
    delivery->alarm = false;
    delivery->digest = (struct digest_value){0, 0};
    delivery->wait_us = 0;
    delivery->connect_us = 0;
    delivery->send_us = 0;
    delivery->next = NULL;
    delivery->prev = NULL;
    delivery->asked_us = 0;
    delivery->is_over = false;
    delivery->was_stale = false;
}

void
delivery_fail_open(struct delivery *delivery, enum delivery_result result,
                   const struct answer *answer)
{
    for (size_t i = 0; i < delivery->rcpt_count; i++) {
        if (delivery->rcpts[i].result != DELIVERY_NONE)
            continue;
        delivery->rcpts[i].result = result;
        delivery->rcpts[i].answer = *answer;
    }
}

size_t
delivery_count(const struct delivery *delivery, enum delivery_result result)
{
    size_t count = 0;

    for (size_t i = 0; i < delivery->rcpt_count; i++)
        count += delivery->rcpts[i].result == result ? 1 : 0;
    return count;
}

uint64_t
delivery_clock_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}
