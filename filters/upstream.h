// SPDX-License-Identifier: BSD-2-Clause
// filters/upstream.h - the servers of one filter: whom to ask next, and who is dead. Pure: told the
// time.
//
// Round robin by weight among the living; the backups only where none of the servers lives that was
// not tried. A server with max_errors within error_time is dead for dead_time, or until a probe
// says otherwise. Where all are dead, the one whose last error is oldest is asked all the same:
// better than nobody.
#ifndef POSTERN_FILTERS_UPSTREAM_H
#define POSTERN_FILTERS_UPSTREAM_H

#include "filters/settings.h"

struct upstream;

struct upstream *upstream_new(const struct filter_settings *settings); // borrowed
void upstream_free(struct upstream **upstream);
size_t upstream_count(const struct upstream *upstream); // servers, then backups; at most 64
const struct addr *upstream_addr(const struct upstream *upstream, size_t index);
// tried: mask of those already asked for this message; SIZE_MAX where all of the living were (or
// all, where none lives).
size_t upstream_pick(struct upstream *upstream, uint64_t now_ms, uint64_t tried);
// True: it had been dead, and is back.
bool upstream_succeeded(struct upstream *upstream, size_t index, uint64_t now_ms);
// True: with this one it has died.
bool upstream_failed(struct upstream *upstream, size_t index, uint64_t now_ms);
bool upstream_is_dead(const struct upstream *upstream, size_t index, uint64_t now_ms);
// A dead one whose probe is due (its next is then probe_interval away), else SIZE_MAX.
size_t upstream_probe_due(struct upstream *upstream, uint64_t now_ms);
// How long until the next is due; UINT64_MAX: none will be.
uint64_t upstream_probe_wait(const struct upstream *upstream, uint64_t now_ms);

#endif
