// SPDX-License-Identifier: BSD-2-Clause
// control/nearest.h - which known word somebody may have meant. Pure.
#ifndef POSTERN_CONTROL_NEAREST_H
#define POSTERN_CONTROL_NEAREST_H

#include <stddef.h>

struct nearest {
    const char *wanted;
    const char *name; // the best so far; NULL: none is near enough
    size_t distance;  // of name; a worse word is not taken
};

void nearest_init(struct nearest *nearest, const char *wanted);
void nearest_try(struct nearest *nearest, const char *name);

#endif
