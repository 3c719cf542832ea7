// SPDX-License-Identifier: BSD-2-Clause
#include "smtp/envelope.h"

#include <string.h>

#include "base/mem.h"

enum { FIRST_RCPTS = 4 };

static const char *
name_of(const char *const *names, size_t count, size_t index)
{
    return index < count ? names[index] : "unknown";
}

const char *
smtp_protocol_name(enum smtp_protocol protocol)
{
    static const char *const names[] = {
        [SMTP_PROTOCOL_SMTP] = "smtp", [SMTP_PROTOCOL_LMTP] = "lmtp"};

    return name_of(names, sizeof(names) / sizeof(names[0]), (size_t)protocol);
}

const char *
smtp_handoff_name(enum smtp_handoff handoff)
{
    static const char *const names[] = {
        [SMTP_HANDOFF_SPOOL] = "spool", [SMTP_HANDOFF_RELAY] = "relay"};

    return name_of(names, sizeof(names) / sizeof(names[0]), (size_t)handoff);
}

const char *
smtp_xforward_name(enum smtp_xforward attribute)
{
    static const char *const names[XFORWARD_COUNT] = {
        [XFORWARD_NAME] = "NAME",    [XFORWARD_ADDR] = "ADDR", [XFORWARD_PORT] = "PORT",
        [XFORWARD_PROTO] = "PROTO",  [XFORWARD_HELO] = "HELO", [XFORWARD_IDENT] = "IDENT",
        [XFORWARD_SOURCE] = "SOURCE"};

    return name_of(names, XFORWARD_COUNT, (size_t)attribute);
}

void
envelope_init(struct smtp_envelope *envelope)
{
    *envelope = (struct smtp_envelope){.id = ""};
}

static void
clear_rcpts(struct smtp_envelope *envelope)
{
    for (size_t i = 0; i < envelope->rcpt_count; i++)
        mem_free(&envelope->rcpts[i].path);
    mem_free(&envelope->rcpts);
    envelope->rcpt_count = 0;
}

void
envelope_reset_transaction(struct smtp_envelope *envelope)
{
    clear_rcpts(envelope);
    for (size_t i = 0; i < XFORWARD_COUNT; i++)
        mem_free(&envelope->xforward[i]);
    mem_free(&envelope->from);
    mem_free(&envelope->from_params);
    mem_free(&envelope->parent);
    mem_free(&envelope->group);
    mem_free(&envelope->reason);
    mem_free(&envelope->rule);
    mem_free(&envelope->why);
    mem_free(&envelope->skip_rule);
    envelope->id[0] = '\0';
    envelope->arrived_ms = 0;
}

void
envelope_clear(struct smtp_envelope *envelope)
{
    envelope_reset_transaction(envelope);
    mem_free(&envelope->listener);
    mem_free(&envelope->next_hop);
    mem_free(&envelope->hostname);
    mem_free(&envelope->client);
    mem_free(&envelope->helo);
    envelope_init(envelope);
}

// The room is a power of two, told by the count alone.
static bool
is_full(size_t count)
{
    return count == 0 || (count >= FIRST_RCPTS && (count & (count - 1)) == 0);
}

void
envelope_add_rcpt(struct smtp_envelope *envelope, struct span path, struct span params)
{
    size_t count = envelope->rcpt_count;
    char *text = mem_regrow(NULL, path.len + params.len + 2, 1);
    char *behind = text + path.len + 1;

    if (is_full(count))
        envelope->rcpts = mem_regrow(envelope->rcpts, count == 0 ? FIRST_RCPTS : 2 * count,
                                     sizeof(envelope->rcpts[0]));
    if (path.len > 0)
        memcpy(text, path.data, path.len);
    text[path.len] = '\0';
    if (params.len > 0)
        memcpy(behind, params.data, params.len);
    behind[params.len] = '\0';
    envelope->rcpts[count] = (struct smtp_rcpt){.path = text, .params = behind};
    envelope->rcpt_count++;
}

void
envelope_copy(struct smtp_envelope *to, const struct smtp_envelope *from)
{
    *to = *from;
    to->listener = mem_strdup(from->listener);
    to->next_hop = mem_strdup(from->next_hop);
    to->hostname = mem_strdup(from->hostname);
    to->client = mem_strdup(from->client);
    to->helo = mem_strdup(from->helo);
    for (size_t i = 0; i < XFORWARD_COUNT; i++)
        to->xforward[i] = mem_strdup(from->xforward[i]);
    to->from = mem_strdup(from->from);
    to->from_params = mem_strdup(from->from_params);
    to->parent = mem_strdup(from->parent);
    to->group = mem_strdup(from->group);
    to->reason = mem_strdup(from->reason);
    to->rule = mem_strdup(from->rule);
    to->why = mem_strdup(from->why);
    to->skip_rule = mem_strdup(from->skip_rule);
    to->rcpts = NULL;
    to->rcpt_count = 0;
    for (size_t i = 0; i < from->rcpt_count; i++)
        envelope_add_rcpt(to, span_of(from->rcpts[i].path), span_of(from->rcpts[i].params));
}

struct span
envelope_param(const char *params, const char *keyword)
{
    struct span rest = span_of(params);
    size_t keyword_len = strlen(keyword);

    while (rest.len > 0) {
        struct span word = span_cut(&rest, ' ');

        if (!span_starts_nocase(word, keyword))
            continue;
        if (word.len == keyword_len)
            return (struct span){"", 0};
        if (word.data[keyword_len] == '=')
            return span_skip(word, keyword_len + 1);
    }
    return (struct span){NULL, 0};
}

bool
envelope_needs_smtputf8(const struct smtp_envelope *envelope)
{
    return envelope_param(envelope->from_params, "SMTPUTF8").data != NULL;
}

bool
envelope_needs_8bitmime(const struct smtp_envelope *envelope)
{
    return span_is_nocase(envelope_param(envelope->from_params, "BODY"), "8BITMIME");
}
