// SPDX-License-Identifier: BSD-2-Clause
// smtp/dispatch.h - one command line to its handler, or to the refusal that is due. Private.
#ifndef POSTERN_SMTP_DISPATCH_H
#define POSTERN_SMTP_DISPATCH_H

#include "smtp/session_private.h"

// Takes one command line from the input. False: there is no whole one yet.
bool dispatch_next(struct smtp_session *session);

#endif
