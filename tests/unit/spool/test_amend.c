// SPDX-License-Identifier: BSD-2-Clause
#include "spool/amend.h"

#include <fcntl.h>

#include "tests/unit/harness.h"
#include "tests/unit/spool/sample.h"

// tail: what stands behind the journal's first line.
static int
make(const char *tail)
{
    struct smtp_envelope envelope;
    struct buf image;
    struct format_seal seal;
    int fd;

    sample_envelope(&envelope, 2);
    buf_init(&image, 1 << 20);
    seal = sample_seal(&envelope, SPAN_LITERAL("content\r\n"), &image);
    sample_note(&image, journal_key(sample_id, seal.checksum), 1, "sent r=0");
    buf_add_text(&image, tail);
    fd = sample_fd(buf_span(&image));
    buf_clear(&image);
    envelope_clear(&envelope);
    return fd;
}

static int
amend_one(int fd, struct reader_message *message, const char *event, struct err *err)
{
    struct amend amend;

    amend_begin(&amend, fd, message, 1700000000000, event);
    journal_field_text(&amend.writer, "reason", "two words");
    return amend_end(&amend, true, err);
}

// Two lines, one after the other: what is in memory is what a new load finds.
static void
test_lines(void)
{
    static const char *const tails[] = {"", "\n", "2 1700000000 unhe",
                                        "an earlier message's\nrest\n"};

    for (size_t i = 0; i < UNIT_COUNT(tails); i++) {
        struct reader_message message, again;
        struct err err;
        int fd = make(tails[i]);

        CU_ASSERT_EQUAL_FATAL(reader_load(fd, &message, &err), READER_OK);
        UNIT_CHECK_ROW(tails[i], amend_one(fd, &message, "held", &err) == 0);
        UNIT_CHECK_ROW(tails[i], message.state.held);
        UNIT_CHECK_ROW(tails[i], amend_one(fd, &message, "unheld", &err) == 0);
        UNIT_CHECK_ROW(tails[i], !message.state.held && message.state.unheld);
        CU_ASSERT_EQUAL_FATAL(reader_load(fd, &again, &err), READER_OK);
        UNIT_CHECK_ROW(tails[i], again.state.unheld && again.state.odd == 0);
        UNIT_CHECK_ROW(tails[i], again.bad_lines == 0);
        UNIT_CHECK_ROW(tails[i], again.state.next_seq == message.state.next_seq);
        UNIT_CHECK_ROW(tails[i], again.journal_end == message.journal_end);
        UNIT_CHECK_ROW(tails[i], again.file_size == message.file_size);
        UNIT_CHECK_ROW(tails[i], again.state.rcpts[0].status == RCPT_SENT);
        reader_message_clear(&again);
        reader_message_clear(&message);
        close(fd);
    }
}

static void
test_refused(void)
{
    struct reader_message message;
    struct err err;
    struct amend amend;
    int fd = make(""), read_only;
    char *text = mem_zalloc(JOURNAL_LINE_MAX + 1), path[40];
    uint64_t end;

    CU_ASSERT_EQUAL_FATAL(reader_load(fd, &message, &err), READER_OK);
    end = message.journal_end;
    memset(text, 'x', JOURNAL_LINE_MAX);
    amend_begin(&amend, fd, &message, 1, "held");
    journal_field_text(&amend.writer, "reason", text);
    CU_ASSERT_EQUAL(amend_end(&amend, false, &err), -1);
    CU_ASSERT_EQUAL(err.kind, ERR_PERM);
    // Until it is full.
    text[JOURNAL_LINE_MAX / 4] = '\0';
    for (int i = 0; i < 100; i++) {
        end = message.journal_end;
        amend_begin(&amend, fd, &message, 1, "held");
        journal_field_text(&amend.writer, "reason", text);
        if (amend_end(&amend, false, &err) != 0)
            break;
    }
    CU_ASSERT_STRING_EQUAL(err.text, "the journal is full");
    CU_ASSERT_EQUAL(message.journal_end, end);
    CU_ASSERT(end > READER_JOURNAL_MAX - JOURNAL_LINE_MAX / 2);
    reader_message_clear(&message);
    CU_ASSERT_EQUAL_FATAL(reader_load(fd, &message, &err), READER_OK);
    CU_ASSERT_EQUAL(message.journal_end, end);
    // A file that cannot be written.
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    read_only = open(path, O_RDONLY);
    CU_ASSERT_EQUAL(amend_one(read_only, &message, "retry", &err), -1);
    CU_ASSERT_EQUAL(err.kind, ERR_TEMP);
    CU_ASSERT_EQUAL(message.journal_end, end);
    reader_message_clear(&message);
    close(read_only);
    close(fd);
    mem_free(&text);
}

static const struct unit_test tests[] = {
    {"lines",   test_lines  },
    {"refused", test_refused},
};

UNIT_MAIN("spool/amend", tests)
