// SPDX-License-Identifier: BSD-2-Clause
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "smtp/address.h"
#include "smtp/session_private.h"

enum { CLIENT_MAX = 600 };

// "mail.example.org[192.0.2.7]" of the outermost client where XFORWARD told, else the peer.
static void
log_client(struct log_line *line, const struct smtp_envelope *envelope)
{
    const char *name = envelope->xforward[XFORWARD_NAME];
    const char *address = envelope->xforward[XFORWARD_ADDR];
    char text[CLIENT_MAX];

    if (address == NULL) {
        log_text(line, "client", envelope->client);
        return;
    }
    snprintf(text, sizeof(text), "%s[%s]", name != NULL ? name : "unknown", address);
    log_text(line, "client", text);
}

// Behind a refused MAIL hundreds of pipelined RCPT may be out of sequence: that is no news.
static enum log_level
level_of(const char *verb, const struct smtp_reply *reply)
{
    bool is_echo = reply->code == 503 && (strcmp(verb, "RCPT") == 0 || strcmp(verb, "DATA") == 0);

    return is_echo ? LOG_DEBUG_ : LOG_NOTICE_;
}

void
session_count_reject(const struct smtp_session_config *config, const struct smtp_reply *reply)
{
    if (config->counters != NULL && reply->code >= 400)
        atomic_fetch_add(&config->counters->rejects[counter_code_index(reply->code)], 1);
}

void
session_log_reject(const struct smtp_session *session, const char *verb, struct span args,
                   const struct smtp_reply *reply)
{
    const struct smtp_envelope *envelope = &session->envelope;
    struct log_line line;

    if (session->state == SESSION_CLOSED || !log_is_wanted(level_of(verb, reply)))
        return;
    log_begin(&line, level_of(verb, reply), "smtp", envelope->id[0] != '\0' ? envelope->id : NULL);
    log_text(&line, "reject", verb);
    log_client(&line, envelope);
    log_number(&line, "code", (uint64_t)reply->code);
    log_text(&line, "enhanced", reply->enhanced);
    log_text(&line, "text", reply->text);
    if (strcmp(verb, "MAIL") == 0)
        log_path(&line, "from", address_for_log(args));
    else if (envelope->from != NULL)
        log_path(&line, "from", span_of(envelope->from));
    if (strcmp(verb, "RCPT") == 0)
        log_path(&line, "to", address_for_log(args));
    log_end(&line);
}
