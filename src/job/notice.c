// SPDX-License-Identifier: BSD-2-Clause
#include "src/job/notice.h"

#include <string.h>

#include "base/mem.h"

enum { HEAD_MAX = 65536, NOTICE_MAX = 4 << 20, ENHANCED_LEN = 12 };

struct notice {
    struct spool *spool;
    struct notice_request request;
    struct ranges rcpts;
    struct smtp_envelope envelope; // the child's
    char *head;
    size_t head_len;
    struct writer *writer;
    notice_done *done;
    void *arg;
};

static void
finish(struct notice *notice, struct spool_file *file, const struct err *err)
{
    notice->done(notice->arg, notice->envelope.id, file, err);
    envelope_clear(&notice->envelope);
    ranges_clear(&notice->rcpts);
    mem_free(&notice->head);
    mem_free(&notice);
}

static void
on_committed(void *arg, struct spool_file *file_take, const struct err *err)
{
    finish(arg, file_take, err);
}

static struct span
header_block(const struct notice *notice)
{
    struct span head = span_from(notice->head, notice->head_len);
    const char *end = memmem(head.data, head.len, "\r\n\r\n", 4);

    if (head.len >= 2 && memcmp(head.data, "\r\n", 2) == 0)
        return span_from(head.data, 0);
    if (end != NULL)
        return span_from(head.data, (size_t)(end - head.data) + 2);
    end = memrchr(head.data, '\n', head.len); // cut at a line's end
    return span_from(head.data, end == NULL ? 0 : (size_t)(end - head.data) + 1);
}

// A journaled reply begins with the enhanced code, if the next hop gave one.
static void
take_enhanced(const char *reply, char out[ENHANCED_LEN])
{
    size_t len = reply == NULL ? 0 : strspn(reply, "0123456789.");

    if (len >= 5 && len < ENHANCED_LEN && reply[1] == '.' && reply[len] == ' ')
        memcpy(out, reply, len);
}

static void
list_rcpts(const struct notice *notice, struct bounce_rcpt *out, char (*enhanced)[ENHANCED_LEN])
{
    const struct smtp_envelope *original = spool_file_envelope(notice->request.file);
    const struct spool_state *state = spool_file_state(notice->request.file);

    for (size_t i = 0; i < state->rcpt_count; i++) {
        if (!ranges_has(&notice->rcpts, i))
            continue;
        take_enhanced(state->rcpts[i].reply, *enhanced);
        *out++ = (struct bounce_rcpt){.path = original->rcpts[i].path,
                                      .params = original->rcpts[i].params,
                                      .code = state->rcpts[i].code,
                                      .enhanced = *enhanced,
                                      .reply = state->rcpts[i].reply,
                                      .relay = notice->request.relay};
        enhanced++;
    }
}

// The suffix stands for the kind and the set of recipients: the same notice gets the same name.
static int
name_child(struct notice *notice, const char *group, struct err *err)
{
    const char *parent = spool_file_id(notice->request.file);
    uint64_t sum = digest_sum64(span_of(group), (uint64_t)notice->request.kind);

    if (id_child(parent, (uint32_t)(sum & 0x7fffffff), notice->envelope.id) != 0)
        return err_set(err, ERR_PERM, "id %s is too long to have a child", parent);
    return 0;
}

static int
compose(struct notice *notice, struct buf *content, struct err *err)
{
    size_t count = ranges_size(&notice->rcpts);
    struct bounce_rcpt *rcpts = mem_zarray(count, sizeof *rcpts);
    char(*enhanced)[ENHANCED_LEN] = mem_zarray(count, sizeof *enhanced);
    struct bounce bounce = {.kind = notice->request.kind,
                            .original = spool_file_envelope(notice->request.file),
                            .rcpts = rcpts,
                            .rcpt_count = count,
                            .hostname = notice->request.hostname,
                            .now_ms = notice->request.now_ms,
                            .will_retry_until_ms = notice->request.retry_until_ms,
                            .original_head = header_block(notice)};
    struct buf group;
    int result;

    list_rcpts(notice, rcpts, enhanced);
    buf_init(&group, JOURNAL_LINE_MAX);
    ranges_format(&notice->rcpts, &group);
    bounce_envelope(&bounce, buf_text(&group), &notice->envelope);
    result = name_child(notice, buf_text(&group), err);
    bounce_write(&bounce, content);
    buf_clear(&group);
    mem_free(&rcpts);
    mem_free(&enhanced);
    return result;
}

static void
write_child(struct notice *notice)
{
    struct buf content;
    struct err err = {0};

    buf_init(&content, NOTICE_MAX);
    if (compose(notice, &content, &err) != 0) {
        buf_clear(&content);
        finish(notice, NULL, &err);
        return;
    }
    notice->writer = writer_new(notice->spool, WRITER_CHILD, &notice->envelope, NULL, NULL);
    (void)writer_add(notice->writer, buf_span(&content));
    buf_clear(&content);
    writer_commit(notice->writer, on_committed, notice);
}

static void
on_head(void *arg, const struct err *err)
{
    struct notice *notice = arg;

    if (err != NULL)
        finish(notice, NULL, err);
    else
        write_child(notice);
}

void
notice_start(struct spool *spool, const struct notice_request *request, notice_done *done,
             void *arg)
{
    struct notice *notice = mem_zalloc(sizeof *notice);
    uint64_t len = spool_file_len(request->file);

    notice->spool = spool;
    notice->request = *request;
    notice->done = done;
    notice->arg = arg;
    envelope_init(&notice->envelope);
    ranges_init(&notice->rcpts, request->rcpts->count);
    for (size_t i = 0; i < request->rcpts->count; i++) {
        if (ranges_has(request->rcpts, i))
            ranges_add(&notice->rcpts, i);
    }
    notice->request.rcpts = &notice->rcpts;
    notice->head_len = len < HEAD_MAX ? (size_t)len : HEAD_MAX;
    notice->head = mem_zalloc(notice->head_len + 1);
    spool_file_read(request->file, 0, notice->head, notice->head_len, on_head, notice);
}
