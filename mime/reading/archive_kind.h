// SPDX-License-Identifier: BSD-2-Clause
// mime/reading/archive_kind.h - is it worth while to try and open this as an archive? Pure.
#ifndef POSTERN_MIME_ARCHIVE_KIND_H
#define POSTERN_MIME_ARCHIVE_KIND_H

#include "base/str.h"

// By its type something that is surely none: text, pictures, ...
bool archive_kind_is_other(struct span sniffed);
// By its type an archive, whether we can open it or not.
bool archive_kind_is_archive(struct span sniffed);
// Ends as a zip does, whatever it begins with.
bool archive_kind_has_zip_end(struct span content);
// The next name in a zip's directory; *at is 0 first. False: no more.
bool archive_kind_zip_name(struct span content, size_t *at, struct span *name_out);
// The file name in a gzip's header; empty if there is none.
struct span archive_kind_gzip_name(struct span content);

#endif
