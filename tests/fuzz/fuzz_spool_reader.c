// SPDX-License-Identifier: BSD-2-Clause
// A spool file of any content: as it is, and again under a seal that fits, so that what lies behind
// the checksum is reached, too.
#include "tests/fuzz/fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "spool/reader.h"

// What was believed can be written again, and is the same then.
static void
check_envelope(const struct smtp_envelope *envelope)
{
    struct smtp_envelope again;
    struct buf first, second;
    struct err err;

    buf_init(&first, FORMAT_ENVELOPE_MAX);
    buf_init(&second, FORMAT_ENVELOPE_MAX);
    // Encoding may make it longer than the bound, by which it was read.
    if (format_envelope_write(envelope, &first) == 0) {
        FUZZ_CHECK(format_envelope_read(buf_span(&first), &again, &err) == 0);
        FUZZ_CHECK(format_envelope_write(&again, &second) == 0);
        FUZZ_CHECK(fuzz_equal(buf_span(&first), buf_span(&second)));
        envelope_clear(&again);
    }
    buf_clear(&first);
    buf_clear(&second);
}

static void
check_message(const struct reader_message *message, size_t size)
{
    uint64_t journal = message->seal.offset + message->seal.len;

    FUZZ_CHECK(message->file_size == size);
    FUZZ_CHECK(message->journal_end >= journal && message->journal_end <= size);
    FUZZ_CHECK(message->journal.len <= message->journal_end - journal);
    FUZZ_CHECK(message->envelope.rcpt_count > 0);
    FUZZ_CHECK(message->state.rcpt_count == message->envelope.rcpt_count);
    check_envelope(&message->envelope);
}

static void
load(const uint8_t *data, size_t size)
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    struct reader_message message;
    struct smtp_envelope envelope;
    struct format_seal seal;
    struct err err;
    enum reader_result result;

    FUZZ_CHECK(fd >= 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
    result = reader_load(fd, &message, &err);
    if (result == READER_OK)
        check_message(&message, size);
    reader_message_clear(&message);
    // A listing shows at least what can be loaded.
    FUZZ_CHECK(reader_peek(fd, &envelope, &seal, &err) == READER_OK || result != READER_OK);
    envelope_clear(&envelope);
    close(fd);
}

static void
load_resealed(const uint8_t *data, size_t size)
{
    struct span all = fuzz_span(data, size);
    struct span envelope, message;
    struct format_seal seal;
    uint8_t *copy;

    if (format_head_read(all, &seal) != FORMAT_SEALED || seal.offset > size ||
        seal.len > size - seal.offset)
        return;
    envelope = span_from(all.data + FORMAT_HEAD_LEN, (size_t)seal.offset - FORMAT_HEAD_LEN);
    message = span_from(all.data + seal.offset, (size_t)seal.len);
    seal.checksum = format_checksum(digest_of(envelope), digest_of(message), seal.offset, seal.len);
    copy = mem_zalloc(size);
    memcpy(copy, data, size);
    format_head_write(&seal, (char *)copy);
    load(copy, size);
    mem_free(&copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    load(data, size);
    load_resealed(data, size);
    return 0;
}
