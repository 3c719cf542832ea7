// SPDX-License-Identifier: BSD-2-Clause
#include "mime/reading/walk_private.h"

#include "base/digest.h"
#include "base/mem.h"
#include "mime/reading/cut.h"

// Pieces of it that begin like parts, though no boundary was ever declared.
enum { DECLARED_MAX = 256 };

void
walk_multi_declare(struct walker *walker, const struct entity *entity)
{
    if (walker->boundaries == NULL)
        walker->boundaries = mem_zarray(DECLARED_MAX, sizeof(*walker->boundaries));
    for (size_t i = 0; i < entity->boundary_count; i++) {
        if (walker->boundary_count < DECLARED_MAX)
            walker->boundaries[walker->boundary_count++] = digest_sum64(entity->boundaries[i], 0);
    }
}

static bool
is_declared(const struct walker *walker, struct span boundary)
{
    uint64_t digest = digest_sum64(boundary, 0);

    for (size_t i = 0; i < walker->boundary_count; i++) {
        if (walker->boundaries[i] == digest)
            return true;
    }
    return false;
}

static void
push_hidden(struct walker *walker, const struct task *task, int32_t index, bool is_any)
{
    struct span text = walker_span(task->source, task->begin, task->end);
    struct cut_item item;
    uint64_t pieces = 0;
    size_t at = 0;

    if (!walker_spend(walker, text.len))
        return;
    while (!walker_is_over(walker) && cut_find_hidden(text, walker->in->ebb, &at, &item)) {
        struct task piece = {.kind = TASK_ENTITY,
                             .source = task->source,
                             .begin = task->begin + item.begin,
                             .end = task->begin + item.end,
                             .parent = index,
                             .depth = task->depth + 1,
                             .reading = READING_OTHER};

        if (!is_any && !is_declared(walker, item.token))
            continue;
        if (pieces++ > walker->in->limits->max_parts)
            collect_limit(walker->findings, LIMIT_PARTS, "more boundary lines than parts");
        collect_mark(walker->findings, DEFECT_HIDDEN_CONTENT, (uint32_t)index);
        walker_push(walker, &piece);
    }
}

void
walk_multi_hidden(struct walker *walker, const struct task *task, int32_t index)
{
    push_hidden(walker, task, index, true);
}

void
walk_multi_declared(struct walker *walker, const struct walk_body *body)
{
    struct task task = *body->task;

    task.begin = body->begin;
    task.end = body->end;
    if (walker->boundary_count > 0)
        push_hidden(walker, &task, body->index, false);
}

static enum finding_reading
reading_in(const struct task *task)
{
    return task->reading == READING_FIRST ? READING_FIRST : READING_OTHER;
}

static struct task
task_in(const struct walk_body *body, enum task_kind kind, size_t begin, size_t end)
{
    return (struct task){.kind = kind,
                         .source = body->source,
                         .begin = body->begin + begin,
                         .end = body->begin + end,
                         .parent = body->index,
                         .depth = body->task->depth + 1,
                         .reading = reading_in(body->task),
                         .inherited = body->inherited};
}

static void
push_item(struct walker *walker, const struct walk_body *body, const struct cut_item *item,
          bool is_first)
{
    struct task task = task_in(body, TASK_ENTITY, item->begin, item->end);

    task.is_digest = span_is(entity_type(body->entity)->main, "multipart/digest");
    if (item->kind != CUT_PIECE) {
        task.kind = TASK_TEXT;
        task.reading = item->kind == CUT_PROLOGUE ? READING_PROLOGUE : READING_EPILOGUE;
    } else if (!is_first || item->is_behind_end) {
        task.reading = READING_OTHER;
    }
    if (task.kind == TASK_TEXT && walker_is_blank(walker_span(task.source, task.begin, task.end)))
        return;
    walker_push(walker, &task);
}

// The last pushed is read first: turns around what lies above `from`.
static void
reverse_tasks(struct walker *walker, size_t from)
{
    for (size_t to = walker->task_count; from + 1 < to; from++, to--) {
        struct task task = walker->tasks[from];

        walker->tasks[from] = walker->tasks[to - 1];
        walker->tasks[to - 1] = task;
    }
}

// False: that boundary is nowhere.
static bool
push_pieces(struct walker *walker, const struct walk_body *body, struct span boundary,
            bool is_first)
{
    struct span text = walker_span(body->source, body->begin, body->end);
    struct cut cut;
    struct cut_item item;
    uint64_t pieces = 0;

    if (!walker_spend(walker, text.len))
        return true;
    cut_init(&cut, text, boundary);
    cut.ebb = walker->in->ebb;
    while (cut_next(&cut, &item)) {
        if (!cut.is_begun)
            return false;
        if (pieces++ > walker->in->limits->max_parts * 2) {
            collect_limit(walker->findings, LIMIT_PARTS, "more boundary lines than parts");
            return true;
        }
        push_item(walker, body, &item, is_first);
    }
    if (!cut.is_ended)
        collect_mark(walker->findings, DEFECT_NO_END_BOUNDARY, (uint32_t)body->index);
    return true;
}

void
walk_multi_read(struct walker *walker, const struct walk_body *body)
{
    const struct entity *entity = body->entity;
    const enum finding_kind kind = walker->findings->parts[body->index].kind;
    const bool is_raw = body->source == body->task->source;
    size_t from = walker->task_count;
    bool is_found = false;

    for (size_t i = 0; i < entity->boundary_count && !walker_is_over(walker); i++) {
        if (push_pieces(walker, body, entity->boundaries[i],
                        !is_found && is_raw && kind == FINDING_MULTIPART))
            is_found = true;
    }
    if (!is_found && kind == FINDING_MULTIPART) {
        struct task all = task_in(body, TASK_TEXT, 0, body->end - body->begin);

        all.reading = is_raw ? READING_PROLOGUE : READING_OTHER;
        if (is_raw && !walker_is_blank(walker_span(all.source, all.begin,
                                                   all.end))) // a bounce may cut its original off
            collect_mark(walker->findings, DEFECT_NO_BOUNDARY, (uint32_t)body->index);
        walker_push(walker, &all);
    }
    reverse_tasks(walker, from);
}

// The body in its encoding as a source of its own; NULL where it is as it stands.
static struct source *
decoded_source(struct walker *walker, const struct walk_body *body, enum decode_encoding encoding)
{
    struct span raw = walker_span(body->source, body->begin, body->end);
    struct decode decode;
    struct buf out;

    if (encoding == DECODE_IDENTITY)
        return NULL;
    buf_init(&out, 0);
    (void)walk_leaf_decode(walker, raw, encoding, &out, &decode);
    return walker_add_source(walker, &out);
}

void
walk_multi_message(struct walker *walker, const struct walk_body *body,
                   const struct encodings *encodings)
{
    for (size_t i = encodings->count; i > 0 && !walker_is_over(walker); i--) {
        struct source *source = decoded_source(walker, body, encodings->items[i - 1]);
        struct task task = task_in(body, TASK_ENTITY, 0, body->end - body->begin);

        if (i > 1)
            task.reading = READING_OTHER;
        if (source == NULL) {
            walker_push(walker, &task);
            continue;
        }
        collect_mark(walker->findings, DEFECT_ENCODED_MESSAGE, (uint32_t)body->index);
        task.depth--;
        walker_push_message(walker, &task, source, body->index);
    }
}

void
walk_multi_encoded(struct walker *walker, const struct walk_body *body,
                   const struct encodings *encodings)
{
    for (size_t i = 0; i < encodings->count && !walker_is_over(walker); i++) {
        struct walk_body decoded = *body;

        decoded.source = decoded_source(walker, body, encodings->items[i]);
        if (decoded.source == NULL)
            continue;
        collect_mark(walker->findings, DEFECT_ENCODED_MULTIPART, (uint32_t)body->index);
        decoded.begin = 0;
        decoded.end = decoded.source->bytes.len;
        if (walker_is_within_limits(walker, decoded.source->bytes))
            walk_multi_read(walker, &decoded);
    }
}
