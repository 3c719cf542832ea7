// SPDX-License-Identifier: BSD-2-Clause
// What is orderly has the leaves that GMime sees in it, each of them and no other.
#include "tests/fuzz/fuzz.h"

#include "mime/reading/orderly.h"
#include "mime/reading/prescan.h"

static const struct dissect_settings limits = {.max_depth = 32,
                                               .max_parts = 2000,
                                               .max_header = 256 << 10,
                                               .max_field = 64 << 10,
                                               .max_fields = 2000,
                                               .max_parameters = 200};

enum { LEAVES = 1000, SLACK = 2 }; // the line end in front of a boundary

struct leaves {
    struct outline_leaf items[LEAVES];
    size_t count;
};

static void
on_leaf(void *arg, const struct outline_leaf *leaf)
{
    struct leaves *leaves = arg;

    // The walk asks nothing about an empty one.
    if (leaf->body_begin + SLACK < leaf->body_end && leaves->count < LEAVES)
        leaves->items[leaves->count++] = *leaf;
}

static void
check(struct span text)
{
    static struct leaves ours, theirs;

    ours.count = theirs.count = 0;
    if (!orderly_read(text, NULL, on_leaf, &ours)) {
        FUZZ_CHECK(ours.count == 0);
        return;
    }
    FUZZ_CHECK(outline_read(text, NULL, on_leaf, &theirs) == 0);
    FUZZ_CHECK(ours.count == theirs.count);
    for (size_t i = 0; i < ours.count; i++) {
        const struct outline_leaf *our = &ours.items[i], *their = &theirs.items[i];

        FUZZ_CHECK(our->body_begin == their->body_begin);
        FUZZ_CHECK(our->body_end <= their->body_end + SLACK);
        FUZZ_CHECK(their->body_end <= our->body_end + SLACK);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool is_ready;
    struct prescan prescan;

    if (!is_ready)
        outline_init();
    is_ready = true;
    prescan_run(fuzz_span(data, size), &limits, NULL, &prescan);
    if (prescan.limit == LIMIT_NONE && !prescan.has_nul && !prescan.has_bare_cr &&
        !prescan.has_long_line)
        check(fuzz_span(data, size));
    prescan_clear(&prescan);
    return 0;
}
