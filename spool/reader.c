// SPDX-License-Identifier: BSD-2-Clause
#include "spool/reader.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/mem.h"

enum { BLOCK = 64 << 10 };

const char *
reader_result_name(enum reader_result result)
{
    static const char *const names[] = {[READER_OK] = "ok",
                                        [READER_UNSEALED] = "unsealed",
                                        [READER_NEWER] = "newer",
                                        [READER_CORRUPT] = "corrupt",
                                        [READER_ERROR] = "error"};

    return names[result];
}

static enum reader_result
corrupt(struct err *err, const char *what)
{
    err_set(err, ERR_PERM, "%s", what);
    return READER_CORRUPT;
}

// All of it, or the file is not what its first line says: others may have cut it meanwhile.
static enum reader_result
read_whole(int fd, char *data, size_t len, uint64_t offset, struct err *err)
{
    ssize_t got = fs_read_at(fd, data, len, (off_t)offset, err);

    if (got < 0)
        return READER_ERROR;
    return (size_t)got == len ? READER_OK : corrupt(err, "shorter than its first line says");
}

static enum reader_result
read_size(int fd, uint64_t *size_out, struct err *err)
{
    struct stat info;

    if (fstat(fd, &info) != 0) {
        err_sys(err, ERR_TEMP, errno, "fstat");
        return READER_ERROR;
    }
    if (!S_ISREG(info.st_mode))
        return corrupt(err, "not a regular file");
    *size_out = (uint64_t)info.st_size;
    return READER_OK;
}

static enum reader_result
judge_seal(const struct format_seal *seal, uint64_t size, struct err *err)
{
    if (seal->offset <= size && seal->len <= size - seal->offset)
        return READER_OK;
    return corrupt(err, "shorter than its first line says");
}

// NEWER keeps the seal where there is one: see is_damaged_version.
static enum reader_result
read_head(int fd, uint64_t *size_out, struct format_seal *seal_out, struct err *err)
{
    char head[FORMAT_HEAD_LEN];
    enum reader_result result = read_size(fd, size_out, err);
    ssize_t got;

    *seal_out = (struct format_seal){0, 0, 0};
    if (result != READER_OK)
        return result;
    got = fs_read_at(fd, head, sizeof(head), 0, err);
    if (got < 0)
        return READER_ERROR;
    switch (format_head_read(span_from(head, (size_t)got), seal_out)) {
    case FORMAT_SEALED:
        return judge_seal(seal_out, *size_out, err);
    case FORMAT_UNSEALED:
        err_set(err, ERR_PERM, "not sealed: it was never acknowledged");
        return READER_UNSEALED;
    case FORMAT_NEWER:
        err_set(err, ERR_PERM, "made by a newer version");
        return READER_NEWER;
    case FORMAT_BAD:
        break;
    }
    return corrupt(err, "bad first line");
}

static enum reader_result
read_envelope(int fd, const struct format_seal *seal, struct buf *out, struct err *err)
{
    size_t len = (size_t)(seal->offset - FORMAT_HEAD_LEN);
    enum reader_result result;

    buf_init(out, FORMAT_ENVELOPE_MAX);
    result = read_whole(fd, buf_space(out, len), len, FORMAT_HEAD_LEN, err);
    if (result == READER_OK)
        buf_filled(out, len);
    return result;
}

static enum reader_result
digest_message(int fd, const struct format_seal *seal, struct digest_value *value_out,
               struct err *err)
{
    struct digest *digest = digest_new();
    char *block = mem_zalloc(BLOCK);
    enum reader_result result = READER_OK;
    uint64_t done = 0;

    while (done < seal->len && result == READER_OK) {
        size_t len = seal->len - done < BLOCK ? (size_t)(seal->len - done) : BLOCK;

        result = read_whole(fd, block, len, seal->offset + done, err);
        if (result == READER_OK)
            digest_add(digest, block, len);
        done += len;
    }
    *value_out = digest_get(digest);
    mem_free(&block);
    digest_free(&digest);
    return result;
}

static enum reader_result
verify(int fd, const struct format_seal *seal, struct span envelope,
       struct digest_value *digest_out, struct err *err)
{
    enum reader_result result = digest_message(fd, seal, digest_out, err);

    if (result != READER_OK)
        return result;
    if (format_checksum(digest_of(envelope), *digest_out, seal->offset, seal->len) ==
        seal->checksum)
        return READER_OK;
    return corrupt(err, "checksum does not match: damaged");
}

// Our own seal under a version that we do not know: only the version is damaged.
static enum reader_result
judge_newer(int fd, const struct format_seal *seal, uint64_t size, struct err *err)
{
    struct buf envelope;
    struct digest_value digest;
    struct err ignored;
    enum reader_result result;

    if (seal->offset == 0 || judge_seal(seal, size, &ignored) != READER_OK)
        return READER_NEWER;
    result = read_envelope(fd, seal, &envelope, &ignored);
    if (result == READER_OK)
        result = verify(fd, seal, buf_span(&envelope), &digest, &ignored);
    buf_clear(&envelope);
    return result == READER_OK ? corrupt(err, "bad first line") : READER_NEWER;
}

static enum reader_result
load_content(int fd, struct reader_message *message, struct err *err)
{
    struct buf envelope;
    enum reader_result result = read_envelope(fd, &message->seal, &envelope, err);

    if (result == READER_OK)
        result = verify(fd, &message->seal, buf_span(&envelope), &message->digest, err);
    if (result == READER_OK &&
        format_envelope_read(buf_span(&envelope), &message->envelope, err) != 0)
        result = READER_CORRUPT;
    buf_clear(&envelope);
    return result;
}

uint64_t
reader_journal_key(const struct reader_message *message)
{
    return journal_key(message->envelope.id, message->seal.checksum);
}

static void
apply_journal(struct reader_message *message, struct span text)
{
    struct journal_reader *reader = mem_zalloc(sizeof(*reader));
    struct journal_line line;
    uint64_t start = message->seal.offset + message->seal.len;

    journal_reader_init(reader, text, reader_journal_key(message));
    while (journal_next(reader, &line)) {
        state_apply(&message->state, &line);
        (void)buf_add_span(&message->journal, line.text);
    }
    message->journal_end = start + reader->good_end;
    message->bad_lines = reader->bad_lines;
    mem_free(&reader);
}

static enum reader_result
load_journal(int fd, struct reader_message *message, struct err *err)
{
    uint64_t start = message->seal.offset + message->seal.len;
    struct buf text;
    enum reader_result result;
    size_t len;

    if (message->file_size - start > READER_JOURNAL_MAX)
        return corrupt(err, "journal too long");
    len = (size_t)(message->file_size - start);
    buf_init(&text, READER_JOURNAL_MAX);
    result = read_whole(fd, buf_space(&text, len), len, start, err);
    if (result == READER_OK) {
        buf_filled(&text, len);
        apply_journal(message, buf_span(&text));
    }
    buf_clear(&text);
    return result;
}

enum reader_result
reader_load(int fd, struct reader_message *message_out, struct err *err)
{
    struct reader_message *message = message_out;
    enum reader_result result;

    *message = (struct reader_message){.file_size = 0};
    envelope_init(&message->envelope);
    buf_init(&message->journal, READER_JOURNAL_MAX);
    result = read_head(fd, &message->file_size, &message->seal, err);
    if (result == READER_NEWER)
        result = judge_newer(fd, &message->seal, message->file_size, err);
    if (result == READER_OK)
        result = load_content(fd, message, err);
    if (result == READER_OK) {
        state_init(&message->state, message->envelope.rcpt_count);
        result = load_journal(fd, message, err);
    }
    if (result != READER_OK)
        reader_message_clear(message);
    return result;
}

enum reader_result
reader_peek(int fd, struct smtp_envelope *envelope_out, struct format_seal *seal_out,
            struct err *err)
{
    uint64_t size;
    struct buf envelope;
    enum reader_result result = read_head(fd, &size, seal_out, err);

    envelope_init(envelope_out);
    if (result != READER_OK)
        return result;
    result = read_envelope(fd, seal_out, &envelope, err);
    if (result == READER_OK && format_envelope_read(buf_span(&envelope), envelope_out, err) != 0)
        result = READER_CORRUPT;
    buf_clear(&envelope);
    return result;
}

void
reader_message_clear(struct reader_message *message)
{
    envelope_clear(&message->envelope);
    state_clear(&message->state);
    buf_clear(&message->journal);
}
