// SPDX-License-Identifier: BSD-2-Clause
#include "base/ring.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include "base/mem.h"
#include "base/ring_layout.h"

enum {
    BLOCK_MAX = 256 << 10,
    BLOCKS_MIN = 8,           // in a row: what a block keeps from the writer is an eighth at most
    DATA_ALIGNMENT = 64 << 10 // of the largest pages
};

// All positions of a row, read once: what is checked is what is used.
struct view {
    uint64_t free, done, tail;
};

static struct ring_row *
row_of(const struct rings *rings, size_t row)
{
    assert(row < rings->rows);
    return &rings->control->rows[row];
}

static uint64_t
get(const _Atomic uint64_t *position)
{
    return atomic_load_explicit(position, memory_order_acquire);
}

static void
put(_Atomic uint64_t *position, uint64_t value)
{
    atomic_store_explicit(position, value, memory_order_release);
}

static void
count_drop(struct ring_row *row)
{
    atomic_fetch_add_explicit(&row->dropped, 1, memory_order_relaxed);
}

// tail comes last: it only grows, so that it is not below a done that was read before.
static struct view
view_of(const struct ring_row *row)
{
    struct view view = {.free = get(&row->free), .done = get(&row->done)};

    view.tail = get(&row->tail);
    return view;
}

// free <= done <= at <= tail <= free + size, whatever garbage they are: differences cannot be
// fooled by positions that wrap.
static bool
is_sane(const struct rings *rings, const struct view *view, uint64_t at)
{
    uint64_t size = rings->size;

    return view->tail - view->free <= size && at - view->free <= view->tail - view->free &&
           view->done - view->free <= at - view->free;
}

struct rings *
rings_new(size_t rows, size_t size, struct err *err)
{
    size_t head = sizeof(struct ring_control) + rows * sizeof(struct ring_row);
    size_t rounded = RING_SIZE_MIN;
    struct rings *rings;
    void *map;

    if (rows == 0 || rows > RING_ROWS_MAX || size > RING_SIZE_MAX) {
        err_set(err, ERR_PERM, "rings have 1 to %d rows of at most %d bytes, not %zu of %zu",
                RING_ROWS_MAX, RING_SIZE_MAX, rows, size);
        return NULL;
    }
    while (rounded < size)
        rounded *= 2;
    head = (head + DATA_ALIGNMENT - 1) / DATA_ALIGNMENT * DATA_ALIGNMENT;
    // Without a reserve: rows are large, and what they hold is little for as long as all is well.
    map = mmap(NULL, head + rows * rounded, PROT_READ | PROT_WRITE,
               MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (map == MAP_FAILED) {
        err_sys(err, ERR_TEMP, errno, "cannot map rings of %zu bytes", head + rows * rounded);
        return NULL;
    }
    rings = mem_zalloc(sizeof *rings);
    rings->rows = rows;
    rings->size = rounded;
    rings->block = rounded / BLOCKS_MIN < BLOCK_MAX ? rounded / BLOCKS_MIN : BLOCK_MAX;
    rings->mapped = head + rows * rounded;
    rings->control = map;
    rings->data = (unsigned char *)map + head;
    return rings;
}

void
rings_free(struct rings **rings)
{
    if (*rings != NULL)
        munmap((*rings)->control, (*rings)->mapped);
    mem_free(rings);
}

size_t
rings_rows(const struct rings *rings)
{
    return rings->rows;
}

// Where the bytes of a position lie, and how many before the end of the row cuts them: what is left
// lies at its beginning.
static unsigned char *
place_of(const struct rings *rings, size_t row, uint64_t at, size_t len, size_t *first_out)
{
    size_t offset = (size_t)at & (rings->size - 1);
    size_t room = rings->size - offset;

    *first_out = len < room ? len : room;
    return rings->data + row * rings->size + offset;
}

static void
copy_in(const struct rings *rings, size_t row, uint64_t at, struct span bytes)
{
    size_t first;
    unsigned char *place = place_of(rings, row, at, bytes.len, &first);

    memcpy(place, bytes.data, first);
    if (bytes.len > first)
        memcpy(rings->data + row * rings->size, bytes.data + first, bytes.len - first);
}

static void
copy_out(const struct rings *rings, size_t row, uint64_t at, size_t len, char *out)
{
    size_t first;
    const unsigned char *place = place_of(rings, row, at, len, &first);

    memcpy(out, place, first);
    if (len > first)
        memcpy(out + first, rings->data + row * rings->size, len - first);
}

// volatile: what was checked must not be read again.
static uint32_t
len_at(const struct rings *rings, size_t row, uint64_t at)
{
    unsigned char bytes[RING_LEN_BYTES] = {0};
    uint32_t len;
    size_t first;

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = *(const volatile unsigned char *)place_of(rings, row, at + i, 1, &first);
    memcpy(&len, bytes, sizeof len);
    return len;
}

// The record is there with the store of tail, its last step: whoever is killed before has written
// into what is still free. Positions that make no sense are the reader's to mend.
bool
ring_put(struct rings *rings, size_t row, struct span record)
{
    struct ring_row *shared = row_of(rings, row);
    uint64_t tail = get(&shared->tail);
    uint64_t used = tail - get(&shared->free);
    uint32_t len = (uint32_t)record.len;

    if (record.len == 0 || record.len > RING_RECORD_MAX || used > rings->size ||
        RING_LEN_BYTES + record.len > rings->size - used) {
        count_drop(shared);
        return false;
    }
    copy_in(rings, row, tail, span_from((const char *)&len, sizeof len));
    copy_in(rings, row, tail + RING_LEN_BYTES, record);
    put(&shared->tail, tail + RING_LEN_BYTES + record.len);
    return true;
}

uint64_t
ring_dropped(const struct rings *rings, size_t row)
{
    return atomic_load_explicit(&row_of(rings, row)->dropped, memory_order_relaxed);
}

size_t
ring_used(const struct rings *rings, size_t row)
{
    struct view view = view_of(row_of(rings, row));
    uint64_t used = view.tail - view.done;

    return used < rings->size ? (size_t)used : rings->size;
}

// Empties the row. A reader killed between the stores leaves nonsense, for the next to empty.
static int
drop_all(struct ring_row *row, const struct view *view, uint64_t *at)
{
    count_drop(row);
    put(&row->done, view->tail);
    put(&row->free, view->tail);
    *at = view->tail;
    return -1;
}

int
ring_next(struct rings *rings, size_t row, uint64_t *at, struct buf *record)
{
    struct ring_row *shared = row_of(rings, row);
    struct view view = view_of(shared);
    uint64_t start = *at == 0 ? view.done : *at;
    uint64_t waiting = view.tail - start;
    uint32_t len = 0;

    assert(record->ceiling >= RING_RECORD_MAX);
    if (!is_sane(rings, &view, start))
        return drop_all(shared, &view, at);
    *at = start;
    if (waiting == 0)
        return 0;
    if (waiting > RING_LEN_BYTES)
        len = len_at(rings, row, start);
    // A hole reads as zeros, so no record is empty.
    if (len == 0 || len > RING_RECORD_MAX || len > waiting - RING_LEN_BYTES)
        return drop_all(shared, &view, at);
    buf_reset(record);
    copy_out(rings, row, start + RING_LEN_BYTES, len, buf_space(record, len));
    buf_filled(record, len);
    *at = start + RING_LEN_BYTES + len;
    return 1;
}

// Failure would cost memory, nothing else.
static void
give_back(const struct rings *rings, size_t row, uint64_t from, uint64_t to)
{
    size_t len = (size_t)(to - from), first;
    unsigned char *place = place_of(rings, row, from, len, &first);

    (void)madvise(place, first, MADV_REMOVE);
    if (len > first)
        (void)madvise(rings->data + row * rings->size, len - first, MADV_REMOVE);
}

// Three steps, and a kill between any two of them does no harm: the next reader begins at done, so
// nothing behind it is looked at any more; then the memory goes, while the writer still keeps off
// it; then he may have it. free stands at the beginning of a block, so that no block is ever partly
// the writer's when it goes (after drop_all it may stand within one, which then stays).
void
ring_release(struct rings *rings, size_t row, uint64_t at)
{
    struct ring_row *shared = row_of(rings, row);
    struct view view = view_of(shared);
    uint64_t mask = rings->block - 1;
    uint64_t edge = at & ~mask;
    uint64_t whole = (view.free + mask) & ~mask; // where the first whole block begins

    if (!is_sane(rings, &view, at))
        return;
    put(&shared->done, at);
    if (edge - view.free > at - view.free || edge == view.free) // within one block still
        return;
    if (edge != whole)
        give_back(rings, row, whole, edge);
    put(&shared->free, edge);
}

// One who was killed in the seat and not reported, or was never there, must not keep it for ever.
static bool
is_alive(pid_t pid)
{
    return pid > 0 && (kill(pid, 0) == 0 || errno != ESRCH);
}

bool
rings_take_seat(struct rings *rings, pid_t self)
{
    struct ring_control *control = rings->control;
    int32_t holder = 0;

    if (!atomic_compare_exchange_strong(&control->seat, &holder, self) && holder != self &&
        (is_alive(holder) || !atomic_compare_exchange_strong(&control->seat, &holder, self))) {
        atomic_store(&control->wanted, self);
        return false;
    }
    // Whoever else wants it asks again.
    if (holder != self)
        atomic_store(&control->wanted, 0);
    return true;
}

bool
rings_is_seat_wanted(const struct rings *rings, pid_t self)
{
    pid_t wanted = atomic_load(&rings->control->wanted);

    return wanted != self && is_alive(wanted);
}

void
rings_leave_seat(struct rings *rings, pid_t of)
{
    int32_t holder = of, wanted = of;

    atomic_compare_exchange_strong(&rings->control->seat, &holder, 0);
    atomic_compare_exchange_strong(&rings->control->wanted, &wanted, 0);
}
