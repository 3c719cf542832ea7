// SPDX-License-Identifier: BSD-2-Clause
#include "reinject/caps.h"

#include <inttypes.h>

static const struct {
    const char *keyword;
    unsigned flag;
} keywords[] = {
    {"PIPELINING",          CAPS_PIPELINING},
    {"8BITMIME",            CAPS_8BITMIME  },
    {"SMTPUTF8",            CAPS_SMTPUTF8  },
    {"DSN",                 CAPS_DSN       },
    {"CHUNKING",            CAPS_CHUNKING  },
    {"ENHANCEDSTATUSCODES", CAPS_ENHANCED  },
    {"STARTTLS",            CAPS_STARTTLS  },
    {"SIZE",                CAPS_SIZE      },
};

enum { KEYWORDS = sizeof(keywords) / sizeof(keywords[0]) };

static void
add_xforward(struct caps *caps, struct span rest)
{
    while (rest.len > 0) {
        struct span word = span_cut(&rest, ' ');

        for (unsigned i = 0; i < XFORWARD_COUNT; i++) {
            if (span_is_nocase(word, smtp_xforward_name(i)))
                caps->xforward |= 1U << i;
        }
    }
}

// Is the line a keyword that we know?
static bool
add_line(struct caps *caps, struct span line)
{
    struct span rest = span_trim(line);
    struct span keyword = span_cut(&rest, ' ');

    if (span_is_nocase(keyword, "XFORWARD")) {
        add_xforward(caps, rest);
        return true;
    }
    for (size_t i = 0; i < KEYWORDS; i++) {
        if (!span_is_nocase(keyword, keywords[i].keyword))
            continue;
        caps->flags |= keywords[i].flag;
        if (keywords[i].flag == CAPS_SIZE)
            (void)str_parse_u64(span_trim(rest), UINT64_MAX, &caps->size);
        return true;
    }
    return false;
}

void
caps_add_line(struct caps *caps, struct span line)
{
    (void)add_line(caps, line);
}

void
caps_format(const struct caps *caps, struct buf *out)
{
    for (size_t i = 0; i < KEYWORDS; i++) {
        if ((caps->flags & keywords[i].flag) == 0)
            continue;
        if (keywords[i].flag == CAPS_SIZE && caps->size > 0)
            (void)buf_printf(out, "SIZE %" PRIu64 "\n", caps->size);
        else
            (void)buf_printf(out, "%s\n", keywords[i].keyword);
    }
    if (caps->xforward == 0)
        return;
    (void)buf_add_text(out, "XFORWARD");
    for (unsigned i = 0; i < XFORWARD_COUNT; i++) {
        if ((caps->xforward & 1U << i) != 0)
            (void)buf_printf(out, " %s", smtp_xforward_name(i));
    }
    (void)buf_add_char(out, '\n');
}

int
caps_parse(struct span text, struct caps *caps_out)
{
    *caps_out = (struct caps){.flags = 0};
    if (text.len > 0 && text.data[text.len - 1] != '\n')
        return -1; // cut off
    while (text.len > 0) {
        struct span line = span_cut(&text, '\n');

        if (!add_line(caps_out, line))
            return -1;
    }
    return 0;
}

bool
caps_equal(const struct caps *a, const struct caps *b)
{
    return a->flags == b->flags && a->size == b->size && a->xforward == b->xforward;
}
