// SPDX-License-Identifier: BSD-2-Clause
// Whatever a field says: bounded entries, each with a method and a result without blanks.
#include "tests/fuzz/fuzz.h"

#include "policy/authres.h"

static void
check_word(const char *word)
{
    FUZZ_CHECK(word[0] != '\0');
    FUZZ_CHECK(strpbrk(word, " \t\r\n;") == NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct authres authres = {NULL, 0};
    struct span rest = fuzz_span(data, size);

    for (size_t field = 0; rest.len > 0; field++)
        authres_add(&authres, span_cut(&rest, '\0'), "mx.example.com", field);
    FUZZ_CHECK(authres.count <= AUTHRES_MAX);
    for (size_t i = 0; i < authres.count; i++) {
        check_word(authres.items[i].method);
        check_word(authres.items[i].result);
    }
    authres_clear(&authres);
    return 0;
}
