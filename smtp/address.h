// SPDX-License-Identifier: BSD-2-Clause
// smtp/address.h - the argument of MAIL and RCPT: label, path, and the refusals for them. Private.
// Pure.
#ifndef POSTERN_SMTP_ADDRESS_H
#define POSTERN_SMTP_ADDRESS_H

#include "smtp/path.h"
#include "smtp/reply.h"

// "FROM:<a@b> SIZE=1" (rules->is_reverse) or "TO:<a@b>"; blanks may stand behind the colon. -1:
// with the reply to give.
int address_read(struct span args, const struct path_rules *rules, struct path *path_out,
                 struct smtp_reply *reply_out);
// The path for a log line, however broken the argument is: without label, brackets and parameters
// as far as they are there.
struct span address_for_log(struct span args);

#endif
