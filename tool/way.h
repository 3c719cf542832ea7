// SPDX-License-Identifier: BSD-2-Clause
// tool/way.h - what the files of `trace` share: the way of a message and of what was made of it.
//
// The ledger knows what is over, the spool where a file lies now. Of a message that both know the
// later journal counts; what only Postfix's log tells is the ledger's.
#ifndef POSTERN_TOOL_WAY_H
#define POSTERN_TOOL_WAY_H

#include "tool/find.h"
#include "tool/print.h"
#include "track/status.h"

enum { WAYS_MAX = 1000, WAY_NOBODY = -1 };

struct way { // of one message
    struct record record;
    bool in_ledger, in_spool;
    struct find_place place; // where its file lies now, if it is in the spool
    int parent;              // index; WAY_NOBODY: none of these
    unsigned depth;
};

struct ways {
    struct arena arena; // what the records point into
    struct way *items;  // after ways_order a parent in front of its children
    size_t count;
    bool has_looked; // into the spool: what is not in_spool is not there
};

void ways_init(struct ways *ways);
void ways_clear(struct ways *ways);
struct way *ways_add(struct ways *ways, const struct record *record); // NULL: WAYS_MAX
struct way *ways_find(const struct ways *ways, struct span id);
// The oldest first, each followed by its children; parent and depth are set.
void ways_order(struct ways *ways);

// What became of a recipient, also where a child has taken him over.
enum track_status way_rcpt_status(const struct ways *ways, const struct way *way,
                                  const struct record_rcpt *rcpt);
enum track_status way_status(const struct ways *ways, const struct way *way);
int64_t way_end_ms(const struct way *way); // of the last event that is known of it

// way_spool.c. What lies in the spool of these families, beside what is known of them already.
enum tool_exit way_look_for(struct tool *tool, struct ways *ways);
// The same of every message that has any_id: ours, Postfix's in or out, or its Message-ID.
enum tool_exit way_search(struct tool *tool, struct ways *ways, const char *any_id);

void way_print(struct tool *tool, const struct ways *ways, size_t root); // and its children
void way_json(struct tool *tool, const struct ways *ways, size_t root);  // the same, one line

#endif
