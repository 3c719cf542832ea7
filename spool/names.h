// SPDX-License-Identifier: BSD-2-Clause
// spool/names.h - a list of file names, taken one after the other. Pure.
#ifndef POSTERN_SPOOL_NAMES_H
#define POSTERN_SPOOL_NAMES_H

#include <stddef.h>

struct names {  // all zero: empty
    char *text; // names behind each other, each with its NUL
    size_t len, size;
    size_t taken;
};

void names_add(struct names *names, const char *name);
const char *names_peek(const struct names *names); // NULL: none is left
const char *names_take(struct names *names);       // valid until the next call
void names_clear(struct names *names);

#endif
