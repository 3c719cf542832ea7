// SPDX-License-Identifier: BSD-2-Clause
// mime/parts_file.h - the worker's end of mime/reading/parts: a file in memory that a dissector may
// fill.
//
// Its size is sealed before a dissector has it, its content after: what scanners read cannot change
// under them, whoever still holds the descriptor. (Nobody can have it mapped for writing: the jail
// knows no shared memory.)
#ifndef POSTERN_MIME_PARTS_FILE_H
#define POSTERN_MIME_PARTS_FILE_H

#include "base/err.h"
#include <stdint.h>

int parts_file_new(uint64_t max, struct err *err); // the descriptor, or -1
// Cuts it to len, and nothing changes any more. -1: it is not as long as that.
int parts_file_seal(int fd, uint64_t len, struct err *err);

#endif
