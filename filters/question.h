// SPDX-License-Identifier: BSD-2-Clause
// filters/question.h - one filter asked about one message: its tries, until there is a result.
//
// Waits for a connection, asks a server, and after its trouble the next one, as often as `retries`
// says and its time lasts. While another server could be asked a try gets half of the time that is
// left, so that one that is stuck does not use up all of it. done comes once, never from within
// question_start, never after question_cancel.
#ifndef POSTERN_FILTERS_QUESTION_H
#define POSTERN_FILTERS_QUESTION_H

#include "filters/filters.h"

struct question;

struct question_request {
    struct filters_one *one;
    const struct filter_message *message; // borrowed until done or cancel
    uint64_t deadline_ms;                 // loop time; in the future
    struct result *result;                // filled when done comes
    void (*done)(void *arg, struct result *result);
    void *arg;
};

struct question *question_start(const struct question_request *request);
void question_cancel(struct question **question); // before done

#endif
