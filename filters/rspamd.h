// SPDX-License-Identifier: BSD-2-Clause
// filters/rspamd.h - asks an rspamd: POST /checkv2 with the message as it came in; GET /ping.
#ifndef POSTERN_FILTERS_RSPAMD_H
#define POSTERN_FILTERS_RSPAMD_H

#include "filters/filter.h"

extern const struct filter_type rspamd_type;

#endif
