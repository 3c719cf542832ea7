// SPDX-License-Identifier: BSD-2-Clause
#include "mime/reading/odd.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { DEPTH_MAX = 8 }; // clamd goes to 17, archives and all

static bool
is_in(struct span text, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (span_is_nocase(text, list[i]))
            return true;
    }
    return false;
}

static bool
is_usual_encoding(struct span encoding)
{
    static const char *const usual[] = {"", "7bit", "8bit", "binary", "base64", "quoted-printable"};

    return is_in(encoding, usual, COUNT(usual));
}

static bool
is_usual_type(struct span type)
{
    static const char *const usual[] = {"message/rfc822", "message/delivery-status",
                                        "message/disposition-notification",
                                        "message/feedback-report"};

    return !span_starts_nocase(type, "message/") || is_in(type, usual, COUNT(usual));
}

static bool
is_odd_part(const struct finding_part *part)
{
    return part->reading == READING_OTHER || part->reading == READING_INLINE ||
           part->depth > DEPTH_MAX || !is_usual_encoding(part->encoding) ||
           !is_usual_type(part->type);
}

// Those three are neither about where parts begin and end nor about what they decode to.
static bool
is_odd_mark(const struct finding_mark *mark)
{
    return mark->defect != DEFECT_NO_FROM && mark->defect != DEFECT_REPEATED_FIELD &&
           mark->defect != DEFECT_UNKNOWN_CHARSET;
}

bool
odd_is(const struct findings *findings)
{
    if (findings->limit != LIMIT_NONE)
        return true;
    for (size_t i = 0; i < findings->mark_count; i++) {
        if (is_odd_mark(&findings->marks[i]))
            return true;
    }
    for (size_t i = 0; i < findings->part_count; i++) {
        if (is_odd_part(&findings->parts[i]))
            return true;
    }
    return false;
}
