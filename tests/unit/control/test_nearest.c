// SPDX-License-Identifier: BSD-2-Clause
#include "control/nearest.h"

#include "tests/unit/harness.h"

static const char *const known[] = {"max_size", "max_recipients", "max_session", "handoff",
                                    "trace",    "user",           "log",         ""};

static const struct {
    const char *name, *wanted, *expected; // "": none
} rows[] = {
    {"one letter more",  "max_sizes",                                        "max_size"      },
    {"one letter less",  "max_recipient",                                    "max_recipients"},
    {"hyphen",           "max-size",                                         "max_size"      },
    {"two swapped",      "hnadoff",                                          "handoff"       },
    {"together",         "maxsize",                                          "max_size"      },
    {"short",            "logs",                                             "log"           },
    {"another word",     "quarantine",                                       ""              },
    {"short other word", "tls",                                              ""              },
    {"empty",            "",                                                 ""              },
    {"too long",         "max_sizemax_sizemax_sizemax_sizemax_sizemax_size", ""              },
};

static void
rows_hold(void)
{
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct nearest nearest;

        nearest_init(&nearest, rows[i].wanted);
        for (size_t j = 0; j < UNIT_COUNT(known); j++)
            nearest_try(&nearest, known[j]);
        UNIT_CHECK_ROW(rows[i].name,
                       strcmp(nearest.name == NULL ? "" : nearest.name, rows[i].expected) == 0);
    }
}

static const struct unit_test tests[] = {
    {"rows hold", rows_hold},
};

UNIT_MAIN("control/nearest", tests)
