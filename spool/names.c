// SPDX-License-Identifier: BSD-2-Clause
#include "spool/names.h"

#include <string.h>

#include "base/mem.h"

enum { SIZE_FIRST = 1024 };

void
names_add(struct names *names, const char *name)
{
    size_t size = strlen(name) + 1;

    while (names->size - names->len < size) {
        names->size = names->size == 0 ? SIZE_FIRST : names->size * 2;
        names->text = mem_regrow(names->text, names->size, 1);
    }
    memcpy(names->text + names->len, name, size);
    names->len += size;
}

const char *
names_peek(const struct names *names)
{
    return names->taken < names->len ? names->text + names->taken : NULL;
}

const char *
names_take(struct names *names)
{
    const char *name = names_peek(names);

    if (name != NULL)
        names->taken += strlen(name) + 1;
    return name;
}

void
names_clear(struct names *names)
{
    mem_free(&names->text);
    *names = (struct names){0};
}
