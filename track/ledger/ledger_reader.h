// SPDX-License-Identifier: BSD-2-Clause
// track/ledger/ledger_reader.h - the ledger opened for reading. Private to ledger_read.c and
// ledger_stats.c.
#ifndef POSTERN_TRACK_LEDGER_READER_H
#define POSTERN_TRACK_LEDGER_READER_H

#include "track/ledger/ledger_load.h"
#include "track/ledger/ledger_read.h"

enum reader_query {
    READER_BY_ID,
    READER_BY_OUT,
    READER_BY_NAME,
    READER_NAMES, // of a message
    READER_CHILDREN,
    READER_ARRIVALS,
    READER_QUERIES
};

struct ledger_reader {
    struct sql *sql;
    struct sql_query *queries[READER_QUERIES];
    struct ledger_loader loader;
};

// One state of the ledger, for as long as it takes.
int ledger_reader_begin(struct ledger_reader *reader, struct err *err);
void ledger_reader_end(struct ledger_reader *reader);

#endif
