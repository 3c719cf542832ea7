// SPDX-License-Identifier: BSD-2-Clause
#include "tool/show.h"

#include "base/mem.h"

enum { DEPTH_SHOWN = 20, PARTS_MAX = 4096 };

// --- the items of `found`: words, each escaped, parted by blanks ---

static int
digit_of(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// What str_escape wrote, as it was; "-" stands for nothing.
static void
take_word(struct span *rest, struct buf *out)
{
    struct span word = span_cut(rest, ' ');

    buf_reset(out);
    if (span_is(word, "-"))
        return;
    while (word.len > 0) {
        size_t used = 1;
        char c = word.data[0];

        if (c == '\\' && word.len >= 2 && word.data[1] == '\\') {
            used = 2;
        } else if (c == '\\' && word.len >= 4 && word.data[1] == 'x' &&
                   digit_of(word.data[2]) >= 0 && digit_of(word.data[3]) >= 0) {
            c = (char)(digit_of(word.data[2]) * 16 + digit_of(word.data[3]));
            used = 4;
        }
        (void)buf_add_char(out, c);
        word = span_skip(word, used);
    }
}

static uint64_t
take_number(struct span *rest)
{
    uint64_t number;

    return str_parse_u64(span_cut(rest, ' '), UINT64_MAX, &number) == 0 ? number : 0;
}

// --- as text ---

struct tree {
    FILE *out;
    uint8_t depths[PARTS_MAX];
};

static void
print_number(FILE *out, const struct journal_line *line, const char *key, const char *what)
{
    uint64_t number;

    if (str_parse_u64(journal_get(line, key), UINT64_MAX, &number) == 0)
        (void)fprintf(out, ", %llu %s", (unsigned long long)number, what);
}

static void
print_type(FILE *out, struct span *rest, struct buf *word)
{
    take_word(rest, word);
    print_escaped(out, word->len == 0 ? span_of("-") : buf_span(word));
    take_word(rest, word);
    if (word->len == 0)
        return;
    (void)fputs(" is ", out);
    print_escaped(out, buf_span(word));
}

static void
print_name(FILE *out, const struct buf *word)
{
    (void)fputs(" \"", out);
    print_escaped(out, buf_span(word));
    (void)fputc('"', out);
}

static void
print_part(struct tree *tree, struct span rest, struct buf *word)
{
    uint64_t index = take_number(&rest), parent, size;
    bool has_parent = str_parse_u64(span_cut(&rest, ' '), PARTS_MAX - 1, &parent) == 0;
    unsigned depth = has_parent ? tree->depths[parent] + 1U : 0;

    depth = depth < DEPTH_SHOWN ? depth : DEPTH_SHOWN;
    if (index < PARTS_MAX)
        tree->depths[index] = (uint8_t)depth;
    size = take_number(&rest);
    (void)fprintf(tree->out, "part %-7llu %*s", (unsigned long long)index, (int)depth * 2, "");
    print_type(tree->out, &rest, word);
    (void)fprintf(tree->out, ", %llu bytes", (unsigned long long)size);
    while (rest.len > 0) {
        take_word(&rest, word);
        print_name(tree->out, word);
    }
    (void)fputc('\n', tree->out);
}

static void
print_member(FILE *out, struct span rest, struct buf *word)
{
    uint64_t part = take_number(&rest), level = take_number(&rest), size = take_number(&rest);

    level = level < 1 ? 1 : level < DEPTH_SHOWN ? level : DEPTH_SHOWN;
    (void)fprintf(out, "in part %-4llu %*s", (unsigned long long)part, (int)level * 2, "");
    take_word(&rest, word);
    print_escaped(out, word->len == 0 ? span_of("-") : buf_span(word));
    (void)fprintf(out, ", %llu bytes", (unsigned long long)size);
    take_word(&rest, word);
    print_name(out, word);
    (void)fputc('\n', out);
}

static void
print_defect(FILE *out, struct span rest)
{
    struct span name = span_cut(&rest, ' ');
    uint64_t part = take_number(&rest), count = take_number(&rest);

    (void)fprintf(out, "%-12s ", "defect");
    print_escaped(out, name);
    (void)fprintf(out, " in part %llu", (unsigned long long)part);
    (void)fprintf(out, count > 1 ? ", %llu times\n" : "\n", (unsigned long long)count);
}

static void
print_limit(FILE *out, struct span rest, struct buf *word)
{
    (void)fprintf(out, "%-12s ", "unscannable");
    print_escaped(out, span_cut(&rest, ' '));
    take_word(&rest, word);
    (void)fputs(": ", out);
    print_escaped(out, buf_span(word));
    (void)fputc('\n', out);
}

void
show_found(FILE *out, const struct journal_line *line)
{
    struct tree *tree = mem_zalloc(sizeof *tree);
    struct buf word;

    tree->out = out;
    buf_init(&word, JOURNAL_LINE_MAX);
    (void)fprintf(out, "%-12s ", "found");
    print_escaped(out, journal_get(line, "len"));
    (void)fputs(" bytes", out);
    print_number(out, line, "headers", "header fields");
    print_number(out, line, "parts", "parts");
    print_number(out, line, "members", "members of archives");
    print_number(out, line, "links", "links");
    print_number(out, line, "hits", "hits of patterns");
    (void)fputc('\n', out);
    for (size_t i = 0; i < line->field_count; i++) {
        struct span key = line->fields[i].key;
        char *value = show_decode(line->fields[i].value);

        if (span_is(key, "limit"))
            print_limit(out, span_of(value), &word);
        else if (span_is(key, "part"))
            print_part(tree, span_of(value), &word);
        else if (span_is(key, "member"))
            print_member(out, span_of(value), &word);
        else if (span_is(key, "defect"))
            print_defect(out, span_of(value));
        mem_free(&value);
    }
    buf_clear(&word);
    mem_free(&tree);
}

// --- as JSON ---

static struct json *
json_of_part(struct span rest, struct buf *word)
{
    struct json *object = json_object_new(), *names = json_array_new();
    uint64_t parent;

    (void)span_cut(&rest, ' ');
    if (str_parse_u64(span_cut(&rest, ' '), PARTS_MAX, &parent) == 0)
        json_set_number(object, "parent", (int64_t)parent);
    else
        json_set_number(object, "parent", -1);
    json_set_number(object, "size", (int64_t)take_number(&rest));
    take_word(&rest, word);
    json_set_text(object, "type", buf_span(word));
    take_word(&rest, word);
    json_set_text(object, "sniffed", buf_span(word));
    while (rest.len > 0) {
        take_word(&rest, word);
        json_add_text(names, buf_span(word));
    }
    json_set_take(object, "names", &names);
    return object;
}

static struct json *
json_of_member(struct span rest, struct buf *word)
{
    struct json *object = json_object_new();

    json_set_number(object, "part", (int64_t)take_number(&rest));
    json_set_number(object, "level", (int64_t)take_number(&rest));
    json_set_number(object, "size", (int64_t)take_number(&rest));
    take_word(&rest, word);
    json_set_text(object, "sniffed", buf_span(word));
    take_word(&rest, word);
    json_set_text(object, "name", buf_span(word));
    return object;
}

static struct json *
json_of_defect(struct span rest)
{
    struct json *object = json_object_new();

    json_set_text(object, "name", span_cut(&rest, ' '));
    json_set_number(object, "part", (int64_t)take_number(&rest));
    json_set_number(object, "count", (int64_t)take_number(&rest));
    return object;
}

static void
set_limit(struct json *object, struct span rest, struct buf *word)
{
    json_set_text(object, "limit", span_cut(&rest, ' '));
    take_word(&rest, word);
    json_set_text(object, "unscannable", buf_span(word));
}

struct json *
show_found_object(const struct journal_line *line)
{
    struct json *object = json_object_new(), *parts = json_array_new();
    struct json *members = json_array_new(), *defects = json_array_new();
    struct buf word;

    buf_init(&word, JOURNAL_LINE_MAX);
    for (size_t i = 0; i < line->field_count; i++) {
        struct span key = line->fields[i].key;
        char *value = show_decode(line->fields[i].value);
        struct json *item = NULL, *list = NULL;

        if (span_is(key, "limit")) {
            set_limit(object, span_of(value), &word);
        } else if (span_is(key, "part")) {
            item = json_of_part(span_of(value), &word);
            list = parts;
        } else if (span_is(key, "member")) {
            item = json_of_member(span_of(value), &word);
            list = members;
        } else if (span_is(key, "defect")) {
            item = json_of_defect(span_of(value));
            list = defects;
        }
        if (item != NULL)
            json_add_take(list, &item);
        mem_free(&value);
    }
    buf_clear(&word);
    json_set_take(object, "parts", &parts);
    json_set_take(object, "members", &members);
    json_set_take(object, "defects", &defects);
    return object;
}
