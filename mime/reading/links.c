// SPDX-License-Identifier: BSD-2-Clause
#include "mime/reading/links.h"

#include <string.h>

#include "base/buf.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct search {
    links_found *found;
    void *arg;
    bool is_over;
    struct buf text;                 // a run of HTML as it is shown
    size_t last_double, last_single; // behind the last quote of each kind; 0: there is none
};

struct scheme {
    const char *begin;
    size_t before; // letters in front of the byte that it is found by
    bool is_word;  // only at the begin of a word
};

// By a byte that is rare in texts: letters are not.
static const struct scheme with_colon[] = {
    {"http://",  4, false},
    {"https://", 5, false},
    {"ftp://",   3, false},
    {"mailto:",  6, true },
};

static const struct scheme with_dot[] = {
    {"www.", 3, true},
};

// Their values are links whatever they hold; other values are searched as text is.
static const char *const link_names[] = {
    "href", "src",        "action",   "formaction", "background", "poster",   "data",
    "cite", "xlink:href", "longdesc", "lowsrc",     "dynsrc",     "codebase", "ping",
};

static bool
is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n' || byte == '\f';
}

static bool
is_letter(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

static bool
is_word_letter(char byte)
{
    return is_letter(byte) || (byte >= '0' && byte <= '9') || ((unsigned char)byte & 0x80) != 0;
}

static void
tell(struct search *search, struct span link)
{
    if (link.len > LINK_MAX) {
        link.len = LINK_MAX;
        while (((unsigned char)link.data[link.len] & 0xc0) == 0x80 && link.len > LINK_MAX - 4)
            link.len--; // between two characters
    }
    search->is_over = !search->found(search->arg, link);
}

struct scheme_finder {
    char byte;
    const struct scheme *schemes;
    size_t count;
    size_t begin, len; // of the next that it knows of; len 0: there is none
    bool is_begun;
};

// The next that begins at `from` or behind it.
static void
find_scheme(struct scheme_finder *finder, struct span text, size_t from)
{
    const char *found;

    if (finder->is_begun && (finder->len == 0 || finder->begin >= from))
        return;
    finder->is_begun = true;
    finder->len = 0;
    for (size_t at = from; at < text.len; at++) {
        found = memchr(text.data + at, finder->byte, text.len - at);
        if (found == NULL)
            return;
        at = (size_t)(found - text.data);
        for (size_t i = 0; i < finder->count; i++) {
            const struct scheme *scheme = &finder->schemes[i];
            size_t begin = at - scheme->before;

            if (at - from < scheme->before ||
                !span_starts_nocase(span_skip(text, begin), scheme->begin) ||
                (scheme->is_word && begin > 0 && is_word_letter(text.data[begin - 1])))
                continue;
            finder->begin = begin;
            finder->len = strlen(scheme->begin);
            return;
        }
    }
}

static bool
ends_link(char byte)
{
    unsigned char c = (unsigned char)byte;

    return c <= ' ' || c == 0x7f || c == '<' || c == '>' || c == '"';
}

// Without what belongs to the sentence around it.
static struct span
trim_link(struct span link)
{
    bool has_open = memchr(link.data, '(', link.len) != NULL;

    while (link.len > 0) {
        char last = link.data[link.len - 1];

        if (last == '\0' || (strchr(".,;:!?'*]}", last) == NULL && (last != ')' || has_open)))
            break;
        link.len--;
    }
    return link;
}

static void
search_text(struct search *search, struct span text)
{
    struct scheme_finder colon = {.byte = ':', .schemes = with_colon, .count = COUNT(with_colon)};
    struct scheme_finder dot = {.byte = '.', .schemes = with_dot, .count = COUNT(with_dot)};
    size_t at = 0;

    while (!search->is_over) {
        const struct scheme_finder *next = &colon;
        struct span link;

        find_scheme(&colon, text, at);
        find_scheme(&dot, text, at);
        if (colon.len == 0 || (dot.len > 0 && dot.begin < colon.begin))
            next = &dot;
        if (next->len == 0)
            return;
        at = next->begin + next->len;
        while (at < text.len && !ends_link(text.data[at]))
            at++;
        link = trim_link(span_from(text.data + next->begin, at - next->begin));
        if (link.len > next->len)
            tell(search, link);
    }
}

void
links_plain(struct span text, links_found *found, void *arg)
{
    struct search search = {.found = found, .arg = arg};

    search_text(&search, text);
}

struct reference {
    const char *name;
    char shown;
};

static const struct reference references[] = {
    {"amp;",     '&' },
    {"amp",      '&' },
    {"lt;",      '<' },
    {"lt",       '<' },
    {"gt;",      '>' },
    {"gt",       '>' },
    {"quot;",    '"' },
    {"quot",     '"' },
    {"apos;",    '\''},
    {"nbsp;",    ' ' },
    {"tab;",     '\t'},
    {"newline;", '\n'},
    {"colon;",   ':' },
    {"sol;",     '/' },
    {"bsol;",    '\\'},
    {"period;",  '.' },
    {"commat;",  '@' },
    {"quest;",   '?' },
    {"equals;",  '=' },
    {"num;",     '#' },
    {"percnt;",  '%' },
    {"lowbar;",  '_' },
    {"hyphen;",  '-' },
    {"semi;",    ';' },
    {"comma;",   ',' },
};

static void
add_character(struct buf *out, uint32_t code)
{
    char text[4];
    size_t len = 0;

    if (code < 0x80) {
        text[len++] = (char)code;
    } else if (code < 0x800) {
        text[len++] = (char)(0xc0 | code >> 6);
    } else if (code < 0x10000) {
        text[len++] = (char)(0xe0 | code >> 12);
        text[len++] = (char)(0x80 | (code >> 6 & 0x3f));
    } else {
        text[len++] = (char)(0xf0 | code >> 18);
        text[len++] = (char)(0x80 | (code >> 12 & 0x3f));
        text[len++] = (char)(0x80 | (code >> 6 & 0x3f));
    }
    if (code >= 0x80)
        text[len++] = (char)(0x80 | (code & 0x3f));
    buf_add(out, text, len);
}

// "#116;", "#x74": its length; 0 if it is none.
static size_t
read_number(struct span text, uint32_t *code_out)
{
    bool is_hex = text.len > 1 && (text.data[1] | 0x20) == 'x';
    size_t begin = is_hex ? 2 : 1, at = begin;
    uint32_t code = 0;

    for (; at < text.len; at++) {
        char byte = (char)(text.data[at] | 0x20);
        bool is_digit = text.data[at] >= '0' && text.data[at] <= '9';

        if (!is_digit && !(is_hex && byte >= 'a' && byte <= 'f'))
            break;
        if (code <= 0x10ffff)
            code = code * (is_hex ? 16 : 10) +
                   (uint32_t)(is_digit ? text.data[at] - '0' : byte - 'a' + 10);
    }
    *code_out = code == 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff) ? 0xfffd : code;
    if (at == begin)
        return 0;
    return at < text.len && text.data[at] == ';' ? at + 1 : at;
}

// Behind "&": appends what it stands for, returns the length of the rest of it; 0: it is none.
static size_t
add_reference(struct buf *out, struct span text)
{
    uint32_t code;
    size_t len;

    if (text.len > 0 && text.data[0] == '#') {
        len = read_number(text, &code);
        if (len > 1)
            add_character(out, code);
        return len;
    }
    for (size_t i = 0; i < COUNT(references); i++) {
        if (span_starts_nocase(text, references[i].name)) {
            buf_add_char(out, references[i].shown);
            return strlen(references[i].name);
        }
    }
    return 0;
}

static void
decode_html(struct span text, struct buf *out)
{
    const char *sign;

    buf_reset(out);
    while (text.len > 0 && (sign = memchr(text.data, '&', text.len)) != NULL) {
        size_t before = (size_t)(sign - text.data), len;

        buf_add(out, text.data, before);
        text = span_skip(text, before + 1);
        len = add_reference(out, text);
        if (len == 0)
            buf_add_char(out, '&');
        text = span_skip(text, len);
    }
    buf_add_span(out, text);
}

static void
add_text(struct search *search, struct span text)
{
    if (text.len == 0 || search->is_over)
        return;
    if (memchr(text.data, '&', text.len) != NULL) {
        decode_html(text, &search->text);
        text = buf_span(&search->text);
    }
    search_text(search, text);
}

// As a browser takes a link: without tabs and line ends, controls and blanks around it cut.
static struct span
clean_link(struct buf *text)
{
    size_t len = 0;
    struct span link;

    for (size_t i = 0; i < text->len; i++) {
        char byte = text->data[i];

        if (byte != '\t' && byte != '\r' && byte != '\n' && byte != '\0')
            text->data[len++] = byte;
    }
    buf_cut(text, len);
    link = buf_span(text);
    while (link.len > 0 && (unsigned char)link.data[0] <= ' ')
        link = span_skip(link, 1);
    while (link.len > 0 && (unsigned char)link.data[link.len - 1] <= ' ')
        link.len--;
    return link;
}

static void
add_value(struct search *search, struct span name, struct span value)
{
    struct span link;

    for (size_t i = 0; i < COUNT(link_names); i++) {
        if (!span_is_nocase(name, link_names[i]))
            continue;
        decode_html(value, &search->text);
        link = clean_link(&search->text);
        // Neither leads out of the message.
        if (link.len > 0 && link.data[0] != '#' && !span_starts_nocase(link, "cid:"))
            tell(search, link);
        return;
    }
    add_text(search, value);
}

static size_t
skip_blanks(struct span text, size_t at)
{
    while (at < text.len && is_blank(text.data[at]))
        at++;
    return at;
}

// Returns where it ends. A quote that is nowhere closed is none.
static size_t
find_value(const struct search *search, struct span text, size_t at, struct span *value_out)
{
    char quote = at < text.len ? text.data[at] : '\0';
    size_t last = quote == '"' ? search->last_double : quote == '\'' ? search->last_single : 0;
    size_t begin = at;

    if (last > at + 1) {
        const char *end = memchr(text.data + at + 1, quote, text.len - at - 1);

        *value_out = span_from(text.data + at + 1, (size_t)(end - text.data) - at - 1);
        return (size_t)(end - text.data) + 1;
    }
    if (quote == '"' || quote == '\'')
        begin = ++at;
    while (at < text.len && !is_blank(text.data[at]) && text.data[at] != '>')
        at++;
    *value_out = span_from(text.data + begin, at - begin);
    return at;
}

// From "<" of a tag to behind its ">".
static size_t
add_tag(struct search *search, struct span text, size_t at)
{
    while (at < text.len && !is_blank(text.data[at]) && text.data[at] != '>' &&
           text.data[at] != '/')
        at++;
    while (at < text.len && text.data[at] != '>' && !search->is_over) {
        struct span name, value;
        size_t begin = at;

        if (is_blank(text.data[at]) || text.data[at] == '/') {
            at++;
            continue;
        }
        while (at < text.len && (at == begin || text.data[at] != '=') && text.data[at] != '>' &&
               text.data[at] != '/' && !is_blank(text.data[at]))
            at++;
        name = span_from(text.data + begin, at - begin);
        at = skip_blanks(text, at);
        if (at == text.len || text.data[at] != '=')
            continue;
        at = find_value(search, text, skip_blanks(text, at + 1), &value);
        add_value(search, name, value);
    }
    return at < text.len ? at + 1 : at;
}

static size_t
behind_last(struct span text, char quote)
{
    const char *at = text.len > 0 ? memrchr(text.data, quote, text.len) : NULL;

    return at == NULL ? 0 : (size_t)(at - text.data) + 1;
}

void
links_html(struct span text, links_found *found, void *arg)
{
    struct search search = {.found = found,
                            .arg = arg,
                            .last_double = behind_last(text, '"'),
                            .last_single = behind_last(text, '\'')};
    size_t begin = 0, at = 0;

    buf_init(&search.text, text.len);
    while (at < text.len && !search.is_over) {
        const char *tag = memchr(text.data + at, '<', text.len - at);

        if (tag == NULL)
            break;
        at = (size_t)(tag - text.data) + 1;
        // A comment is text and tags here: some programs read those in it.
        if (at == text.len || !is_letter(text.data[at]))
            continue;
        add_text(&search, span_from(text.data + begin, at - 1 - begin));
        if (search.is_over)
            break;
        begin = at = add_tag(&search, text, at);
    }
    add_text(&search, span_skip(text, begin));
    buf_clear(&search.text);
}
