// SPDX-License-Identifier: BSD-2-Clause
// base/err.h - one error value for everything that is expected to fail.
//
// A function that can fail returns 0 or -1 and fills a struct err. TEMP may go away by itself (disk
// full, peer down): the caller answers 4xx or tries again. PERM will not: 5xx, or give up.
#ifndef POSTERN_BASE_ERR_H
#define POSTERN_BASE_ERR_H

enum err_kind { ERR_NONE, ERR_TEMP, ERR_PERM };

struct err {
    enum err_kind kind;
    char text[400]; // one line, no newline; control characters are escaped where it is logged
};

// Always returns -1, so that a failing function can `return err_set(...)`. err may be NULL.
int err_set(struct err *err, enum err_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// The same with ": " and the text of the given errno value appended.
int err_sys(struct err *err, enum err_kind kind, int errnum, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

// Puts "PREFIX: " before the text that is there. Always returns -1.
int err_prefix(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

const char *err_kind_name(enum err_kind kind);

#endif
