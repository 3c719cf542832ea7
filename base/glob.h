// SPDX-License-Identifier: BSD-2-Clause
// base/glob.h - does a text match a pattern with wildcards? Pure.
//
// * any text, ? one character (UTF-8; a byte that belongs to none is one), [a-z] one of these,
// [!a-z] none of these, \ the next as it stands. Case of ASCII letters ignored. A "[" without end
// stands for itself, as does a "\" at the end; "]" may be the first of a class.
// Cost: at most the length of the text times that of the glob, however many stars.
#ifndef POSTERN_BASE_GLOB_H
#define POSTERN_BASE_GLOB_H

#include "base/str.h"

bool glob_match(struct span glob, struct span text); // the whole text

#endif
