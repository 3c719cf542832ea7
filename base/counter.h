// SPDX-License-Identifier: BSD-2-Clause
// base/counter.h - figures that several processes show each other in a shared page.
//
// The master maps one page table of struct counter_worker before it forks; each worker writes its
// own row, everybody may read. 64-bit aligned stores; no lock, figures may be a moment old.
#ifndef POSTERN_BASE_COUNTER_H
#define POSTERN_BASE_COUNTER_H

#include "base/err.h"
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { COUNTER_CODES = 21, COUNTER_VERDICTS = 8 };

struct counter_worker {
    _Alignas(64) _Atomic int64_t pid; // 0: free row; rows share no cache line
    _Atomic uint64_t heartbeat;       // monotonic ms
    _Atomic uint64_t draining;
    _Atomic uint64_t connections, received, received_bytes, sent, deferred, bounced, held;
    _Atomic uint64_t quarantined, rejected, discarded, dissector_crashes; // messages but the last
    _Atomic uint64_t joined;   // messages that came again
    _Atomic uint64_t messages; // of its instance in active/
    // Replies of 4xx and 5xx to clients, by counter_code_index.
    _Atomic uint64_t rejects[COUNTER_CODES];
    // Messages by enum verdict (spool/state.h), each once for every verdict that it got.
    _Atomic uint64_t verdicts[COUNTER_VERDICTS];
};

enum { COUNTER_ROWS_MAX = 1024 };

struct counter_page {
    size_t rows; // what a worker gone mad may have overwritten: ask counter_rows
    struct counter_worker worker[];
};

// Shared, inherited by fork. 1 to COUNTER_ROWS_MAX rows, else PERM.
struct counter_page *counter_page_new(size_t rows, struct err *err);
void counter_page_free(struct counter_page **page);
size_t counter_rows(const struct counter_page *page); // never more than are mapped
uint64_t counter_sum_messages(const struct counter_page *page);
uint64_t counter_sum_connections(const struct counter_page *page);

size_t counter_code_index(int code);         // what has no place of its own is "other"
const char *counter_code_name(size_t index); // "421", ..., "other"

#endif
