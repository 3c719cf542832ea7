// SPDX-License-Identifier: BSD-2-Clause
// tests/unit/src/job/job_stand.h - the jobs of a worker on the fakes, for the tests of a message's
// life.
#ifndef POSTERN_TESTS_UNIT_SRC_JOB_STAND_H
#define POSTERN_TESTS_UNIT_SRC_JOB_STAND_H

#include "src/job/job.h"
#include "tests/unit/src/job/hearing.h"

struct jobs *job_stand_new(void);          // everything else begins anew, too
struct settings *job_stand_settings(void); // what they go by, until the next new
struct hearing *job_stand_hearing(void);   // where they tell, until the next new
struct counter_worker *job_stand_counters(void);
void job_stand_turn(void); // until nothing is waiting
void job_stand_end(void);  // behind the last test

#endif
