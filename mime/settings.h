// SPDX-License-Identifier: BSD-2-Clause
// mime/settings.h - dissect { ... }: how messages are looked into, and when it is too much.
#ifndef POSTERN_MIME_SETTINGS_H
#define POSTERN_MIME_SETTINGS_H

#include "base/setting.h"

enum dissect_unscannable { DISSECT_QUARANTINE, DISSECT_HOLD, DISSECT_ACCEPT };

struct dissect_settings {
    bool enabled;            // [yes] no: nothing is looked into, and no rule may ask for it
    char *program;           // [""] postern-dissect; empty: beside the program that starts it, else
                             // where it was installed
    uint64_t timeout;        // ms for one message [30s]
    uint64_t memory;         // bytes of one dissector [512M]
    uint64_t max_depth;      // parts in parts, archives in archives [32]
    uint64_t max_parts;      // of a message, archive members not counted [2000]
    uint64_t max_members;    // of all its archives together [10000]
    uint64_t max_unpacked;   // bytes of all its archives together [200M]
    uint64_t max_ratio;      // an archive's unpacked size to its own [250]
    uint64_t max_header;     // bytes of one header block [256K]
    uint64_t max_field;      // bytes of one header field [64K]
    uint64_t max_fields;     // of one header block [2000]
    uint64_t max_parameters; // of one field [200]
    uint64_t attempts;       // dissectors that die on a message before it is held [3]
    int on_unscannable;      // enum dissect_unscannable: a message above a limit [quarantine]
};

extern const struct setting_row dissect_rows[];
extern const size_t dissect_row_count;

// What rows cannot tell: memory and max_unpacked go together, ... PERM with the setting's name.
int dissect_settings_check(const struct dissect_settings *settings, struct err *err);

#endif
