// SPDX-License-Identifier: BSD-2-Clause
#include "tool/glance.h"

#include "tests/unit/harness.h"
#include "tests/unit/spool/sample.h"

static const struct {
    const char *name;
    const char *journal; // one line, or none
    size_t cut;          // bytes taken from the end
    size_t damage;       // this byte of the message is another
    bool verify;
    enum reader_result expected;
} rows[] = {
    {"whole",                     "sent r=0 hop=x code=250", 0, 0, false, READER_OK     },
    {"whole, verified",           "sent r=0 hop=x code=250", 0, 0, true,  READER_OK     },
    {"no journal",                "",                        0, 0, false, READER_OK     },
    {"half a line",               "sent r=0 hop=x code=250", 5, 0, false, READER_OK     },
    {"damaged message",           "",                        0, 1, false, READER_OK     },
    {"damaged message, verified", "",                        0, 1, true,  READER_CORRUPT},
    {"cut message",               "",                        1, 0, false, READER_CORRUPT},
};

static void
rows_hold(void)
{
    struct glance *glance = glance_new();

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct smtp_envelope envelope;
        struct reader_message message;
        struct format_seal seal;
        enum reader_result result;
        struct buf image;
        struct err err;
        int fd;

        sample_envelope(&envelope, 2);
        buf_init(&image, 1 << 16);
        seal = sample_seal(&envelope, SPAN_LITERAL("hello"), &image);
        if (rows[i].journal[0] != '\0')
            sample_note(&image, journal_key(sample_id, seal.checksum), 1, rows[i].journal);
        if (rows[i].damage > 0)
            image.data[seal.offset + rows[i].damage] ^= 1;
        fd = sample_fd(span_from(image.data, image.len - rows[i].cut));
        result = glance_read(glance, fd, rows[i].verify, &message, &err);
        UNIT_CHECK_ROW(rows[i].name, result == rows[i].expected);
        if (result == READER_OK) {
            bool is_sent = rows[i].journal[0] != '\0' && rows[i].cut == 0;

            UNIT_CHECK_ROW(rows[i].name, strcmp(message.envelope.id, sample_id) == 0);
            UNIT_CHECK_ROW(rows[i].name, state_open_count(&message.state) == (is_sent ? 1 : 2));
            UNIT_CHECK_ROW(rows[i].name, message.seal.len == 5);
            reader_message_clear(&message);
        }
        close(fd);
        buf_clear(&image);
        envelope_clear(&envelope);
    }
    glance_free(&glance);
    CU_ASSERT_PTR_NULL(glance);
    glance_free(&glance);
}

static const struct unit_test tests[] = {
    {"rows hold", rows_hold},
};

UNIT_MAIN("tool/glance", tests)
