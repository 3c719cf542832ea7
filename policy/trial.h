// SPDX-License-Identifier: BSD-2-Clause
// policy/trial.h - one message through look, ask and decide; the one file here that waits.
//
// The daemon's jobs and `postern test` go the same way through it. Nothing is sent, kept or noted
// here. done comes once, never from within trial_start, never after trial_free.
#ifndef POSTERN_POLICY_TRIAL_H
#define POSTERN_POLICY_TRIAL_H

#include "filters/runner.h"
#include "mime/dissect.h"
#include "policy/decide.h"

struct trial;

struct trial_parts { // borrowed; one worker's
    struct loop *loop;
    struct pool *pool;
    struct dissect *dissect; // NULL: dissect { enabled = no }
    struct filters *filters;
    const struct rules *rules;
    const struct policy_settings *policy;
    const struct dissect_settings *dissect_settings;
};

struct trial_request { // borrowed until done or trial_free, but what is said to be taken
    const struct smtp_envelope *envelope;
    const struct setting_list *use_rules;
    const char *hostname;
    uint64_t time_ms;             // at most; 0: policy's deadline alone bounds it
    struct content_source source; // fd_take is
};

enum trial_end {
    TRIAL_DECIDED,
    TRIAL_CRASHED // a dissector died on it; err tells. The caller counts and tries again
};

struct trial_outcome {               // valid until trial_free
    const struct findings *findings; // NULL: nobody looked
    const struct result *results;
    size_t result_count;
    struct decision decision;
    uint64_t look_us, ask_us;
};

typedef void trial_done(void *arg, enum trial_end end, struct trial_outcome *outcome,
                        const struct err *err);
struct trial *trial_start(const struct trial_parts *parts, const struct trial_request *request,
                          trial_done *done, void *arg);
void trial_free(struct trial **trial); // cancels

#endif
