// SPDX-License-Identifier: BSD-2-Clause
// man/manual_rows.h - the settings of a section as a manual page lists them. Pure.
#ifndef POSTERN_MAN_MANUAL_ROWS_H
#define POSTERN_MAN_MANUAL_ROWS_H

#include "control/tree.h"

// Adds a list in mdoc. section: "global", or its name, with those of the sections around it in
// front ("listen tls"). False: there is none of that name.
bool manual_rows(const struct tree_rules *file, struct span section, struct buf *out);

#endif
