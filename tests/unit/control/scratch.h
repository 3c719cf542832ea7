// SPDX-License-Identifier: BSD-2-Clause
// tests/unit/control/scratch.h - a folder of its own for a test's files.
#ifndef POSTERN_TESTS_UNIT_CONTROL_SCRATCH_H
#define POSTERN_TESTS_UNIT_CONTROL_SCRATCH_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct scratch {
    char path[512];
};

static inline void
scratch_make(struct scratch *scratch)
{
    const char *base = getenv("TMPDIR");

    snprintf(scratch->path, sizeof scratch->path, "%s/postern-XXXXXX",
             base == NULL || base[0] == '\0' ? "/tmp" : base);
    if (mkdtemp(scratch->path) == NULL)
        abort();
}

static inline void
scratch_name(const struct scratch *scratch, const char *name, char out[1024])
{
    snprintf(out, 1024, "%s/%s", scratch->path, name);
}

static inline void
scratch_folder(const struct scratch *scratch, const char *name)
{
    char path[1024];

    scratch_name(scratch, name, path);
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        abort();
}

static inline void
scratch_write_bytes(const struct scratch *scratch, const char *name, const void *data, size_t len)
{
    char path[1024];
    FILE *file;

    scratch_name(scratch, name, path);
    file = fopen(path, "wb");
    if (file == NULL || fwrite(data, 1, len, file) != len || fclose(file) != 0)
        abort();
}

static inline void
scratch_write(const struct scratch *scratch, const char *name, const char *text)
{
    scratch_write_bytes(scratch, name, text, strlen(text));
}

static inline void
scratch_remove(struct scratch *scratch)
{
    char command[600];

    snprintf(command, sizeof command, "rm -rf '%s'", scratch->path);
    if (system(command) != 0)
        abort();
}

// Replaces each @ of text with the folder: for expected messages.
static inline void
scratch_expand(const struct scratch *scratch, const char *text, char *out, size_t size)
{
    size_t len = 0;

    for (; *text != '\0' && len + 1 < size; text++) {
        if (*text == '@')
            len += (size_t)snprintf(out + len, size - len, "%s", scratch->path);
        else
            out[len++] = *text;
    }
    out[len < size ? len : size - 1] = '\0';
}

#endif
