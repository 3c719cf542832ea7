// SPDX-License-Identifier: BSD-2-Clause
// track/ledger/ledger_load.h - a message out of the ledger, with all that hangs on it; for
// ledger*.c.
#ifndef POSTERN_TRACK_LEDGER_LOAD_H
#define POSTERN_TRACK_LEDGER_LOAD_H

#include "track/ledger/sql.h"
#include "track/record.h"

enum ledger_list {
    LEDGER_MESSAGE,
    LEDGER_RECIPIENTS,
    LEDGER_DECISIONS,
    LEDGER_RESULTS,
    LEDGER_DELIVERIES,
    LEDGER_LISTS
};

struct ledger_loader {
    struct sql_query *queries[LEDGER_LISTS];
};

int ledger_loader_init(struct ledger_loader *loader, struct sql *sql, struct err *err);
void ledger_loader_clear(struct ledger_loader *loader); // also after a failed init

enum ledger_answer { LEDGER_LOADED, LEDGER_NOT_THERE, LEDGER_NO_ROOM, LEDGER_FAILED };

// Texts and lists in the arena. NO_ROOM: it does not fit there. is_looked and is_sent are not kept.
enum ledger_answer ledger_load(struct ledger_loader *loader, int64_t number, struct arena *arena,
                               struct record *record_out, struct err *err);

#endif
