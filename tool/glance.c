// SPDX-License-Identifier: BSD-2-Clause
#include "tool/glance.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/mem.h"

struct glance {
    struct journal_reader reader;
    struct buf text;
};

struct glance *
glance_new(void)
{
    struct glance *glance = mem_zalloc(sizeof *glance);

    buf_init(&glance->text, READER_JOURNAL_MAX);
    return glance;
}

void
glance_free(struct glance **glance)
{
    if (*glance == NULL)
        return;
    buf_clear(&(*glance)->text);
    mem_free(glance);
}

static enum reader_result
fail(enum reader_result result, struct err *err, enum err_kind kind, const char *text)
{
    (void)err_set(err, kind, "%s", text);
    return result;
}

// What stands behind the message; another process may be at the end of it.
static enum reader_result
read_journal(struct glance *glance, int fd, struct reader_message *message, struct err *err)
{
    uint64_t start = message->seal.offset + message->seal.len;
    struct stat info;
    char *room;
    size_t len;
    ssize_t got;

    if (fstat(fd, &info) != 0) {
        (void)err_sys(err, ERR_TEMP, errno, "fstat");
        return READER_ERROR;
    }
    message->file_size = (uint64_t)info.st_size;
    if (message->file_size < start)
        return fail(READER_CORRUPT, err, ERR_PERM, "shorter than its first line says");
    if (message->file_size - start > READER_JOURNAL_MAX)
        return fail(READER_CORRUPT, err, ERR_PERM, "journal too long");
    len = (size_t)(message->file_size - start);
    buf_reset(&glance->text);
    room = buf_space(&glance->text, len);
    got = fs_read_at(fd, room, len, (off_t)start, err);
    if (got < 0)
        return READER_ERROR;
    buf_filled(&glance->text, (size_t)got);
    return READER_OK;
}

enum reader_result
glance_read(struct glance *glance, int fd, bool verify, struct reader_message *message_out,
            struct err *err)
{
    struct reader_message *message = message_out;
    enum reader_result result;

    if (verify)
        return reader_load(fd, message_out, err);
    *message = (struct reader_message){.file_size = 0};
    buf_init(&message->journal, 0);
    result = reader_peek(fd, &message->envelope, &message->seal, err);
    if (result == READER_OK)
        result = read_journal(glance, fd, message, err);
    if (result == READER_OK) {
        state_init(&message->state, message->envelope.rcpt_count);
        journal_reader_init(&glance->reader, buf_span(&glance->text), reader_journal_key(message));
        state_apply_all(&message->state, &glance->reader);
    } else {
        reader_message_clear(message);
    }
    return result;
}
