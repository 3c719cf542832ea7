// SPDX-License-Identifier: BSD-2-Clause
// filters/result.h - what one filter said of one message: plain data. Pure.
//
// Cannot tell is never clean: unscannable is a reason that lies in the message (too large,
// encrypted), failed one that passes (down, slow, nonsense). Names and texts come from peers that
// read hostile content: control characters are gone, lengths are bounded, nothing else is promised.
#ifndef POSTERN_FILTERS_RESULT_H
#define POSTERN_FILTERS_RESULT_H

#include "base/str.h"
#include "mime/edits.h"

enum result_kind {
    RESULT_PENDING, // still being asked
    RESULT_CLEAN,
    RESULT_HIT,
    RESULT_UNSCANNABLE,
    RESULT_FAILED,
    RESULT_SKIPPED // by skip_clients, skip_recipients: nobody was asked, on purpose
};

const char *result_kind_name(enum result_kind kind); // "clean", "hit", ...

// What a filter that knows such things asks for (rspamd's action, a milter's).
enum result_wish {
    WISH_NONE,
    WISH_ACCEPT, // "no action", "greylist", "add header", "rewrite subject"
    WISH_REJECT,
    WISH_DEFER, // "soft reject"
    WISH_QUARANTINE,
    WISH_DISCARD
};

const char *result_wish_name(enum result_wish wish);

struct result {
    enum result_kind kind;
    bool is_virus; // a hit by name of malware: names are viruses
    bool has_score;
    double score, required_score;
    char **names; // viruses or symbols
    size_t name_count;
    char *action; // as the filter calls it, "add header"; NULL
    enum result_wish wish;
    char *reply;            // text for a reject or defer that the filter gave; NULL
    char *reason;           // why unscannable or failed; NULL
    char *server;           // who answered
    struct edit_list edits; // apply only where the message is delivered
    uint64_t took_us;
};

enum { RESULT_NAMES_MAX = 500, RESULT_NAME_MAX = 256, RESULT_TEXT_MAX = 400 };

void result_init(struct result *result); // PENDING
void result_clear(struct result *result);
// Cleaned and cut; past RESULT_NAMES_MAX dropped.
void result_add_name(struct result *result, struct span name);
void result_set_text(char **member, struct span text); // cleaned and cut; replaces
// kind and reason; what stood there is cleared.
void result_set(struct result *result, enum result_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// For the journal's `result` line (fields of one filter) and back: for show and release.
struct journal_writer;
struct journal_line;
void result_note(const struct result *result, const char *filter, struct journal_writer *writer);
// filter_out: mem_free. -1: no such line.
int result_read(const struct journal_line *line, char **filter_out, struct result *result_out);

#endif
