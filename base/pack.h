// SPDX-License-Identifier: BSD-2-Clause
// base/pack.h - numbers and texts in a payload between our own processes. Pure.
//
// A number is 7 bits a byte, lowest first, the top bit set where more follows; a text is its
// length, then its bytes. Reading is sticky: after the first thing that does not fit everything is
// zero or empty, and has_failed tells. No count is believed that the bytes left could not hold.
#ifndef POSTERN_BASE_PACK_H
#define POSTERN_BASE_PACK_H

#include "base/buf.h"

struct pack { // writing
    struct buf *out;
    size_t start;
    bool has_failed;
};

void pack_begin(struct pack *pack, struct buf *out);
void pack_number(struct pack *pack, uint64_t value);
void pack_bytes(struct pack *pack, const void *data, size_t len); // no length in front
void pack_span(struct pack *pack, struct span span);
int pack_end(struct pack *pack); // -1: out's ceiling; out is as it was at begin

struct unpack { // reading
    struct span rest;
    bool has_failed;
};

uint64_t unpack_number(struct unpack *unpack, uint64_t max);
bool unpack_flag(struct unpack *unpack);
void unpack_bytes(struct unpack *unpack, void *out, size_t len); // zeroed where there are none
struct span unpack_span(struct unpack *unpack);                  // borrowed from the input
// Of things that take at least size_each bytes each.
size_t unpack_count(struct unpack *unpack, size_t size_each);
int unpack_end(const struct unpack *unpack); // -1: something did not fit, or bytes are left over

#endif
