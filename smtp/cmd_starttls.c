// SPDX-License-Identifier: BSD-2-Clause
#include "base/log.h"
#include "base/mem.h"
#include "smtp/verb.h"

void
cmd_starttls(struct smtp_session *session, struct span args, struct smtp_reply *reply)
{
    (void)args;
    if (session->envelope.tls) {
        reply_set(reply, 503, "5.5.1", "TLS is active already");
        return;
    }
    // Commands sent along in clear would be taken for the client's own, said under TLS
    // (CVE-2011-0411): somebody has put them there.
    if (conn_input(session->conn).len > 0) {
        log_warning("smtp", "client=%s: clear text behind STARTTLS, connection dropped",
                    session->envelope.client);
        session_abort(session);
        return;
    }
    reply_set(reply, 220, "2.0.0", "Ready to start TLS");
    session_reply(session, reply);
    reply->code = 0;
    (void)conn_start_tls(session->conn, session->config->tls, NULL);
    session_reset(session); // RFC 3207 4.2: what was said before is forgotten
    mem_free(&session->envelope.helo);
    session->envelope.esmtp = false;
    session->envelope.tls = true;
    session_set_state(session, SESSION_FRESH);
}
