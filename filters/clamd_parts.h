// SPDX-License-Identifier: BSD-2-Clause
// filters/clamd_parts.h - clamd asked about a message, and then about the parts that we see in it.
//
// It takes messages apart in its own way, and may see less than a mail reader does. The worse of
// its two answers counts; where there are more parts than it takes, none is clean.
#ifndef POSTERN_FILTERS_CLAMD_PARTS_H
#define POSTERN_FILTERS_CLAMD_PARTS_H

#include "filters/filter.h"

extern const struct filter_type clamd_parts_type; // in place of clamd_type, which it uses

#endif
