// SPDX-License-Identifier: BSD-2-Clause
// What Redis is told of any record: bounded, without control characters, and every key that is set
// is given its life.
#include "tests/fuzz/fuzz.h"

#include "track/redis/keys.h"

static bool
is_printable(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.data[i] < ' ' || text.data[i] == '\x7f')
            return false;
    }
    return str_is_utf8(text);
}

static void
check_command(const struct keys_command *command, struct span key)
{
    struct span verb = command->args[0];

    FUZZ_CHECK(command->count >= 3);
    FUZZ_CHECK(fuzz_equal(command->args[1], key));
    FUZZ_CHECK(span_is(verb, "PEXPIRE") || span_is(verb, "HDEL") || command->count % 2 == 0);
    for (size_t i = 0; i < command->count; i++)
        FUZZ_CHECK(command->args[i].len <= KEYS_TEXT_MAX && is_printable(command->args[i]));
}

static void
check_keys(const struct keys *keys)
{
    size_t i = 0;

    while (i < keys->count) {
        struct span key = keys->commands[i].args[1];

        FUZZ_CHECK(span_is(keys->commands[i].args[0], "HSET"));
        check_command(&keys->commands[i++], key);
        FUZZ_CHECK(i < keys->count);
        if (span_is(keys->commands[i].args[0], "HDEL"))
            check_command(&keys->commands[i++], key);
        FUZZ_CHECK(i < keys->count && span_is(keys->commands[i].args[0], "PEXPIRE"));
        check_command(&keys->commands[i++], key);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char prefix[] = "postern";
    struct redis_settings settings = {.prefix = prefix, .ttl = 86400000};
    struct arena lists, texts;
    struct record record;
    struct keys keys;

    if (size == 0)
        return 0;
    settings.layout = (data[0] & 1) != 0 ? REDIS_LAYOUT_MAILBORDER : REDIS_LAYOUT_POSTERN;
    settings.with_host = (data[0] & 2) != 0;
    arena_init(&lists, 64 << 20);
    arena_init(&texts, KEYS_MEMORY_MAX);
    if (record_read(fuzz_span(data + 1, size - 1), &lists, &record) == 0) {
        keys_of(&record, &settings, "mx1.example.com", &texts, &keys);
        check_keys(&keys);
    }
    arena_clear(&lists);
    arena_clear(&texts);
    return 0;
}
