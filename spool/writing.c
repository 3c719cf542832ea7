// SPDX-License-Identifier: BSD-2-Clause
#include "spool/writing.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "spool/reader.h"

void
writing_init(struct writing *writing)
{
    *writing = (struct writing){.written = 0};
    writing->draft.fd = -1;
    buf_init(&writing->flight, SIZE_MAX / 4);
    buf_init(&writing->journal, READER_JOURNAL_MAX / 2);
}

void
writing_clear(struct writing *writing)
{
    for (size_t i = 0; i < writing->move_count; i++) {
        mem_free(&writing->moves[i].set);
        mem_free(&writing->moves[i].child);
    }
    mem_free(&writing->moves);
    buf_clear(&writing->journal);
    buf_clear(&writing->flight);
}

static struct span
envelope_of(const struct writing *writing)
{
    return span_from(writing->flight.data + FORMAT_HEAD_LEN,
                     (size_t)writing->seal.offset - FORMAT_HEAD_LEN);
}

// The part of flight that is message.
static struct span
message_of(const struct writing *writing)
{
    size_t skip = writing->written == 0 ? (size_t)writing->seal.offset : 0;

    return span_skip(buf_span(&writing->flight), skip);
}

static void
note_moves(struct writing *writing)
{
    uint64_t key = journal_key(writing->id, writing->seal.checksum);
    struct journal_writer line;

    for (size_t i = 0; i < writing->move_count; i++) {
        const struct writing_move *move = &writing->moves[i];

        journal_begin(&line, &writing->journal, key, i + 1, move->at_ms, "moved");
        journal_field_text(&line, "r", move->set);
        journal_field_text(&line, "child", move->child);
        (void)journal_end(&line); // told twice is better than lost
    }
}

static void
seal(struct writing *writing, uint64_t len)
{
    writing->seal.len = len;
    writing->seal.checksum = format_checksum(writing->envelope_digest, writing->message_digest,
                                             writing->seal.offset, len);
    note_moves(writing);
}

void
writing_seal_image(struct writing *writing)
{
    writing->envelope_digest = digest_of(envelope_of(writing));
    seal(writing, message_of(writing).len);
    format_head_write(&writing->seal, writing->flight.data);
}

int
writing_block(struct writing *writing)
{
    if (writing->draft.fd < 0 && store_draft_make(writing->dir_fd, writing->id, writing->unnamed,
                                                  &writing->draft, &writing->err) < 0)
        return -1;
    if (writing->written == 0)
        writing->envelope_digest = digest_of(envelope_of(writing));
    if (fs_write_all_at(writing->draft.fd, writing->flight.data, writing->flight.len,
                        (off_t)writing->written, &writing->err) < 0)
        return -1;
    writing->written += writing->flight.len;
    return 0;
}

int
writing_into_slot(struct writing *writing, int fd)
{
    size_t len = writing->flight.len;
    int result;

    writing_seal_image(writing);
    (void)buf_add_span(&writing->flight, buf_span(&writing->journal));
    result = store_write_image(fd, buf_span(&writing->flight), &writing->err);
    buf_cut(&writing->flight, len);
    if (result < 0)
        return -1;
    return writing->sync ? fs_sync_data(fd, &writing->err) : 0;
}

static int
write_journal(struct writing *writing)
{
    return fs_write_all_at(writing->draft.fd, writing->journal.data, writing->journal.len,
                           (off_t)(writing->seal.offset + writing->seal.len), &writing->err);
}

static int
write_whole(struct writing *writing)
{
    writing_seal_image(writing);
    if (store_draft_make(writing->dir_fd, writing->id, writing->unnamed, &writing->draft,
                         &writing->err) < 0)
        return -1;
    if (fs_write_all_at(writing->draft.fd, writing->flight.data, writing->flight.len, 0,
                        &writing->err) < 0)
        return -1;
    return write_journal(writing);
}

static int
write_rest(struct writing *writing)
{
    char head[FORMAT_HEAD_LEN];

    if (writing_block(writing) < 0)
        return -1;
    seal(writing, writing->written - writing->seal.offset);
    format_head_write(&writing->seal, head);
    if (write_journal(writing) < 0)
        return -1;
    return fs_write_all_at(writing->draft.fd, head, sizeof head, 0, &writing->err);
}

static bool
is_set_aside(const struct writing *writing)
{
    struct stat info;
    int day_fd;

    if (writing->root == NULL)
        return false;
    if (fstatat(writing->root->hold_fd, writing->id, &info, AT_SYMLINK_NOFOLLOW) == 0)
        return true;
    day_fd = place_find_quarantined(writing->root, writing->id, NULL);
    if (day_fd >= 0)
        close(day_fd);
    return day_fd >= 0;
}

static int
put_in_place(struct writing *writing)
{
    int fd = writing->draft.fd;
    uint64_t end = writing->seal.offset + writing->seal.len + writing->journal.len;

    if (store_reserve(fd, end, store_journal_room(writing->rcpt_count), &writing->err) < 0)
        return -1;
    if (writing->sync && fs_sync(fd, &writing->err) < 0)
        return -1;
    if (store_draft_publish(&writing->draft, writing->dir_fd, writing->id, &writing->err) == 0)
        return 0;
    writing->exists = errno == EEXIST && writing->root != NULL;
    return -1;
}

int
writing_into_file(struct writing *writing)
{
    int result = -1;

    writing->exists = is_set_aside(writing);
    if (!writing->exists) {
        result = writing->written == 0 ? write_whole(writing) : write_rest(writing);
        if (result == 0)
            result = put_in_place(writing);
    }
    if (result < 0)
        store_draft_drop(&writing->draft);
    return result;
}

int
writing_end_relay(struct writing *writing)
{
    if (writing_block(writing) < 0) {
        store_draft_drop(&writing->draft);
        return -1;
    }
    seal(writing, writing->written - writing->seal.offset);
    return 0;
}
