// SPDX-License-Identifier: BSD-2-Clause
#include "filters/result.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "spool/journal.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

// Of one line: what peers send is bounded, a journal that is folded at 256 KB is, too.
enum { NOTE_EDITS_MAX = 500, NOTE_BYTES_MAX = 128 << 10, FILTER_NAME_MAX = 64 };

static const char *const kinds[] = {"pending", "clean", "hit", "unscannable", "failed", "skipped"};
static const char *const wishes[] = {"none", "accept", "reject", "defer", "quarantine", "discard"};

const char *
result_kind_name(enum result_kind kind)
{
    return kinds[kind];
}

const char *
result_wish_name(enum result_wish wish)
{
    return wishes[wish];
}

void
result_init(struct result *result)
{
    *result = (struct result){.kind = RESULT_PENDING};
}

void
result_clear(struct result *result)
{
    for (size_t i = 0; i < result->name_count; i++)
        mem_free(&result->names[i]);
    mem_free(&result->names);
    mem_free(&result->action);
    mem_free(&result->reply);
    mem_free(&result->reason);
    mem_free(&result->server);
    edit_list_clear(&result->edits);
    result_init(result);
}

// Is the character one that a terminal or a header could take for more than text?
static bool
is_control(struct span character)
{
    const unsigned char *byte = (const unsigned char *)character.data;

    if (character.len == 1)
        return byte[0] < 0x20 || byte[0] == 0x7f;
    if (byte[0] == 0xc2)
        return byte[1] < 0xa0;
    return byte[0] == 0xe2 && byte[1] == 0x80 && (byte[2] == 0xa8 || byte[2] == 0xa9);
}

// A run of controls becomes a blank, a stray byte "?"; cut between two characters.
static char *
clean(struct span text, size_t max)
{
    char *out = mem_zalloc((text.len < max ? text.len : max) + 1);
    size_t out_len = 0;

    while (text.len > 0) {
        size_t len = str_utf8_len(text);
        struct span character = span_from(text.data, len == 0 ? 1 : len);

        text = span_skip(text, character.len);
        if (len == 0)
            character = SPAN_LITERAL("?");
        else if (is_control(character))
            character = SPAN_LITERAL(" ");
        if (character.data[0] == ' ' && (out_len == 0 || out[out_len - 1] == ' '))
            continue;
        if (out_len + character.len > max)
            break;
        memcpy(out + out_len, character.data, character.len);
        out_len += character.len;
    }
    if (out_len > 0 && out[out_len - 1] == ' ')
        out[out_len - 1] = '\0';
    return out;
}

void
result_add_name(struct result *result, struct span name)
{
    size_t count = result->name_count;

    if (count >= RESULT_NAMES_MAX)
        return;
    if ((count & (count - 1)) == 0) // full: 0, 1, 2, 4, ...
        result->names = mem_regrow(result->names, count == 0 ? 1 : count * 2, sizeof(char *));
    result->names[count] = clean(name, RESULT_NAME_MAX);
    // A virus without a name is one all the same: "*" must find it.
    if (result->names[count][0] == '\0') {
        mem_free(&result->names[count]);
        result->names[count] = mem_strdup("?");
    }
    result->name_count++;
}

void
result_set_text(char **member, struct span text)
{
    char *cleaned = clean(text, RESULT_TEXT_MAX);

    mem_free(member);
    *member = cleaned;
}

void
result_set(struct result *result, enum result_kind kind, const char *format, ...)
{
    char text[RESULT_TEXT_MAX + 1];
    va_list args;

    // First, since args may point into what is cleared.
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    result_clear(result);
    result->kind = kind;
    result_set_text(&result->reason, span_of(text));
}

static void
note_double(struct journal_writer *writer, const char *key, double value)
{
    char text[40];

    snprintf(text, sizeof(text), "%.17g", value);
    journal_field_text(writer, key, text);
}

// Returns how many were left out.
static size_t
note_names(const struct result *result, struct journal_writer *writer, size_t *room)
{
    for (size_t i = 0; i < result->name_count; i++) {
        size_t len = strlen(result->names[i]);

        if (len > *room)
            return result->name_count - i;
        *room -= len;
        journal_field_text(writer, "name", result->names[i]);
    }
    return 0;
}

static size_t
note_edits(const struct result *result, struct journal_writer *writer, size_t *room)
{
    struct buf text;
    size_t i;

    buf_init(&text, SIZE_MAX / 4);
    for (i = 0; i < result->edits.count && i < NOTE_EDITS_MAX; i++) {
        buf_reset(&text);
        edit_format(&result->edits.items[i], &text);
        if (text.len > *room)
            break;
        *room -= text.len;
        journal_field(writer, "edit", buf_span(&text));
    }
    buf_clear(&text);
    return result->edits.count - i;
}

void
result_note(const struct result *result, const char *filter, struct journal_writer *writer)
{
    size_t room = NOTE_BYTES_MAX;
    size_t omitted;

    journal_field_text(writer, "filter", filter);
    journal_field_text(writer, "result", kinds[result->kind]);
    if (result->is_virus)
        journal_field_number(writer, "virus", 1);
    if (result->has_score) {
        note_double(writer, "score", result->score);
        note_double(writer, "required", result->required_score);
    }
    journal_field_text(writer, "action", result->action);
    if (result->wish != WISH_NONE)
        journal_field_text(writer, "wish", wishes[result->wish]);
    journal_field_text(writer, "reply", result->reply);
    journal_field_text(writer, "reason", result->reason);
    journal_field_text(writer, "server", result->server);
    journal_field_number(writer, "took", (int64_t)result->took_us);
    omitted = note_names(result, writer, &room);
    omitted += note_edits(result, writer, &room);
    if (omitted > 0)
        journal_field_number(writer, "omitted", (int64_t)omitted);
}

static size_t
find_word(const char *const *words, size_t count, struct span word)
{
    size_t i = 0;

    while (i < count && !span_is(word, words[i]))
        i++;
    return i;
}

static int
read_double(const char *text, double *value_out)
{
    char *end;

    *value_out = strtod(text, &end);
    return end != text && *end == '\0' && isfinite(*value_out) ? 0 : -1;
}

static char **
text_member(struct result *result, struct span key)
{
    const struct {
        const char *key;
        char **member;
    } texts[] = {
        {"action", &result->action},
        {"reply",  &result->reply },
        {"reason", &result->reason},
        {"server", &result->server},
    };

    for (size_t i = 0; i < COUNT(texts); i++) {
        if (span_is(key, texts[i].key))
            return texts[i].member;
    }
    return NULL;
}

static int
read_wish(const char *text, enum result_wish *wish_out)
{
    size_t wish = find_word(wishes, COUNT(wishes), span_of(text));

    if (wish == COUNT(wishes))
        return -1;
    *wish_out = (enum result_wish)wish;
    return 0;
}

// What is not known here was written by a later release: passed over.
static int
read_field(struct span key, const char *text, struct result *result)
{
    char **member = text_member(result, key);

    if (member != NULL)
        result_set_text(member, span_of(text));
    else if (span_is(key, "name"))
        result_add_name(result, span_of(text));
    else if (span_is(key, "virus"))
        result->is_virus = strcmp(text, "1") == 0;
    else if (span_is(key, "score"))
        return read_double(text, &result->score);
    else if (span_is(key, "required"))
        return read_double(text, &result->required_score);
    else if (span_is(key, "took"))
        return str_parse_u64(span_of(text), INT64_MAX, &result->took_us);
    else if (span_is(key, "wish"))
        return read_wish(text, &result->wish);
    else if (span_is(key, "edit"))
        return edit_parse(span_of(text), &result->edits, NULL);
    return 0;
}

static int
read_fields(const struct journal_line *line, struct result *result)
{
    for (size_t i = 0; i < line->field_count; i++) {
        char *text = journal_decode(line->fields[i].value, NOTE_BYTES_MAX);
        int answer = text == NULL ? -1 : read_field(line->fields[i].key, text, result);

        mem_free(&text);
        if (answer != 0)
            return -1;
    }
    result->has_score = journal_get(line, "score").data != NULL;
    return 0;
}

int
result_read(const struct journal_line *line, char **filter_out, struct result *result_out)
{
    size_t kind = find_word(kinds, COUNT(kinds), journal_get(line, "result"));
    char *filter = journal_get_text(line, "filter", FILTER_NAME_MAX);

    result_init(result_out);
    if (!span_is(line->event, "result") || filter == NULL || kind == COUNT(kinds) ||
        read_fields(line, result_out) != 0) {
        mem_free(&filter);
        result_clear(result_out);
        return -1;
    }
    result_out->kind = (enum result_kind)kind;
    *filter_out = filter;
    return 0;
}
