// SPDX-License-Identifier: BSD-2-Clause
#include "control/nearest.h"

#include <string.h>

enum { WORD_MAX = 40 };

static size_t
least(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;

    return ab < c ? ab : c;
}

// How many letters must be put in, left out or replaced (Levenshtein); both words are short.
static size_t
distance_of(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t row[WORD_MAX + 1];

    for (size_t j = 0; j <= b_len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t above = row[j];

            row[j] = least(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1));
            diagonal = above;
        }
    }
    return row[b_len];
}

void
nearest_init(struct nearest *nearest, const char *wanted)
{
    // One slip in three letters; more is another word.
    *nearest = (struct nearest){.wanted = wanted, .distance = strlen(wanted) / 3 + 2};
}

void
nearest_try(struct nearest *nearest, const char *name)
{
    size_t wanted_len = strlen(nearest->wanted), len = strlen(name), distance;

    if (wanted_len > WORD_MAX || len > WORD_MAX || len == 0)
        return;
    distance = distance_of(nearest->wanted, wanted_len, name, len);
    if (distance < nearest->distance && distance < len) {
        nearest->name = name;
        nearest->distance = distance;
    }
}
