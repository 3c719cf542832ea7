// SPDX-License-Identifier: BSD-2-Clause
#include "track/web/exposition.h"

#include "tests/unit/harness.h"

static const struct {
    const char *name, *value, *expected;
} values[] = {
    {"plain",            "unix:/run/clamd.ctl", "x{l=\"unix:/run/clamd.ctl\"} 1\n"},
    {"empty",            "",                    "x{l=\"\"} 1\n"                   },
    {"quote",            "a\"b",                "x{l=\"a\\\"b\"} 1\n"             },
    {"backslash",        "a\\b",                "x{l=\"a\\\\b\"} 1\n"             },
    {"forged sample",    "a\"} 1\ny 2",         "x{l=\"a\\\"} 1?y 2\"} 1\n"       },
    {"carriage return",  "a\rb",                "x{l=\"a?b\"} 1\n"                },
    {"UTF-8",            "\xc3\xa9",            "x{l=\"\xc3\xa9\"} 1\n"           },
    {"bad UTF-8",        "\xc3(",               "x{l=\"?(\"} 1\n"                 },
    {"good and bad",     "\xc3\xa9\xff",        "x{l=\"???\"} 1\n"                },
    {"delete character", "a\x7f",               "x{l=\"a?\"} 1\n"                 },
};

static void
values_cannot_forge(void)
{
    for (size_t i = 0; i < UNIT_COUNT(values); i++) {
        struct exposition exposition;
        struct buf out;

        buf_init(&out, 4096);
        exposition = (struct exposition){.out = &out};
        exposition_begin(&exposition, "x", "gauge", "Help.");
        exposition_add_one(&exposition, "l", values[i].value, 1);
        exposition_end(&exposition);
        UNIT_CHECK_ROW(values[i].name,
                       strncmp(buf_text(&out), "# HELP x Help.\n# TYPE x gauge\n", 30) == 0);
        UNIT_CHECK_ROW(values[i].name, strcmp(buf_text(&out) + 30, values[i].expected) == 0);
        buf_clear(&out);
    }
}

static void
empty_families_are_left_out(void)
{
    struct exposition exposition;
    struct buf out;

    buf_init(&out, 4096);
    exposition = (struct exposition){.out = &out};
    exposition_begin(&exposition, "a", "gauge", "A.");
    exposition_end(&exposition);
    CU_ASSERT(out.len == 0);
    exposition_begin(&exposition, "b", "counter", "B.");
    exposition_add(&exposition, NULL, UINT64_MAX);
    exposition_end(&exposition);
    exposition_begin(&exposition, "c", "gauge", "C.");
    exposition_end(&exposition);
    CU_ASSERT_STRING_EQUAL(buf_text(&out),
                           "# HELP b B.\n# TYPE b counter\nb 18446744073709551615\n");
    buf_clear(&out);
}

static void
numbers_are_printed(void)
{
    static const struct exposition_label labels[] = {
        {"a",  "1" },
        {"b",  "2" },
        {NULL, NULL}
    };
    struct exposition exposition;
    struct buf out;

    buf_init(&out, 4096);
    exposition = (struct exposition){.out = &out};
    exposition_begin(&exposition, "x", "gauge", "X.");
    buf_reset(&out);
    exposition_add(&exposition, labels, 7);
    exposition_add_real(&exposition, labels, 1700000000.25);
    exposition_add_real(&exposition, NULL, 0);
    CU_ASSERT_STRING_EQUAL(buf_text(&out), "x{a=\"1\",b=\"2\"} 7\n"
                                           "x{a=\"1\",b=\"2\"} 1700000000.250\nx 0.000\n");
    buf_clear(&out);
}

// Cumulative, inclusive upper bounds, +Inf equal to the count.
static void
histograms_add_up(void)
{
    static const char *const expected[] = {"x_bucket{f=\"v\",le=\"0.0001\"} 1\n",
                                           "x_bucket{f=\"v\",le=\"0.00025\"} 2\n",
                                           "x_bucket{f=\"v\",le=\"1\"} 2\n",
                                           "x_bucket{f=\"v\",le=\"300\"} 3\n",
                                           "x_bucket{f=\"v\",le=\"+Inf\"} 4\n",
                                           "x_sum{f=\"v\"} 700.000201\n",
                                           "x_count{f=\"v\"} 4\n"};
    static const struct exposition_label labels[] = {
        {"f",  "v" },
        {NULL, NULL}
    };
    struct histogram histogram = {{0}, 0, 0};
    struct exposition exposition;
    const char *at;
    struct buf out;

    histogram_add(&histogram, 100);
    histogram_add(&histogram, 101);
    histogram_add(&histogram, 300000000);
    histogram_add(&histogram, 400000000);
    buf_init(&out, 1 << 16);
    exposition = (struct exposition){.out = &out};
    exposition_begin(&exposition, "x", "histogram", "X.");
    exposition_add_histogram(&exposition, labels, &histogram);
    exposition_end(&exposition);
    at = buf_text(&out);
    for (size_t i = 0; i < UNIT_COUNT(expected); i++) {
        const char *found = strstr(at, expected[i]);

        UNIT_CHECK_ROW(expected[i], found != NULL);
        at = found != NULL ? found : at;
    }
    buf_reset(&out);
    exposition_begin(&exposition, "x", "histogram", "X.");
    exposition_add_histogram(&exposition, NULL, &histogram);
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_text(&out), "x_bucket{le=\"+Inf\"} 4\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_text(&out), "x_count 4\n"));
    buf_clear(&out);
}

static const struct unit_test tests[] = {
    {"values cannot forge",         values_cannot_forge        },
    {"empty families are left out", empty_families_are_left_out},
    {"numbers are printed",         numbers_are_printed        },
    {"histograms add up",           histograms_add_up          },
};

UNIT_MAIN("track/web/exposition", tests)
