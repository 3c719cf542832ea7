// SPDX-License-Identifier: BSD-2-Clause
// track/web/exposition.h - Prometheus' text format, 0.0.4: families of samples, labels, histograms.
// Pure.
//
// All samples of a family stand together, behind its head; a family without any is left out whole.
#ifndef POSTERN_TRACK_EXPOSITION_H
#define POSTERN_TRACK_EXPOSITION_H

#include "base/buf.h"
#include "base/histogram.h"

#define EXPOSITION_TYPE "text/plain; version=0.0.4; charset=utf-8"

enum { EXPOSITION_LABELS_MAX = 4 };

struct exposition_label { // name NULL ends the list
    const char *name, *value;
};

struct exposition {
    struct buf *out;
    const char *name; // of the family under way
    size_t start, head_end;
};

// name, type and help are literals. help: one line, without backslashes.
void exposition_begin(struct exposition *exposition, const char *name, const char *type,
                      const char *help);
void exposition_end(struct exposition *exposition);

// labels: at most EXPOSITION_LABELS_MAX, or NULL.
void exposition_add(struct exposition *exposition, const struct exposition_label *labels,
                    uint64_t value);
void exposition_add_real(struct exposition *exposition, const struct exposition_label *labels,
                         double value);
// Of one label; NULL: none.
void exposition_add_one(struct exposition *exposition, const char *label, const char *text,
                        uint64_t value);
// Times in seconds.
void exposition_add_histogram(struct exposition *exposition, const struct exposition_label *labels,
                              const struct histogram *histogram);

#endif
