// SPDX-License-Identifier: BSD-2-Clause
#include "spool/state_told.h"

#include <string.h>

#include "base/mem.h"

static void
clear_texts(char ***texts, size_t *count)
{
    for (size_t i = 0; i < *count; i++)
        mem_free(&(*texts)[i]);
    mem_free(texts);
    *count = 0;
}

static void
add_take(char ***texts, size_t *count, char *text)
{
    if ((*count & (*count - 1)) == 0) // full: 0, 1, 2, 4, ...
        *texts = mem_regrow(*texts, *count == 0 ? 1 : *count * 2, sizeof(char *));
    (*texts)[(*count)++] = text;
}

void
state_told_clear(struct state_told *told)
{
    clear_texts(&told->texts, &told->text_count);
    state_told_forget(told);
}

void
state_told_forget(struct state_told *told)
{
    clear_texts(&told->results, &told->result_count);
    mem_free(&told->message_id);
    mem_free(&told->subject);
}

// Begins what a look tells: the results of the one before are not of this one.
void
state_told_found(struct state_told *told, const struct journal_line *line)
{
    state_told_forget(told);
    told->message_id = journal_get_text(line, "message_id", STATE_FACT_MAX);
    told->subject = journal_get_text(line, "subject", STATE_FACT_MAX);
}

// --- results ---

static bool
is_left_out(struct span key)
{
    return span_is(key, "edit") || span_is(key, "reply");
}

static void
add_fields(const struct journal_line *line, bool is_name, struct buf *text)
{
    for (size_t i = 0; i < line->field_count; i++) {
        const struct journal_field *field = &line->fields[i];

        if (is_left_out(field->key) || span_is(field->key, "name") != is_name ||
            text->len + field->key.len + field->value.len + 2 > STATE_RESULT_MAX)
            continue;
        if (text->len > 0)
            (void)buf_add_char(text, ' ');
        (void)buf_add_span(text, field->key);
        (void)buf_add_char(text, '=');
        (void)buf_add_span(text, field->value);
    }
}

// "filter=NAME" is what a result begins with.
static bool
is_same_filter(const char *result, struct span filter)
{
    struct span rest = span_skip(span_of(result), strlen("filter="));

    return span_equal(span_cut(&rest, ' '), filter);
}

bool
state_told_result(struct state_told *told, const struct journal_line *line)
{
    struct span filter = journal_get(line, "filter");
    size_t i = 0;
    struct buf text;

    if (line->field_count == 0 || !span_is(line->fields[0].key, "filter") ||
        filter.len > STATE_FACT_MAX)
        return false;
    while (i < told->result_count && !is_same_filter(told->results[i], filter))
        i++;
    if (i == STATE_RESULTS_MAX)
        return false;
    buf_init(&text, STATE_RESULT_MAX);
    add_fields(line, false, &text);
    add_fields(line, true, &text);
    if (i == told->result_count)
        add_take(&told->results, &told->result_count, NULL);
    mem_free(&told->results[i]);
    told->results[i] = mem_strndup(text.data, text.len);
    buf_clear(&text);
    return true;
}

// --- of recipients ---

// Most lines of a message name the same relay.
const char *
state_told_keep(struct state_told *told, const struct journal_line *line, const char *key)
{
    char *text = journal_get_text(line, key, STATE_FACT_MAX);

    if (text == NULL)
        return NULL;
    for (size_t i = told->text_count; i > 0 && i + 4 > told->text_count; i--) {
        if (strcmp(told->texts[i - 1], text) == 0) {
            mem_free(&text);
            return told->texts[i - 1];
        }
    }
    add_take(&told->texts, &told->text_count, text);
    return text;
}
