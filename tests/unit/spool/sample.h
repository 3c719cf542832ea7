// SPDX-License-Identifier: BSD-2-Clause
// tests/unit/spool/sample.h - messages as they lie in the spool, made in memory.
#ifndef POSTERN_TESTS_UNIT_SPOOL_SAMPLE_H
#define POSTERN_TESTS_UNIT_SPOOL_SAMPLE_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "spool/format.h"
#include "spool/journal.h"
#include "spool/state.h"

static const char sample_id[] = "4X2k9QzT7mB";

enum { SAMPLE_KEY = 4711 };

// Both texts of a recipient lie in one piece of memory.
static inline void
sample_set_rcpt(struct smtp_rcpt *rcpt, const char *path, const char *params)
{
    mem_free(&rcpt->path);
    rcpt->path = mem_printf("%s%c%s", path, '\0', params);
    rcpt->params = rcpt->path + strlen(path) + 1;
}

static inline void
sample_envelope(struct smtp_envelope *envelope, size_t rcpt_count)
{
    char path[64];

    envelope_init(envelope);
    snprintf(envelope->id, sizeof(envelope->id), "%s", sample_id);
    envelope->esmtp = true;
    envelope->arrived_ms = 1700000000123;
    envelope->listener = mem_strdup("inet:127.0.0.1:10024");
    envelope->next_hop = mem_strdup("reinject");
    envelope->hostname = mem_strdup("mx1.example.com");
    envelope->client = mem_strdup("127.0.0.1");
    envelope->helo = mem_strdup("localhost");
    envelope->from = mem_strdup("a@example.org");
    envelope->from_params = mem_strdup("SIZE=123");
    for (size_t i = 0; i < rcpt_count; i++) {
        snprintf(path, sizeof(path), "r%zu@example.com", i);
        envelope_add_rcpt(envelope, span_of(path), span_of(""));
    }
}

// Appends first line, envelope and message to image.
static inline struct format_seal
sample_seal(const struct smtp_envelope *envelope, struct span message, struct buf *image)
{
    struct format_seal seal = {.len = message.len};
    struct buf text;
    char head[FORMAT_HEAD_LEN];

    buf_init(&text, FORMAT_ENVELOPE_MAX);
    if (format_envelope_write(envelope, &text) != 0)
        abort();
    seal.offset = FORMAT_HEAD_LEN + text.len;
    seal.checksum =
        format_checksum(digest_of(buf_span(&text)), digest_of(message), seal.offset, seal.len);
    format_head_write(&seal, head);
    buf_add(image, head, sizeof(head));
    buf_add_span(image, buf_span(&text));
    buf_add_span(image, message);
    buf_clear(&text);
    return seal;
}

// Appends a line such as "sent r=0-3 code=250"; values as they stand.
static inline void
sample_note(struct buf *journal, uint64_t key, uint64_t seq, const char *text)
{
    struct journal_writer writer;
    struct span rest = span_of(text);
    struct span event = span_cut(&rest, ' ');
    char name[64], word[64];

    snprintf(name, sizeof(name), "%.*s", (int)event.len, event.data);
    journal_begin(&writer, journal, key, seq, 1700000000000 + (int64_t)seq, name);
    while (rest.data != NULL) {
        struct span value = span_cut(&rest, ' ');
        struct span field = span_cut(&value, '=');

        snprintf(word, sizeof(word), "%.*s", (int)field.len, field.data);
        journal_field(&writer, word, value);
    }
    if (journal_end(&writer) != 0)
        abort();
}

// Lines as sample_note takes them, NULL at the end.
static inline void
sample_apply(struct spool_state *state, const char *const *lines)
{
    static struct journal_reader reader;
    struct buf journal;

    buf_init(&journal, 8 << 20);
    for (uint64_t seq = state->next_seq; *lines != NULL; lines++, seq++)
        sample_note(&journal, SAMPLE_KEY, seq, *lines);
    journal_reader_init(&reader, buf_span(&journal), SAMPLE_KEY);
    state_apply_all(state, &reader);
    if (reader.good_end != journal.len)
        abort();
    buf_clear(&journal);
}

static inline void
sample_apply_one(struct spool_state *state, const char *line)
{
    sample_apply(state, (const char *const[]){line, NULL});
}

// A file in memory that holds content.
static inline int
sample_fd(struct span content)
{
    int fd = memfd_create("sample", MFD_CLOEXEC);

    if (fd < 0 || pwrite(fd, content.data, content.len, 0) != (ssize_t)content.len)
        abort();
    return fd;
}

#endif
