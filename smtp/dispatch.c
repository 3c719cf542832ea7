// SPDX-License-Identifier: BSD-2-Clause
#include "smtp/dispatch.h"

#include <string.h>

#include "smtp/verb.h"

static size_t
word_len(struct span line)
{
    size_t len = 0;

    while (len < line.len && line.data[len] != ' ' && line.data[len] != '\t')
        len++;
    return len;
}

static void
set_sequence_reply(enum session_state state, struct smtp_reply *reply)
{
    static const char *const texts[] = {
        [SESSION_FRESH] = "Say hello first",
        [SESSION_GREETED] = "MAIL first",
        [SESSION_MAIL] = "Not within a transaction, or RCPT first",
        [SESSION_RCPT] = "Not within a transaction",
        [SESSION_BDAT] = "BDAT, RSET or QUIT expected",
    };

    reply_set(reply, 503, "5.5.1", "Bad sequence of commands: %s", texts[state]);
}

// What stands against the command, before its handler is asked.
static bool
is_refused(const struct smtp_session *session, const struct verb *verb, struct span args,
           struct smtp_reply *reply)
{
    bool tls_is_missing =
        session->config->listener->tls_mode == SMTP_TLS_REQUIRE && !session->envelope.tls;

    if (verb->run == NULL || (verb->is_on != NULL && !verb->is_on(session)))
        reply_set(reply, 502, "5.5.1", "Command not offered here");
    else if (tls_is_missing && (verb->flags & VERB_BEFORE_TLS) == 0)
        reply_set(reply, 530, "5.7.0", "Must issue STARTTLS first");
    else if (!verb_is_allowed(verb, session->state))
        set_sequence_reply(session->state, reply);
    else if ((verb->flags & VERB_NO_ARGUMENT) != 0 && args.len > 0)
        reply_set(reply, 501, "5.5.4", "%s takes no argument", verb->name);
    return reply->code != 0;
}

// Says the reply, or 421 in its stead to a client that does nothing right.
static void
answer(struct smtp_session *session, const struct verb *verb, struct span args,
       const struct smtp_reply *reply)
{
    bool is_tolerated = verb != NULL && (verb->flags & VERB_TOLERATED) != 0;
    struct smtp_reply last;

    if (reply->code == 0)
        return;
    if (reply->code >= 400)
        session_log_reject(session, verb != NULL ? verb->name : "unknown", args, reply);
    if (reply->code >= 500 && !is_tolerated &&
        ++session->errors > session->config->settings->max_errors) {
        reply_set(&last, 421, "4.7.0", "Too many errors");
        session_log_reject(session, verb != NULL ? verb->name : "unknown", args, &last);
        session_close(session, &last);
        return;
    }
    session_reply(session, reply);
}

static void
dispatch(struct smtp_session *session, struct span line)
{
    size_t len = word_len(line);
    struct span args = span_trim(span_skip(line, len));
    const struct verb *verb = verb_find(span_from(line.data, len),
                                        (enum smtp_protocol)session->config->listener->protocol);
    struct smtp_reply reply = {.code = 0};

    if (verb == NULL)
        reply_set(&reply, 500, "5.5.2", "Command not recognized");
    else if (!is_refused(session, verb, args, &reply))
        verb->run(session, args, &reply);
    else if (verb->refuse != NULL)
        verb->refuse(session, args, &reply);
    answer(session, verb, args, &reply);
}

// A BDAT that cannot be read: how many octets follow is not known, and they are no commands.
static bool
is_lost_chunk(const struct smtp_session *session, struct span line)
{
    return (session_offers(session) & SMTP_OFFER_CHUNKING) != 0 && span_starts_nocase(line, "BDAT");
}

static void
refuse_line(struct smtp_session *session, const char *enhanced, const char *text, bool is_last)
{
    struct smtp_reply reply;

    reply_set(&reply, 500, enhanced, "%s", text);
    if (!is_last) {
        answer(session, NULL, span_of(NULL), &reply);
        return;
    }
    session_log_reject(session, "unknown", span_of(NULL), &reply);
    session_close(session, &reply);
}

bool
dispatch_next(struct smtp_session *session)
{
    char copy[COMMAND_MAX]; // the connection's input moves when it is answered
    struct span line;
    size_t used;
    enum command_result result =
        command_read(&session->reader, conn_input(session->conn), &line, &used);
    bool is_last = result == COMMAND_BAD_BYTE && is_lost_chunk(session, line);

    if (result == COMMAND_LINE && line.len > 0)
        memcpy(copy, line.data, line.len);
    conn_consume(session->conn, used);
    switch (result) {
    case COMMAND_NEED_MORE:
        return false;
    case COMMAND_LINE:
        dispatch(session, span_from(copy, line.len));
        break;
    case COMMAND_TOO_LONG:
        refuse_line(session, "5.5.6", "Line too long", false);
        break;
    case COMMAND_BAD_BYTE:
        refuse_line(session, "5.5.2", "Control character, or bare <CR> or <LF>, in a command",
                    is_last);
        break;
    }
    return true;
}
