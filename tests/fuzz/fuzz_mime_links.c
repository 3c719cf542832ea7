// SPDX-License-Identifier: BSD-2-Clause
// Links have their bounds, and the search ends when it is told to.
#include "tests/fuzz/fuzz.h"

#include "mime/reading/links.h"

struct told {
    size_t count, wanted, bytes;
};

static bool
tell(void *arg, struct span link)
{
    struct told *told = arg;

    FUZZ_CHECK(link.len > 0 && link.len <= LINK_MAX);
    FUZZ_CHECK(memchr(link.data, '\n', link.len) == NULL);
    FUZZ_CHECK(told->count < told->wanted);
    told->count++;
    told->bytes += link.len;
    return told->count < told->wanted;
}

static void
run(struct span text, void (*search)(struct span text, links_found *found, void *arg))
{
    struct told all = {.wanted = SIZE_MAX}, half;

    search(text, tell, &all);
    FUZZ_CHECK(all.bytes <= text.len);
    half = (struct told){.wanted = all.count / 2 + 1};
    search(text, tell, &half);
    FUZZ_CHECK(half.count == (all.count < half.wanted ? all.count : half.wanted));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    run(fuzz_span(data, size), links_plain);
    run(fuzz_span(data, size), links_html);
    return 0;
}
