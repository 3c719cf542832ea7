// SPDX-License-Identifier: BSD-2-Clause
#include "filters/rspamd_wire.h"

#include <arpa/inet.h>
#include <math.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "smtp/xtext.h"

// rspamd resets a connection whose request header goes beyond some 80 KB, and looks at no more than
// 1024 recipients by default: what is above this is left out.
enum { HEADERS_MAX = 60000, VALUE_MAX = 1024, EDITS_MAX = 500 };

// Of a reply: each takes 150 bytes of memory and more, whatever it takes on the wire.
enum { VALUES_MAX = 500000 };

struct headers {
    struct rspamd_headers *out;
    size_t size; // of items
    size_t len;  // of all texts
};

// A control character would end the field, and a blank at either end would be lost.
static bool
can_be_sent(struct span value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char byte = (unsigned char)value.data[i];

        if (byte < ' ' || byte == 0x7f)
            return false;
    }
    return value.len > 0 && value.len <= VALUE_MAX && span_trim(value).len == value.len;
}

static void
add_header(struct headers *headers, const char *name, struct span value)
{
    size_t len = strlen(name) + value.len + 4;

    if (!can_be_sent(value) || headers->len + len > HEADERS_MAX)
        return;
    headers->len += len;
    if (headers->out->count + 1 >= headers->size) {
        headers->size = headers->size > 0 ? 2 * headers->size : 16;
        headers->out->items =
            mem_regrow(headers->out->items, headers->size, sizeof(headers->out->items[0]));
    }
    headers->out->items[headers->out->count++] =
        mem_printf("%s: %.*s", name, (int)value.len, value.data);
    headers->out->items[headers->out->count] = NULL;
}

// What XFORWARD told, decoded; {"", 0} where it told nothing of use. The session's own is about
// Postfix, not about the client, as soon as Postfix tells of the client.
static struct span
told(const struct smtp_envelope *envelope, enum smtp_xforward attribute, const char *own,
     struct buf *room)
{
    bool is_told = false;

    for (int i = 0; i < XFORWARD_COUNT; i++)
        is_told = is_told || envelope->xforward[i] != NULL;
    if (!is_told)
        return span_of(own);
    buf_reset(room);
    if (envelope->xforward[attribute] == NULL ||
        xtext_decode(room, span_of(envelope->xforward[attribute])) != 0 ||
        span_is_nocase(buf_span(room), "[UNAVAILABLE]"))
        return SPAN_LITERAL("");
    return buf_span(room);
}

static void
add_ip(struct headers *headers, struct span address)
{
    struct in6_addr binary;
    char text[INET6_ADDRSTRLEN] = "";

    if (span_starts_nocase(address, "IPv6:"))
        address = span_skip(address, strlen("IPv6:"));
    if (address.len == 0 || address.len >= sizeof(text))
        return;
    memcpy(text, address.data, address.len);
    if (inet_pton(AF_INET, text, &binary) == 1 || inet_pton(AF_INET6, text, &binary) == 1)
        add_header(headers, "IP", span_of(text));
}

static void
add_user(struct headers *headers, const struct smtp_envelope *envelope, struct buf *room)
{
    struct span auth = envelope_param(envelope->from_params, "AUTH");

    buf_reset(room);
    if (auth.len > 0 && !span_is(auth, "<>") && xtext_decode(room, auth) == 0)
        add_header(headers, "User", buf_span(room));
}

void
rspamd_wire_headers(const struct smtp_envelope *envelope, struct rspamd_headers *headers_out)
{
    struct headers headers = {.out = headers_out};
    struct buf room;

    *headers_out = (struct rspamd_headers){0};
    buf_init(&room, VALUE_MAX);
    add_ip(&headers, told(envelope, XFORWARD_ADDR, envelope->client, &room));
    add_header(&headers, "Helo", told(envelope, XFORWARD_HELO, envelope->helo, &room));
    add_header(&headers, "Hostname", told(envelope, XFORWARD_NAME, NULL, &room));
    add_header(&headers, "Queue-Id", told(envelope, XFORWARD_IDENT, envelope->id, &room));
    add_header(&headers, "MTA-Tag", span_of(envelope->hostname));
    add_user(&headers, envelope, &room);
    buf_clear(&room);
    // "<>": an empty value would be no header at all.
    add_header(&headers, "From", span_of(envelope->from[0] != '\0' ? envelope->from : "<>"));
    for (size_t i = 0; i < envelope->rcpt_count; i++)
        add_header(&headers, "Rcpt", span_of(envelope->rcpts[i].path));
    if (headers_out->items == NULL)
        headers_out->items = mem_zarray(1, sizeof(headers_out->items[0]));
}

void
rspamd_wire_headers_clear(struct rspamd_headers *headers)
{
    for (size_t i = 0; i < headers->count; i++)
        mem_free(&headers->items[i]);
    mem_free(&headers->items);
    headers->count = 0;
}

struct action {
    const char *name;
    bool is_hit;
    bool is_looked; // says nothing unless rspamd has looked
    enum result_wish wish;
};

static const struct action actions[] = {
    {"no action",       false, true,  WISH_ACCEPT    },
    {"greylist",        false, true,  WISH_ACCEPT    },
    {"add header",      true,  false, WISH_ACCEPT    },
    {"rewrite subject", true,  false, WISH_ACCEPT    },
    {"soft reject",     true,  false, WISH_DEFER     },
    {"reject",          true,  false, WISH_REJECT    },
    {"quarantine",      true,  false, WISH_QUARANTINE},
    {"discard",         true,  false, WISH_DISCARD   },
};

// Administrators may define more: those ask for nothing that we know.
static const struct action unknown_action = {"", true, true, WISH_NONE};

static const struct action *
find_action(const char *name)
{
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        if (strcmp(actions[i].name, name) == 0)
            return &actions[i];
    }
    return &unknown_action;
}

// What a hostile message brought into a reply must not keep us from reading it: bytes that are no
// UTF-8 and escaped NULs, which JSON readers refuse, become question marks.
static struct json *
parse_repaired(struct span body, struct err *err)
{
    char *text = mem_strndup(body.len > 0 ? body.data : "", body.len);
    struct json *json = NULL;
    size_t count = 0;
    bool is_text = false;

    for (size_t i = 0; i < body.len;) {
        size_t len = str_utf8_len(span_from(text + i, body.len - i));

        is_text = is_text != (text[i] == '"');
        count += !is_text && (text[i] == ',' || text[i] == '[' || text[i] == '{');
        if (len == 0)
            text[i] = '?';
        if (text[i] == '\\' && body.len - i >= 6 && memcmp(text + i, "\\u0000", 6) == 0)
            memcpy(text + i, "\\u003f", 6);
        i += text[i] == '\\' ? 2 : len > 0 ? len : 1;
    }
    if (count > VALUES_MAX)
        err_set(err, ERR_TEMP, "more than %d values", VALUES_MAX);
    else
        json = json_parse_up_to(span_from(text, body.len), RSPAMD_REPLY_MAX, err);
    mem_free(&text);
    return json;
}

// Nearly all can be read as they are. No text has more values than bytes.
static struct json *
parse(struct span body, struct err *err)
{
    struct json *json =
        body.len <= VALUES_MAX ? json_parse_up_to(body, RSPAMD_REPLY_MAX, NULL) : NULL;

    return json != NULL ? json : parse_repaired(body, err);
}

static int32_t
to_position(double number)
{
    if (number >= INT32_MAX)
        return INT32_MAX;
    return number <= -INT32_MAX ? -INT32_MAX : (int32_t)number;
}

// A field that cannot stand in a message is left out: the rest of the reply still counts.
static void
add_edit(struct result *result, enum edit_op op, const char *name, const char *value,
         int32_t position)
{
    if (result->edits.count < EDITS_MAX)
        (void)edit_list_add(&result->edits, op, name, span_of(value), position, NULL);
}

static void
add_ordered(struct result *result, const char *name, const struct json *field)
{
    const char *value = json_get_text(field, "value");
    int32_t order = to_position(json_get_real(field, "order", -1));

    if (value != NULL)
        add_edit(result, EDIT_ADD, name, value, order >= 0 ? order : -1);
}

// "v", {value, order}, or an array of these.
static void
add_fields(struct result *result, const struct json *fields, const char *name)
{
    const char *value = json_get_text(fields, name);
    const struct json *field = json_get_object(fields, name);
    size_t count = json_get_count(fields, name);

    if (value != NULL)
        add_edit(result, EDIT_ADD, name, value, -1);
    if (field != NULL)
        add_ordered(result, name, field);
    for (size_t i = 0; i < count && result->edits.count < EDITS_MAX; i++) {
        value = json_get_item_text(fields, name, i);
        field = json_get_item(fields, name, i);
        if (value != NULL)
            add_edit(result, EDIT_ADD, name, value, -1);
        else if (field != NULL)
            add_ordered(result, name, field);
    }
}

static void
read_milter(struct result *result, const struct json *milter)
{
    const struct json *fields = json_get_object(milter, "remove_headers");

    for (const char *key = NULL; (key = json_next_key(fields, key)) != NULL;) {
        double position = json_get_real(fields, key, NAN);

        if (!isnan(position))
            add_edit(result, EDIT_REMOVE, key, NULL, to_position(position));
    }
    fields = json_get_object(milter, "add_headers");
    for (const char *key = NULL; (key = json_next_key(fields, key)) != NULL;)
        add_fields(result, fields, key);
}

static void
read_signatures(struct result *result, const struct json *json)
{
    static const char key[] = "dkim-signature";
    const char *value = json_get_text(json, key);
    size_t count = json_get_count(json, key);

    if (value != NULL)
        add_edit(result, EDIT_ADD, "DKIM-Signature", value, 0);
    for (size_t i = 0; i < count && result->edits.count < EDITS_MAX; i++) {
        value = json_get_item_text(json, key, i);
        if (value != NULL)
            add_edit(result, EDIT_ADD, "DKIM-Signature", value, 0);
    }
}

static void
mark_spam(struct result *result, const struct json *milter)
{
    const char *value = milter != NULL ? json_get_text(milter, "spam_header") : NULL;
    const struct json *fields = milter != NULL ? json_get_object(milter, "spam_header") : NULL;

    if (fields == NULL)
        add_edit(result, EDIT_ADD, "X-Spam", value != NULL ? value : "Yes", -1);
    for (const char *key = NULL; (key = json_next_key(fields, key)) != NULL;)
        add_fields(result, fields, key);
}

// In one line: a line end that a sender hid in an encoded word must not save the old subject.
static void
set_subject(struct result *result, const char *subject)
{
    char *line = mem_strdup(subject);

    for (char *at = line; *at != '\0'; at++)
        *at = *at == '\r' || *at == '\n' ? ' ' : *at;
    add_edit(result, EDIT_SET, "Subject", line, -1);
    mem_free(&line);
}

static void
read_edits(struct result *result, const struct json *json, const struct action *action)
{
    const struct json *milter = json_get_object(json, "milter");
    const char *subject = json_get_text(json, "subject");
    bool is_ignored = milter != NULL && json_get_bool(milter, "no_action", false);
    bool is_marked = !is_ignored && strcmp(action->name, "add header") == 0;

    // Before anything is added: a mark that a sender brought along must not stay.
    if (is_marked)
        add_edit(result, EDIT_REMOVE, "X-Spam", NULL, 0);
    if (milter != NULL)
        read_milter(result, milter);
    read_signatures(result, json);
    if (is_marked)
        mark_spam(result, milter);
    if (!is_ignored && strcmp(action->name, "rewrite subject") == 0 && subject != NULL)
        set_subject(result, subject);
}

static enum result_wish
read_wish(const struct action *action, const struct json *milter)
{
    const char *instead = milter != NULL ? json_get_text(milter, "reject") : NULL;

    if (milter != NULL && json_get_bool(milter, "no_action", false))
        return WISH_NONE;
    if (action->wish != WISH_REJECT || instead == NULL)
        return action->wish;
    if (strcmp(instead, "discard") == 0)
        return WISH_DISCARD;
    return strcmp(instead, "quarantine") == 0 ? WISH_QUARANTINE : WISH_REJECT;
}

// -1: it did not look. The pattern that tests it (GTUBE) skips the rest, too, but with a verdict;
// and an empty message is "no action", not skipped, with an empty list of symbols.
static int
check(const struct json *json, const struct action *action, struct err *err)
{
    const struct json *symbols = json_get_object(json, "symbols");

    if (isnan(json_get_real(json, "score", NAN)))
        return err_set(err, ERR_TEMP, "rspamd's reply has no score");
    if (symbols == NULL || (action->is_looked && json_next_key(symbols, NULL) == NULL))
        return err_set(err, ERR_TEMP, "rspamd's reply has no symbols");
    if (action->is_looked && json_get_bool(json, "is_skipped", true))
        return err_set(err, ERR_TEMP, "rspamd skipped the message");
    return 0;
}

static void
read_reply(const struct json *json, const struct action *action, struct result *result)
{
    const struct json *symbols = json_get_object(json, "symbols");
    const struct json *messages = json_get_object(json, "messages");
    const char *reply = messages != NULL ? json_get_text(messages, "smtp_message") : NULL;

    result->kind = action->is_hit ? RESULT_HIT : RESULT_CLEAN;
    result->wish = read_wish(action, json_get_object(json, "milter"));
    result->has_score = true;
    result->score = json_get_real(json, "score", 0);
    result->required_score = json_get_real(json, "required_score", 0);
    for (const char *key = NULL;
         result->name_count < RESULT_NAMES_MAX && (key = json_next_key(symbols, key)) != NULL;)
        result_add_name(result, span_of(key));
    if (reply != NULL)
        result_set_text(&result->reply, span_of(reply));
    read_edits(result, json, action);
}

static int
read_status(int status, struct span body, struct err *err)
{
    struct json *json = parse(body, NULL);
    const char *text = json != NULL ? json_get_text(json, "error") : NULL;

    err_set(err, ERR_TEMP, "rspamd answered HTTP %d%s%.200s", status, text != NULL ? ": " : "",
            text != NULL ? text : "");
    json_free(&json);
    return -1;
}

int
rspamd_wire_read(int status, struct span body, struct result *result, struct err *err)
{
    struct json *json;
    const char *action;
    int failed = -1;

    if (status != 200)
        return read_status(status, body, err);
    json = parse(body, err);
    if (json == NULL) {
        err->kind = ERR_TEMP;
        return err_prefix(err, "rspamd's reply");
    }
    action = json_get_text(json, "action");
    if (action == NULL || action[0] == '\0')
        err_set(err, ERR_TEMP, "rspamd's reply has no action");
    else
        failed = check(json, find_action(action), err);
    if (failed == 0) {
        result_set_text(&result->action, span_of(action));
        read_reply(json, find_action(action), result);
    }
    json_free(&json);
    return failed;
}
