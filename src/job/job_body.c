// SPDX-License-Identifier: BSD-2-Clause
#include "src/job/job_state.h"

#include "base/log.h"
#include "base/mem.h"
#include "mime/edits.h"

enum {
    HEADER_MAX = 1 << 20, // of a header that is to be changed; what stands behind is not looked at
    HEAD_MAX = 2 << 20    // with what is added
};

static bool
has_edits(const struct job *job, int group)
{
    return job_spool_state(job)->groups[group].edit_count > 0;
}

static void
on_head(void *arg, const struct err *err)
{
    job_go_on(arg, err, JOB_ATTEMPT);
}

void
job_head(struct job *job)
{
    uint64_t len = spool_file_len(job->file);

    if (!has_edits(job, job_due_group(job)) || spool_file_memory(job->file).data != NULL) {
        job_set_state(job, JOB_ATTEMPT);
        return;
    }
    job->head_len = len < HEADER_MAX ? (size_t)len : HEADER_MAX;
    job->head = mem_zalloc(job->head_len + 1);
    spool_file_read(job->file, 0, job->head, job->head_len, on_head, job);
}

static void
read_message(void *arg, uint64_t offset, char *data, size_t len, body_read_done *done,
             void *done_arg)
{
    struct job *job = arg;

    spool_file_read(job->file, offset, data, len, done, done_arg);
}

// Where the last field that is there in whole ends.
static size_t
end_of_fields(struct span head)
{
    for (size_t i = head.len; i-- > 1;) {
        if (head.data[i - 1] == '\n' && head.data[i] != ' ' && head.data[i] != '\t')
            return i;
    }
    return 0;
}

// The header block; of one that is too long, the whole fields that are there.
static struct span
header_of(const struct job *job)
{
    struct span memory = spool_file_memory(job->file);
    struct span head = memory.data != NULL ? memory : span_from(job->head, job->head_len);

    if (head.len > HEADER_MAX)
        head.len = HEADER_MAX;
    head.len = edits_header_len(head);
    if (head.len < HEADER_MAX)
        return head;
    return span_from(head.data, end_of_fields(head));
}

static void
read_edits(const struct job *job, const struct decided_group *group, struct edit_list *list)
{
    struct err err = {0};

    for (size_t i = 0; i < group->edit_count; i++) {
        if (edit_parse(span_of(group->edits[i]), list, &err) != 0)
            log_alarm("send", "%s: an edit of its decision is left out: %s",
                      spool_file_id(job->file), err.text);
    }
}

static struct body *
edited_body(const struct job *job, const struct decided_group *group,
            const struct body_source *source)
{
    struct edit_list list = {0};
    struct span header = header_of(job);
    struct edit_piece *parts;
    struct body_piece *pieces;
    struct body *body;
    struct buf head;
    size_t count;

    buf_init(&head, HEAD_MAX + HEADER_MAX);
    (void)buf_add_span(&head, span_of(group->received));
    read_edits(job, group, &list);
    if (edits_apply(&list, header, envelope_needs_smtputf8(spool_file_envelope(job->file)),
                    &head) != 0) {
        log_alarm("send", "%s: its edits do not fit and are left out", spool_file_id(job->file));
        (void)buf_add_span(&head, header);
    }
    parts = edits_pieces(&list, header.len, source->len, &count);
    pieces = mem_zarray(count + 1, sizeof *pieces);
    pieces[0].literal = buf_span(&head);
    for (size_t i = 0; i < count; i++)
        pieces[i + 1] = (struct body_piece){
            .literal = parts[i].literal, .offset = parts[i].offset, .len = parts[i].len};
    body = body_new(source, pieces, count + 1);
    mem_free(&pieces);
    mem_free(&parts);
    edit_list_clear(&list);
    buf_clear(&head);
    return body;
}

struct body *
job_make_body(struct job *job, int group)
{
    const struct decided_group *decided = &job_spool_state(job)->groups[group];
    struct body_source source = {.memory = spool_file_memory(job->file),
                                 .len = spool_file_len(job->file),
                                 .read = read_message,
                                 .arg = job,
                                 .digest = spool_file_digest(job->file)};
    struct body_piece pieces[] = {{.literal = span_of(decided->received)}, {.len = source.len}};

    return has_edits(job, group) ? edited_body(job, decided, &source)
                                 : body_new(&source, pieces, 2);
}
