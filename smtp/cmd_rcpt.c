// SPDX-License-Identifier: BSD-2-Clause
#include "smtp/address.h"
#include "smtp/param.h"
#include "smtp/verb.h"

// Paths and parameters of one message together: on average so much for each that may come.
enum { RCPT_SIZE = 1024, RCPT_SPARE = 8192 };

static bool
has_room(const struct smtp_session *session, size_t len)
{
    uint64_t max = session->config->settings->max_recipients;

    return session->envelope.rcpt_count < max &&
           session->envelope_size + len <= max * RCPT_SIZE + RCPT_SPARE;
}

void
cmd_rcpt(struct smtp_session *session, struct span args, struct smtp_reply *reply)
{
    static const struct smtp_reply ok = {.code = 250, .enhanced = "2.1.5", .text = "Ok"};
    const struct smtp_settings *settings = session->config->settings;
    const struct path_rules rules = {.strict = settings->strict_paths,
                                     .strip_routes = settings->source_routes == SMTP_ROUTES_STRIP,
                                     .smtputf8 = envelope_needs_smtputf8(&session->envelope)};
    struct span params;
    struct path path;

    if (address_read(args, &rules, &path, reply) != 0 ||
        param_check_rcpt(path.rest, session_offers(session), reply) != 0)
        return;
    params = span_trim(path.rest);
    if (!has_room(session, path.text.len + params.len)) {
        reply_set(reply, 452, "4.5.3", "Too many recipients");
        return;
    }
    envelope_add_rcpt(&session->envelope, path.text, params);
    session->envelope_size += path.text.len + params.len;
    session->transaction.odd_paths += path.is_odd ? 1 : 0;
    if (session->state == SESSION_MAIL)
        session_set_state(session, SESSION_RCPT);
    *reply = ok;
}
