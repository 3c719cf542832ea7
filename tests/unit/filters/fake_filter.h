// SPDX-License-Identifier: BSD-2-Clause
// tests/unit/filters/fake_filter.h - servers that answer by a script, and a record of who is asked.
//
// Stands in for filters/filter.c and filters/content.c at link time. A server is a port; its script
// is a word for each question, the last of them for all that follow: what it answers and after how
// many ms. "c5" clean, "h5" a hit, "u5" unscannable, "t5" trouble, "n" nothing at all: trouble when
// the time of the try is over. Probes have a script of their own ("c" is an answer).
#ifndef POSTERN_TESTS_UNIT_FILTERS_FAKE_FILTER_H
#define POSTERN_TESTS_UNIT_FILTERS_FAKE_FILTER_H

#include "base/buf.h"
#include "filters/filter.h"

enum { FAKE_PORTS = 64 };

extern const char *fake_script[FAKE_PORTS], *fake_probes[FAKE_PORTS];
extern uint64_t fake_len;      // of every message
extern struct buf fake_events; // "0:ask1/20000 5:hit1 7:cancel2 ...": what came when, of whom
extern size_t fake_open;       // tries and probes under way

void fake_filter_reset(struct loop *loop);
void fake_filter_clear(void);
// Adds a word of the test's own to the events.
void fake_event(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
