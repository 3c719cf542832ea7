// SPDX-License-Identifier: BSD-2-Clause
#include "base/mem.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SMALL = 1024, KEPT_MAX = 64 << 20, MAPPED_MIN = 1 << 20 };

static void *
checked(void *memory)
{
    static const char text[] = "postern: out of memory\n";

    if (memory == NULL) {
        fwrite(text, 1, sizeof(text) - 1, stderr);
        abort();
    }
    return memory;
}

// The C library's calloc passes by what the thread has just freed, until 2.41; its malloc does not.
// What is larger is not kept for the thread, and may come zeroed from the system.
static void *
small_zeroed(size_t size)
{
    void *memory = checked(malloc(size));

    memset(memory, 0, size);
    return memory;
}

void *
mem_zarray(size_t count, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes))
        return checked(NULL);
    if (bytes == 0)
        bytes = 1;
    return bytes <= SMALL ? small_zeroed(bytes) : checked(calloc(1, bytes));
}

void *
mem_zalloc(size_t size)
{
    return mem_zarray(1, size);
}

void *
mem_regrow(void *old, size_t count, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes))
        return checked(NULL);
    return checked(realloc(old, bytes > 0 ? bytes : 1));
}

char *
mem_strdup(const char *text)
{
    return text == NULL ? NULL : mem_strndup(text, strlen(text));
}

char *
mem_strndup(const char *data, size_t len)
{
    char *copy = checked(len < SIZE_MAX ? malloc(len + 1) : NULL);

    if (len > 0)
        memcpy(copy, data, len);
    copy[len] = '\0';
    return copy;
}

char *
mem_printf(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    int len;

    va_start(args, format);
    len = vasprintf(&text, format, args);
    va_end(args);
    return checked(len < 0 ? NULL : text);
}

void
mem_free_at(void **pointer)
{
    void *memory;
    void *none = NULL;

    if (pointer == NULL)
        return;
    // What lies there is a char * or a struct x *, not a void *: hence no plain load and store.
    memcpy((void *)&memory, (const void *)pointer, sizeof(memory));
    free(memory);
    memcpy((void *)pointer, (const void *)&none, sizeof(none));
}

void
mem_give_back(void)
{
    (void)malloc_trim(0);
}

void
mem_keep_freed(void)
{
    (void)mallopt(M_TRIM_THRESHOLD, KEPT_MAX);
    (void)mallopt(M_MMAP_THRESHOLD, MAPPED_MIN);
}
