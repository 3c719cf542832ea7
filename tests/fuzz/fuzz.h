// SPDX-License-Identifier: BSD-2-Clause
// tests/fuzz/fuzz.h - what every fuzz entry shares: the entry itself, and a check that stops it.
#ifndef POSTERN_TESTS_FUZZ_FUZZ_H
#define POSTERN_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_CHECK(condition)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

// Once: what is logged of each input would cost more than the rest.
static inline void
fuzz_keep_silent(void)
{
    static char facility[] = "mail", none[] = "", format[] = "text";
    static bool is_silent;
    struct log_settings settings = {.facility = facility,
                                    .error_file = none,
                                    .format = format,
                                    .file = none,
                                    .syslog_path = none};

    if (!is_silent)
        FUZZ_CHECK(log_open("fuzz", &settings, false, 0, NULL) == 0);
    is_silent = true;
}

static inline struct span
fuzz_span(const uint8_t *data, size_t size)
{
    return span_from((const char *)data, size);
}

static inline bool
fuzz_equal(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

// Every CR stands before a LF, every LF behind a CR.
static inline bool
fuzz_is_wire_clean(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '\r' && (i + 1 == text.len || text.data[i + 1] != '\n'))
            return false;
        if (text.data[i] == '\n' && (i == 0 || text.data[i - 1] != '\r'))
            return false;
    }
    return true;
}

#endif
