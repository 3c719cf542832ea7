// SPDX-License-Identifier: BSD-2-Clause
#include "smtp/verb.h"

void
cmd_quit(struct smtp_session *session, struct span args, struct smtp_reply *reply)
{
    (void)args;
    reply_set(reply, 221, "2.0.0", "Bye");
    session_close(session, reply);
    reply->code = 0;
}
