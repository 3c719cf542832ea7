// SPDX-License-Identifier: BSD-2-Clause
// tests/unit/filters/asking.h - filters with scripted servers and a message, for tests of asking.
#ifndef POSTERN_TESTS_UNIT_FILTERS_ASKING_H
#define POSTERN_TESTS_UNIT_FILTERS_ASKING_H

#include "base/log.h"
#include "base/mem.h"
#include "filters/filters_private.h"
#include "tests/unit/base/tempdir.h"
#include "tests/unit/filters/configure.h"
#include "tests/unit/filters/fake_filter.h"
#include "tests/unit/filters/fake_loop.h"
#include "tests/unit/harness.h"

enum { ASKING_FILTERS = 4 };

struct asking {
    struct tempdir dir; // of the log
    struct loop *loop;
    struct filter_settings settings[ASKING_FILTERS];
    struct filters_config config;
    struct filters *filters;
    struct smtp_envelope envelope;
    struct filter_message message;
};

static inline void
asking_log(const struct asking *asking)
{
    static char facility[] = "mail", format[] = "text", empty[] = "";
    char file[200];
    struct log_settings settings = {.facility = facility,
                                    .file = file,
                                    .error_file = empty,
                                    .format = format,
                                    .syslog_path = empty};

    snprintf(file, sizeof(file), "%s", tempdir_name(&asking->dir, "log"));
    CU_ASSERT_FATAL(log_open("test", &settings, false, 1, NULL) == 0);
}

// lines: of settings, a filter each, called a, b, c, d; NULL-terminated.
static inline void
asking_begin(struct asking *asking, const char *const *lines, size_t workers)
{
    memset(asking, 0, sizeof(*asking));
    tempdir_make(&asking->dir);
    asking_log(asking);
    asking->loop = fake_loop_new();
    fake_filter_reset(asking->loop);
    for (size_t i = 0; lines[i] != NULL; i++) {
        char name[2] = {(char)('a' + i), '\0'};

        CU_ASSERT_FATAL(i < ASKING_FILTERS);
        configure(&asking->settings[i], name, lines[i]);
        asking->config.count++;
    }
    asking->config.loop = asking->loop;
    asking->config.settings = asking->settings;
    asking->config.workers = workers;
    asking->filters = filters_new(&asking->config);
    envelope_init(&asking->envelope);
    snprintf(asking->envelope.id, sizeof(asking->envelope.id), "4X2k9QzT7mB");
    asking->envelope.client = mem_strdup("192.0.2.7");
    envelope_add_rcpt(&asking->envelope, span_of("a@example.org"), span_of(""));
    asking->message.envelope = &asking->envelope;
}

static inline void
asking_end(struct asking *asking)
{
    filters_free(&asking->filters);
    CU_ASSERT_PTR_NULL(asking->filters);
    fake_filter_clear();
    fake_loop_free(&asking->loop);
    for (size_t i = 0; i < asking->config.count; i++)
        filter_settings_clear(&asking->settings[i]);
    envelope_clear(&asking->envelope);
    log_close();
    tempdir_remove(&asking->dir);
}

static inline void
asking_check(const char *name, const char *expected)
{
    bool is_same = strcmp(buf_text(&fake_events), expected) == 0;

    UNIT_CHECK_ROW(name, is_same);
    if (!is_same)
        fprintf(stderr, "  expected %s\n  got      %s\n", expected, buf_text(&fake_events));
}

// How often does the log hold the text?
static inline size_t
asking_logged(const struct asking *asking, const char *text)
{
    char *log = tempdir_read(&asking->dir, "log");
    size_t count = 0;

    CU_ASSERT_PTR_NOT_NULL_FATAL(log);
    for (const char *at = strstr(log, text); at != NULL; at = strstr(at + 1, text))
        count++;
    free(log);
    return count;
}

// "clean", "hit Eicar-Test", "failed connection refused", ...
static inline const char *
asking_tell(const struct result *result)
{
    static char text[600];

    snprintf(text, sizeof(text), "%s%s%s%s%s", result_kind_name(result->kind),
             result->name_count > 0 ? " " : "", result->name_count > 0 ? result->names[0] : "",
             result->reason != NULL ? " " : "", result->reason != NULL ? result->reason : "");
    return text;
}

#endif
