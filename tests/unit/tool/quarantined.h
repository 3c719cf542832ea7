// SPDX-License-Identifier: BSD-2-Clause
// tests/unit/tool/quarantined.h - a message in quarantine/ beside those of stand.h.
#ifndef POSTERN_TESTS_UNIT_TOOL_QUARANTINED_H
#define POSTERN_TESTS_UNIT_TOOL_QUARANTINED_H

#include "tests/unit/tool/stand.h"
#include "tool/find.h"

#define QUARANTINE_CAUGHT                                                                          \
    "decided g=0 verdict=quarantine rule=virus reason=Eicar r=0-2|"                                \
    "quarantined rule=virus reason=Eicar"

static inline void
quarantine_put(struct stand *stand, const char *id, const char *journal)
{
    int day = place_quarantine_day(&stand->root, stand->tool.now_ms, NULL);

    if (day < 0)
        abort();
    stand_put(day, id, id, "Subject: q\r\n\r\nbody q\r\n", journal, "");
    close(day);
}

struct quarantine_child {
    const char *parent;
    struct smtp_envelope *envelope;
    size_t count;
};

static inline int
quarantine_take_child(void *arg, int dir_fd, const struct find_place *place)
{
    struct quarantine_child *child = arg;
    struct reader_message message;
    int fd = fs_open_read(dir_fd, place->name, NULL);

    if (reader_load(fd, &message, NULL) == READER_OK && message.envelope.parent != NULL &&
        strcmp(message.envelope.parent, child->parent) == 0) {
        child->count++;
        envelope_clear(child->envelope);
        envelope_copy(child->envelope, &message.envelope);
    }
    reader_message_clear(&message);
    close(fd);
    return 0;
}

// How many wait in active/, and one of their envelopes, which is to be cleared.
static inline size_t
quarantine_children(struct place_root *root, const char *parent, struct smtp_envelope *envelope_out)
{
    struct quarantine_child child = {.parent = parent, .envelope = envelope_out};

    envelope_init(envelope_out);
    if (find_walk(root, 1U << PLACE_ACTIVE, quarantine_take_child, &child, NULL) != 0)
        abort();
    return child.count;
}

#endif
