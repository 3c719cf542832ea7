// SPDX-License-Identifier: BSD-2-Clause
#include "mime/reading/walk_private.h"

#include <string.h>

#include "base/mem.h"
#include "mime/reading/look.h"
#include "mime/reading/orderly.h"

// What all readings of a message may cost together: so many times its length, and a little.
enum { WORK_TIMES = 64, WORK_LEAST = 1 << 20 };

enum { ENTITY_MEMORY_MAX = 8 << 20, END_SLACK = 2 };

void
walk_init(void)
{
    outline_init();
}

static void
read_text_task(struct walker *walker, const struct task *task)
{
    struct span text = walker_span(task->source, task->begin, task->end);
    struct encodings encodings = {.items = {DECODE_IDENTITY}, .count = 1};
    struct leaf leaf = {.task = task, .raw = text, .is_text = true, .charset = span_of("")};

    if (walker_is_blank(text) || walker_has_seen(walker, task->source, SEEN_TEXT, text))
        return;
    leaf.index = walk_part_add(walker, task, NULL);
    if (leaf.index < 0)
        return;
    walk_leaf_tell(walker, &leaf, &encodings);
    walk_multi_hidden(walker, task, leaf.index);
}

static bool
ends_in_eml(const struct finding_part *part)
{
    for (size_t i = 0; i < part->name_count; i++) {
        struct span name = part->names[i];

        if (name.len >= 4 && span_is_nocase(span_skip(name, name.len - 4), ".eml"))
            return true;
    }
    return false;
}

static void
tell_leaf(struct walker *walker, const struct walk_body *body, const struct encodings *encodings)
{
    const struct finding_part *part = &walker->findings->parts[body->index];
    const struct leaf leaf = {
        .task = body->task,
        .index = body->index,
        .raw = walker_span(body->source, body->begin, body->end),
        .charset = part->charset,
        .is_text = part->type.len == 0 || span_starts_nocase(part->type, "text/") ||
                   span_starts_nocase(part->type, "message/"),
        .is_mail_inside = part->kind == FINDING_LEAF && ends_in_eml(part),
    };

    walk_leaf_tell(walker, &leaf, encodings);
}

struct views { // what anybody could take an entity for
    bool is_leaf, is_message, is_multipart;
};

static struct views
views_of(const struct entity *entity, const struct finding_part *part)
{
    struct views views = {.is_leaf = part->kind == FINDING_LEAF,
                          .is_message = part->kind == FINDING_MESSAGE,
                          .is_multipart = part->kind == FINDING_MULTIPART};

    for (size_t i = 0; i < entity->type_count; i++) {
        bool is_multipart = entity_is_multipart(&entity->types[i]);
        bool is_message = entity_is_message(&entity->types[i]);

        views.is_multipart |= is_multipart;
        views.is_message |= is_message;
        views.is_leaf |= !is_multipart && !is_message;
    }
    return views;
}

static void
read_body(struct walker *walker, const struct task *task, const struct entity *entity,
          int32_t index)
{
    struct encodings encodings;
    struct walk_body body = {.task = task,
                             .entity = entity,
                             .source = task->source,
                             .begin = task->begin + entity->body_begin,
                             .end = task->end,
                             .index = index};
    struct views views = views_of(entity, &walker->findings->parts[index]);

    walk_leaf_encodings(entity, task, &encodings);
    if (views.is_leaf) {
        tell_leaf(walker, &body, &encodings);
        // Where it is a multipart to nobody: else its pieces are found by that.
        if (!views.is_multipart && !walker_is_over(walker))
            walk_multi_declared(walker, &body);
    }
    walk_multi_declare(walker, entity);
    if (views.is_message && !walker_is_over(walker))
        walk_multi_message(walker, &body, &encodings);
    if (views.is_multipart && !walker_is_over(walker)) {
        walk_multi_encoded(walker, &body, &encodings);
        body.inherited = encodings.items[0];
        walk_multi_read(walker, &body);
    }
}

// Where some begin the body at a line that is no field, and where some begin the header behind it.
static void
push_around_junk(struct walker *walker, const struct task *task, const struct entity *entity)
{
    struct task text = *task;

    text.kind = TASK_TEXT;
    text.reading = READING_OTHER;
    text.depth = task->depth + 1;
    if (entity->fields_begin > 0 && !span_starts_nocase(entity->text, "From "))
        walker_push(walker, &text);
    text.begin = task->begin + entity->junk_at;
    if (entity->junk_at > 0)
        walker_push(walker, &text);
}

// As those read it who begin the body there, in the encodings that its fields name.
static void
read_cut_entity(struct walker *walker, const struct task *task, const struct entity *entity)
{
    struct entity cut = *entity;
    struct task other = *task;
    int32_t index;

    if (entity->junk_at == 0 || (entity->type_count == 0 && entity->encoding_count == 0))
        return;
    cut.body_begin = entity->junk_at;
    other.reading = READING_OTHER;
    other.depth++;
    index = walk_part_add(walker, &other, &cut);
    if (index >= 0)
        read_body(walker, &other, &cut, index);
}

static void
read_entity(struct walker *walker, const struct task *task)
{
    struct span text = walker_span(task->source, task->begin, task->end);
    struct entity entity;
    struct arena arena;
    int32_t index;

    if (walker_has_seen(walker, task->source, SEEN_ENTITY, text))
        return;
    arena_init(&arena, ENTITY_MEMORY_MAX);
    entity_read(walker->in->charsets, text, walker->in->limits->max_parameters, &arena, &entity);
    index = walk_part_add(walker, task, &entity);
    if (index >= 0 && walker_spend(walker, entity.body_begin)) {
        struct task around = *task;

        around.parent = index;
        push_around_junk(walker, &around, &entity);
        read_body(walker, task, &entity, index);
        read_cut_entity(walker, &around, &entity);
    }
    arena_clear(&arena);
}

struct outline_task {
    struct walker *walker;
    const struct task *task;
    size_t base;
};

// A leaf that GMime sees: ours began and ended there too, give or take the line end of a boundary?
static void
on_outline_leaf(void *arg, const struct outline_leaf *leaf)
{
    const struct outline_task *outline = arg;
    struct walker *walker = outline->walker;
    size_t begin = outline->base + leaf->body_begin, end = outline->base + leaf->body_end;
    struct task task = *outline->task;

    for (size_t i = 0; i < walker->seen_count; i++) {
        const struct seen *seen = &walker->seen[i];

        if (seen->source == task.source->number && seen->what != SEEN_ENTITY &&
            seen->begin == begin && seen->end <= end + END_SLACK && end <= seen->end + END_SLACK)
            return;
    }
    if (begin == end)
        return;
    task.kind = TASK_ENTITY;
    task.begin = outline->base + leaf->head_begin;
    task.end = end;
    task.depth++;
    task.reading = READING_OTHER;
    walker_push(walker, &task);
}

// GMime need not be asked about what it would see in any case.
static bool
is_orderly(struct outline_task *outline, struct span text)
{
    const struct prescan *prescan = outline->walker->in->prescan;

    return outline->task->source->is_message && !prescan->has_nul && !prescan->has_bare_cr &&
           !prescan->has_long_line &&
           orderly_read(text, outline->walker->in->ebb, on_outline_leaf, outline);
}

static void
read_outline(struct walker *walker, const struct task *task)
{
    struct span text = walker_span(task->source, task->begin, task->end);
    struct outline_task outline = {walker, task, 0};
    struct entity entity;
    struct arena arena;
    unsigned before;
    int result;

    if (is_orderly(&outline, text))
        return;
    // GMime begins with a field or not at all: it is given what begins with the first one.
    arena_init(&arena, ENTITY_MEMORY_MAX);
    entity_read(walker->in->charsets, text, 0, &arena, &entity);
    arena_clear(&arena);
    outline.base = entity.fields_begin;
    before = meter_turn(walker->in->meter, LOOK_PARSE);
    result = outline_read(span_skip(text, entity.fields_begin), walker->in->ebb, on_outline_leaf,
                          &outline);
    meter_turn(walker->in->meter, before);
    if (result != 0 && task->source->is_message && text.len > 0)
        collect_limit(walker->findings, LIMIT_UNREADABLE, "nothing that begins like a message");
}

static void
run_task(struct walker *walker, struct task *task)
{
    if (task->kind == TASK_END_SOURCE)
        walker_end_source(&task->source);
    else if (walker_is_over(walker))
        return;
    else if (task->kind == TASK_OUTLINE)
        read_outline(walker, task);
    else if (task->kind == TASK_TEXT)
        read_text_task(walker, task);
    else
        read_entity(walker, task);
}

static void
run_tasks(struct walker *walker)
{
    while (walker->task_count > 0) {
        struct task task = walker->tasks[--walker->task_count];

        run_task(walker, &task);
    }
}

static void
take_over_limit(const struct walk *walk)
{
    struct finding_part *part;

    collect_limit(walk->findings, walk->prescan->limit, "%s", walk->prescan->limit_text);
    part = collect_part(walk->findings); // what marks and reasons stand at
    if (part != NULL)
        *part = (struct finding_part){.parent = -1,
                                      .is_located = true,
                                      .body_begin = walk->prescan->header_len,
                                      .body_end = walk->message.len};
}

// Bytes that readers take for different things, as the other sort of readers takes them: without
// NULs, with each CR as a line end.
static void
push_cleaned(struct walker *walker, const struct task *like)
{
    struct span text = walker->in->message;
    struct buf clean;

    if (!walker_spend(walker, text.len))
        return;
    buf_init(&clean, text.len * 2);
    for (size_t i = 0; i < text.len; i++) {
        bool is_bare = text.data[i] == '\r' && (i + 1 == text.len || text.data[i + 1] != '\n');

        if (text.data[i] != '\0')
            (void)buf_add_char(&clean, is_bare ? '\n' : text.data[i]);
    }
    walker_push_message(walker, like, walker_add_source(walker, &clean), 0);
}

void
walk_run(const struct walk *walk)
{
    struct source message = {.bytes = walk->message, .is_message = true};
    struct walker walker = {.in = walk,
                            .findings = walk->findings,
                            .work_left = walk->message.len * WORK_TIMES + WORK_LEAST};
    struct task task = {.source = &message, .end = walk->message.len, .parent = -1};
    const struct prescan *prescan = walk->prescan;

    walk_part_headers(walk);
    if (prescan->limit != LIMIT_NONE) {
        take_over_limit(walk);
        return;
    }
    task.kind = TASK_ENTITY;
    walker_push(&walker, &task);
    run_tasks(&walker);
    task.kind = TASK_OUTLINE;
    task.parent = 0;
    walker_push(&walker, &task);
    run_tasks(&walker);
    task.reading = READING_OTHER;
    if ((prescan->has_nul || prescan->has_bare_cr) && !walker_is_over(&walker))
        push_cleaned(&walker, &task);
    run_tasks(&walker);
    mem_free(&walker.tasks);
    mem_free(&walker.seen);
    mem_free(&walker.boundaries);
}
