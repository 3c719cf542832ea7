// SPDX-License-Identifier: BSD-2-Clause
// A server's replies: whatever it says, what is kept is printable and bounded.
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "reinject/answer.h"
#include "reinject/caps.h"

static void
add_line(void *arg, struct span text)
{
    caps_add_line(arg, text);
}

static void
check_caps(const struct caps *caps)
{
    struct caps again = {0};
    struct buf text;

    buf_init(&text, 4096);
    caps_format(caps, &text);
    FUZZ_CHECK(caps_parse(buf_span(&text), &again) == 0);
    FUZZ_CHECK(again.flags == caps->flags && again.size == caps->size &&
               again.xforward == caps->xforward);
    buf_clear(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char queue_id[ANSWER_QUEUE_ID_MAX + 1];
    struct answer answer;
    struct caps caps = {0};
    size_t used = 0;

    if (answer_read(fuzz_span(data, size), &answer, &used, add_line, &caps) != ANSWER_DONE)
        return 0;
    FUZZ_CHECK(used > 0 && used <= size && answer.code >= 200 && answer.code <= 599);
    for (size_t i = 0; answer.text[i] != '\0'; i++)
        FUZZ_CHECK((unsigned char)answer.text[i] >= ' ' && answer.text[i] != 0x7f);
    answer_queue_id(&answer, queue_id);
    FUZZ_CHECK(strlen(queue_id) <= ANSWER_QUEUE_ID_MAX && strchr(queue_id, ' ') == NULL);
    check_caps(&caps);
    return 0;
}
