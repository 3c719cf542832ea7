// SPDX-License-Identifier: BSD-2-Clause
#include "smtp/trace.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { NAME_MAX_LEN = 255 };

enum guard_state {
    IN_NAME,  // of a field
    IN_WORD,  // in the value of a Received field
    IN_OTHER, // in another field
    IN_BODY
};

enum guard_match { MATCH_NONE, MATCH_BY, MATCH_HOST, MATCH_DONE }; // "by", a host, "(Postern)"

// Letters, digits and what domains and address literals are made of. Anything else could open a
// comment, end the field or look like another clause.
static bool
is_name_char(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || (byte != '\0' && strchr(".-_:[]", byte) != NULL);
}

static void
add_name(struct buf *out, const char *name)
{
    size_t len = name == NULL ? 0 : strnlen(name, NAME_MAX_LEN);

    if (len == 0)
        buf_add_text(out, "unknown");
    for (size_t i = 0; i < len; i++)
        buf_add_char(out, is_name_char(name[i]) ? name[i] : '?');
}

static void
add_client(struct buf *out, const char *client)
{
    bool is_loopback;

    if (client == NULL || strcmp(client, "local") == 0 || client[0] == '/') {
        buf_add_text(out, "(local)");
        return;
    }
    is_loopback = strncmp(client, "127.", 4) == 0 || strcmp(client, "::1") == 0;
    buf_add_text(out, is_loopback ? "(localhost [" : "([");
    if (strchr(client, ':') != NULL)
        buf_add_text(out, "IPv6:");
    add_name(out, client);
    buf_add_text(out, "])");
}

// RFC 3848 and RFC 6531 4.3.
static void
add_protocol(struct buf *out, const struct smtp_envelope *envelope)
{
    bool is_lmtp = envelope->protocol == SMTP_PROTOCOL_LMTP;

    if (envelope_needs_smtputf8(envelope))
        buf_add_text(out, is_lmtp ? "UTF8LMTP" : "UTF8SMTP");
    else if (is_lmtp)
        buf_add_text(out, "LMTP");
    else
        buf_add_text(out, envelope->esmtp ? "ESMTP" : "SMTP");
    if (envelope->tls)
        buf_add_char(out, 'S');
}

void
trace_format(const struct smtp_envelope *envelope, struct buf *out)
{
    char date[48];

    trace_format_date(envelope->arrived_ms, date);
    buf_add_text(out, "Received: from ");
    add_name(out, envelope->helo);
    buf_add_char(out, ' ');
    add_client(out, envelope->client);
    buf_add_text(out, "\r\n\tby ");
    add_name(out, envelope->hostname);
    buf_add_text(out, " (Postern) with ");
    add_protocol(out, envelope);
    buf_add_text(out, " id ");
    add_name(out, envelope->id);
    buf_add_text(out, ";\r\n\t");
    buf_add_text(out, date);
    buf_add_text(out, "\r\n");
}

// strftime would ask the locale for names.
void
trace_format_date(int64_t realtime_ms, char out[48])
{
    static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t seconds = (time_t)(realtime_ms / 1000);
    struct tm tm;
    long minutes;
    int len;

    if (localtime_r(&seconds, &tm) == NULL) // a year beyond int
        tm = (struct tm){.tm_year = 70, .tm_mday = 1, .tm_wday = 4};
    minutes = tm.tm_gmtoff / 60;
    len = snprintf(out, 48, "%s, %d %s %04d %02d:%02d:%02d %c%02ld%02ld", days[tm.tm_wday],
                   tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
                   tm.tm_sec, minutes < 0 ? '-' : '+', labs(minutes) / 60, labs(minutes) % 60);
    assert(len > 0 && len < 48);
}

void
trace_guard_init(struct trace_guard *guard)
{
    *guard = (struct trace_guard){.state = IN_NAME, .is_line_start = true};
}

static void
end_word(struct trace_guard *guard)
{
    struct span word = span_from(guard->word, guard->word_len);

    if (word.len == 0)
        return;
    guard->word_len = 0;
    if (guard->match == MATCH_HOST && span_is(word, "(Postern)")) {
        guard->ours++;
        guard->match = MATCH_DONE;
    } else if (guard->match == MATCH_BY) {
        guard->match = MATCH_HOST;
    } else if (guard->match != MATCH_DONE) {
        guard->match = span_is_nocase(word, "by") ? MATCH_BY : MATCH_NONE;
    }
}

// Longer words are cut: none of that length is looked for. A line without a colon so far is skipped
// by the piece, since a text may be nothing but such lines.
static void
add_to_word(struct trace_guard *guard, char byte)
{
    if (guard->word_len < sizeof(guard->word))
        guard->word[guard->word_len++] = byte;
    else if (guard->state == IN_NAME)
        guard->state = IN_OTHER;
}

static void
end_name(struct trace_guard *guard)
{
    bool is_received = span_is_nocase(span_from(guard->word, guard->word_len), "Received");

    guard->word_len = 0;
    guard->match = MATCH_NONE;
    guard->received += is_received ? 1 : 0;
    guard->state = is_received ? IN_WORD : IN_OTHER;
}

// The first byte of a line decides: a blank goes on with the field before (RFC 5322 2.2.3), an
// empty line ends the header.
static void
begin_line(struct trace_guard *guard, char byte)
{
    guard->is_line_start = false;
    if (byte == '\r' || byte == '\n')
        guard->state = IN_BODY;
    else if (byte != ' ' && byte != '\t') {
        guard->state = IN_NAME;
        guard->word_len = 0;
    }
}

static void
take_byte(struct trace_guard *guard, char byte)
{
    bool is_blank = byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';

    if (guard->is_line_start)
        begin_line(guard, byte);
    if (guard->state == IN_NAME && byte == ':')
        end_name(guard);
    else if (guard->state == IN_WORD && is_blank)
        end_word(guard);
    else if (guard->state <= IN_WORD && !is_blank)
        add_to_word(guard, byte);
    guard->is_line_start = byte == '\n';
}

void
trace_guard_feed(struct trace_guard *guard, struct span content)
{
    const char *lf;

    while (content.len > 0 && guard->state != IN_BODY) {
        size_t len = 1;

        if (guard->state == IN_OTHER && !guard->is_line_start) {
            lf = memchr(content.data, '\n', content.len);
            len = lf == NULL ? content.len : (size_t)(lf - content.data) + 1;
            guard->is_line_start = lf != NULL;
        } else {
            take_byte(guard, content.data[0]);
        }
        content = span_skip(content, len);
    }
}

bool
trace_guard_is_loop(const struct trace_guard *guard)
{
    return guard->received > TRACE_MAX_RECEIVED || guard->ours > TRACE_MAX_OURS;
}
