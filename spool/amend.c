// SPDX-License-Identifier: BSD-2-Clause
#include "spool/amend.h"

#include "base/fs.h"
#include "base/mem.h"
#include "spool/store.h"

void
amend_begin(struct amend *amend, int fd, struct reader_message *message, int64_t now_ms,
            const char *event)
{
    amend->fd = fd;
    amend->message = message;
    buf_init(&amend->text, JOURNAL_LINE_MAX);
    (void)buf_add_char(&amend->text, '\n');
    journal_begin(&amend->writer, &amend->text, reader_journal_key(message),
                  message->state.next_seq, now_ms, event);
}

static void
apply(struct amend *amend)
{
    struct reader_message *message = amend->message;
    struct journal_reader *reader = mem_zalloc(sizeof *reader);

    journal_reader_init(reader, buf_span(&amend->text), amend->writer.key);
    state_apply_all(&message->state, reader);
    message->journal_end += amend->text.len;
    message->file_size = message->journal_end;
    mem_free(&reader);
}

static int
append(struct amend *amend, bool sync, struct err *err)
{
    const struct reader_message *message = amend->message;
    uint64_t room = store_journal_room(message->envelope.rcpt_count);

    if (message->file_size != message->journal_end &&
        store_cut(amend->fd, message->journal_end, room, err) != 0)
        return -1;
    if (fs_write_all_at(amend->fd, amend->text.data, amend->text.len, (off_t)message->journal_end,
                        err) != 0)
        return -1;
    return sync ? fs_sync_data(amend->fd, err) : 0;
}

int
amend_end(struct amend *amend, bool sync, struct err *err)
{
    const struct reader_message *message = amend->message;
    uint64_t start = message->seal.offset + message->seal.len;
    int result = journal_end(&amend->writer);

    if (result != 0)
        (void)err_set(err, ERR_PERM, "the journal takes no such line");
    else if (message->journal_end - start + amend->text.len > READER_JOURNAL_MAX)
        result = err_set(err, ERR_PERM, "the journal is full");
    else
        result = append(amend, sync, err);
    if (result == 0)
        apply(amend);
    buf_clear(&amend->text);
    return result;
}
