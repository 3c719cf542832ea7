// SPDX-License-Identifier: BSD-2-Clause
// tests/unit/spool/quarantined.h - messages in quarantine/, made by hand.
#ifndef POSTERN_TESTS_SPOOL_QUARANTINED_H
#define POSTERN_TESTS_SPOOL_QUARANTINED_H

#include <fcntl.h>

#include "spool/quarantine.h"
#include "spool/store.h"
#include "tests/unit/spool/sample.h"

// lines: as sample_apply takes them, or NULL. It lies there since since_ms.
static inline void
quarantined_put(struct place_root *root, const char *id, int64_t since_ms, size_t len,
                const char *const *lines)
{
    struct smtp_envelope envelope;
    struct format_seal seal;
    struct buf image, content;
    int day = place_quarantine_day(root, since_ms, NULL);
    int fd = openat(day, id, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);

    sample_envelope(&envelope, 3);
    snprintf(envelope.id, sizeof envelope.id, "%s", id);
    buf_init(&image, 64 << 20);
    buf_init(&content, 64 << 20);
    for (size_t i = 0; i < len; i++)
        buf_add_char(&content, (char)(i * 7 + i / 251));
    seal = sample_seal(&envelope, buf_span(&content), &image);
    for (uint64_t seq = 1; lines != NULL && *lines != NULL; lines++, seq++)
        sample_note(&image, journal_key(id, seal.checksum), seq, *lines);
    if (pwrite(fd, image.data, image.len, 0) != (ssize_t)image.len ||
        store_set_due(fd, since_ms, NULL) != 0)
        abort();
    close(fd);
    close(day);
    buf_clear(&content);
    buf_clear(&image);
    envelope_clear(&envelope);
}

static inline bool
quarantined_has(struct place_root *root, const char *id)
{
    int day = place_find_quarantined(root, id, NULL);

    if (day >= 0)
        close(day);
    return day >= 0;
}

#endif
