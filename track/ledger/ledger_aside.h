// SPDX-License-Identifier: BSD-2-Clause
// track/ledger/ledger_aside.h - puts a damaged ledger out of the way, with its companions; for
// ledger.c.
//
// Damage may show itself long after the open, and the file looks well again to the next: so
// whoever meets it leaves a mark beside the file, PATH-damaged, that says what it was.
#ifndef POSTERN_TRACK_LEDGER_ASIDE_H
#define POSTERN_TRACK_LEDGER_ASIDE_H

#include "track/ledger/ledger.h"

void ledger_mark_damaged(const char *path, const char *reason); // where it can be
bool ledger_is_marked(const char *path, char reason_out[LEDGER_NOTE_MAX + 1]);

// Renames PATH, PATH-wal and PATH-shm to PATH.damaged-YYYYMMDD-HHMMSS[.N], and removes the mark.
int ledger_set_aside(const char *path, const char *reason, char note_out[LEDGER_NOTE_MAX + 1],
                     struct err *err);

#endif
