// SPDX-License-Identifier: BSD-2-Clause
#include "track/redis/multi.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const char *const elsewhere[] = {"READONLY",   "LOADING", "NOAUTH",      "WRONGPASS",
                                        "NOPERM",     "MOVED",   "CLUSTERDOWN", "CROSSSLOT",
                                        "MASTERDOWN", "ASK"};

static bool
has_word(struct span error, const char *word)
{
    struct span rest = error;

    return span_is(span_cut(&rest, ' '), word);
}

enum multi_outcome
multi_refusal(struct span error, char why_out[MULTI_WHY_MAX + 1])
{
    static const char because[] = "because of: ";
    const char *cause;

    (void)snprintf(why_out, MULTI_WHY_MAX + 1, "%.*s",
                   (int)(error.len < MULTI_WHY_MAX ? error.len : MULTI_WHY_MAX), error.data);
    // "EXECABORT Transaction discarded because of: OOM command not allowed ..."
    cause = has_word(error, "EXECABORT") ? strstr(why_out, because) : NULL;
    if (cause != NULL)
        error = span_of(cause + strlen(because));
    for (size_t i = 0; i < sizeof elsewhere / sizeof elsewhere[0]; i++) {
        if (has_word(error, elsewhere[i]))
            return MULTI_ELSEWHERE;
    }
    return MULTI_AGAIN;
}

void
multi_fill(struct multi *multi, const struct record *records, size_t count,
           const struct redis_settings *settings, const char *hostname)
{
    multi_clear(multi);
    arena_init(&multi->arena, (count + 1) * KEYS_MEMORY_MAX);
    multi->keys = arena_array(&multi->arena, count, sizeof *multi->keys);
    assert(multi->keys != NULL);
    multi->record_count = count;
    for (size_t i = 0; i < count; i++) {
        keys_of(&records[i], settings, hostname, &multi->arena, &multi->keys[i]);
        multi->command_count += multi->keys[i].count;
    }
}

void
multi_clear(struct multi *multi)
{
    arena_clear(&multi->arena);
    *multi = (struct multi){.keys = NULL};
}

// The first refusal tells why; what follows from it does not.
static void
note_refusal(struct multi *multi, struct span error)
{
    if (multi->outcome == MULTI_DONE)
        multi->outcome = multi_refusal(error, multi->why);
}

static void
note_nonsense(struct multi *multi, const char *what)
{
    if (multi->outcome != MULTI_DONE)
        return;
    multi->outcome = MULTI_ELSEWHERE;
    (void)snprintf(multi->why, sizeof multi->why, "not Redis: %s was not answered as it should be",
                   what);
}

static const struct keys_command *
command_at(const struct multi *multi, size_t index)
{
    const struct keys *keys = multi->keys;

    for (; index >= keys->count; keys++)
        index -= keys->count;
    return &keys->commands[index];
}

// Another try would change nothing for a key that somebody else has made.
static void
note_result(struct multi *multi, size_t index, const struct redis_reply *result)
{
    if (result->kind != REDIS_ERROR)
        return;
    if (!has_word(result->text, "WRONGTYPE")) {
        note_refusal(multi, result->text);
        return;
    }
    multi->passed_over++;
    multi->passed_key = command_at(multi, index)->args[1];
}

static void
note_results(struct multi *multi, const struct redis_reply *reply)
{
    if (reply->kind == REDIS_ERROR)
        note_refusal(multi, reply->text);
    else if (reply->kind == REDIS_NIL)
        note_refusal(multi, SPAN_LITERAL("EXEC did nothing"));
    else if (reply->kind != REDIS_LIST || reply->item_count != multi->command_count)
        note_nonsense(multi, "EXEC");
    else
        for (size_t i = 0; i < reply->item_count; i++)
            note_result(multi, i, &reply->items[i]);
}

static void
on_reply(void *arg, const struct redis_reply *reply)
{
    struct multi *multi = arg;
    size_t index = multi->heard++;

    if (reply == NULL)
        return;
    if (index > multi->command_count) {
        note_results(multi, reply);
        multi->done(multi->arg, multi->outcome);
    } else if (reply->kind == REDIS_ERROR) {
        note_refusal(multi, reply->text);
    } else if (reply->kind != REDIS_STATUS || !span_is(reply->text, index == 0 ? "OK" : "QUEUED")) {
        note_nonsense(multi, index == 0 ? "MULTI" : "a command within MULTI");
    }
}

void
multi_send(struct multi *multi, struct redis *redis, multi_done *done, void *arg)
{
    multi->done = done;
    multi->arg = arg;
    multi->heard = 0;
    multi->passed_over = 0;
    multi->outcome = MULTI_DONE;
    multi->why[0] = '\0';
    redis_command(redis, &SPAN_LITERAL("MULTI"), 1, on_reply, multi);
    for (size_t i = 0; i < multi->record_count; i++) {
        const struct keys *keys = &multi->keys[i];

        for (size_t at = 0; at < keys->count; at++)
            redis_command(redis, keys->commands[at].args, keys->commands[at].count, on_reply,
                          multi);
    }
    redis_command(redis, &SPAN_LITERAL("EXEC"), 1, on_reply, multi);
}
