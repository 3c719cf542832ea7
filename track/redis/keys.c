// SPDX-License-Identifier: BSD-2-Clause
#include "track/redis/keys.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/id.h"
#include "base/mem.h"
#include "track/status.h"

enum { QUEUE_ID_MAX = 40, HOST_MAX = 255, FIELDS_MAX = 24, NAMES_MAX = 200 };

struct draft {
    const struct record *record;
    const struct redis_settings *settings;
    const char *hostname;
    struct arena *arena;
    struct keys *keys;
    struct span queue_ids[KEYS_QUEUE_IDS_MAX]; // out; no two the same
    size_t queue_id_count;
};

static void *
take(struct draft *draft, size_t count, size_t size)
{
    void *memory = arena_array(draft->arena, count, size);

    assert(memory != NULL);
    return memory;
}

static struct span
keep(struct draft *draft, struct span text)
{
    struct span kept = arena_copy(draft->arena, text);

    assert(kept.data != NULL);
    return kept;
}

__attribute__((format(printf, 2, 3))) static struct span
keepf(struct draft *draft, const char *format, ...)
{
    char text[512];
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    assert(len >= 0 && (size_t)len < sizeof text);
    return keep(draft, span_from(text, (size_t)len));
}

// --- commands ---

static struct keys_command *
begin(struct draft *draft, const char *verb, struct span key, size_t most)
{
    struct keys_command *command = &draft->keys->commands[draft->keys->count++];

    command->args = take(draft, most, sizeof *command->args);
    command->args[command->count++] = span_of(verb);
    command->args[command->count++] = key;
    return command;
}

static void
put(struct keys_command *command, struct span name, struct span value)
{
    command->args[command->count++] = name;
    command->args[command->count++] = value;
}

static void
put_word(struct keys_command *command, const char *name, const char *word)
{
    put(command, span_of(name), span_of(word));
}

static void
put_clean(struct draft *draft, struct keys_command *command, const char *name, struct span text)
{
    struct buf clean;

    buf_init(&clean, KEYS_TEXT_MAX);
    str_escape(&clean, text, NULL, KEYS_TEXT_MAX);
    put(command, span_of(name), keep(draft, buf_span(&clean)));
    buf_clear(&clean);
}

static void
put_number(struct draft *draft, struct keys_command *command, const char *name, uint64_t number)
{
    put(command, span_of(name), keepf(draft, "%llu", (unsigned long long)number));
}

static void
put_time(struct draft *draft, struct keys_command *command, const char *name, int64_t at_ms)
{
    put_number(draft, command, name, at_ms > 0 ? (uint64_t)at_ms / 1000 : 0);
}

static void
end_with_life(struct draft *draft, struct span key)
{
    struct keys_command *command = begin(draft, "PEXPIRE", key, 3);

    command->args[command->count++] =
        keepf(draft, "%llu", (unsigned long long)draft->settings->ttl);
}

static struct span
key_of(struct draft *draft, const char *first, const char *middle, struct span id)
{
    const char *host = draft->settings->with_host ? draft->hostname : "";

    return keepf(draft, "%s%s%.*s%s:%.*s", first, host[0] != '\0' ? ":" : "", HOST_MAX, host,
                 middle, (int)id.len, id.data);
}

// --- when ---

// Of the last that was heard of him.
static int64_t
rcpt_time(const struct record *record, const struct record_rcpt *rcpt)
{
    int64_t at_ms = 0;

    for (size_t i = 0; i < rcpt->final_count && rcpt->status == RCPT_SENT; i++) {
        if (rcpt->finals[i].at_ms > at_ms)
            at_ms = rcpt->finals[i].at_ms;
    }
    if (at_ms > 0)
        return at_ms;
    return rcpt->at_ms > 0 ? rcpt->at_ms : record->told_ms;
}

// When the last of those came to that status who did; queue_id: of those that went out with it,
// empty: of all.
static int64_t
status_time(const struct record *record, enum track_status status, struct span queue_id)
{
    int64_t last_ms = 0;

    if (status == STATUS_FILTERING)
        return record->arrived_ms;
    for (size_t i = 0; i < record->rcpt_count; i++) {
        const struct record_rcpt *rcpt = &record->rcpts[i];
        int64_t at_ms;

        if (queue_id.len > 0 && !span_equal(rcpt->queue_id, queue_id))
            continue;
        if (status != STATUS_PARTIAL && status_of_rcpt(record, rcpt) != status)
            continue;
        at_ms = rcpt_time(record, rcpt);
        last_ms = at_ms > last_ms ? at_ms : last_ms;
    }
    return last_ms > 0 ? last_ms : record->told_ms;
}

static int64_t
last_time(const struct record *record)
{
    int64_t last_ms = record->told_ms;

    for (size_t i = 0; i < record->rcpt_count; i++) {
        int64_t at_ms = rcpt_time(record, &record->rcpts[i]);

        last_ms = at_ms > last_ms ? at_ms : last_ms;
    }
    return last_ms;
}

static int64_t
reinjected_time(const struct record *record)
{
    int64_t last_ms = 0;

    for (size_t i = 0; i < record->rcpt_count; i++) {
        if (record->rcpts[i].queue_id.len > 0 && record->rcpts[i].at_ms > last_ms)
            last_ms = record->rcpts[i].at_ms;
    }
    return last_ms;
}

// As the stages tell: good for a message that was looked at when it came.
static int64_t
scanned_time(const struct record *record)
{
    uint64_t us = 0;

    if (record->result_count == 0)
        return 0;
    for (unsigned stage = STAGE_RECEIVE; stage <= STAGE_FILTERS; stage++) {
        if (record->stage_us[stage] < UINT32_MAX * UINT64_C(1000))
            us += record->stage_us[stage];
    }
    return record->arrived_ms + (int64_t)(us / 1000);
}

// "sent_at" and the like.
static void
put_status(struct draft *draft, struct keys_command *command, enum track_status status,
           struct span queue_id)
{
    char name[32];

    put_word(command, "status", status_name(status));
    (void)snprintf(name, sizeof name, "%s_at", status_name(status));
    put(command, keep(draft, span_of(name)),
        keepf(draft, "%lld", (long long)(status_time(draft->record, status, queue_id) / 1000)));
}

// --- what ---

static bool
is_queue_id(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];

        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')))
            return false;
    }
    return text.len > 0 && text.len <= QUEUE_ID_MAX;
}

static void
find_queue_ids(struct draft *draft)
{
    const struct record *record = draft->record;

    for (size_t i = 0; i < record->rcpt_count; i++) {
        struct span id = record->rcpts[i].queue_id;
        size_t at = 0;

        if (!is_queue_id(id))
            continue;
        while (at < draft->queue_id_count && !span_equal(draft->queue_ids[at], id))
            at++;
        if (at < KEYS_QUEUE_IDS_MAX && at == draft->queue_id_count)
            draft->queue_ids[draft->queue_id_count++] = id;
    }
}

static void
put_queue_ids(struct draft *draft, struct keys_command *command)
{
    struct buf names;

    buf_init(&names, KEYS_QUEUE_IDS_MAX * (size_t)(QUEUE_ID_MAX + 1));
    for (size_t i = 0; i < draft->queue_id_count; i++) {
        if (i > 0)
            buf_add_char(&names, ',');
        buf_add_span(&names, draft->queue_ids[i]);
    }
    put_clean(draft, command, "reinjected_id", buf_span(&names));
    buf_clear(&names);
}

static void
put_to(struct draft *draft, struct keys_command *command)
{
    const struct record *record = draft->record;
    struct buf names;

    buf_init(&names, SIZE_MAX / 4);
    // One more than fits, so that "..." is seen.
    for (size_t i = 0; i < record->rcpt_count && names.len <= KEYS_TEXT_MAX; i++) {
        struct span to = record->rcpts[i].to;

        buf_add_text(&names, i > 0 ? ", " : "");
        buf_add(&names, to.data, to.len <= KEYS_TEXT_MAX ? to.len : KEYS_TEXT_MAX + 1);
    }
    put_clean(draft, command, "to", buf_span(&names));
    buf_clear(&names);
}

// What was decided, each word once.
static void
put_verdict(struct draft *draft, struct keys_command *command)
{
    const struct record *record = draft->record;
    unsigned found = 0;
    char names[NAMES_MAX];
    size_t len = 0;

    for (size_t i = 0; i < record->rcpt_count; i++) {
        uint32_t group = record->rcpts[i].group;

        found |= 1u << (group < record->group_count ? record->groups[group].verdict : VERDICT_NONE);
    }
    for (unsigned verdict = VERDICT_NONE; verdict <= VERDICT_REDIRECT; verdict++) {
        if ((found & 1u << verdict) != 0)
            len += (size_t)snprintf(names + len, sizeof names - len, "%s%s", len > 0 ? "," : "",
                                    verdict_name(verdict));
    }
    put(command, SPAN_LITERAL("verdict"), keep(draft, span_from(names, len)));
}

static bool
rcpts_differ(const struct record *record)
{
    for (size_t i = 1; i < record->rcpt_count; i++) {
        if (status_of_rcpt(record, &record->rcpts[i]) != status_of_rcpt(record, &record->rcpts[0]))
            return true;
    }
    return false;
}

static void
put_rcpts(struct draft *draft, struct keys_command *command, bool with_status)
{
    const struct record *record = draft->record;

    for (size_t i = 0; i < record->rcpt_count && i < KEYS_RCPTS_MAX; i++) {
        command->args[command->count++] = keepf(draft, "rcpt:%zu", i);
        if (with_status)
            command->args[command->count++] =
                span_of(status_name(status_of_rcpt(record, &record->rcpts[i])));
    }
}

// --- keys ---

static void
add_message(struct draft *draft)
{
    const struct record *record = draft->record;
    struct span key = key_of(draft, draft->settings->prefix, ":msg", record->id);
    enum track_status status = status_of_message(record);
    bool differ = rcpts_differ(record);
    size_t rcpts = record->rcpt_count < KEYS_RCPTS_MAX ? record->rcpt_count : KEYS_RCPTS_MAX;
    struct keys_command *command =
        begin(draft, "HSET", key, 2 + 2 * (FIELDS_MAX + (differ ? rcpts : 0)));
    int64_t reinjected_ms = reinjected_time(record), scanned_ms = scanned_time(record);

    put(command, SPAN_LITERAL("postern_id"), keep(draft, record->id));
    put_clean(draft, command, "postfix_id", record->queue_id);
    put_queue_ids(draft, command);
    put_clean(draft, command, "message_id", record->message_id);
    put_clean(draft, command, "from", record->from);
    put_to(draft, command);
    put_number(draft, command, "size", record->size);
    put_verdict(draft, command);
    if (!isnan(record->score))
        put(command, SPAN_LITERAL("score"), keepf(draft, "%.2f", record->score));
    put_word(command, "class", class_name(class_of(record)));
    put_time(draft, command, "timestamp", last_time(record));
    put_time(draft, command, "received_at", record->arrived_ms);
    if (scanned_ms > 0)
        put_time(draft, command, "scanned_at", scanned_ms);
    if (reinjected_ms > 0 && status != STATUS_REINJECTED)
        put_time(draft, command, "reinjected_at", reinjected_ms);
    put_status(draft, command, status, (struct span){NULL, 0});
    if (differ)
        put_rcpts(draft, command, true);
    else if (record->rcpt_count > 1)
        put_rcpts(draft, begin(draft, "HDEL", key, 2 + rcpts), false);
    end_with_life(draft, key);
}

static void
add_mailborder(struct draft *draft)
{
    const struct record *record = draft->record;
    struct span key = key_of(draft, "mailborder", "", record->id);
    struct keys_command *command = begin(draft, "HSET", key, 2 + 2 * FIELDS_MAX);

    put(command, SPAN_LITERAL("mailborder_id"), keep(draft, record->id));
    put_clean(draft, command, "postfix_id", record->queue_id);
    put_word(command, "status", status_name(status_of_message(record)));
    put_time(draft, command, "timestamp", last_time(record));
    end_with_life(draft, key);
}

// out: the recipients that went out with it; else all.
static void
add_queue_id(struct draft *draft, struct span queue_id, bool is_out)
{
    const struct record *record = draft->record;
    enum track_status status =
        is_out ? status_of_queue_id(record, queue_id) : status_of_message(record);
    struct span key = key_of(draft, "postfix", "", queue_id);
    struct keys_command *command = begin(draft, "HSET", key, 2 + 2 * 5);

    put_status(draft, command, status, is_out ? queue_id : (struct span){NULL, 0});
    put(command, SPAN_LITERAL("postern_id"), keep(draft, record->id));
    put_time(draft, command, "timestamp", last_time(record));
    put(command, keepf(draft, "postern_id:%.*s", (int)record->id.len, record->id.data),
        span_of(status_name(status)));
    end_with_life(draft, key);
}

void
keys_of(const struct record *record, const struct redis_settings *settings, const char *hostname,
        struct arena *arena, struct keys *keys_out)
{
    struct draft draft = {.record = record,
                          .settings = settings,
                          .hostname = hostname,
                          .arena = arena,
                          .keys = keys_out};

    *keys_out = (struct keys){NULL, 0};
    if (!id_is_valid(record->id))
        return;
    find_queue_ids(&draft);
    keys_out->commands =
        take(&draft, 3 + 2 * (1 + draft.queue_id_count), sizeof *keys_out->commands);
    if (settings->layout == REDIS_LAYOUT_MAILBORDER)
        add_mailborder(&draft);
    else
        add_message(&draft);
    if (is_queue_id(record->queue_id) && record->parent.len == 0)
        add_queue_id(&draft, record->queue_id, false);
    for (size_t i = 0; i < draft.queue_id_count; i++)
        add_queue_id(&draft, draft.queue_ids[i], true);
}
