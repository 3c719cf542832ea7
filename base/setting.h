// SPDX-License-Identifier: BSD-2-Clause
// base/setting.h - rows of settings: the same rows parse, check, print and document. Pure.
//
// A section of the configuration is a plain struct and a table of rows naming its members. Every
// value is a string until its row has parsed it; an error says what was expected.
#ifndef POSTERN_BASE_SETTING_H
#define POSTERN_BASE_SETTING_H

#include "base/addr.h"
#include "base/buf.h"

enum setting_type {
    SETTING_BOOL,   // bool: yes no true false on off
    SETTING_NUMBER, // uint64_t
    SETTING_TIME,   // uint64_t, milliseconds
    SETTING_SIZE,   // uint64_t, bytes
    SETTING_TEXT,   // char *, owned, never NULL
    SETTING_CHOICE, // int: index into choices
    SETTING_MODE,   // uint64_t: octal file mode
    SETTING_ADDR,   // struct addr ("" gives len 0)
    SETTING_TEXTS,  // struct setting_list of char *
    SETTING_TIMES,  // struct setting_list of uint64_t (ms)
    SETTING_NETS,   // struct setting_list of struct net
    SETTING_ADDRS,  // struct setting_list of struct addr
};

struct setting_list {
    void *items;
    size_t count;
};

struct setting_row {
    const char *name;
    enum setting_type type;
    size_t offset; // of the member in the section's struct
    // Of a number, time or size, both inclusive (max 0: no bound); of the length of a text (max 0:
    // 4096); of the count of a list that is written (max 0: 256): one that is not has its default.
    uint64_t min, max;
    const char *initial;        // default, as one would write it; list items separated by commas
    const char *const *choices; // SETTING_CHOICE, NULL-terminated
    const char *help;           // one sentence for config -d, the manual and README
    bool is_secret;             // no error quotes it
};

// Fills *section, which may hold anything, from the defaults; they are code: a bad one aborts.
void setting_defaults(const struct setting_row *rows, size_t count, void *section);
const struct setting_row *setting_find(const struct setting_row *rows, size_t count,
                                       struct span name);

// Replaces one value. Scalars take exactly one; lists any number. PERM: "max_size: ...expected a
// size such as 10M between 1K and 1G, not "12Q"". The old value is kept on error.
int setting_parse(const struct setting_row *row, const struct span *values, size_t count,
                  void *section, struct err *err);

// As the configuration would write the value: `yes`, `"100M"`, `{"30s", "2m"}`.
void setting_format(const struct setting_row *row, const void *section, struct buf *out);
bool setting_is_default(const struct setting_row *row, const void *section);
void setting_clear(const struct setting_row *rows, size_t count,
                   void *section); // frees what rows own

#endif
