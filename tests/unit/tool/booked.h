// SPDX-License-Identifier: BSD-2-Clause
// tests/unit/tool/booked.h - a ledger beside the spool of stand.h, with what a test puts into it.
#ifndef POSTERN_TESTS_UNIT_TOOL_BOOKED_H
#define POSTERN_TESTS_UNIT_TOOL_BOOKED_H

#include "tests/unit/tool/stand.h"
#include "track/ledger/ledger.h"

static inline struct ledger *
booked_open(struct stand *stand)
{
    char note[LEDGER_NOTE_MAX + 1];
    struct err err;
    struct ledger *ledger = ledger_open(stand->settings->track.ledger, note, &err);

    if (ledger == NULL || ledger_begin(ledger, &err) != 0) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
    return ledger;
}

static inline void
booked_close(struct ledger *ledger)
{
    struct err err;

    if (ledger_commit(ledger, &err) != 0) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
    ledger_close(&ledger);
}

static inline void
booked_put(struct ledger *ledger, const struct record *record)
{
    struct err err;

    if (ledger_put_record(ledger, record, &err) != 0) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
}

#endif
