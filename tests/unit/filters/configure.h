// SPDX-License-Identifier: BSD-2-Clause
// tests/unit/filters/configure.h - a filter's settings from a line: "servers=1 2; retries=0".
//
// A number as server or backup is a port of 127.0.0.1. What is not named keeps its default.
#ifndef POSTERN_TESTS_UNIT_FILTERS_CONFIGURE_H
#define POSTERN_TESTS_UNIT_FILTERS_CONFIGURE_H

#include "filters/settings.h"
#include "tests/unit/harness.h"

static inline void
configure_one(struct filter_settings *settings, char *text)
{
    enum { VALUES = 64 };

    static char addrs[VALUES][40];
    struct span values[VALUES];
    size_t count = 0;
    char *rest = NULL;
    const char *name = strtok_r(text, "= ", &rest);
    const struct setting_row *row = setting_find(filter_rows, filter_row_count, span_of(name));
    struct err err = {0};

    CU_ASSERT_PTR_NOT_NULL_FATAL(row);
    if (row == NULL)
        return;
    for (char *word = strtok_r(NULL, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        CU_ASSERT_FATAL(count < VALUES);
        snprintf(addrs[count], sizeof(addrs[count]), "inet:127.0.0.1:%s", word);
        values[count] = span_of(row->type == SETTING_ADDRS ? addrs[count] : word);
        count++;
    }
    if (setting_parse(row, values, count, settings, &err) != 0) {
        fprintf(stderr, "%s\n", err.text);
        CU_FAIL_FATAL("bad setting in a test");
    }
}

static inline void
configure(struct filter_settings *settings, const char *name, const char *text)
{
    char copy[1000];
    char *rest = NULL;

    filter_settings_init(settings, name);
    settings->type = FILTER_CLAMD;
    CU_ASSERT_FATAL(strlen(text) < sizeof(copy));
    strcpy(copy, text);
    for (char *one = strtok_r(copy, ";", &rest); one != NULL; one = strtok_r(NULL, ";", &rest))
        configure_one(settings, one);
}

#endif
