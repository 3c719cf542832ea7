// SPDX-License-Identifier: BSD-2-Clause
// tool/test_print.h - what was found in a message, what filters said, what was decided: for people.
#ifndef POSTERN_TOOL_TEST_PRINT_H
#define POSTERN_TOOL_TEST_PRINT_H

#include "policy/trial.h"
#include "tool/tool.h"

// As text, or with --json as one object.
void test_print_outcome(struct tool *tool, const struct smtp_envelope *envelope,
                        const struct trial_outcome *outcome, struct span content);

#endif
