// SPDX-License-Identifier: BSD-2-Clause
// The commands that change nothing.
#include "smtp/verb.h"

void
cmd_noop(struct smtp_session *session, struct span args, struct smtp_reply *reply)
{
    (void)session;
    (void)args;
    reply_set(reply, 250, "2.0.0", "Ok");
}

void
cmd_vrfy(struct smtp_session *session, struct span args, struct smtp_reply *reply)
{
    (void)session;
    if (args.len == 0)
        reply_set(reply, 501, "5.5.4", "Syntax: VRFY address");
    else // RFC 5321 3.5.3: who is behind Postfix's queue is not ours to tell
        reply_set(reply, 252, "2.0.0", "Cannot verify, but will take mail for it");
}

void
cmd_help(struct smtp_session *session, struct span args, struct smtp_reply *reply)
{
    (void)session;
    (void)args;
    reply_set(reply, 214, "2.0.0", "Postern, a content filter behind Postfix: see RFC 5321");
}
