// SPDX-License-Identifier: BSD-2-Clause
// control/rows.h - the rows of log { }, control { } and of what the daemon itself needs.
#ifndef POSTERN_CONTROL_ROWS_H
#define POSTERN_CONTROL_ROWS_H

#include "base/setting.h"

extern const struct setting_row daemon_rows[]; // struct daemon_settings
extern const size_t daemon_row_count;
extern const struct setting_row control_rows[]; // struct control_settings
extern const size_t control_row_count;
extern const struct setting_row log_rows[]; // struct log_settings
extern const size_t log_row_count;

#endif
