// SPDX-License-Identifier: BSD-2-Clause
#include "track/maillog/maillog.h"

#include <string.h>

#include "track/maillog/logtime.h"

enum { QUEUE_ID_MIN = 6, QUEUE_ID_MAX = 40, LONG_TIME_LEN = 10 };

// Postfix prints at most so many bytes behind its name, and cuts off what is more.
enum { POSTFIX_TEXT_MAX = 2000 };

// --- pieces ---

static bool
eat(struct span *rest, const char *wanted)
{
    size_t len = strlen(wanted);

    if (rest->len < len || memcmp(rest->data, wanted, len) != 0)
        return false;
    *rest = span_skip(*rest, len);
    return true;
}

static bool
is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool
is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

// The longest piece of letters, digits and those of the set; may be empty.
static struct span
eat_word(struct span *rest, const char *set)
{
    struct span word = span_from(rest->data, 0);

    while (word.len < rest->len &&
           (is_alnum(rest->data[word.len]) || is_one_of(rest->data[word.len], set)))
        word.len++;
    *rest = span_skip(*rest, word.len);
    return word;
}

static bool
has_only(struct span word, const char *set)
{
    for (size_t i = 0; i < word.len; i++) {
        if (!is_one_of(word.data[i], set))
            return false;
    }
    return word.len > 0;
}

static bool
has_control(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.data[i] < ' ' || text.data[i] == 0x7f)
            return true;
    }
    return false;
}

// --- who says it ---

static const char *const agents[] = {"smtp",  "lmtp",    "local", "virtual", "pipe",   "error",
                                     "retry", "discard", "qmgr",  "oqmgr",   "cleanup"};

// "postfix/smtp[812]: ": any name of an instance, a slash, and one of those that deliver.
static bool
eat_service(struct span *rest, struct span *service_out)
{
    struct span tag = eat_word(rest, "_./-");
    const char *slash = tag.len > 0 ? memrchr(tag.data, '/', tag.len) : NULL;
    struct span pid;

    if (slash == NULL || slash == tag.data || !eat(rest, "["))
        return false;
    pid = eat_word(rest, "");
    if (!has_only(pid, "0123456789") || !eat(rest, "]: "))
        return false;
    *service_out = span_skip(tag, (size_t)(slash - tag.data) + 1);
    for (size_t i = 0; i < sizeof agents / sizeof agents[0]; i++) {
        if (span_is(*service_out, agents[i]))
            return true;
    }
    return false;
}

// The short form is hexadecimal; the long one has a "z" behind ten characters of time, and neither
// has vowels: none can be a word such as "warning".
static bool
is_queue_id(struct span id)
{
    static const char long_digits[] = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";
    struct span behind;

    if (id.len < QUEUE_ID_MIN || id.len > QUEUE_ID_MAX)
        return false;
    if (has_only(id, "0123456789ABCDEF"))
        return true;
    behind = span_skip(id, LONG_TIME_LEN);
    return has_only(id, long_digits) && id.data[id.len - 1] != 'z' && behind.len > 0 &&
           memchr(behind.data, 'z', behind.len) != NULL;
}

// --- addresses ---

// Behind the opening quote. Postfix puts a backslash in front of a quote and of a backslash.
static bool
eat_quoted(struct span *rest)
{
    for (size_t i = 0; i < rest->len; i++) {
        if (rest->data[i] == '\\') {
            i++;
        } else if (rest->data[i] == '"') {
            *rest = span_skip(*rest, i + 1);
            return true;
        }
    }
    return false;
}

// Up to the first of the stops.
static void
eat_plain(struct span *rest, const char *stops)
{
    size_t len = 0;

    while (len < rest->len && !is_one_of(rest->data[len], stops))
        len++;
    *rest = span_skip(*rest, len);
}

// A name, or a literal: Postfix prints a domain as it is.
static bool
eat_domain(struct span *rest)
{
    if (eat(rest, "[")) {
        (void)eat_word(rest, ".:-");
        return eat(rest, "]");
    }
    eat_plain(rest, " ()<>@,;:\\\"[]");
    return true;
}

// "<", an address as Postfix writes it (info_log_address_format = external), ">". Without quotes
// around what is odd in a local part, a line could mean two things, and means nothing.
static bool
eat_address(struct span *rest, struct span *address_out)
{
    const char *begin;

    if (!eat(rest, "<"))
        return false;
    begin = rest->data;
    if (eat(rest, "\"")) {
        if (!eat_quoted(rest))
            return false;
    } else {
        eat_plain(rest, " ()<>@,;:\\\"[]");
    }
    if (rest->data > begin && eat(rest, "@") && !eat_domain(rest))
        return false;
    *address_out = span_from(begin, (size_t)(rest->data - begin));
    return eat(rest, ">");
}

// --- fields ---

struct kind_row {
    const char *word;
    enum maillog_status status;
    char class; // first digit of the enhanced status code, of which Postfix makes sure
};

static const struct kind_row kinds[] = {
    {"sent",       MAILLOG_SENT,     '2'},
    {"deferred",   MAILLOG_DEFERRED, '4'},
    {"bounced",    MAILLOG_BOUNCED,  '5'},
    {"SOFTBOUNCE", MAILLOG_DEFERRED, '4'},
};

static bool
is_dsn(struct span dsn)
{
    struct span subject = span_cut(&dsn, '.');
    struct span detail = span_cut(&dsn, '.');

    return subject.len == 1 && detail.len <= 3 && dsn.len <= 3 && has_only(subject, "245") &&
           has_only(detail, "0123456789") && has_only(dsn, "0123456789");
}

enum field { FIELD_CONN_USE = 1, FIELD_DELAY, FIELD_DELAYS, FIELD_OTHER, FIELD_DSN };

static enum field
field_of(struct span name, struct span value)
{
    if (span_is(name, "conn_use"))
        return has_only(value, "0123456789") ? FIELD_CONN_USE : 0;
    if (span_is(name, "delay"))
        return has_only(value, "0123456789.") ? FIELD_DELAY : 0;
    if (span_is(name, "delays"))
        return has_only(value, "0123456789./") ? FIELD_DELAYS : 0;
    if (span_is(name, "dsn"))
        return is_dsn(value) ? FIELD_DSN : 0;
    return FIELD_OTHER;
}

// ", conn_use=2, delay=0.1, delays=0/0/0/0.1, tls=may, dsn=2.0.0": in this order, the first may be
// missing. What newer releases have in front of dsn (3.11: tls) is passed over.
static bool
eat_fields(struct span *rest, struct span *dsn_out)
{
    enum field last = 0, field;
    struct span name, value;
    bool has_delays = false;

    while (last != FIELD_DSN) {
        if (!eat(rest, ", "))
            return false;
        name = eat_word(rest, "_");
        if (!eat(rest, "="))
            return false;
        value = eat_word(rest, "./:!?()+-_");
        field = value.len == 0 ? 0 : field_of(name, value);
        if (field < last || (field == last && field != FIELD_OTHER) ||
            (field == FIELD_DELAYS && last != FIELD_DELAY))
            return false;
        has_delays = has_delays || field == FIELD_DELAYS;
        *dsn_out = value;
        last = field;
    }
    return has_delays;
}

// "status=sent (TEXT)"; in a line that Postfix has cut, the end of it is missing.
static bool
read_status(struct span rest, bool is_cut, struct maillog_line *line)
{
    const struct kind_row *kind = NULL;
    struct span word = eat_word(&rest, "");

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (span_is(word, kinds[i].word) && line->dsn.data[0] == kinds[i].class)
            kind = &kinds[i];
    }
    if (kind == NULL || !eat(&rest, " ("))
        return false;
    if (!is_cut && (rest.len == 0 || rest.data[--rest.len] != ')'))
        return false;
    line->status = kind->status;
    line->text = rest;
    return true;
}

// --- lines ---

static bool
read_delivery(struct span rest, bool is_cut, struct maillog_line *line)
{
    if (!eat_address(&rest, &line->to) || line->to.len == 0 || !eat(&rest, ", "))
        return false;
    if (eat(&rest, "orig_to=") && (!eat_address(&rest, &line->orig_to) || !eat(&rest, ", ")))
        return false;
    if (!eat(&rest, "relay="))
        return false;
    line->relay = span_from(rest.data, 0);
    eat_plain(&rest, " ,()<>\"");
    line->relay.len = (size_t)(rest.data - line->relay.data);
    return line->relay.len > 0 && eat_fields(&rest, &line->dsn) && eat(&rest, ", status=") &&
           read_status(rest, is_cut, line);
}

static bool
read_expiry(struct span rest, struct maillog_line *line)
{
    struct span from;

    if (!span_is(line->service, "qmgr") && !span_is(line->service, "oqmgr"))
        return false;
    line->status = MAILLOG_EXPIRED;
    return eat_address(&rest, &from) &&
           (span_is(rest, ", status=expired, returned to sender") ||
            span_is(rest, ", status=force-expired, returned to sender"));
}

static bool
read_text(struct span text, struct maillog_line *line)
{
    bool is_cut = text.len >= POSTFIX_TEXT_MAX;

    line->queue_id = eat_word(&text, "");
    if (!is_queue_id(line->queue_id) || !eat(&text, ": "))
        return false;
    if (eat(&text, "to="))
        return read_delivery(text, is_cut, line);
    return eat(&text, "from=") && read_expiry(text, line);
}

enum maillog_result
maillog_parse(struct span line, int64_t now_ms, struct maillog_line *line_out)
{
    struct span rest = line;
    struct logtime time;

    *line_out = (struct maillog_line){0};
    if (line.len > MAILLOG_LINE_MAX || logtime_read(&rest, &time) != 0 || !eat(&rest, " ") ||
        eat_word(&rest, "._:%-").len == 0 || !eat(&rest, " "))
        return MAILLOG_OTHER;
    if (!eat_service(&rest, &line_out->service) || !read_text(rest, line_out) ||
        has_control(line) || logtime_ms(&time, now_ms, &line_out->at_ms) != 0)
        return MAILLOG_OTHER;
    return MAILLOG_DELIVERY;
}
