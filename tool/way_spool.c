// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "smtp/xtext.h"
#include "tool/glance.h"
#include "tool/way.h"
#include "track/snapshot.h"

enum { IDENT_MAX = 255, SNAPSHOT_MAX = 64 << 20, READS = 2 };

struct family {
    char root[ID_MAX + 1]; // the id that all of its ids begin with
};

struct look {
    struct tool *tool;
    struct ways *ways;
    struct glance *glance;
    const char *any_id;
    struct family families[WAYS_MAX];
    size_t family_count;
};

// A child's id is its parent's, a dot and more.
static struct span
root_of(struct span id)
{
    return span_cut(&id, '.');
}

static bool
is_wanted(const struct look *look, struct span id)
{
    struct span root = root_of(id);

    for (size_t i = 0; i < look->family_count; i++) {
        if (span_is(root, look->families[i].root))
            return true;
    }
    return false;
}

static void
want(struct look *look, struct span id)
{
    struct span root = root_of(id);

    if (look->family_count == WAYS_MAX || root.len > ID_MAX || is_wanted(look, id))
        return;
    (void)snprintf(look->families[look->family_count++].root, ID_MAX + 1, "%.*s", (int)root.len,
                   root.data);
}

// A slot that is written anew under our eyes makes no sense; a moment later it does.
static enum reader_result
read_file(struct look *look, int dir_fd, const struct find_place *place,
          struct reader_message *message)
{
    enum reader_result result = READER_ERROR;

    for (int i = 0; i < READS && result != READER_OK && result != READER_UNSEALED; i++) {
        struct err err;
        int fd = fs_open_read(dir_fd, place->name, &err);

        if (fd < 0)
            return READER_ERROR;
        result = glance_read(look->glance, fd, place->is_slot, message, &err);
        close(fd);
    }
    return result;
}

// --- who is it? ---

static bool
is_ident(const char *xtext, const char *any_id)
{
    struct buf plain;
    bool is_same;

    if (xtext == NULL)
        return false;
    buf_init(&plain, IDENT_MAX);
    is_same = xtext_decode(&plain, span_of(xtext)) == 0 && span_is(buf_span(&plain), any_id);
    buf_clear(&plain);
    return is_same;
}

static struct span
without_brackets(const char *message_id)
{
    struct span text = span_of(message_id);

    if (text.len >= 2 && text.data[0] == '<' && text.data[text.len - 1] == '>')
        text = span_from(text.data + 1, text.len - 2);
    return text;
}

static bool
has_id(const struct reader_message *message, const char *any_id)
{
    const struct spool_state *state = &message->state;

    if (strcmp(message->envelope.id, any_id) == 0 ||
        is_ident(message->envelope.xforward[XFORWARD_IDENT], any_id))
        return true;
    if (state->told.message_id != NULL &&
        span_equal(without_brackets(state->told.message_id), without_brackets(any_id)))
        return true;
    for (size_t i = 0; i < state->rcpt_count; i++) {
        if (state->rcpts[i].queue_id != NULL && strcmp(state->rcpts[i].queue_id, any_id) == 0)
            return true;
    }
    return false;
}

static int
search_place(void *arg, int dir_fd, const struct find_place *place)
{
    struct look *look = arg;
    struct reader_message message;

    if (read_file(look, dir_fd, place, &message) != READER_OK)
        return 0;
    if (has_id(&message, look->any_id))
        want(look, span_of(message.envelope.id));
    reader_message_clear(&message);
    return 0;
}

// --- what is told of it ---

static bool
is_over(const struct spool_state *state)
{
    return state->done || state_is_retired(state);
}

static enum record_place
place_of(const struct find_place *place, const struct spool_state *state)
{
    if (place->place == PLACE_HOLD)
        return RECORD_HOLD;
    if (place->place == PLACE_QUARANTINE)
        return RECORD_QUARANTINE;
    if (is_over(state))
        return RECORD_DONE;
    return state_next_try_ms(state) > 0 ? RECORD_WAITING : RECORD_ACTIVE;
}

// What only the ledger has: what Postfix's log said, and how long everything took.
static void
keep_told(struct record *record, const struct record *known)
{
    for (size_t i = 0; i < record->rcpt_count && i < known->rcpt_count; i++) {
        if (!span_equal(record->rcpts[i].queue_id, known->rcpts[i].queue_id))
            continue;
        record->rcpts[i].finals = known->rcpts[i].finals;
        record->rcpts[i].final_count = known->rcpts[i].final_count;
    }
    memcpy(record->stage_us, known->stage_us, sizeof record->stage_us);
    record->told_ms = known->told_ms;
}

static bool
is_gone(const struct record *record)
{
    return record->place == RECORD_DONE || record->place == RECORD_LEFT;
}

// Where both are up to date, only the place is news; of what is over the file is about to go.
static void
merge(struct look *look, const struct find_place *place, struct record *record)
{
    struct way *way = ways_find(look->ways, record->id);
    bool is_news = way == NULL || way->record.step < record->step;

    if (!is_news && (is_gone(record) || is_gone(&way->record)))
        return;
    if (way == NULL) {
        way = ways_add(look->ways, record);
    } else if (is_news) {
        keep_told(record, &way->record);
        way->record = *record;
    }
    if (way == NULL)
        return;
    way->record.place = record->place;
    way->in_spool = true;
    way->place = *place;
}

// Written and read again: a copy that needs the file no more.
static int
copy_record(struct look *look, const struct record *record, struct record *copy_out)
{
    struct buf bytes;
    struct span kept = span_of("");

    buf_init(&bytes, RECORD_SIZE_MAX);
    if (record_write(record, &bytes) == 0)
        kept = arena_copy(&look->ways->arena, buf_span(&bytes));
    buf_clear(&bytes);
    return kept.data == NULL ? -1 : record_read(kept, &look->ways->arena, copy_out);
}

static void
take_message(struct look *look, const struct find_place *place,
             const struct reader_message *message)
{
    struct record record, copy;
    struct arena arena;

    arena_init(&arena, SNAPSHOT_MAX);
    if (snapshot_of(&message->envelope, &message->state, &arena, &record) == 0) {
        record.place = place_of(place, &message->state);
        record.step = record_step(message->state.next_seq, record.place);
        record.size = message->seal.len;
        if (copy_record(look, &record, &copy) == 0)
            merge(look, place, &copy);
        else
            print_error(look->tool, "%s: too much to tell", message->envelope.id);
    }
    arena_clear(&arena);
}

static int
take_place(void *arg, int dir_fd, const struct find_place *place)
{
    struct look *look = arg;
    struct reader_message message;

    if (!place->is_slot && !is_wanted(look, span_of(place->name)))
        return 0;
    if (read_file(look, dir_fd, place, &message) != READER_OK)
        return 0;
    if (is_wanted(look, span_of(message.envelope.id)))
        take_message(look, place, &message);
    reader_message_clear(&message);
    return 0;
}

// --- a walk or two ---

static enum tool_exit
walk(struct look *look, struct place_root *root)
{
    struct err err;
    int result = 0;

    if (look->any_id != NULL)
        result = find_walk(root, FIND_ALL, search_place, look, &err);
    if (result == 0 && look->family_count > 0)
        result = find_walk(root, FIND_ALL, take_place, look, &err);
    if (result == 0)
        return TOOL_DONE;
    print_error(look->tool, "%s", err.text);
    return TOOL_IO;
}

static enum tool_exit
look_into(struct look *look)
{
    struct place_root root;
    enum tool_exit result = find_open_spool(look->tool, &root);

    if (result != TOOL_DONE)
        return result;
    look->glance = glance_new();
    result = walk(look, &root);
    glance_free(&look->glance);
    place_root_close(&root);
    look->ways->has_looked = result == TOOL_DONE;
    return result;
}

enum tool_exit
way_look_for(struct tool *tool, struct ways *ways)
{
    struct look *look = mem_zalloc(sizeof *look);
    enum tool_exit result;

    look->tool = tool;
    look->ways = ways;
    for (size_t i = 0; i < ways->count; i++)
        want(look, ways->items[i].record.id);
    result = look_into(look);
    mem_free(&look);
    return result;
}

enum tool_exit
way_search(struct tool *tool, struct ways *ways, const char *any_id)
{
    struct look *look = mem_zalloc(sizeof *look);
    enum tool_exit result;

    look->tool = tool;
    look->ways = ways;
    look->any_id = any_id;
    result = look_into(look);
    mem_free(&look);
    return result;
}
