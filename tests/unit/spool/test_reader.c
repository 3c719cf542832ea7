// SPDX-License-Identifier: BSD-2-Clause
#include "spool/reader.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "tests/unit/base/tempdir.h"
#include "tests/unit/harness.h"
#include "tests/unit/spool/sample.h"

static const char message[] = "Subject: x\r\n\r\nbody\r\n.\r\nPOSTERN 1 \0\xff no line end";

enum { RCPTS = 3, MESSAGE_LEN = sizeof(message) - 1 };

struct image {
    struct buf bytes;
    struct format_seal seal;
    uint64_t key;
    uint64_t journal; // its offset
};

static void
image_init(struct image *image, struct span content)
{
    struct smtp_envelope envelope;

    sample_envelope(&envelope, RCPTS);
    buf_init(&image->bytes, 64 << 20);
    image->seal = sample_seal(&envelope, content, &image->bytes);
    image->key = journal_key(sample_id, image->seal.checksum);
    image->journal = image->bytes.len;
    envelope_clear(&envelope);
}

static void
image_note(struct image *image, uint64_t seq, const char *line)
{
    sample_note(&image->bytes, image->key, seq, line);
}

static enum reader_result
load(struct span bytes, struct reader_message *loaded, struct err *err)
{
    int fd = sample_fd(bytes);
    enum reader_result result = reader_load(fd, loaded, err);

    close(fd);
    return result;
}

// The result alone; what was loaded is cleared, which must be fine in any case.
static enum reader_result
result_of(struct span bytes)
{
    struct reader_message loaded;
    struct err err = {.kind = ERR_NONE};
    enum reader_result result = load(bytes, &loaded, &err);

    if (result != READER_OK)
        CU_ASSERT(err.kind == ERR_PERM && err.text[0] != '\0');
    reader_message_clear(&loaded);
    return result;
}

static void
test_good(void)
{
    struct image image;
    struct reader_message loaded;
    struct err err;

    image_init(&image, span_from(message, MESSAGE_LEN));
    image_note(&image, 1, "attempt r=0-2 hop=reinject");
    image_note(&image, 2, "sent r=0 code=250");
    CU_ASSERT_EQUAL_FATAL(load(buf_span(&image.bytes), &loaded, &err), READER_OK);
    CU_ASSERT_STRING_EQUAL(loaded.envelope.id, sample_id);
    CU_ASSERT_EQUAL(loaded.envelope.rcpt_count, RCPTS);
    CU_ASSERT_EQUAL(loaded.seal.offset, image.seal.offset);
    CU_ASSERT_EQUAL(loaded.seal.len, MESSAGE_LEN);
    CU_ASSERT(digest_equal(loaded.digest, digest_of(span_from(message, MESSAGE_LEN))));
    CU_ASSERT_EQUAL(loaded.state.rcpt_count, RCPTS);
    CU_ASSERT_EQUAL(loaded.state.rcpts[0].status, RCPT_SENT);
    CU_ASSERT_TRUE(loaded.state.attempt_open);
    CU_ASSERT_EQUAL(loaded.state.next_seq, 3);
    CU_ASSERT_EQUAL(loaded.journal_end, image.bytes.len);
    CU_ASSERT_EQUAL(loaded.file_size, image.bytes.len);
    CU_ASSERT_EQUAL(loaded.bad_lines, 0);
    CU_ASSERT_EQUAL(reader_journal_key(&loaded), image.key);
    CU_ASSERT_EQUAL(loaded.journal.len, image.bytes.len - image.journal);
    CU_ASSERT_EQUAL(
        memcmp(loaded.journal.data, image.bytes.data + image.journal, loaded.journal.len), 0);
    reader_message_clear(&loaded);
    buf_clear(&image.bytes);
}

static void
test_sizes(void)
{
    static const size_t sizes[] = {0, 1, 65535, 65536, 65537, 131072, 1000000};

    for (size_t i = 0; i < UNIT_COUNT(sizes); i++) {
        char *content = mem_zalloc(sizes[i]);
        struct image image;

        image_init(&image, span_from(content, sizes[i]));
        CU_ASSERT_EQUAL(result_of(buf_span(&image.bytes)), READER_OK);
        // Its last byte counts, wherever the blocks end.
        image.bytes.data[image.bytes.len - 1] ^= 1;
        CU_ASSERT_EQUAL(result_of(buf_span(&image.bytes)), READER_CORRUPT);
        buf_clear(&image.bytes);
        mem_free(&content);
    }
}

struct progress { // what the journal's first lines amount to
    enum rcpt_status statuses[RCPTS];
    bool attempt_open;
    size_t good_end;
};

enum { LINES = 4 };

static void
make_image(struct image *image, struct progress after[LINES + 1])
{
    static const char *const lines[LINES] = {
        "attempt g=0 r=0-2 hop=reinject", "sent r=0 code=250 reply=ok",
        "deferred r=1 until=5 code=451", "failed r=2 code=550"};

    image_init(image, span_from(message, MESSAGE_LEN));
    after[0] = (struct progress){.good_end = image->bytes.len};
    for (size_t i = 0; i < LINES; i++) {
        image_note(image, i + 1, lines[i]);
        after[i + 1] = after[i];
        after[i + 1].good_end = image->bytes.len;
    }
    for (size_t i = 1; i <= LINES; i++) {
        after[i].attempt_open = i < LINES;
        after[i].statuses[0] = i >= 2 ? RCPT_SENT : RCPT_OPEN;
        after[i].statuses[1] = i >= 3 ? RCPT_DEFERRED : RCPT_OPEN;
        after[i].statuses[2] = i >= 4 ? RCPT_FAILED : RCPT_OPEN;
    }
}

static void
check_progress(struct span bytes, const struct progress *expected, uint64_t size)
{
    struct reader_message loaded;
    struct err err = {.text = ""};

    CU_ASSERT_EQUAL_FATAL(load(bytes, &loaded, &err), READER_OK);
    for (size_t i = 0; i < RCPTS; i++)
        CU_ASSERT_EQUAL(loaded.state.rcpts[i].status, expected->statuses[i]);
    CU_ASSERT_EQUAL(loaded.state.attempt_open, expected->attempt_open);
    CU_ASSERT_EQUAL(loaded.journal_end, expected->good_end);
    CU_ASSERT_EQUAL(loaded.file_size, size);
    CU_ASSERT_EQUAL(loaded.state.odd, 0);
    reader_message_clear(&loaded);
}

static void
test_every_length(void)
{
    struct image image;
    struct progress after[LINES + 1];
    size_t lines = 0;

    make_image(&image, after);
    for (size_t len = 0; len < image.journal; len++)
        CU_ASSERT_EQUAL(result_of(span_from(image.bytes.data, len)), READER_CORRUPT);
    for (size_t len = image.journal; len <= image.bytes.len; len++) {
        if (lines < LINES && len == after[lines + 1].good_end)
            lines++;
        check_progress(span_from(image.bytes.data, len), &after[lines], len);
    }
    CU_ASSERT_EQUAL(lines, LINES);
    buf_clear(&image.bytes);
}

// One byte in the journal: the line that it stands in is as if it had not been written (a lost end
// takes the next line with it), and the others count.
static void
check_journal_byte(struct image *image, size_t at)
{
    struct reader_message loaded;
    struct err err = {.text = ""};
    size_t first = 0, last;
    size_t sizes[LINES];
    const char *line = image->bytes.data + image->journal;
    const char *const end = image->bytes.data + image->bytes.len;

    enum rcpt_status expected[RCPTS] = {RCPT_SENT, RCPT_DEFERRED, RCPT_FAILED};

    for (size_t i = 0; i < LINES; i++) {
        const char *next = (const char *)memchr(line, '\n', (size_t)(end - line)) + 1;

        sizes[i] = (size_t)(next - line);
        first += (size_t)(next - image->bytes.data) <= at ? 1 : 0;
        line = next;
    }
    last = image->bytes.data[at] == '\n' && first + 1 < LINES ? first + 1 : first;
    for (size_t i = 1; i < LINES; i++) {
        if (i >= first && i <= last)
            expected[i - 1] = RCPT_OPEN;
    }
    image->bytes.data[at] ^= 0x10;
    CU_ASSERT_EQUAL_FATAL(load(buf_span(&image->bytes), &loaded, &err), READER_OK);
    for (size_t i = 0; i < RCPTS; i++)
        CU_ASSERT_EQUAL(loaded.state.rcpts[i].status, expected[i]);
    CU_ASSERT_EQUAL(loaded.bad_lines, last < LINES - 1 ? 1 : 0);
    CU_ASSERT_EQUAL(loaded.journal_end, image->bytes.len -
                                            (last < LINES - 1 ? 0 : sizes[LINES - 1]) -
                                            (last == LINES - 1 && first < last ? sizes[first] : 0));
    CU_ASSERT_EQUAL(loaded.state.odd, 0);
    reader_message_clear(&loaded);
    image->bytes.data[at] ^= 0x10;
}

static void
test_every_byte(void)
{
    static const unsigned char flips[] = {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff};
    struct image image;
    struct progress after[LINES + 1];

    make_image(&image, after);
    for (size_t at = 0; at < image.journal; at++) {
        for (size_t i = 0; i < UNIT_COUNT(flips); i++) {
            image.bytes.data[at] = (char)(image.bytes.data[at] ^ flips[i]);
            CU_ASSERT_EQUAL(result_of(buf_span(&image.bytes)), READER_CORRUPT);
            image.bytes.data[at] = (char)(image.bytes.data[at] ^ flips[i]);
        }
    }
    for (size_t at = image.journal; at < image.bytes.len; at++)
        check_journal_byte(&image, at);
    check_progress(buf_span(&image.bytes), &after[LINES], image.bytes.len);
    buf_clear(&image.bytes);
}

// Any one byte missing or twice shifts the rest. ("POSTERN 11 " may be a later version's.)
static void
test_lost_and_doubled_bytes(void)
{
    struct image image;

    image_init(&image, span_from(message, MESSAGE_LEN));
    for (size_t at = 0; at + 1 < image.bytes.len; at++) {
        struct buf other;
        enum reader_result result;

        buf_init(&other, 1 << 20);
        buf_add(&other, image.bytes.data, at);
        buf_add(&other, image.bytes.data + at + 1, image.bytes.len - at - 1);
        buf_add_text(&other, "x");
        CU_ASSERT_EQUAL(result_of(buf_span(&other)), READER_CORRUPT);
        buf_clear(&other);
        buf_add(&other, image.bytes.data, at + 1);
        buf_add(&other, image.bytes.data + at, image.bytes.len - at);
        result = result_of(buf_span(&other));
        CU_ASSERT_EQUAL(result, at == 8 ? READER_NEWER : READER_CORRUPT);
        buf_clear(&other);
    }
    buf_clear(&image.bytes);
}

static void
test_heads(void)
{
    static const struct {
        const char *head;
        enum reader_result expected;
    } rows[] = {
        {"POSTERN 1 000000000000000 00000000000000000000 0000000000000000\n",   READER_UNSEALED},
        {"POSTERN 1 000000000000000 00000000000000000000 0000000000000001\n",   READER_CORRUPT },
        {"POSTERN 1 000000000000000 00000000000000000000 000000000000000\n",    READER_CORRUPT },
        {"POSTERN 1 000000000000100 00000000000000000001 0000000000000000\n",   READER_CORRUPT },
        {"POSTERN 1 000000000000100 09223372036854775000 0000000000000000\n",   READER_CORRUPT },
        {"POSTERN 1 000000016777280 00000000000000000000 0000000000000000\n",   READER_CORRUPT },
        {"POSTERN 2 000000000000000 00000000000000000000 0000000000000000\n",   READER_NEWER   },
        {"POSTERN 2 000000000000066 00000000000000000001 0000000000000000\n",   READER_NEWER   },
        {"POSTERN 2 000000000000066 00000000000000099999 0000000000000000\n",   READER_NEWER   },
        {"POSTERN 99 and something else, that no version of today can know.\n", READER_NEWER   },
        {"",                                                                    READER_CORRUPT },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct buf bytes;

        buf_init(&bytes, 1000);
        buf_add_text(&bytes, rows[i].head);
        UNIT_CHECK_ROW(rows[i].head,
                       rows[i].head[0] == '\0' || result_of(buf_span(&bytes)) == rows[i].expected);
        buf_add_text(&bytes, "\n\nx");
        UNIT_CHECK_ROW(rows[i].head, result_of(buf_span(&bytes)) == rows[i].expected);
        buf_clear(&bytes);
    }
    CU_ASSERT_EQUAL(result_of(span_of("")), READER_CORRUPT);
}

// A seal that fits an envelope which another writer made.
static void
test_envelope_of_another_writer(void)
{
    static const char envelope[] = "id 4X2k9QzT7mB\nfuture yes\n\n";
    struct format_seal seal = {.offset = FORMAT_HEAD_LEN + sizeof(envelope) - 1, .len = 1};
    struct buf bytes;
    char head[FORMAT_HEAD_LEN];

    seal.checksum = format_checksum(digest_of(span_of(envelope)), digest_of(span_of("x")),
                                    seal.offset, seal.len);
    format_head_write(&seal, head);
    buf_init(&bytes, 1000);
    buf_add(&bytes, head, sizeof(head));
    buf_add_text(&bytes, envelope);
    buf_add_text(&bytes, "x");
    CU_ASSERT_EQUAL(result_of(buf_span(&bytes)), READER_CORRUPT);
    buf_clear(&bytes);
}

// What a slot held before follows the journal: an earlier message with a longer journal, lines that
// somebody put into it with this very id, half lines and zeros.
static void
test_former_content_of_a_slot(void)
{
    struct image image;
    struct reader_message loaded;
    struct err err;
    uint64_t end;

    image_init(&image, span_from(message, MESSAGE_LEN));
    image_note(&image, 1, "attempt r=0");
    end = image.bytes.len;
    buf_add_text(&image.bytes, "of an old line #0123456789abcdef\n");
    sample_note(&image.bytes, journal_key(sample_id, 0), 2, "sent r=0-2");
    sample_note(&image.bytes, journal_key(sample_id, image.seal.checksum + 1), 3, "done");
    sample_note(&image.bytes, journal_key("4X2k9QzT7mA", image.seal.checksum), 4, "sent r=0-2");
    sample_note(&image.bytes, 0, 5, "discarded r=0-2");
    for (size_t i = 0; i < 20000; i++)
        buf_add_text(&image.bytes, i % 3 == 0 ? "\n" : "\0x y z #");
    CU_ASSERT_EQUAL_FATAL(load(buf_span(&image.bytes), &loaded, &err), READER_OK);
    CU_ASSERT_EQUAL(loaded.journal_end, end);
    CU_ASSERT_EQUAL(loaded.bad_lines, 0);
    CU_ASSERT_EQUAL(loaded.journal.len, end - image.journal);
    CU_ASSERT_EQUAL(state_open_count(&loaded.state), RCPTS);
    CU_ASSERT_EQUAL(loaded.state.odd, 0);
    reader_message_clear(&loaded);
    buf_clear(&image.bytes);
}

static void
test_torn_line_in_between(void)
{
    struct image image;
    struct reader_message loaded;
    struct err err;

    image_init(&image, span_from(message, MESSAGE_LEN));
    image_note(&image, 1, "attempt r=0");
    buf_add_text(&image.bytes, "2 17000000 sent r=1\n");
    image_note(&image, 3, "sent r=0");
    CU_ASSERT_EQUAL_FATAL(load(buf_span(&image.bytes), &loaded, &err), READER_OK);
    CU_ASSERT_EQUAL(loaded.bad_lines, 1);
    CU_ASSERT_EQUAL(loaded.journal_end, image.bytes.len);
    CU_ASSERT_EQUAL(loaded.state.rcpts[0].status, RCPT_SENT);
    CU_ASSERT_EQUAL(loaded.state.rcpts[1].status, RCPT_OPEN);
    CU_ASSERT_PTR_NULL(memmem(loaded.journal.data, loaded.journal.len, "17000000 ", 9));
    reader_message_clear(&loaded);
    buf_clear(&image.bytes);
}

static void
test_journal_bound(void)
{
    struct image image;
    char *room = mem_zalloc(READER_JOURNAL_MAX);

    image_init(&image, span_from(message, MESSAGE_LEN));
    buf_add(&image.bytes, room, READER_JOURNAL_MAX);
    CU_ASSERT_EQUAL(result_of(buf_span(&image.bytes)), READER_OK);
    buf_add_text(&image.bytes, "x");
    CU_ASSERT_EQUAL(result_of(buf_span(&image.bytes)), READER_CORRUPT);
    buf_clear(&image.bytes);
    mem_free(&room);
}

static void
test_peek(void)
{
    struct image image;
    struct smtp_envelope envelope;
    struct format_seal seal;
    struct err err;
    int fd;

    image_init(&image, span_from(message, MESSAGE_LEN));
    // It does not look at the message: a damaged one can be listed.
    image.bytes.data[image.bytes.len - 1] ^= 1;
    fd = sample_fd(buf_span(&image.bytes));
    CU_ASSERT_EQUAL_FATAL(reader_peek(fd, &envelope, &seal, &err), READER_OK);
    CU_ASSERT_STRING_EQUAL(envelope.id, sample_id);
    CU_ASSERT_EQUAL(envelope.rcpt_count, RCPTS);
    CU_ASSERT_EQUAL(seal.len, MESSAGE_LEN);
    envelope_clear(&envelope);
    CU_ASSERT_EQUAL(ftruncate(fd, (off_t)image.seal.offset), 0);
    CU_ASSERT_EQUAL(reader_peek(fd, &envelope, &seal, &err), READER_CORRUPT);
    envelope_clear(&envelope);
    close(fd);
    image.bytes.data[FORMAT_HEAD_LEN] ^= 1;
    fd = sample_fd(buf_span(&image.bytes));
    CU_ASSERT_EQUAL(reader_peek(fd, &envelope, &seal, &err), READER_CORRUPT);
    envelope_clear(&envelope);
    format_head_write(NULL, image.bytes.data);
    CU_ASSERT_EQUAL(pwrite(fd, image.bytes.data, FORMAT_HEAD_LEN, 0), FORMAT_HEAD_LEN);
    CU_ASSERT_EQUAL(reader_peek(fd, &envelope, &seal, &err), READER_UNSEALED);
    envelope_clear(&envelope);
    close(fd);
    buf_clear(&image.bytes);
}

static void
test_what_is_no_file(void)
{
    struct reader_message loaded;
    struct smtp_envelope envelope;
    struct format_seal seal;
    struct tempdir dir;
    struct err err = {.kind = ERR_NONE};
    int ends[2];

    tempdir_make(&dir);
    CU_ASSERT_EQUAL(reader_load(dir.fd, &loaded, &err), READER_CORRUPT);
    CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
    CU_ASSERT_EQUAL(reader_load(ends[0], &loaded, &err), READER_CORRUPT);
    close(ends[0]);
    close(ends[1]);
    CU_ASSERT_EQUAL(err.kind, ERR_PERM);
    CU_ASSERT_EQUAL(reader_load(-1, &loaded, &err), READER_ERROR);
    CU_ASSERT_EQUAL(err.kind, ERR_TEMP);
    reader_message_clear(&loaded);
    CU_ASSERT_EQUAL(reader_peek(-1, &envelope, &seal, &err), READER_ERROR);
    envelope_clear(&envelope);
    tempdir_remove(&dir);
}

// Written only, so that it cannot be read now: that is no reason to call it damaged.
static void
test_read_error(void)
{
    struct image image;
    struct reader_message loaded;
    struct tempdir dir;
    struct err err = {.kind = ERR_NONE};
    int fd;

    tempdir_make(&dir);
    image_init(&image, span_from(message, MESSAGE_LEN));
    fd = openat(dir.fd, "file", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    CU_ASSERT_EQUAL(write(fd, image.bytes.data, image.bytes.len), (ssize_t)image.bytes.len);
    CU_ASSERT_EQUAL(reader_load(fd, &loaded, &err), READER_ERROR);
    CU_ASSERT_EQUAL(err.kind, ERR_TEMP);
    reader_message_clear(&loaded);
    close(fd);
    buf_clear(&image.bytes);
    tempdir_remove(&dir);
}

static void
test_names(void)
{
    CU_ASSERT_STRING_EQUAL(reader_result_name(READER_OK), "ok");
    CU_ASSERT_STRING_EQUAL(reader_result_name(READER_ERROR), "error");
}

static const struct unit_test tests[] = {
    {"good",                       test_good                      },
    {"sizes",                      test_sizes                     },
    {"every length",               test_every_length              },
    {"every byte",                 test_every_byte                },
    {"lost and doubled bytes",     test_lost_and_doubled_bytes    },
    {"heads",                      test_heads                     },
    {"envelope of another writer", test_envelope_of_another_writer},
    {"former content of a slot",   test_former_content_of_a_slot  },
    {"torn line in between",       test_torn_line_in_between      },
    {"journal bound",              test_journal_bound             },
    {"peek",                       test_peek                      },
    {"what is no file",            test_what_is_no_file           },
    {"read error",                 test_read_error                },
    {"names",                      test_names                     },
};

UNIT_MAIN("spool/reader", tests)
