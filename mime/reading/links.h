// SPDX-License-Identifier: BSD-2-Clause
// mime/reading/links.h - the links of a text, plain or HTML. Pure.
#ifndef POSTERN_MIME_LINKS_H
#define POSTERN_MIME_LINKS_H

#include "base/str.h"

// http, https, ftp, mailto and "www." in plain text; href, src, action and the like in HTML too,
// with character references decoded, tabs and line ends inside removed (whatever they hold, but for
// "#..." and "cid:..."), and what stands as text in other attributes. found gets each as it comes
// (valid for the call; one that stands twice comes twice); it ends the search by returning false.
// Linear in the text.
typedef bool links_found(void *arg, struct span link);

enum { LINK_MAX = 2048 }; // longer ones are cut

void links_plain(struct span text, links_found *found, void *arg);
void links_html(struct span text, links_found *found, void *arg);

#endif
