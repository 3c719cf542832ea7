// SPDX-License-Identifier: BSD-2-Clause
#include "smtp/transfer.h"
#include "smtp/verb.h"

void
cmd_data(struct smtp_session *session, struct span args, struct smtp_reply *reply)
{
    bool is_lmtp = session->envelope.protocol == SMTP_PROTOCOL_LMTP;

    (void)args;
    if (session->envelope.rcpt_count == 0) { // RFC 2033 4.2 wants 503; RFC 5321 3.3 has both
        reply_set(reply, is_lmtp ? 503 : 554, "5.5.1", "No valid recipients");
        return;
    }
    if (transfer_begin(session, DOT_DATA, reply) != 0) {
        session_reset(session);
        return;
    }
    session_set_state(session, SESSION_DATA);
    reply_set(reply, 354, NULL, "End data with <CR><LF>.<CR><LF>");
    session_reply(session, reply);
    reply->code = 0;
    // RFC 2920 3.1: what came together with DATA is no content before the client could read 354.
    if (conn_input(session->conn).len > 0)
        (void)conn_flush(session->conn);
}
