// SPDX-License-Identifier: BSD-2-Clause
// filters/skip.h - is a filter not to be asked about a message, by its settings? Pure.
//
// The client is whom Postfix tells by XFORWARD, else the session's peer. One that is not known, and
// one that Postfix does not know, is in no network.
#ifndef POSTERN_FILTERS_SKIP_H
#define POSTERN_FILTERS_SKIP_H

#include "filters/settings.h"
#include "mime/findings.h"
#include "smtp/envelope.h"

// The name of the setting that says so; NULL: it is to be asked.
const char *skip_reason(const struct filter_settings *settings,
                        const struct smtp_envelope *envelope);

// Is it not to be shown decoded parts of such a message? findings may be NULL: there are none then.
bool skip_parts(const struct filter_settings *settings, const struct findings *findings);

#endif
