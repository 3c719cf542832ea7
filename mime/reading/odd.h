// SPDX-License-Identifier: BSD-2-Clause
// mime/reading/odd.h - would another reader see everything in this message that we do? Pure.
#ifndef POSTERN_MIME_ODD_H
#define POSTERN_MIME_ODD_H

#include "mime/findings.h"

// False for mail in good order only: no mark that is about parts, no limit, no second reading,
// encodings and types that everybody knows, and no deeper than others look.
bool odd_is(const struct findings *findings);

#endif
