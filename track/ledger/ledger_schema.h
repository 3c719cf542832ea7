// SPDX-License-Identifier: BSD-2-Clause
// track/ledger/ledger_schema.h - the tables of the ledger, and how an older file gets them; for
// ledger*.c.
//
// A file's version is the number of steps that were taken on it, each in a transaction of its own:
// a kill between two leaves a file from which the next open goes on. Steps are never changed once
// released, only added to.
#ifndef POSTERN_TRACK_LEDGER_SCHEMA_H
#define POSTERN_TRACK_LEDGER_SCHEMA_H

#include "track/ledger/ledger.h"
#include "track/ledger/sql.h"

enum { LEDGER_APPLICATION = 0x5073746e }; // "Pstn": whose file it is

struct ledger_steps {
    const char *const *texts;
    int count; // the version to which they lead
};

extern const struct ledger_steps ledger_steps;

// PERM: of another program, or newer than newest. 0 for a file without anything in it.
int ledger_schema_version(struct sql *sql, int newest, int *version_out, struct err *err);
int ledger_schema_migrate(struct sql *sql, const struct ledger_steps *steps, struct err *err);

// In results, recipients and decisions a row's key is its message's number and its own in one.
enum { LEDGER_KEY_BITS = 20 };

static inline int64_t
ledger_key(int64_t message, size_t n)
{
    return message * (INT64_C(1) << LEDGER_KEY_BITS) + (int64_t)n;
}

// What is looked up by name stands in a part of the index that is as old as its message: what is
// written at a time lies together, however much there is.
enum { LEDGER_DAY_MS = 86400000, LEDGER_BUCKET_BITS = 12 };

static inline int64_t
ledger_bucket(int64_t message)
{
    return message >> LEDGER_BUCKET_BITS;
}

// Of a queue id in, or a Message-ID with or without its angle brackets.
struct span ledger_bare_name(struct span name);
int64_t ledger_name_digest(struct span name);

#endif
