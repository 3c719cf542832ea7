// SPDX-License-Identifier: BSD-2-Clause
#include "mime/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/mem.h"

// Of one match. No expression that a person means needs more on a field of 64 KB; what does is cut
// off after some 20 ms.
enum { MATCH_LIMIT = 1000000, DEPTH_LIMIT = 200000, HEAP_LIMIT_KB = 64 << 10 };

struct pattern {
    pcre2_code *code;
    pcre2_match_context *bounds;
};

struct pattern *
pattern_new(struct span text, bool ignore_case, struct err *err)
{
    // No just-in-time compiler: where this runs no page may be written and executed.
    uint32_t options = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C;
    struct pattern *pattern = mem_zalloc(sizeof(*pattern));
    PCRE2_SIZE at = 0;
    int code = 0;

    if (ignore_case)
        options |= PCRE2_CASELESS;
    pattern->code = pcre2_compile((PCRE2_SPTR)(text.len > 0 ? text.data : ""), text.len, options,
                                  &code, &at, NULL);
    if (pattern->code == NULL) {
        PCRE2_UCHAR reason[200] = "";

        pcre2_get_error_message(code, reason, sizeof(reason));
        err_set(err, ERR_PERM, "%s at character %zu", (const char *)reason, at + 1);
        pattern_free(&pattern);
        return NULL;
    }
    pattern->bounds = pcre2_match_context_create(NULL);
    if (pattern->bounds == NULL) {
        err_set(err, ERR_PERM, "no memory to match with");
        pattern_free(&pattern);
        return NULL;
    }
    pcre2_set_match_limit(pattern->bounds, MATCH_LIMIT);
    pcre2_set_depth_limit(pattern->bounds, DEPTH_LIMIT);
    pcre2_set_heap_limit(pattern->bounds, HEAP_LIMIT_KB);
    return pattern;
}

void
pattern_free(struct pattern **pattern)
{
    if (*pattern == NULL)
        return;
    pcre2_match_context_free((*pattern)->bounds);
    pcre2_code_free((*pattern)->code);
    mem_free(pattern);
}

enum pattern_result
pattern_match(const struct pattern *pattern, struct span subject)
{
    // Made anew each time: it keeps the heap that a bad match grew, and there are many patterns.
    pcre2_match_data *found = pcre2_match_data_create(1, NULL);
    int result;

    if (found == NULL)
        return PATTERN_LIMIT;
    result = pcre2_match(pattern->code, (PCRE2_SPTR)(subject.len > 0 ? subject.data : ""),
                         subject.len, 0, 0, found, pattern->bounds);
    pcre2_match_data_free(found);
    if (result >= 0)
        return PATTERN_YES;
    return result == PCRE2_ERROR_NOMATCH || result == PCRE2_ERROR_PARTIAL ? PATTERN_NO
                                                                          : PATTERN_LIMIT;
}
