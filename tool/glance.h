// SPDX-License-Identifier: BSD-2-Clause
// tool/glance.h - what a listing needs of a spool file: envelope, state, size, without reading the
// message.
//
// A small file (a slot, which may be written anew at any moment) is verified; a large one only as
// far as its envelope and journal make sense.
#ifndef POSTERN_TOOL_GLANCE_H
#define POSTERN_TOOL_GLANCE_H

#include "spool/reader.h"

struct glance; // what is used again from one file to the next

struct glance *glance_new(void);
void glance_free(struct glance **glance);

// As reader_load, but the digest may be left out. Cleared by reader_message_clear.
enum reader_result glance_read(struct glance *glance, int fd, bool verify,
                               struct reader_message *message_out, struct err *err);

#endif
