// SPDX-License-Identifier: BSD-2-Clause
// A configuration: what loads can be printed, loaded and printed again, and is the same.
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "control/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PRINT_MAX = 1 << 24 };

// No names may be looked up, and no files but this one be read: both take what is outside.
static int
goes_outside(const uint8_t *data, size_t size)
{
    static const char *const words[] = {"inet:", "include"};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (memmem(data, size, words[i], strlen(words[i])) != NULL)
            return 1;
    }
    return 0;
}

static struct settings *
load(const void *data, size_t size)
{
    struct settings *settings = NULL;
    struct err err;
    char path[64];
    int fd = memfd_create("configuration", MFD_CLOEXEC);

    assert(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (settings_load(path, &settings, &err) != 0) {
        assert(err.kind != ERR_NONE && strstr(err.text, path) != NULL);
        settings = NULL;
    }
    close(fd);
    return settings;
}

static void
print(const struct settings *settings, int as_json, struct buf *out)
{
    buf_init(out, PRINT_MAX);
    assert(settings_print(settings, SETTINGS_ALL, as_json != 0, out) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct settings *settings, *again;
    struct buf text, first, second;

    if (goes_outside(data, size))
        return 0;
    settings = load(data, size);
    if (settings == NULL)
        return 0;
    print(settings, 0, &text);
    again = load(text.data, text.len);
    assert(again != NULL);
    print(settings, 1, &first);
    print(again, 1, &second);
    assert(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
    buf_clear(&text);
    buf_clear(&first);
    buf_clear(&second);
    settings_free(&again);
    settings_free(&settings);
    return 0;
}
