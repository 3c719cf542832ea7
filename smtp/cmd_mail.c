// SPDX-License-Identifier: BSD-2-Clause
#include "base/mem.h"
#include "smtp/address.h"
#include "smtp/param.h"
#include "smtp/verb.h"

static struct path_rules
rules_of(const struct smtp_session *session, bool smtputf8)
{
    const struct smtp_settings *settings = session->config->settings;

    return (struct path_rules){.is_reverse = true,
                               .strict = settings->strict_paths,
                               .strip_routes = settings->source_routes == SMTP_ROUTES_STRIP,
                               .smtputf8 = smtputf8};
}

// Whether the path may be as it is, SMTPUTF8 tells, which stands behind it: hence twice.
static int
check(const struct smtp_session *session, struct span args, struct path *path,
      struct param_mail *mail, struct smtp_reply *reply)
{
    uint64_t max_size = session->config->settings->max_size;
    struct path_rules rules = rules_of(session, true);

    if (address_read(args, &rules, path, reply) != 0 ||
        param_check_mail(path->rest, session_offers(session), mail, reply) != 0)
        return -1;
    rules.smtputf8 = mail->smtputf8;
    if (address_read(args, &rules, path, reply) != 0)
        return -1;
    if (max_size > 0 && mail->size > max_size) {
        reply_set(reply, 552, "5.3.4", "Message size exceeds limit of %llu bytes",
                  (unsigned long long)max_size);
        return -1;
    }
    return 0;
}

static void
forget(struct smtp_session *session)
{
    struct smtp_envelope *envelope = &session->envelope;

    mem_free(&envelope->from);
    mem_free(&envelope->from_params);
    envelope->arrived_ms = 0;
    envelope->id[0] = '\0';
}

void
cmd_mail(struct smtp_session *session, struct span args, struct smtp_reply *reply)
{
    const struct smtp_session_config *config = session->config;
    struct smtp_envelope *envelope = &session->envelope;
    struct span params;
    struct param_mail mail;
    struct path path;

    if (check(session, args, &path, &mail, reply) != 0)
        return;
    params = span_trim(path.rest);
    envelope->from = mem_strndup(path.text.data, path.text.len);
    envelope->from_params = mem_strndup(params.data, params.len);
    envelope->arrived_ms = loop_realtime_ms(session->loop);
    session->transaction = (struct smtp_transaction){.session = session,
                                                     .envelope = envelope,
                                                     .declared_size = mail.size,
                                                     .odd_paths = path.is_odd ? 1 : 0};
    if (config->handler->on_mail(config->handler_arg, &session->transaction, envelope->id, reply) !=
        0) {
        forget(session);
        return;
    }
    session->has_transaction = true;
    session_set_state(session, SESSION_MAIL);
    reply_set(reply, 250, "2.1.0", "Ok");
}
