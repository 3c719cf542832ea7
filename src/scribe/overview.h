// SPDX-License-Identifier: BSD-2-Clause
// src/scribe/overview.h - what `postern status` is told: facts about the service, each a JSON
// object.
//
// "what": daemon, process, dissectors, upstream, next_hop, queue, ledger, redis. What is not known
// is left out.
#ifndef POSTERN_SRC_OVERVIEW_H
#define POSTERN_SRC_OVERVIEW_H

#include "control/request.h"
#include "src/scribe/survey.h"

void overview_write(const struct survey *survey, struct response *response);

#endif
