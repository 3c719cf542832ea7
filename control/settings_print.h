// SPDX-License-Identifier: BSD-2-Clause
// control/settings_print.h - what both forms of printing settings share. Private to the two.
#ifndef POSTERN_CONTROL_SETTINGS_PRINT_H
#define POSTERN_CONTROL_SETTINGS_PRINT_H

#include "control/settings.h"
#include "control/tree.h"

enum { PRINT_VALUE_MAX = 1 << 20 };

// The value as the configuration would write it; *text is made.
void print_value(const struct setting_row *row, const void *section, struct buf *text);
// The same, but "***" for a secret.
void print_shown(const struct setting_row *row, const void *section, struct buf *text);
bool print_is_wanted(const struct setting_row *row, const void *section, const void *initial,
                     enum settings_print which);
// Any of them?
bool print_has_wanted(const struct tree_table *table, const void *section, const void *initial,
                      enum settings_print which);

// One object, with its line feed. initial: the same sections with nothing set. -1: out's ceiling.
int settings_print_json(const struct settings *settings, const struct settings *initial,
                        enum settings_print which, struct buf *out);

#endif
