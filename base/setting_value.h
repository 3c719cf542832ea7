// SPDX-License-Identifier: BSD-2-Clause
// base/setting_value.h - how one value of each setting_type is read, checked and written. Pure.
//
// For base/setting.c: a scalar is one value, a list is values of one type. An error is PERM and
// begins with the row's name.
#ifndef POSTERN_BASE_SETTING_VALUE_H
#define POSTERN_BASE_SETTING_VALUE_H

#include "base/setting.h"

struct setting_value_type {
    size_t size; // of one value
    bool is_list;
    bool is_owned; // a value is a char * to be freed
    int (*parse)(const struct setting_row *row, struct span text, void *value_out, struct err *err);
    void (*format)(const struct setting_row *row, const void *value, struct buf *out);
};

const struct setting_value_type *setting_value_type(enum setting_type type);
// A value or a bound of a SETTING_NUMBER, _TIME or _SIZE, as one would write it.
void setting_number_text(enum setting_type type, uint64_t value, char out[32]);

#endif
