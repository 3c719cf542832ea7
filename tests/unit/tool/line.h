// SPDX-License-Identifier: BSD-2-Clause
// tests/unit/tool/line.h - one journal line, as its own writer makes it, read again.
#ifndef POSTERN_TESTS_UNIT_TOOL_LINE_H
#define POSTERN_TESTS_UNIT_TOOL_LINE_H

#include "spool/journal.h"

struct line {
    struct buf text;
    struct journal_writer writer;
    struct journal_reader reader;
    struct journal_line line;
};

static inline void
line_begin(struct line *line, const char *event)
{
    buf_init(&line->text, JOURNAL_LINE_MAX);
    journal_begin(&line->writer, &line->text, 1, 1, 1700000000000, event);
}

static inline const struct journal_line *
line_end(struct line *line)
{
    if (journal_end(&line->writer) != 0)
        abort();
    journal_reader_init(&line->reader, buf_span(&line->text), 1);
    if (!journal_next(&line->reader, &line->line))
        abort();
    return &line->line;
}

static inline void
line_clear(struct line *line)
{
    buf_clear(&line->text);
}

#endif
