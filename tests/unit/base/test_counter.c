// SPDX-License-Identifier: BSD-2-Clause
#include "base/counter.h"

#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/harness.h"

static void
test_new(void)
{
    static const struct {
        const char *name;
        size_t rows;
        int is_good;
    } rows[] = {
        {"none",     0,                    0},
        {"one",      1,                    1},
        {"most",     COUNTER_ROWS_MAX,     1},
        {"too many", COUNTER_ROWS_MAX + 1, 0},
        {"absurd",   SIZE_MAX,             0},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct err err = {.kind = ERR_NONE};
        struct counter_page *page = counter_page_new(rows[i].rows, &err);

        UNIT_CHECK_ROW(rows[i].name, (page != NULL) == rows[i].is_good);
        UNIT_CHECK_ROW(rows[i].name, (err.kind == ERR_PERM) == !rows[i].is_good);
        if (page != NULL) {
            UNIT_CHECK_ROW(rows[i].name, counter_rows(page) == rows[i].rows);
            UNIT_CHECK_ROW(rows[i].name, page->worker[rows[i].rows - 1].pid == 0);
            UNIT_CHECK_ROW(rows[i].name, counter_sum_messages(page) == 0);
        }
        counter_page_free(&page);
        UNIT_CHECK_ROW(rows[i].name, page == NULL);
    }
}

static struct counter_page *
new_page(size_t rows)
{
    struct counter_page *page = counter_page_new(rows, NULL);

    if (page == NULL)
        abort();
    return page;
}

static void
test_sums(void)
{
    struct counter_page *page = new_page(4);

    for (size_t i = 0; i < 4; i++) {
        page->worker[i].pid = i == 2 ? 0 : 100 + (int64_t)i;
        page->worker[i].messages = 1u << i;
        page->worker[i].connections = 16u << i;
    }
    CU_ASSERT_EQUAL(counter_sum_messages(page), 1 + 2 + 8);
    CU_ASSERT_EQUAL(counter_sum_connections(page), 16 + 32 + 128);
    counter_page_free(&page);
}

static void
test_shared(void)
{
    struct counter_page *page = new_page(2);
    int status = -1;
    pid_t pid;

    pid = fork();
    if (pid == 0) {
        page->worker[1].pid = getpid();
        page->worker[1].messages = 7;
        _exit(0);
    }
    CU_ASSERT(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
    CU_ASSERT_EQUAL(page->worker[1].pid, pid);
    CU_ASSERT_EQUAL(counter_sum_messages(page), 7);
    counter_page_free(&page);
}

// A worker that was taken over can write anything there.
static void
test_false_rows(void)
{
    struct counter_page *page = new_page(2);

    page->worker[0].pid = 1;
    page->worker[0].messages = 5;
    page->rows = SIZE_MAX;
    CU_ASSERT_EQUAL(counter_rows(page), COUNTER_ROWS_MAX);
    CU_ASSERT_EQUAL(counter_sum_messages(page), 5);
    CU_ASSERT_EQUAL(counter_sum_connections(page), 0);
    counter_page_free(&page);
}

static void
test_codes(void)
{
    static const struct {
        int code;
        const char *name;
    } rows[] = {
        {421, "421"  },
        {450, "450"  },
        {503, "503"  },
        {550, "550"  },
        {555, "555"  },
        {420, "other"},
        {556, "other"},
        {0,   "other"},
        {-1,  "other"},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        size_t index = counter_code_index(rows[i].code);

        UNIT_CHECK_ROW(rows[i].name, index < COUNTER_CODES);
        UNIT_CHECK_ROW(rows[i].name, strcmp(counter_code_name(index), rows[i].name) == 0);
    }
    for (size_t i = 0; i < COUNTER_CODES; i++)
        CU_ASSERT_EQUAL(counter_code_index(atoi(counter_code_name(i))), i);
}

static const struct unit_test tests[] = {
    {"new",                    test_new       },
    {"sums",                   test_sums      },
    {"shared with a child",    test_shared    },
    {"a false number of rows", test_false_rows},
    {"codes of replies",       test_codes     },
};

UNIT_MAIN("base/counter", tests)
