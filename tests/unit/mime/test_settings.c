// SPDX-License-Identifier: BSD-2-Clause
#include "mime/settings.h"

#include "tests/unit/harness.h"

static void
test_defaults(void)
{
    struct dissect_settings settings;
    struct err err;

    setting_defaults(dissect_rows, dissect_row_count, &settings);
    CU_ASSERT_TRUE(settings.enabled);
    CU_ASSERT_STRING_EQUAL(settings.program, "");
    CU_ASSERT_EQUAL(settings.timeout, 30000);
    CU_ASSERT_EQUAL(settings.memory, 512 << 20);
    CU_ASSERT_EQUAL(settings.max_depth, 32);
    CU_ASSERT_EQUAL(settings.max_parts, 2000);
    CU_ASSERT_EQUAL(settings.max_members, 10000);
    CU_ASSERT_EQUAL(settings.max_unpacked, 200 << 20);
    CU_ASSERT_EQUAL(settings.max_ratio, 250);
    CU_ASSERT_EQUAL(settings.max_header, 256 << 10);
    CU_ASSERT_EQUAL(settings.max_field, 64 << 10);
    CU_ASSERT_EQUAL(settings.max_fields, 2000);
    CU_ASSERT_EQUAL(settings.max_parameters, 200);
    CU_ASSERT_EQUAL(settings.attempts, 3);
    CU_ASSERT_EQUAL(settings.on_unscannable, DISSECT_QUARANTINE);
    CU_ASSERT_EQUAL(dissect_settings_check(&settings, &err), 0);
    setting_clear(dissect_rows, dissect_row_count, &settings);
}

static void
test_rows(void)
{
    static const struct {
        const char *name, *value;
        int parsed, checked; // as expected
    } rows[] = {
        {"enabled",        "no",                   0,  0 },
        {"enabled",        "perhaps",              -1, 0 },
        {"program",        "/opt/postern-dissect", 0,  0 },
        {"timeout",        "1s",                   0,  0 },
        {"timeout",        "0s",                   -1, 0 },
        {"timeout",        "soon",                 -1, 0 },
        {"memory",         "400M",                 0,  0 },
        {"memory",         "399M",                 0,  -1},
        {"memory",         "1K",                   -1, 0 },
        {"max_depth",      "0",                    -1, 0 },
        {"max_depth",      "1",                    0,  0 },
        {"max_parts",      "0",                    -1, 0 },
        {"max_members",    "0",                    -1, 0 },
        {"max_members",    "20000",                0,  0 },
        {"max_members",    "20001",                -1, 0 },
        {"max_unpacked",   "256M",                 0,  0 },
        {"max_unpacked",   "257M",                 0,  -1},
        {"max_ratio",      "9",                    -1, 0 },
        {"max_header",     "64K",                  0,  0 },
        {"max_header",     "63K",                  0,  -1},
        {"max_header",     "1M",                   0,  0 },
        {"max_header",     "2M",                   -1, 0 },
        {"max_field",      "256K",                 0,  0 },
        {"max_field",      "257K",                 0,  -1},
        {"max_fields",     "49",                   -1, 0 },
        {"max_parameters", "9",                    -1, 0 },
        {"attempts",       "0",                    -1, 0 },
        {"attempts",       "1",                    0,  0 },
        {"on_unscannable", "hold",                 0,  0 },
        {"on_unscannable", "defer",                -1, 0 },
        {"on_unscannable", "reject",               -1, 0 },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        const struct setting_row *row =
            setting_find(dissect_rows, dissect_row_count, span_of(rows[i].name));
        struct dissect_settings settings;
        struct span value = span_of(rows[i].value);
        struct err err = {.kind = ERR_NONE};

        CU_ASSERT_PTR_NOT_NULL_FATAL(row);
        setting_defaults(dissect_rows, dissect_row_count, &settings);
        UNIT_CHECK_ROW(rows[i].value,
                       setting_parse(row, &value, 1, &settings, &err) == rows[i].parsed);
        UNIT_CHECK_ROW(rows[i].value, dissect_settings_check(&settings, &err) == rows[i].checked);
        UNIT_CHECK_ROW(rows[i].value, rows[i].checked == 0 || err.kind == ERR_PERM);
        UNIT_CHECK_ROW(rows[i].value, rows[i].checked == 0 || strstr(err.text, "expected") != NULL);
        setting_clear(dissect_rows, dissect_row_count, &settings);
    }
}

static void
test_choices(void)
{
    static const struct {
        const char *value;
        int expected;
    } rows[] = {
        {"quarantine", DISSECT_QUARANTINE},
        {"hold",       DISSECT_HOLD      },
        {"accept",     DISSECT_ACCEPT    },
    };
    const struct setting_row *row =
        setting_find(dissect_rows, dissect_row_count, span_of("on_unscannable"));

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct dissect_settings settings;
        struct span value = span_of(rows[i].value);
        struct err err;

        setting_defaults(dissect_rows, dissect_row_count, &settings);
        UNIT_CHECK_ROW(rows[i].value, setting_parse(row, &value, 1, &settings, &err) == 0);
        UNIT_CHECK_ROW(rows[i].value, settings.on_unscannable == rows[i].expected);
        setting_clear(dissect_rows, dissect_row_count, &settings);
    }
}

static const struct unit_test tests[] = {
    {"defaults", test_defaults},
    {"rows",     test_rows    },
    {"choices",  test_choices },
};

UNIT_MAIN("mime/settings", tests)
