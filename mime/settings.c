// SPDX-License-Identifier: BSD-2-Clause
#include "mime/settings.h"

#include <stddef.h>

#include "mime/findings.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define DISSECT(member) offsetof(struct dissect_settings, member)
#define KILO (UINT64_C(1) << 10)
#define MEGA (UINT64_C(1) << 20)
#define GIGA (UINT64_C(1) << 30)

enum { SHARE_OF_MEMORY = 2 }; // one part, decoded, may take that fraction of a dissector's memory

static const char *const unscannable_actions[] = {"quarantine", "hold", "accept", NULL};

const struct setting_row dissect_rows[] = {
    {
     .name = "enabled",
     .type = SETTING_BOOL,
     .offset = DISSECT(enabled),
     .initial = "yes",
     .help = "Look into messages; without it no rule may ask for what is inside.",
     },
    {
     .name = "program",
     .type = SETTING_TEXT,
     .offset = DISSECT(program),
     .max = 4095,
     .initial = "",
     .help = "postern-dissect; empty: beside the program that starts it, or where it was "
                "installed.", },
    {
     .name = "timeout",
     .type = SETTING_TIME,
     .offset = DISSECT(timeout),
     .min = 100,
     .max = 600000,
     .initial = "30s",
     .help = "Time for one message; a dissector that takes longer is killed.",
     },
    {
     .name = "memory",
     .type = SETTING_SIZE,
     .offset = DISSECT(memory),
     .min = 128 * MEGA,
     .max = 64 * GIGA,
     .initial = "512M",
     .help =
            "Address space of one dissector; a larger message than a quarter of it is unscannable.", },
    {
     .name = "max_depth",
     .type = SETTING_NUMBER,
     .offset = DISSECT(max_depth),
     .min = 1,
     .max = 200,
     .initial = "32",
     .help = "Parts in parts, and archives in archives.",
     },
    {
     .name = "max_parts",
     .type = SETTING_NUMBER,
     .offset = DISSECT(max_parts),
     .min = 1,
     .max = FINDINGS_PARTS_MAX,
     .initial = "2000",
     .help = "Parts of one message.",
     },
    {
     .name = "max_members",
     .type = SETTING_NUMBER,
     .offset = DISSECT(max_members),
     .min = 1,
     .max = FINDINGS_MEMBERS_MAX,
     .initial = "10000",
     .help = "Members of all archives in one message.",
     },
    {
     .name = "max_unpacked",
     .type = SETTING_SIZE,
     .offset = DISSECT(max_unpacked),
     .min = MEGA,
     .max = 16 * GIGA,
     .initial = "200M",
     .help = "What all archives in one message may unpack to.",
     },
    {
     .name = "max_ratio",
     .type = SETTING_NUMBER,
     .offset = DISSECT(max_ratio),
     .min = 10,
     .max = 100000,
     .initial = "250",
     .help = "How many times its own size an archive may unpack to.",
     },
    {
     .name = "max_header",
     .type = SETTING_SIZE,
     .offset = DISSECT(max_header),
     .min = 4 * KILO,
     .max = MEGA,
     .initial = "256K",
     .help = "One header block.",
     },
    {
     .name = "max_field",
     .type = SETTING_SIZE,
     .offset = DISSECT(max_field),
     .min = KILO,
     .max = MEGA,
     .initial = "64K",
     .help = "One header field.",
     },
    {
     .name = "max_fields",
     .type = SETTING_NUMBER,
     .offset = DISSECT(max_fields),
     .min = 50,
     .max = FINDINGS_HEADERS_MAX,
     .initial = "2000",
     .help = "Fields of one header block.",
     },
    {
     .name = "max_parameters",
     .type = SETTING_NUMBER,
     .offset = DISSECT(max_parameters),
     .min = 10,
     .max = 2000,
     .initial = "200",
     .help = "Parameters of one header field.",
     },
    {
     .name = "attempts",
     .type = SETTING_NUMBER,
     .offset = DISSECT(attempts),
     .min = 1,
     .max = 20,
     .initial = "3",
     .help = "Dissectors that die on a message before it is held.",
     },
    {
     .name = "on_unscannable",
     .type = SETTING_CHOICE,
     .offset = DISSECT(on_unscannable),
     .initial = "quarantine",
     .choices = unscannable_actions,
     .help = "What becomes of a message beyond these limits: quarantine, hold or accept.",
     },
};

const size_t dissect_row_count = COUNT(dissect_rows);

int
dissect_settings_check(const struct dissect_settings *settings, struct err *err)
{
    if (settings->max_field > settings->max_header)
        return err_set(err, ERR_PERM, "max_field: expected at most max_header");
    if (settings->max_unpacked > settings->memory / SHARE_OF_MEMORY)
        return err_set(err, ERR_PERM, "max_unpacked: expected at most half of memory");
    return 0;
}
