// SPDX-License-Identifier: BSD-2-Clause
#include "mime/reading/walk_private.h"

#include <string.h>

#include "base/mem.h"
#include "mime/reading/look.h"

bool
walker_is_over(const struct walker *walker)
{
    return walker->findings->limit != LIMIT_NONE;
}

bool
walker_spend(struct walker *walker, uint64_t bytes)
{
    if (bytes > walker->work_left) {
        collect_limit(walker->findings, LIMIT_PARTS, "too many readings of the same bytes");
        return false;
    }
    walker->work_left -= bytes;
    return true;
}

static bool
is_seen(const struct walker *walker, const struct seen *what)
{
    for (size_t i = walker->seen_count; i > 0; i--) {
        const struct seen *seen = &walker->seen[i - 1];

        if (seen->source == what->source && seen->what == what->what &&
            seen->begin == what->begin && seen->end == what->end)
            return true;
    }
    return false;
}

bool
walker_has_seen(struct walker *walker, const struct source *source, uint32_t what, struct span span)
{
    struct seen seen = {.source = source->number, .what = what};

    if (span.len > 0)
        seen.begin = (size_t)(span.data - source->bytes.data);
    seen.end = seen.begin + span.len;
    if (is_seen(walker, &seen))
        return true;
    if (walker->seen_count == walker->seen_room) {
        walker->seen_room = walker->seen_room == 0 ? 32 : walker->seen_room * 2;
        walker->seen = mem_regrow(walker->seen, walker->seen_room, sizeof(*walker->seen));
    }
    walker->seen[walker->seen_count++] = seen;
    return false;
}

void
walker_push(struct walker *walker, const struct task *task)
{
    if (walker->task_count == walker->task_room) {
        walker->task_room = walker->task_room == 0 ? 32 : walker->task_room * 2;
        walker->tasks = mem_regrow(walker->tasks, walker->task_room, sizeof(*walker->tasks));
    }
    walker->tasks[walker->task_count++] = *task;
}

struct source *
walker_add_source(struct walker *walker, struct buf *owned_take)
{
    struct source *source = mem_zalloc(sizeof(*source));

    source->number = ++walker->sources;
    source->owned = *owned_take;
    source->bytes = buf_span(&source->owned);
    buf_init(owned_take, owned_take->ceiling);
    walker_push(walker, &(struct task){.kind = TASK_END_SOURCE, .source = source});
    return source;
}

// What the limits say about bytes that nobody saw before they were decoded.
bool
walker_is_within_limits(struct walker *walker, struct span bytes)
{
    unsigned before = meter_turn(walker->in->meter, LOOK_PRESCAN);
    struct prescan prescan;

    prescan_run(bytes, walker->in->limits, NULL, &prescan);
    if (prescan.limit != LIMIT_NONE)
        collect_limit(walker->findings, prescan.limit, "%s", prescan.limit_text);
    prescan_clear(&prescan);
    meter_turn(walker->in->meter, before);
    return !walker_is_over(walker);
}

void
walker_push_message(struct walker *walker, const struct task *like, struct source *source,
                    int32_t parent)
{
    struct task task = {
        .source = source, .end = source->bytes.len, .parent = parent, .reading = like->reading};

    if (!walker_spend(walker, source->bytes.len) || !walker_is_within_limits(walker, source->bytes))
        return;
    task.kind = TASK_OUTLINE;
    task.depth = like->depth; // of the part that holds what is found
    walker_push(walker, &task);
    task.kind = TASK_ENTITY;
    task.depth = like->depth + 1;
    walker_push(walker, &task);
}

struct span
walker_span(const struct source *source, size_t begin, size_t end)
{
    struct span from = span_skip(source->bytes, begin);

    return span_from(from.data, end - begin);
}

bool
walker_is_blank(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (strchr(" \t\r\n", text.data[i]) == NULL || text.data[i] == '\0')
            return false;
    }
    return true;
}

void
walker_end_source(struct source **source)
{
    buf_clear(&(*source)->owned);
    mem_free(source);
}
