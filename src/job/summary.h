// SPDX-License-Identifier: BSD-2-Clause
// src/job/summary.h - the one log line a message at its rest: where it has come to, and all that is
// known of it.
#ifndef POSTERN_SRC_SUMMARY_H
#define POSTERN_SRC_SUMMARY_H

#include "track/record.h"

void summary_log(const struct record *record);

#endif
