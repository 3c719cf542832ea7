// SPDX-License-Identifier: BSD-2-Clause
// base/jail_memory.h - the bound on a process's address space; which file, CMake chooses.
//
// AddressSanitizer reserves terabytes of it: jail_memory_sanitized.c sets no bound.
#ifndef POSTERN_BASE_JAIL_MEMORY_H
#define POSTERN_BASE_JAIL_MEMORY_H

#include "base/err.h"
#include <stdbool.h>
#include <stdint.h>

enum { JAIL_MEMORY_FOLDER_MAX = 4096 };

int jail_memory_limit(uint64_t bytes, struct err *err);
// Has this program reports to write that a person must see?
bool jail_memory_is_sanitized(void);
void jail_memory_reports(char folder_out[JAIL_MEMORY_FOLDER_MAX]); // where to; "": to no file

#endif
