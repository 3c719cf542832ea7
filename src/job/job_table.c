// SPDX-License-Identifier: BSD-2-Clause
#include "src/job/job_state.h"

#include <assert.h>

#include "base/log.h"

#define TO(state) (1U << (state))

struct job_row {
    const char *name;
    void (*enter)(struct job *job);
    unsigned next; // mask of the states it may go on to
};

// Waits for somebody else's move.
static void
stay(struct job *job)
{
    (void)job;
}

static const struct job_row rows[JOB_STATE_COUNT] = {
    [JOB_NEW] = {"new",        stay,              TO(JOB_DECIDE) | TO(JOB_WAIT)                               },
    [JOB_DECIDE] = {"decide",     job_decide,
                 TO(JOB_LOOKING) | TO(JOB_LOOK) | TO(JOB_WEIGH) | TO(JOB_ACT) | TO(JOB_HOLD) |
                        TO(JOB_ANSWER) | TO(JOB_QUEUED) | TO(JOB_SETTLE)                                      },
    [JOB_LOOKING] = {"looking",    job_looking,       TO(JOB_LOOK) | TO(JOB_WAIT) | TO(JOB_OVER)                  },
    [JOB_LOOK] = {"look",       job_look,          TO(JOB_CRASHED) | TO(JOB_COPY) | TO(JOB_WAIT) | TO(JOB_OVER)},
    [JOB_CRASHED] = {"crashed",    job_crashed,       TO(JOB_DECIDE) | TO(JOB_WAIT) | TO(JOB_OVER)                },
    [JOB_COPY] = {"copy",       job_copy,
                 TO(JOB_COPY) | TO(JOB_VERDICT) | TO(JOB_WAIT) | TO(JOB_HOLD) | TO(JOB_OVER)                  },
    [JOB_VERDICT] = {"verdict",    job_verdict,
                 TO(JOB_WEIGH) | TO(JOB_ACT) | TO(JOB_WAIT) | TO(JOB_OVER) | TO(JOB_HOLD) |
                         TO(JOB_ANSWER)                                                                       },
    [JOB_WEIGH] = {"weigh",      job_weigh,         TO(JOB_DECIDE) | TO(JOB_ACT) | TO(JOB_HOLD) | TO(JOB_OVER)  },
    [JOB_ACT] = {"act",        job_act,           TO(JOB_DECIDE)                                              },
    [JOB_QUEUED] = {"queued",     stay,              TO(JOB_SETTLE) | TO(JOB_WAIT)                               },
    [JOB_SPLIT] = {"split",      job_split,         TO(JOB_SETTLE) | TO(JOB_WAIT) | TO(JOB_HOLD)                },
    [JOB_HEAD] = {"head",       job_head,          TO(JOB_ATTEMPT) | TO(JOB_WAIT) | TO(JOB_OVER)               },
    [JOB_ATTEMPT] = {"attempt",    job_attempt,       TO(JOB_SEND) | TO(JOB_WAIT) | TO(JOB_OVER)                  },
    [JOB_SEND] = {"send",       job_send,          TO(JOB_RECORD) | TO(JOB_ANSWER) | TO(JOB_OVER)              },
    [JOB_RECORD] = {"record",     job_record,        TO(JOB_NOTIFY) | TO(JOB_SETTLE) | TO(JOB_WAIT)              },
    [JOB_ANSWER] = {"answer",     job_answer_client, TO(JOB_RECORD) | TO(JOB_HOLD) | TO(JOB_OVER)                },
    [JOB_NOTIFY] = {"notify",     job_notify,
                 TO(JOB_NOTIFY) | TO(JOB_SETTLE) | TO(JOB_WAIT) | TO(JOB_HOLD)                                },
    [JOB_SETTLE] = {"settle",     job_settle,
                 TO(JOB_OVER) | TO(JOB_NOTIFY) | TO(JOB_SPLIT) | TO(JOB_QUARANTINE) |
                        TO(JOB_HOLD) | TO(JOB_HEAD) | TO(JOB_WAIT)                                            },
    [JOB_QUARANTINE] = {"quarantine", job_quarantine,    0                                                           },
    [JOB_HOLD] = {"hold",       job_hold,          0                                                           },
    [JOB_WAIT] = {"wait",       job_wait,          0                                                           },
    [JOB_OVER] = {"over",       job_end,           0                                                           },
};

bool
job_may_go(const struct job *job, enum job_state next)
{
    return (rows[job->state].next & TO(next)) != 0;
}

void
job_set_state(struct job *job, enum job_state next)
{
    const struct job_row *row = &rows[job->state];

    assert((row->next & TO(next)) != 0);
    log_debug("job", "%s: %s -> %s", spool_file_id(job->file), row->name, rows[next].name);
    job->state = next;
    rows[next].enter(job);
}
