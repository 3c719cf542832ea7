// SPDX-License-Identifier: BSD-2-Clause
// A release: the child is whole on disk but for its name; `release` is durable; the child has its
// name; `released` is durable. A kill in front of the name leaves nobody out; one behind it, and in
// front of `released`, leaves a line that says that somebody may be out.
#include "spool/quarantine.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "spool/amend.h"
#include "spool/store.h"

enum { RELEASED_JOURNAL_MAX = READER_JOURNAL_MAX / 2 };

int
quarantine_open(struct place_root *root, const char *id, int *day_fd_out, struct err *err)
{
    int day_fd = place_find_quarantined(root, id, err), fd, locked;

    if (day_fd < 0)
        return errno == ENOENT ? err_set(err, ERR_PERM, "%s is not in quarantine", id) : -1;
    fd = fs_open_write(day_fd, id, err);
    locked = fd < 0 ? -1 : place_lock_file(day_fd, id, fd);
    if (locked == 1) {
        *day_fd_out = day_fd;
        return fd;
    }
    if (locked == 0)
        (void)err_set(err, ERR_TEMP, "another process is at %s", id);
    else if (fd >= 0 || errno == ENOENT)
        (void)err_set(err, ERR_PERM, "%s is not in quarantine any more", id);
    if (fd >= 0)
        close(fd);
    close(day_fd);
    errno = locked == 0 ? EWOULDBLOCK : 0;
    return -1;
}

const char *
quarantine_rule(const struct spool_state *state, size_t rcpt)
{
    int number = state->rcpts[rcpt].group;
    const struct decided_group *group = number < 0 ? NULL : &state->groups[number];

    return group != NULL && group->verdict == VERDICT_QUARANTINE && group->rule != NULL
               ? group->rule
               : state->caught_rule;
}

struct child {
    struct ranges rcpts;
    size_t first; // of them
    struct buf group;
    struct smtp_envelope envelope;
    struct store_draft draft;
    struct format_seal seal;
};

static bool
is_same_rule(const struct spool_state *state, size_t a, size_t b)
{
    const char *first = quarantine_rule(state, a), *second = quarantine_rule(state, b);

    return first == NULL || second == NULL ? first == second : strcmp(first, second) == 0;
}

static int
pick(const struct quarantine_release *release, struct child *child, struct err *err)
{
    const struct spool_state *state = &release->message->state;
    size_t count = 0;

    for (size_t i = 0; i < state->rcpt_count; i++) {
        const struct rcpt_state *rcpt = &state->rcpts[i];

        if (!ranges_has(release->rcpts, i) || state_rcpt_is_retired(rcpt) ||
            (rcpt->released != NULL && !release->again))
            continue;
        if (rcpt->is_releasing && !release->again)
            return err_set(err, ERR_PERM, "a release was cut short: it may be out already");
        child->first = count++ == 0 ? i : child->first;
        assert(is_same_rule(state, child->first, i));
        ranges_add(&child->rcpts, i);
    }
    if (count == 0)
        return err_set(err, ERR_PERM, "nobody is left to be let go");
    ranges_format(&child->rcpts, &child->group);
    return 0;
}

static int
name_child(const struct quarantine_release *release, struct child *child, struct err *err)
{
    const char *parent = release->message->envelope.id;
    uint64_t sum = digest_sum64(buf_span(&child->group), release->message->state.releases);

    if (id_child(parent, (uint32_t)(sum & 0x7fffffff), child->envelope.id) != 0)
        return err_set(err, ERR_PERM, "id %s is too long to have a child", parent);
    return 0;
}

// It came when it was let go: so it has all the time to be tried that another message has.
static void
describe(const struct quarantine_release *release, struct child *child)
{
    const struct smtp_envelope *parent = &release->message->envelope;
    struct smtp_envelope *envelope = &child->envelope;
    const char *rule = quarantine_rule(&release->message->state, child->first);

    envelope_copy(envelope, parent);
    envelope_reset_transaction(envelope);
    envelope->handoff = SMTP_HANDOFF_SPOOL;
    envelope->arrived_ms = release->now_ms;
    envelope->from = mem_strdup(parent->from);
    envelope->from_params = mem_strdup(parent->from_params);
    for (size_t i = 0; i < XFORWARD_COUNT; i++)
        envelope->xforward[i] = mem_strdup(parent->xforward[i]);
    for (size_t i = 0; i < parent->rcpt_count; i++) {
        if (ranges_has(&child->rcpts, i))
            envelope_add_rcpt(envelope, span_of(parent->rcpts[i].path),
                              span_of(parent->rcpts[i].params));
    }
    envelope->parent = mem_strdup(parent->id);
    envelope->group = mem_strdup(buf_text(&child->group));
    envelope->reason = mem_strdup("release");
    if (parent->skip_rule != NULL && rule != NULL)
        envelope->skip_rule = mem_printf("%s,%s", parent->skip_rule, rule);
    else
        envelope->skip_rule = mem_strdup(rule != NULL ? rule : parent->skip_rule);
}

// Behind the envelope, which has another length than the parent's.
static int
copy_message(const struct quarantine_release *release, struct child *child, struct err *err)
{
    const struct format_seal *from = &release->message->seal;
    char *block = mem_zalloc(STORE_BLOCK);
    int result = 0;

    for (uint64_t at = 0; at < from->len && result == 0; at += STORE_BLOCK) {
        uint64_t left = from->len - at;
        size_t len = left < STORE_BLOCK ? (size_t)left : (size_t)STORE_BLOCK;
        ssize_t got = fs_read_at(release->file_fd, block, len, (off_t)(from->offset + at), err);

        if (got >= 0 && (size_t)got < len)
            result = err_set(err, ERR_TEMP, "a message is shorter than it was");
        else
            result = got < 0 ? -1
                             : fs_write_all_at(child->draft.fd, block, len,
                                               (off_t)(child->seal.offset + at), err);
    }
    mem_free(&block);
    return result;
}

static int
write_envelope(const struct quarantine_release *release, struct child *child, struct err *err)
{
    struct format_seal *seal = &child->seal;
    struct span envelope;
    struct buf text;
    char *head;
    int result;

    buf_init(&text, FORMAT_ENVELOPE_MAX + FORMAT_HEAD_LEN);
    head = buf_space(&text, FORMAT_HEAD_LEN);
    buf_filled(&text, FORMAT_HEAD_LEN);
    format_head_write(NULL, head);
    if (format_envelope_write(&child->envelope, &text) != 0) {
        buf_clear(&text);
        return err_set(err, ERR_PERM, "its envelope cannot be written");
    }
    envelope = span_skip(buf_span(&text), FORMAT_HEAD_LEN);
    *seal = (struct format_seal){.offset = text.len, .len = release->message->seal.len};
    seal->checksum =
        format_checksum(digest_of(envelope), release->message->digest, seal->offset, seal->len);
    result = fs_write_all_at(child->draft.fd, text.data, text.len, 0, err);
    buf_clear(&text);
    return result;
}

// What root makes is whose the parent is.
static int
give_away(const struct quarantine_release *release, const struct child *child, struct err *err)
{
    struct stat info;

    if (geteuid() != 0)
        return 0;
    if (fstat(release->file_fd, &info) != 0 ||
        fchown(child->draft.fd, info.st_uid, info.st_gid) != 0)
        return err_sys(err, ERR_TEMP, errno, "give a file to the owner of the spool");
    return 0;
}

static int
write_child(const struct quarantine_release *release, struct child *child, struct err *err)
{
    struct store_draft *draft = &child->draft;
    char head[FORMAT_HEAD_LEN];
    uint64_t end;

    if (store_draft_make(draft->dir_fd, child->envelope.id, store_can_unnamed(draft->dir_fd), draft,
                         err) != 0 ||
        give_away(release, child, err) != 0 || write_envelope(release, child, err) != 0 ||
        copy_message(release, child, err) != 0)
        return -1;
    format_head_write(&child->seal, head);
    end = child->seal.offset + child->seal.len;
    if (fs_write_all_at(draft->fd, head, sizeof head, 0, err) != 0 ||
        store_reserve(draft->fd, end, store_journal_room(child->envelope.rcpt_count), err) != 0)
        return -1;
    return release->sync ? fs_sync(draft->fd, err) : 0;
}

static int
note(const struct quarantine_release *release, struct child *child, const char *event,
     struct err *err)
{
    struct amend amend;

    amend_begin(&amend, release->file_fd, release->message, release->now_ms, event);
    journal_field_text(&amend.writer, "r", buf_text(&child->group));
    journal_field_text(&amend.writer, "child", child->envelope.id);
    if (strcmp(event, "released") == 0)
        journal_field_text(&amend.writer, "by", release->by);
    return amend_end(&amend, release->sync, err);
}

static int
publish(const struct quarantine_release *release, struct child *child, struct err *err)
{
    int dir_fd = child->draft.dir_fd;

    if (note(release, child, "release", err) != 0 ||
        store_draft_publish(&child->draft, dir_fd, child->envelope.id, err) != 0)
        return -1;
    if (release->sync && fs_sync(dir_fd, err) != 0)
        return -1;
    return note(release, child, "released", err);
}

// Since when it lies there is not changed by a release.
static int
let_go(const struct quarantine_release *release, struct child *child, struct err *err)
{
    const struct reader_message *message = release->message;
    struct stat info;
    int result;

    if (message->journal_end - message->seal.offset - message->seal.len > RELEASED_JOURNAL_MAX)
        return err_set(err, ERR_PERM, "it was let go too often: its journal is full");
    if (fstat(release->file_fd, &info) != 0)
        return err_sys(err, ERR_TEMP, errno, "fstat");
    if (write_child(release, child, err) != 0)
        return -1;
    result = publish(release, child, err);
    (void)store_set_due(release->file_fd,
                        (int64_t)info.st_mtim.tv_sec * 1000 + info.st_mtim.tv_nsec / 1000000, NULL);
    return result;
}

int
quarantine_release(const struct quarantine_release *release, int bucket_fd,
                   char child_id_out[ID_MAX + 1], struct err *err)
{
    struct child child = {
        .draft = {.fd = -1, .dir_fd = bucket_fd}
    };
    int result;

    ranges_init(&child.rcpts, release->message->envelope.rcpt_count);
    buf_init(&child.group, JOURNAL_LINE_MAX);
    envelope_init(&child.envelope);
    result = pick(release, &child, err);
    if (result == 0) {
        describe(release, &child);
        result = name_child(release, &child, err);
    }
    if (result == 0)
        result = let_go(release, &child, err);
    if (result == 0)
        (void)snprintf(child_id_out, ID_MAX + 1, "%s", child.envelope.id);
    store_draft_drop(&child.draft);
    envelope_clear(&child.envelope);
    buf_clear(&child.group);
    ranges_clear(&child.rcpts);
    return result;
}
