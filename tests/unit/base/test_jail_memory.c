// SPDX-License-Identifier: BSD-2-Clause
// Not under AddressSanitizer, which cannot live with the limit.
#include "base/jail_memory.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "base/mem.h"
#include "tests/unit/base/jailed.h"
#include "tests/unit/harness.h"

enum { MEGA = 1 << 20, MEMORY = 64 * MEGA };

static const struct jail_limits limits = {.memory = MEMORY, .file_size = MEGA, .descriptors = 16};

static int
take_little(void)
{
    char *memory = malloc(MEMORY / 4);

    if (memory == NULL)
        return ENOMEM;
    memset(memory, 1, MEMORY / 4);
    return memory[MEMORY / 8] == 1 ? 0 : 1;
}

static int
take_at_once(void)
{
    char *volatile memory = malloc(MEMORY);

    return memory == NULL ? errno : 0;
}

static int
take_bit_by_bit(void)
{
    for (unsigned i = 0; i < MEMORY / 1000; i++) {
        char *volatile memory = malloc(1000);

        if (memory == NULL)
            return errno;
    }
    return 0;
}

static int
map(void)
{
    return mmap(NULL, MEMORY, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? errno
                                                                                           : 0;
}

// Our own code does not go on without memory.
static int
take_ours(void)
{
    for (unsigned i = 0; i < MEMORY / MEGA; i++) {
        char *volatile memory = mem_zalloc(MEGA);

        if (memory == NULL)
            return ENOMEM;
    }
    return 0;
}

static int
raise_limit(void)
{
    struct rlimit limit = {.rlim_cur = 2 * MEMORY, .rlim_max = 2 * MEMORY};

    return setrlimit(RLIMIT_AS, &limit) == 0 ? 0 : errno;
}

static void
test_inside(void)
{
    static const struct {
        const char *name;
        int (*run)(void);
        int expected;
    } rows[] = {
        {"little",          take_little,     0                      },
        {"much at once",    take_at_once,    ENOMEM                 },
        {"much bit by bit", take_bit_by_bit, ENOMEM                 },
        {"map",             map,             ENOMEM                 },
        {"raise the limit", raise_limit,     EPERM                  },
        {"our allocator",   take_ours,       JAILED_SIGNAL + SIGABRT},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        int got = jailed_run(rows[i].run, &limits);

        if (got != rows[i].expected)
            fprintf(stderr, "%s: %d\n", rows[i].name, got);
        UNIT_CHECK_ROW(rows[i].name, got == rows[i].expected);
    }
}

static const struct unit_test tests[] = {
    {"inside", test_inside},
};

UNIT_MAIN("base/jail_memory", tests)
