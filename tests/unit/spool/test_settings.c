// SPDX-License-Identifier: BSD-2-Clause
#include "spool/settings.h"

#include "tests/unit/harness.h"

static void
test_defaults(void)
{
    static const uint64_t delays[] = {30000, 120000, 300000, 900000, 3600000};
    struct spool_settings settings;
    struct err err;

    setting_defaults(spool_rows, spool_row_count, &settings);
    CU_ASSERT_STRING_EQUAL(settings.path, "/var/spool/postern");
    CU_ASSERT_EQUAL(settings.min_free, 256 << 20);
    CU_ASSERT_EQUAL(settings.min_inodes, 1000);
    CU_ASSERT_EQUAL(settings.max_messages, 200000);
    CU_ASSERT_EQUAL(settings.lifetime, 5 * 86400 * UINT64_C(1000));
    CU_ASSERT_TRUE(settings.sync);
    CU_ASSERT_EQUAL_FATAL(settings.retry.count, UNIT_COUNT(delays));
    for (size_t i = 0; i < UNIT_COUNT(delays); i++)
        CU_ASSERT_EQUAL(((uint64_t *)settings.retry.items)[i], delays[i]);
    CU_ASSERT_EQUAL(spool_settings_check(&settings, &err), 0);
    setting_clear(spool_rows, spool_row_count, &settings);
}

static void
test_rows(void)
{
    static const struct {
        const char *name, *value;
        int parsed, checked; // as expected
    } rows[] = {
        {"path",         "/spool", 0,  0 },
        {"path",         "spool",  0,  -1},
        {"path",         "",       -1, 0 },
        {"min_free",     "0",      0,  0 },
        {"min_free",     "10G",    0,  0 },
        {"min_free",     "much",   -1, 0 },
        {"min_inodes",   "0",      0,  0 },
        {"max_messages", "1",      0,  0 },
        {"max_messages", "0",      -1, 0 },
        {"lifetime",     "1h",     0,  0 },
        {"lifetime",     "0s",     -1, 0 },
        {"retry",        "10ms",   0,  0 },
        {"retry",        "0s",     0,  -1},
        {"retry",        "9ms",    0,  -1},
        {"retry",        "400d",   0,  -1},
        {"sync",         "no",     0,  0 },
        {"sync",         "maybe",  -1, 0 },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct spool_settings settings;
        const struct setting_row *row =
            setting_find(spool_rows, spool_row_count, span_of(rows[i].name));
        struct span value = span_of(rows[i].value);
        struct err err = {.kind = ERR_NONE};

        CU_ASSERT_PTR_NOT_NULL_FATAL(row);
        setting_defaults(spool_rows, spool_row_count, &settings);
        UNIT_CHECK_ROW(rows[i].value,
                       setting_parse(row, &value, 1, &settings, &err) == rows[i].parsed);
        UNIT_CHECK_ROW(rows[i].value, spool_settings_check(&settings, &err) == rows[i].checked);
        if (rows[i].checked != 0) {
            UNIT_CHECK_ROW(rows[i].value, err.kind == ERR_PERM);
            UNIT_CHECK_ROW(rows[i].value, strstr(err.text, rows[i].name) == err.text);
        }
        setting_clear(spool_rows, spool_row_count, &settings);
    }
}

static void
test_retry_needs_a_delay(void)
{
    struct spool_settings settings;
    const struct setting_row *row = setting_find(spool_rows, spool_row_count, span_of("retry"));
    struct err err;

    setting_defaults(spool_rows, spool_row_count, &settings);
    CU_ASSERT_EQUAL(setting_parse(row, NULL, 0, &settings, &err), -1);
    CU_ASSERT_EQUAL(settings.retry.count, 5);
    setting_clear(spool_rows, spool_row_count, &settings);
}

static const struct unit_test tests[] = {
    {"defaults are what the manual says",     test_defaults           },
    {"each row takes and refuses its values", test_rows               },
    {"retry needs a delay",                   test_retry_needs_a_delay},
};

UNIT_MAIN("spool/settings", tests)
