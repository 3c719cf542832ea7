// SPDX-License-Identifier: BSD-2-Clause
#include "filters/filter.h"

#include <assert.h>

#include "filters/clamd_parts.h"
#include "filters/rspamd.h"

const struct filter_type *
filter_type_of(enum filter_type_index index)
{
    static const struct filter_type *const types[] = {
        [FILTER_CLAMD] = &clamd_parts_type,
        [FILTER_RSPAMD] = &rspamd_type,
    };

    assert(index == FILTER_CLAMD || index == FILTER_RSPAMD); // filter_settings_check
    return types[index];
}
