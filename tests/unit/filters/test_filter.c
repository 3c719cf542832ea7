// SPDX-License-Identifier: BSD-2-Clause
#include "filters/filter.h"

#include "tests/unit/harness.h"

// Whoever is called by a name in the configuration is who is asked.
static void
test_types_have_their_names(void)
{
    const struct setting_row *row =
        setting_find(filter_rows, filter_row_count, SPAN_LITERAL("type"));
    int count = 0;

    CU_ASSERT_PTR_NOT_NULL_FATAL(row);
    for (int i = FILTER_UNSET + 1; row->choices[i] != NULL; i++) {
        const struct filter_type *type = filter_type_of((enum filter_type_index)i);

        UNIT_CHECK_ROW(row->choices[i], strcmp(type->name, row->choices[i]) == 0);
        UNIT_CHECK_ROW(row->choices[i],
                       type->start != NULL && type->probe != NULL && type->cancel != NULL);
        count++;
    }
    CU_ASSERT_EQUAL(count, FILTER_RSPAMD);
}

static const struct unit_test tests[] = {
    {"types have their names", test_types_have_their_names},
};

UNIT_MAIN("filters/filter", tests)
