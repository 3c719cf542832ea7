// SPDX-License-Identifier: BSD-2-Clause
// filters/clamd.h - asks a clamd: by descriptor over a UNIX socket, by INSTREAM over TCP.
//
// Half a reply, an early end, silence: trouble of the server. A message above max_size never comes
// here (filters/runner).
#ifndef POSTERN_FILTERS_CLAMD_H
#define POSTERN_FILTERS_CLAMD_H

#include "filters/filter.h"

extern const struct filter_type clamd_type;

#endif
