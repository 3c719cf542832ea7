// SPDX-License-Identifier: BSD-2-Clause
// base/mem.h - allocate or abort.
//
// Lack of memory aborts the process (mail is acknowledged only once it is durable, and the master
// starts a new worker); every size from outside is therefore bounded before it comes here.
#ifndef POSTERN_BASE_MEM_H
#define POSTERN_BASE_MEM_H

#include <stddef.h>

void *mem_zalloc(size_t size);                          // zeroed, never NULL
void *mem_zarray(size_t count, size_t size);            // zeroed; aborts on overflow
void *mem_regrow(void *old, size_t count, size_t size); // realloc of count * size; not zeroed
char *mem_strdup(const char *text);                     // NULL gives NULL
char *mem_strndup(const char *data, size_t len);        // NUL-terminated copy of len bytes
char *mem_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

// Frees *pointer and sets it to NULL; both may be NULL already.
#define mem_free(pointer) mem_free_at((void **)(pointer))
void mem_free_at(void **pointer);

// What was freed stays with the process until mem_give_back, but for pieces of 1 MB and what is
// beyond 64 MB: giving memory back and asking for it again, message by message, costs a fault for
// each page.
void mem_keep_freed(void);
// Now and then: what a burst needed and is free again goes back to the system, wherever it lies. By
// itself the C library gives back no more than the end of its heap.
void mem_give_back(void);

#endif
