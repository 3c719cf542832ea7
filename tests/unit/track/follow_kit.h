// SPDX-License-Identifier: BSD-2-Clause
// tests/unit/track/follow_kit.h - somebody who follows a log and writes down what he was told.
#ifndef POSTERN_TESTS_UNIT_TRACK_FOLLOW_KIT_H
#define POSTERN_TESTS_UNIT_TRACK_FOLLOW_KIT_H

#include "tests/unit/track/log_kit.h"
#include "track/maillog/follow.h"

struct reader {
    struct tempdir dir;
    struct follow *follow;
    struct buf told;  // lines, each with a bar behind it
    struct buf place; // where he was told to begin again
    struct err err;
    bool is_well; // the last poll was
};

static inline void
reader_line(void *arg, struct span line)
{
    struct reader *reader = arg;

    log_must(buf_add_span(&reader->told, line) == 0 && buf_add_char(&reader->told, '|') == 0,
             "told");
}

// What one poll tells.
static inline const char *
reader_poll(struct reader *reader)
{
    buf_reset(&reader->told);
    reader->is_well = follow_poll(reader->follow, reader_line, reader, &reader->err) == 0;
    return buf_text(&reader->told);
}

// What many polls tell together, as long as a reader has patience with half lines.
static inline const char *
reader_wait(struct reader *reader)
{
    buf_reset(&reader->told);
    for (int i = 0; i < FOLLOW_PATIENCE + 5; i++)
        reader->is_well = follow_poll(reader->follow, reader_line, reader, &reader->err) == 0;
    return buf_text(&reader->told);
}

static inline void
reader_keep_place(struct reader *reader)
{
    buf_reset(&reader->place);
    follow_place(reader->follow, &reader->place);
    CU_ASSERT(reader->place.len <= FOLLOW_PLACE_MAX);
}

// A new one, who knows the place.
static inline void
reader_again(struct reader *reader)
{
    follow_free(&reader->follow);
    reader->follow = follow_new(tempdir_name(&reader->dir, "log"), buf_span(&reader->place));
}

static inline void
reader_begin(struct reader *reader)
{
    memset(reader, 0, sizeof *reader);
    tempdir_make(&reader->dir);
    buf_init(&reader->told, 64 << 20);
    buf_init(&reader->place, FOLLOW_PLACE_MAX);
    reader->follow = follow_new(tempdir_name(&reader->dir, "log"), span_of(NULL));
}

static inline void
reader_end(struct reader *reader)
{
    follow_free(&reader->follow);
    buf_clear(&reader->told);
    buf_clear(&reader->place);
    tempdir_remove(&reader->dir);
}

static inline bool
reader_has_note(struct reader *reader, const char *part)
{
    const char *note = follow_note(reader->follow);

    return part == NULL ? note == NULL : note != NULL && strstr(note, part) != NULL;
}

#endif
