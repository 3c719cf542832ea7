// SPDX-License-Identifier: BSD-2-Clause
#include "smtp/verb.h"

void
cmd_rset(struct smtp_session *session, struct span args, struct smtp_reply *reply)
{
    (void)args;
    session_reset(session);
    reply_set(reply, 250, "2.0.0", "Ok");
}
