// SPDX-License-Identifier: BSD-2-Clause
#include "mime/reading/meter.h"

#include "tests/unit/harness.h"

static void
burn(void)
{
    for (volatile unsigned i = 0; i < 200000; i++)
        ;
}

static void
test_off(void)
{
    struct meter meter = {.is_on = false};

    CU_ASSERT(meter_turn(&meter, 2) == 0);
    burn();
    CU_ASSERT(meter_turn(&meter, 1) == 2);
    CU_ASSERT(meter.spent[2] == 0 && meter.spent[1] == 0);
}

static void
test_kinds(void)
{
    struct meter meter = {.is_on = true};
    unsigned before;

    meter_turn(&meter, 1);
    burn();
    before = meter_turn(&meter, 2);
    CU_ASSERT(before == 1);
    burn();
    meter_turn(&meter, before);
    meter_turn(&meter, 3);
    CU_ASSERT(meter.spent[0] == 0 && meter.spent[1] > 0 && meter.spent[2] > 0);
    CU_ASSERT(meter.spent[3] == 0);
}

static const struct unit_test tests[] = {
    {"off",   test_off  },
    {"kinds", test_kinds},
};

UNIT_MAIN("mime/reading/meter", tests)
