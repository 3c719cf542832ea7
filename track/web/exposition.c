// SPDX-License-Identifier: BSD-2-Clause
#include "track/web/exposition.h"

#include <assert.h>
#include <stdio.h>

enum { US = 1000000 };

void
exposition_begin(struct exposition *exposition, const char *name, const char *type,
                 const char *help)
{
    exposition->name = name;
    exposition->start = exposition->out->len;
    (void)buf_printf(exposition->out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
    exposition->head_end = exposition->out->len;
}

void
exposition_end(struct exposition *exposition)
{
    if (exposition->out->len == exposition->head_end)
        buf_cut(exposition->out, exposition->start);
    exposition->name = NULL;
}

// What is not UTF-8 would spoil the whole page; a line end or a quote would end the value.
static void
add_value(struct buf *out, const char *text)
{
    bool is_utf8 = str_is_utf8(span_of(text));

    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        bool is_bad = byte < ' ' || byte == 0x7f || (byte >= 0x80 && !is_utf8);

        if (byte == '\\' || byte == '"')
            (void)buf_add_char(out, '\\');
        (void)buf_add_char(out, is_bad ? '?' : *text);
    }
}

static void
add_name(struct exposition *exposition, const char *suffix, const struct exposition_label *labels)
{
    const char *mark = "{";

    assert(exposition->name != NULL);
    (void)buf_printf(exposition->out, "%s%s", exposition->name, suffix);
    for (; labels != NULL && labels->name != NULL; labels++) {
        (void)buf_printf(exposition->out, "%s%s=\"", mark, labels->name);
        add_value(exposition->out, labels->value);
        (void)buf_add_char(exposition->out, '"');
        mark = ",";
    }
    (void)buf_add_text(exposition->out, mark[0] == ',' ? "} " : " ");
}

void
exposition_add(struct exposition *exposition, const struct exposition_label *labels, uint64_t value)
{
    add_name(exposition, "", labels);
    (void)buf_printf(exposition->out, "%llu\n", (unsigned long long)value);
}

void
exposition_add_real(struct exposition *exposition, const struct exposition_label *labels,
                    double value)
{
    add_name(exposition, "", labels);
    (void)buf_printf(exposition->out, "%.3f\n", value);
}

void
exposition_add_one(struct exposition *exposition, const char *label, const char *text,
                   uint64_t value)
{
    const struct exposition_label labels[] = {
        {label, text},
        {NULL,  NULL}
    };

    exposition_add(exposition, labels, value);
}

void
exposition_add_histogram(struct exposition *exposition, const struct exposition_label *labels,
                         const struct histogram *histogram)
{
    struct exposition_label with_bound[EXPOSITION_LABELS_MAX + 2] = {
        {NULL, NULL}
    };
    size_t count = 0;
    uint64_t below = 0;
    char bound[32];

    for (; labels != NULL && labels->name != NULL; labels++) {
        assert(count < EXPOSITION_LABELS_MAX);
        with_bound[count++] = *labels;
    }
    with_bound[count] = (struct exposition_label){"le", bound};
    for (size_t i = 0; i <= HISTOGRAM_BUCKETS; i++) {
        below += histogram->counts[i];
        if (i < HISTOGRAM_BUCKETS)
            (void)snprintf(bound, sizeof bound, "%g", (double)histogram_bounds_us[i] / US);
        else
            (void)snprintf(bound, sizeof bound, "+Inf");
        add_name(exposition, "_bucket", with_bound);
        (void)buf_printf(exposition->out, "%llu\n", (unsigned long long)below);
    }
    with_bound[count] = (struct exposition_label){NULL, NULL};
    add_name(exposition, "_sum", with_bound);
    (void)buf_printf(exposition->out, "%llu.%06llu\n", (unsigned long long)(histogram->sum_us / US),
                     (unsigned long long)(histogram->sum_us % US));
    add_name(exposition, "_count", with_bound);
    (void)buf_printf(exposition->out, "%llu\n", (unsigned long long)below);
}
