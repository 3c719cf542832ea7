// SPDX-License-Identifier: BSD-2-Clause
// What passes as a path holds nothing that could end a line, and passes again as it is.
#include "tests/fuzz/fuzz.h"

#include "base/buf.h"
#include "smtp/path.h"

static void
check_good(const struct path *path, const struct path_rules *rules)
{
    struct path again;
    struct buf text;

    for (size_t i = 0; i < path->text.len; i++)
        FUZZ_CHECK((unsigned char)path->text.data[i] >= ' ' && path->text.data[i] != 0x7f);
    buf_init(&text, path->text.len + 2);
    FUZZ_CHECK(buf_add_char(&text, '<') == 0 && buf_add_span(&text, path->text) == 0 &&
               buf_add_char(&text, '>') == 0);
    FUZZ_CHECK(path_parse(buf_span(&text), rules, &again) == PATH_OK);
    FUZZ_CHECK(fuzz_equal(again.text, path->text) && again.rest.len == 0);
    buf_clear(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct path_rules rules;
    struct path path;

    if (size == 0)
        return 0;
    rules = (struct path_rules){.is_reverse = data[0] & 1,
                                .strict = data[0] & 2,
                                .strip_routes = data[0] & 4,
                                .smtputf8 = data[0] & 8};
    if (path_parse(fuzz_span(data + 1, size - 1), &rules, &path) == PATH_OK)
        check_good(&path, &rules);
    return 0;
}
