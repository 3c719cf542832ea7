// SPDX-License-Identifier: BSD-2-Clause
#include "spool/format.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "base/mem.h"
#include "smtp/xtext.h"

struct line {
    const char *key;
    bool is_needed;
    size_t offset; // of a text's member
    // -1: out's ceiling, or what could not be read again.
    int (*write)(const struct smtp_envelope *envelope, const struct line *line, struct buf *out);
    // -1: not as write makes it.
    int (*read)(struct smtp_envelope *envelope, const struct line *line, struct span value);
};

static int
add_key(const struct line *line, struct buf *out)
{
    return buf_add_text(out, line->key) != 0 ? -1 : buf_add_char(out, ' ');
}

static int
write_value(const struct line *line, const char *value, struct buf *out)
{
    return add_key(line, out) != 0 || buf_add_text(out, value) != 0 ? -1 : buf_add_char(out, '\n');
}

static int
write_id(const struct smtp_envelope *envelope, const struct line *line, struct buf *out)
{
    return id_is_valid(span_of(envelope->id)) ? write_value(line, envelope->id, out) : -1;
}

static int
read_id(struct smtp_envelope *envelope, const struct line *line, struct span value)
{
    (void)line;
    if (!id_is_valid(value))
        return -1;
    memcpy(envelope->id, value.data, value.len);
    envelope->id[value.len] = '\0';
    return 0;
}

static int
write_protocol(const struct smtp_envelope *envelope, const struct line *line, struct buf *out)
{
    return write_value(line, smtp_protocol_name(envelope->protocol), out);
}

static int
read_protocol(struct smtp_envelope *envelope, const struct line *line, struct span value)
{
    bool is_lmtp = span_is(value, smtp_protocol_name(SMTP_PROTOCOL_LMTP));

    (void)line;
    envelope->protocol = is_lmtp ? SMTP_PROTOCOL_LMTP : SMTP_PROTOCOL_SMTP;
    return is_lmtp || span_is(value, smtp_protocol_name(SMTP_PROTOCOL_SMTP)) ? 0 : -1;
}

static int
write_handoff(const struct smtp_envelope *envelope, const struct line *line, struct buf *out)
{
    return write_value(line, smtp_handoff_name(envelope->handoff), out);
}

static int
read_handoff(struct smtp_envelope *envelope, const struct line *line, struct span value)
{
    bool is_relay = span_is(value, smtp_handoff_name(SMTP_HANDOFF_RELAY));

    (void)line;
    envelope->handoff = is_relay ? SMTP_HANDOFF_RELAY : SMTP_HANDOFF_SPOOL;
    return is_relay || span_is(value, smtp_handoff_name(SMTP_HANDOFF_SPOOL)) ? 0 : -1;
}

static bool *
bool_at(const struct smtp_envelope *envelope, const struct line *line)
{
    return (bool *)((char *)envelope + line->offset);
}

static int
write_bool(const struct smtp_envelope *envelope, const struct line *line, struct buf *out)
{
    return write_value(line, *bool_at(envelope, line) ? "yes" : "no", out);
}

static int
read_bool(struct smtp_envelope *envelope, const struct line *line, struct span value)
{
    *bool_at(envelope, line) = span_is(value, "yes");
    return span_is(value, "yes") || span_is(value, "no") ? 0 : -1;
}

static int
write_arrived(const struct smtp_envelope *envelope, const struct line *line, struct buf *out)
{
    uint64_t arrived_ms = envelope->arrived_ms > 0 ? (uint64_t)envelope->arrived_ms : 0;

    return add_key(line, out) != 0 || buf_add_number(out, arrived_ms) != 0
               ? -1
               : buf_add_char(out, '\n');
}

static int
read_arrived(struct smtp_envelope *envelope, const struct line *line, struct span value)
{
    uint64_t arrived_ms;

    (void)line;
    if (str_parse_u64(value, INT64_MAX, &arrived_ms) != 0)
        return -1;
    envelope->arrived_ms = (int64_t)arrived_ms;
    return 0;
}

static char **
text_at(const struct smtp_envelope *envelope, const struct line *line)
{
    return (char **)((char *)envelope + line->offset);
}

static int
write_text(const struct smtp_envelope *envelope, const struct line *line, struct buf *out)
{
    const char *text = *text_at(envelope, line);

    if (text == NULL)
        return 0;
    if (buf_add_text(out, line->key) != 0 || (text[0] != '\0' && buf_add_char(out, ' ') != 0))
        return -1;
    return xtext_encode(out, span_of(text)) != 0 ? -1 : buf_add_char(out, '\n');
}

static int
read_text(struct smtp_envelope *envelope, const struct line *line, struct span value)
{
    struct buf text;
    int result = -1;

    buf_init(&text, value.len);
    if (xtext_decode(&text, value) == 0 &&
        (text.len == 0 || memchr(text.data, '\0', text.len) == NULL)) {
        *text_at(envelope, line) = mem_strndup(text.data, text.len);
        result = 0;
    }
    buf_clear(&text);
    return result;
}

static bool
is_one_line(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.data[i] < ' ' || text.data[i] == 0x7f)
            return false;
    }
    return true;
}

// Where the ">" stands that ends a path: only a quoted local part, which comes first, can hold one.
static size_t
path_end(struct span text)
{
    size_t at = 0;
    const char *end;

    if (text.len > 0 && text.data[0] == '"') {
        for (at = 1; at < text.len && text.data[at] != '"'; at++)
            at += text.data[at] == '\\' ? 1 : 0;
    }
    end = at < text.len ? memchr(text.data + at, '>', text.len - at) : NULL;
    return end != NULL ? (size_t)(end - text.data) : SIZE_MAX;
}

static int
write_path(const struct line *line, const char *path, const char *params, struct buf *out)
{
    size_t path_len = strlen(path);
    struct span value;

    if (add_key(line, out) != 0 || buf_add_char(out, '<') != 0)
        return -1;
    value = span_from(path, path_len);
    if (!is_one_line(value) || !is_one_line(span_of(params)))
        return -1;
    if (buf_add_span(out, value) != 0 || buf_add_char(out, '>') != 0)
        return -1;
    if (path_end(span_from(out->data + out->len - path_len - 1, path_len + 1)) != path_len)
        return -1;
    if (params == NULL || params[0] == '\0')
        return buf_add_char(out, '\n');
    return buf_add_char(out, ' ') != 0 || buf_add_text(out, params) != 0 ? -1
                                                                         : buf_add_char(out, '\n');
}

static int
read_path(struct span value, struct span *path_out, struct span *params_out)
{
    size_t end;

    if (value.len == 0 || value.data[0] != '<' || !is_one_line(value))
        return -1;
    value = span_skip(value, 1);
    end = path_end(value);
    if (end == SIZE_MAX)
        return -1;
    *path_out = span_from(value.data, end);
    *params_out = span_skip(value, end + 1);
    if (params_out->len == 0)
        return 0;
    if (params_out->len == 1 || params_out->data[0] != ' ')
        return -1;
    *params_out = span_skip(*params_out, 1);
    return 0;
}

static int
write_from(const struct smtp_envelope *envelope, const struct line *line, struct buf *out)
{
    assert(envelope->from != NULL);
    return write_path(line, envelope->from, envelope->from_params, out);
}

static int
read_from(struct smtp_envelope *envelope, const struct line *line, struct span value)
{
    struct span path, params;

    (void)line;
    if (read_path(value, &path, &params) != 0)
        return -1;
    envelope->from = mem_strndup(path.data, path.len);
    envelope->from_params = mem_strndup(params.data, params.len);
    return 0;
}

static int
write_rcpts(const struct smtp_envelope *envelope, const struct line *line, struct buf *out)
{
    for (size_t i = 0; i < envelope->rcpt_count; i++) {
        if (write_path(line, envelope->rcpts[i].path, envelope->rcpts[i].params, out) != 0)
            return -1;
    }
    return envelope->rcpt_count > 0 ? 0 : -1;
}

static int
read_rcpt(struct smtp_envelope *envelope, const struct line *line, struct span value)
{
    struct span path, params;

    (void)line;
    if (read_path(value, &path, &params) != 0)
        return -1;
    envelope_add_rcpt(envelope, path, params);
    return 0;
}

#define TEXT(name, member)                                                                         \
    {                                                                                              \
        name, false, offsetof(struct smtp_envelope, member), write_text, read_text                 \
    }
#define FLAG(name, member)                                                                         \
    {                                                                                              \
        name, true, offsetof(struct smtp_envelope, member), write_bool, read_bool                  \
    }

static const struct line lines[] = {
    {"id",       true, 0, write_id,       read_id      },
    {"protocol", true, 0, write_protocol, read_protocol},
    {"handoff",  true, 0, write_handoff,  read_handoff },
    FLAG("esmtp", esmtp),
    FLAG("tls", tls),
    {"arrived",  true, 0, write_arrived,  read_arrived },
    TEXT("listener", listener),
    TEXT("next_hop", next_hop),
    TEXT("hostname", hostname),
    TEXT("client", client),
    TEXT("helo", helo),
    TEXT("xforward_name", xforward[XFORWARD_NAME]),
    TEXT("xforward_addr", xforward[XFORWARD_ADDR]),
    TEXT("xforward_port", xforward[XFORWARD_PORT]),
    TEXT("xforward_proto", xforward[XFORWARD_PROTO]),
    TEXT("xforward_helo", xforward[XFORWARD_HELO]),
    TEXT("xforward_ident", xforward[XFORWARD_IDENT]),
    TEXT("xforward_source", xforward[XFORWARD_SOURCE]),
    TEXT("parent", parent),
    TEXT("group", group),
    TEXT("reason", reason),
    TEXT("rule", rule),
    TEXT("why", why),
    TEXT("skip_rule", skip_rule),
    {"from",     true, 0, write_from,     read_from    },
    {"rcpt",     true, 0, write_rcpts,    read_rcpt    },
};

enum { LINES = sizeof(lines) / sizeof(lines[0]), RCPT_LINE = LINES - 1 };

int
format_envelope_write(const struct smtp_envelope *envelope, struct buf *out)
{
    size_t start = out->len;
    int result = 0;

    for (size_t i = 0; i < LINES && result == 0; i++)
        result = lines[i].write(envelope, &lines[i], out);
    if (result == 0 && buf_add_char(out, '\n') == 0 && out->len - start <= FORMAT_ENVELOPE_MAX)
        return 0;
    buf_cut(out, start);
    return -1;
}

static size_t
find_line(struct span key)
{
    size_t i = 0;

    while (i < LINES && !span_is(key, lines[i].key))
        i++;
    return i;
}

static int
read_line(struct span text, struct smtp_envelope *envelope, uint32_t *seen, struct err *err)
{
    struct span key = span_cut(&text, ' ');
    size_t i = find_line(key);
    int shown = key.len < 40 ? (int)key.len : 40;

    if (i == LINES)
        return err_set(err, ERR_PERM, "envelope: unknown key \"%.*s\"", shown, key.data);
    if ((*seen & UINT32_C(1) << i) != 0 && i != RCPT_LINE)
        return err_set(err, ERR_PERM, "envelope: %s is there twice", lines[i].key);
    *seen |= UINT32_C(1) << i;
    // A blank and nothing behind it is not how an empty value is written.
    if ((text.data != NULL && text.len == 0) || lines[i].read(envelope, &lines[i], text) != 0)
        return err_set(err, ERR_PERM, "envelope: bad value of %s", lines[i].key);
    return 0;
}

static int
read_lines(struct span text, struct smtp_envelope *envelope, struct err *err)
{
    uint32_t seen = 0;

    if (text.len > FORMAT_ENVELOPE_MAX || text.len < 2 || text.data[text.len - 1] != '\n' ||
        text.data[text.len - 2] != '\n')
        return err_set(err, ERR_PERM, "envelope: too long, or does not end in an empty line");
    text.len -= 2;
    while (text.data != NULL) {
        if (read_line(span_cut(&text, '\n'), envelope, &seen, err) != 0)
            return -1;
    }
    for (size_t i = 0; i < LINES; i++) {
        if (lines[i].is_needed && (seen & UINT32_C(1) << i) == 0)
            return err_set(err, ERR_PERM, "envelope: %s is missing", lines[i].key);
    }
    return 0;
}

int
format_envelope_read(struct span text, struct smtp_envelope *envelope_out, struct err *err)
{
    envelope_init(envelope_out);
    if (read_lines(text, envelope_out, err) == 0)
        return 0;
    envelope_clear(envelope_out);
    return -1;
}
