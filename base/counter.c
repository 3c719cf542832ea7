// SPDX-License-Identifier: BSD-2-Clause
#include "base/counter.h"

#include <errno.h>
#include <sys/mman.h>

// Always mapped for the largest number of rows (memory is taken only where it is written): the
// page lies in the hands of every worker, and a false number of rows must lead nobody outside.
#define MAPPED (sizeof(struct counter_page) + COUNTER_ROWS_MAX * sizeof(struct counter_worker))

struct counter_page *
counter_page_new(size_t rows, struct err *err)
{
    struct counter_page *page;

    if (rows == 0 || rows > COUNTER_ROWS_MAX) {
        err_set(err, ERR_PERM, "a page of counters has 1 to %d rows, not %zu", COUNTER_ROWS_MAX,
                rows);
        return NULL;
    }
    page = mmap(NULL, MAPPED, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) {
        err_sys(err, ERR_TEMP, errno, "cannot map a page of counters");
        return NULL;
    }
    page->rows = rows;
    return page;
}

void
counter_page_free(struct counter_page **page)
{
    if (*page != NULL)
        munmap(*page, MAPPED);
    *page = NULL;
}

size_t
counter_rows(const struct counter_page *page)
{
    size_t rows = *(const volatile size_t *)&page->rows;

    return rows < COUNTER_ROWS_MAX ? rows : COUNTER_ROWS_MAX;
}

static uint64_t
read_figure(const _Atomic uint64_t *figure)
{
    return atomic_load_explicit(figure, memory_order_relaxed);
}

// Whether the row is anybody's; figures of one who is gone count no more.
static int
is_taken(const struct counter_worker *worker)
{
    return atomic_load_explicit(&worker->pid, memory_order_relaxed) != 0;
}

uint64_t
counter_sum_messages(const struct counter_page *page)
{
    size_t rows = counter_rows(page);
    uint64_t sum = 0;

    for (size_t i = 0; i < rows; i++)
        sum += is_taken(&page->worker[i]) ? read_figure(&page->worker[i].messages) : 0;
    return sum;
}

uint64_t
counter_sum_connections(const struct counter_page *page)
{
    size_t rows = counter_rows(page);
    uint64_t sum = 0;

    for (size_t i = 0; i < rows; i++)
        sum += is_taken(&page->worker[i]) ? read_figure(&page->worker[i].connections) : 0;
    return sum;
}

static const struct {
    int code;
    const char *name;
} codes[COUNTER_CODES] = {
    {421, "421"  },
    {450, "450"  },
    {451, "451"  },
    {452, "452"  },
    {454, "454"  },
    {500, "500"  },
    {501, "501"  },
    {502, "502"  },
    {503, "503"  },
    {504, "504"  },
    {521, "521"  },
    {530, "530"  },
    {535, "535"  },
    {538, "538"  },
    {550, "550"  },
    {551, "551"  },
    {552, "552"  },
    {553, "553"  },
    {554, "554"  },
    {555, "555"  },
    {0,   "other"},
};

size_t
counter_code_index(int code)
{
    size_t index = 0;

    while (index < COUNTER_CODES - 1 && codes[index].code != code)
        index++;
    return index;
}

const char *
counter_code_name(size_t index)
{
    return codes[index].name;
}
