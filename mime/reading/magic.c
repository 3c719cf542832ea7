// SPDX-License-Identifier: BSD-2-Clause
#include "mime/reading/magic.h"

#include <string.h>

#include <magic.h>

#include "base/mem.h"
#include "mime/reading/textual.h"

// No looking into compressed bytes: it would start programs. The rest is not needed for a type.
enum {
    FLAGS = MAGIC_MIME_TYPE | MAGIC_NO_CHECK_COMPRESS | MAGIC_NO_CHECK_TOKENS |
            MAGIC_NO_CHECK_APPTYPE | MAGIC_NO_CHECK_ELF | MAGIC_NO_CHECK_CSV,
    HEAD_MAX = 4096
};

struct magic {
    magic_t cookie;
};

struct magic *
magic_new(struct err *err)
{
    struct magic *magic = mem_zalloc(sizeof(*magic));

    magic->cookie = magic_open(FLAGS);
    if (magic->cookie == NULL) {
        err_set(err, ERR_PERM, "libmagic cannot start");
        mem_free(&magic);
        return NULL;
    }
    if (magic_load(magic->cookie, NULL) != 0) {
        const char *why = magic_error(magic->cookie);

        err_set(err, ERR_PERM, "libmagic's database: %s", why != NULL ? why : "cannot be loaded");
        magic_free(&magic);
        return NULL;
    }
    return magic;
}

void
magic_free(struct magic **magic)
{
    if (*magic == NULL)
        return;
    magic_close((*magic)->cookie);
    mem_free(magic);
}

struct span
magic_of(struct magic *magic, struct span content)
{
    size_t len = content.len < HEAD_MAX ? content.len : HEAD_MAX;
    struct span text = textual_type(span_from(content.data, len));
    const char *type;

    if (len == 0)
        return span_of("");
    if (text.data != NULL)
        return text;
    type = magic_buffer(magic->cookie, content.data, len);
    if (type == NULL || strcmp(type, "application/octet-stream") == 0 ||
        strncmp(type, "inode/", 6) == 0)
        return span_of("");
    return span_of(type);
}
