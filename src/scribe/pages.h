// SPDX-License-Identifier: BSD-2-Clause
// src/scribe/pages.h - what is answered over HTTP: /metrics, /healthz, /readyz. Their arg is a
// survey.
//
// /healthz: 200 while the master and at least one worker live; who watches the service starts it
//           anew where it says 503.
// /readyz:  200 while mail is taken; else 503 with the reasons, a line each.
#ifndef POSTERN_SRC_PAGES_H
#define POSTERN_SRC_PAGES_H

#include "track/web/web.h"

enum { PAGES_COUNT = 3 };

extern const struct web_page pages_table[PAGES_COUNT];

#endif
