// SPDX-License-Identifier: BSD-2-Clause
// src/scribe/books.h - the scribe's books: the ledger and Postfix's log, kept by one thread.
//
// Every call may block, so each is made in the scribe's one thread, one after another; nothing of
// it is touched elsewhere. A batch is in the ledger whole or not at all, with the places from which
// reading goes on after it: whoever is killed has lost nothing and told nothing twice.
#ifndef POSTERN_SRC_BOOKS_H
#define POSTERN_SRC_BOOKS_H

#include "control/settings.h"
#include "track/ledger/ledger.h"

struct books;

enum { BOOKS_CHANGES_MAX = 200, BOOKS_CHANGES_BYTES = 64 << 20 };

struct books *books_new(const struct settings *settings); // borrowed; opens nothing yet
void books_free(struct books **books);

struct books_batch {
    const struct record *const *records; // no two of one message
    size_t count;
    uint64_t redis_change; // up to it Redis has all; 0: not known
    int64_t now_ms;        // since 1970
    int64_t expire_ms;     // what arrived before goes; 0: nothing does
    uint64_t clock_ms;     // monotonic
    bool is_last;          // nobody follows the log any more
    // What came of it.
    bool is_written;
    bool is_opened;                    // the ledger was, in this batch or one that failed before
    struct err err;                    // where it is not written
    char alarm[LEDGER_NOTE_MAX + 1];   // what became of the ledger; ""
    char warning[LEDGER_NOTE_MAX + 1]; // of Postfix's log; ""
    size_t rows;                       // records and deliveries
    uint64_t last_change;
    uint64_t redis_mark; // what a batch before had for redis_change
    bool has_more;       // to expire
};

void books_write(struct books *books, struct books_batch *batch);

struct books_changes {
    uint64_t after;
    int64_t since_ms;
    struct arena arena; // the caller's to begin and clear
    struct record records[BOOKS_CHANGES_MAX];
    size_t count;
    uint64_t last;
    bool is_read;
    struct err err;
};

void books_read(struct books *books, struct books_changes *changes);

#endif
