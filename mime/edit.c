// SPDX-License-Identifier: BSD-2-Clause
#include "mime/edits.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

static const char *const op_names[] = {"add", "set", "remove", "prefix", "replace"};

enum { OP_COUNT = sizeof op_names / sizeof op_names[0] };

const char *
edit_op_name(enum edit_op op)
{
    return op_names[op];
}

static bool
is_name(const char *name)
{
    size_t len = 0;

    for (; name[len] != '\0'; len++) {
        if (name[len] < 33 || name[len] > 126 || name[len] == ':')
            return false;
    }
    return len > 0 && len <= EDIT_NAME_MAX;
}

static bool
is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

static bool
is_space(char byte)
{
    return is_blank(byte) || byte == '\r' || byte == '\n';
}

static size_t
line_end_len(struct span text)
{
    if (text.len >= 2 && memcmp(text.data, "\r\n", 2) == 0)
        return 2;
    return text.len > 0 && (text.data[0] == '\r' || text.data[0] == '\n') ? 1 : 0;
}

// Up to its line end, which is left in *rest.
static struct span
take_line(struct span *rest)
{
    size_t len = 0;
    struct span line;

    while (len < rest->len && rest->data[len] != '\r' && rest->data[len] != '\n')
        len++;
    line = span_from(rest->data, len);
    *rest = span_skip(*rest, len);
    return line;
}

static struct span
trim_value(struct span value)
{
    while (value.len > 0 && is_blank(value.data[0]))
        value = span_skip(value, 1);
    while (value.len > 0 && is_space(value.data[value.len - 1]))
        value.len--;
    return value;
}

// A line that begins with no blank is another field; one of blanks alone is the end of the header
// to some readers.
static bool
is_continuation(struct span line)
{
    return line.len > 0 && is_blank(line.data[0]) && span_trim(line).len > 0;
}

// The value with each line end as CRLF; a copy.
static char *
normal_value(struct span value, bool is_folded, struct err *err)
{
    struct buf text;
    struct span line;
    char *copy = NULL;
    int failed = 0;

    if (value.len > 0 && memchr(value.data, '\0', value.len) != NULL) {
        (void)err_set(err, ERR_PERM, "a NUL byte in the value");
        return NULL;
    }
    buf_init(&text, EDIT_VALUE_MAX);
    failed |= buf_add_span(&text, take_line(&value));
    while (value.len > 0 && failed == 0) {
        value = span_skip(value, line_end_len(value));
        line = take_line(&value);
        if (is_folded && !is_continuation(line)) {
            (void)err_set(err, ERR_PERM, "a line of the value would be no part of the field");
            goto out;
        }
        failed |= buf_add(&text, "\r\n", 2) | buf_add_span(&text, line);
    }
    if (failed == 0)
        copy = mem_strndup(text.data, text.len);
    else
        (void)err_set(err, ERR_PERM, "a value of more than %d bytes", EDIT_VALUE_MAX);
out:
    buf_clear(&text);
    return copy;
}

// Doubles where the count is a power of two, so that no size needs to be kept.
static struct edit *
append(struct edit_list *list)
{
    if ((list->count & (list->count - 1)) == 0)
        list->items =
            mem_regrow(list->items, list->count == 0 ? 1 : 2 * list->count, sizeof *list->items);
    list->items[list->count] = (struct edit){.op = EDIT_ADD};
    return &list->items[list->count++];
}

static int
check(enum edit_op op, const char *name, struct span value, int32_t position, struct err *err)
{
    if (name == NULL || !is_name(name))
        return err_set(err, ERR_PERM, "not the name of a header field");
    if (op == EDIT_PREFIX && strcasecmp(name, "Subject") != 0)
        return err_set(err, ERR_PERM, "only Subject takes a prefix");
    (void)take_line(&value);
    if (op == EDIT_PREFIX && value.len > 0)
        return err_set(err, ERR_PERM, "a prefix of several lines");
    if ((op == EDIT_ADD && position < -1) || position == INT32_MIN)
        return err_set(err, ERR_PERM, "no such position: %" PRId32, position);
    return 0;
}

int
edit_list_add(struct edit_list *list, enum edit_op op, const char *name, struct span value,
              int32_t position, struct err *err)
{
    struct edit *edit;
    char *copy = NULL;

    assert(op != EDIT_REPLACE);
    if (op == EDIT_PREFIX && name == NULL)
        name = "Subject";
    if (check(op, name, value, position, err) != 0)
        return -1;
    if (op != EDIT_REMOVE) {
        copy = normal_value(op == EDIT_PREFIX ? value : trim_value(value), true, err);
        if (copy == NULL)
            return -1;
    }
    edit = append(list);
    edit->op = op;
    edit->position = op == EDIT_ADD || op == EDIT_REMOVE ? position : 0;
    edit->name = mem_strdup(name);
    edit->value = copy;
    return 0;
}

int
edit_list_replace(struct edit_list *list, uint64_t offset, uint64_t len, struct span value,
                  struct err *err)
{
    char *copy = normal_value(value, false, err);
    struct edit *edit;

    if (copy == NULL)
        return -1;
    edit = append(list);
    edit->op = EDIT_REPLACE;
    edit->offset = offset;
    edit->len = len;
    edit->value = copy;
    return 0;
}

void
edit_list_append(struct edit_list *list, const struct edit_list *more)
{
    size_t count = more->count; // more may be the list itself

    for (size_t i = 0; i < count; i++) {
        struct edit *edit = append(list);

        *edit = more->items[i];
        edit->name = mem_strdup(edit->name);
        edit->value = mem_strdup(edit->value);
    }
}

void
edit_list_clear(struct edit_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        mem_free(&list->items[i].name);
        mem_free(&list->items[i].value);
    }
    mem_free(&list->items);
    list->count = 0;
}

static bool
is_same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool
edit_list_equal(const struct edit_list *a, const struct edit_list *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        const struct edit *x = &a->items[i], *y = &b->items[i];

        if (x->op != y->op || x->position != y->position || x->offset != y->offset ||
            x->len != y->len || !is_same_text(x->name, y->name) ||
            !is_same_text(x->value, y->value))
            return false;
    }
    return true;
}

void
edit_format(const struct edit *edit, struct buf *out)
{
    int failed;

    if (edit->op == EDIT_REPLACE)
        failed = buf_printf(out, "%s %" PRIu64 " %" PRIu64 ":", edit_op_name(edit->op),
                            edit->offset, edit->len);
    else
        failed = buf_printf(out, "%s %" PRId32 " %s:", edit_op_name(edit->op), edit->position,
                            edit->name);
    failed |= buf_add_span(out, span_of(edit->value));
    assert(failed == 0);
}

static int
parse_position(struct span text, int32_t *position_out)
{
    bool is_negative = text.len > 0 && text.data[0] == '-';
    uint64_t value;

    if (str_parse_u64(is_negative ? span_skip(text, 1) : text, INT32_MAX, &value) != 0)
        return -1;
    *position_out = is_negative ? -(int32_t)value : (int32_t)value;
    return 0;
}

static int
parse_replace(struct span first, struct span second, struct span value, struct edit_list *list,
              struct err *err)
{
    uint64_t offset, len;

    if (str_parse_u64(first, UINT64_MAX, &offset) != 0 ||
        str_parse_u64(second, UINT64_MAX, &len) != 0)
        return err_set(err, ERR_PERM, "not an edit: bad numbers");
    return edit_list_replace(list, offset, len, value, err);
}

int
edit_parse(struct span text, struct edit_list *list, struct err *err)
{
    struct span head = span_cut(&text, ':');
    struct span op = span_cut(&head, ' ');
    struct span first = span_cut(&head, ' ');
    size_t found = 0;
    int32_t position;
    char name[EDIT_NAME_MAX + 1];

    while (found < OP_COUNT && !span_is(op, op_names[found]))
        found++;
    if (found == OP_COUNT || text.data == NULL || head.len > EDIT_NAME_MAX)
        return err_set(err, ERR_PERM, "not an edit");
    if (found == EDIT_REPLACE)
        return parse_replace(first, head, text, list, err);
    if (parse_position(first, &position) != 0)
        return err_set(err, ERR_PERM, "not an edit: bad position");
    if (head.len > 0)
        memcpy(name, head.data, head.len);
    name[head.len] = '\0';
    if (strlen(name) != head.len)
        return err_set(err, ERR_PERM, "not an edit: a NUL byte in the name");
    return edit_list_add(list, (enum edit_op)found, name, text, position, err);
}
