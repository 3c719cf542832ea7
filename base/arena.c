// SPDX-License-Identifier: BSD-2-Clause
#include "base/arena.h"

#include <string.h>

#include "base/mem.h"

enum { ALIGNMENT = 16, BLOCK_SIZE = 16 << 10 };

struct arena_block {
    struct arena_block *next; // older ones
    size_t used, size;
    _Alignas(ALIGNMENT) char data[];
};

void
arena_init(struct arena *arena, size_t ceiling)
{
    *arena = (struct arena){.ceiling = ceiling};
}

void
arena_clear(struct arena *arena)
{
    struct arena_block *block = arena->last;

    while (block != NULL) {
        struct arena_block *next = block->next;

        mem_free(&block);
        block = next;
    }
    arena->last = NULL;
    arena->given = 0;
}

static struct arena_block *
new_block(size_t size)
{
    struct arena_block *block = mem_regrow(NULL, sizeof *block + size, 1);

    *block = (struct arena_block){.size = size};
    return block;
}

// What is large gets a block of its own behind the last, whose room is not lost by it.
static void *
take_large(struct arena *arena, size_t size)
{
    struct arena_block *block = new_block(size);

    block->used = size;
    if (arena->last == NULL) {
        arena->last = block;
    } else {
        block->next = arena->last->next;
        arena->last->next = block;
    }
    return block->data;
}

static void *
take(struct arena *arena, size_t size)
{
    struct arena_block *block = arena->last;
    char *memory;

    if (size > BLOCK_SIZE / 4)
        return take_large(arena, size);
    if (block == NULL || size > block->size - block->used) {
        block = new_block(BLOCK_SIZE);
        block->next = arena->last;
        arena->last = block;
    }
    memory = block->data + block->used;
    block->used += size;
    return memory;
}

void *
arena_array(struct arena *arena, size_t count, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX - ALIGNMENT)
        return NULL;
    bytes = bytes == 0 ? ALIGNMENT : (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (bytes > arena->ceiling - arena->given)
        return NULL;
    arena->given += bytes;
    // Here and not by the block: most of a block is never asked for.
    return memset(take(arena, bytes), 0, bytes);
}

struct span
arena_copy(struct arena *arena, struct span span)
{
    char *copy = span.len < SIZE_MAX ? arena_array(arena, span.len + 1, 1) : NULL;

    if (copy == NULL)
        return span_from(NULL, 0);
    if (span.len > 0)
        memcpy(copy, span.data, span.len);
    return span_from(copy, span.len);
}
