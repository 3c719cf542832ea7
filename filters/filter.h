// SPDX-License-Identifier: BSD-2-Clause
// filters/filter.h - the interface of a scanner: one question to one server about one message.
//
// A scanner is a pure `x_wire` (what is said, what answers mean) and a thin `x` that moves bytes
// and fills a struct filter_type. The runner picks servers, retries, bounds time and cancels.
#ifndef POSTERN_FILTERS_FILTER_H
#define POSTERN_FILTERS_FILTER_H

#include "base/addr.h"
#include "filters/content.h"
#include "filters/result.h"
#include "filters/settings.h"
#include "mime/findings.h"
#include "smtp/envelope.h"

struct filter_message { // borrowed until the last answer or cancel
    const struct smtp_envelope *envelope;
    const struct findings *findings; // NULL: nobody looked
    struct content *content;
    struct content *parts; // what we decoded, as a tar (mime/reading/parts); NULL: there is none
};

enum filter_end {
    FILTER_ANSWERED, // result: clean, hit or unscannable
    FILTER_TROUBLE   // the server's fault: err tells; another one may be asked
};

struct filter_try {
    struct loop *loop;
    struct filter_shared *shared; // of the filter's tries; NULL: its type has no such thing
    const struct filter_settings *settings;
    const struct addr *server;
    const struct filter_message *message; // NULL for a probe
    uint64_t timeout_ms;                  // of this try, connect included
    // result_take: its content becomes the callee's (moved) with ANSWERED, else NULL.
    void (*done)(void *arg, enum filter_end end, struct result *result_take, const struct err *err);
    void *arg;
};

struct filter_run;    // one try under way; each type has its own behind it
struct filter_shared; // what all tries of one filter use; likewise

struct filter_type {
    const char *name; // as in the configuration
    // done comes once, later, never after cancel. The try is copied.
    struct filter_run *(*start)(const struct filter_try *attempt);
    // Is it alive? ANSWERED with result_take NULL, or TROUBLE.
    struct filter_run *(*probe)(const struct filter_try *attempt);
    void (*cancel)(struct filter_run *run); // before done; frees it
    // Both NULL: nothing is shared. To close is the last thing, when no try is under way.
    struct filter_shared *(*open)(struct loop *loop);
    void (*close)(struct filter_shared *shared);
};

const struct filter_type *filter_type_of(enum filter_type_index index);

#endif
