// SPDX-License-Identifier: BSD-2-Clause
#include "policy/origin.h"

#include <string.h>

#include "base/mem.h"
#include "smtp/xtext.h"

enum { VALUE_MAX = 4096 };

static char *
decode(struct span text)
{
    struct buf plain;
    char *value;

    buf_init(&plain, VALUE_MAX);
    if (xtext_decode(&plain, text) != 0)
        buf_reset(&plain);
    value = mem_strndup(plain.data, plain.len);
    buf_clear(&plain);
    return value;
}

// Postfix writes in brackets what it does not know.
static char *
forwarded(const struct smtp_envelope *envelope, enum smtp_xforward attribute, const char *else_text)
{
    const char *value = envelope->xforward[attribute];

    if (value == NULL)
        return mem_strdup(else_text == NULL ? "" : else_text);
    if (span_is_nocase(span_of(value), "[UNAVAILABLE]") ||
        span_is_nocase(span_of(value), "[TEMPUNAVAIL]"))
        return mem_strdup("");
    return decode(span_of(value));
}

static void
cut_prefix(char *address)
{
    if (span_starts_nocase(span_of(address), "IPv6:"))
        memmove(address, address + 5, strlen(address + 5) + 1);
}

static void
read_addr(const char *address, struct addr *addr_out)
{
    bool is_v6 = strchr(address, ':') != NULL;
    char *text = mem_printf(is_v6 ? "inet:[%s]:1" : "inet:%s:1", address);

    if (addr_parse(span_of(text), addr_out, NULL) != 0)
        addr_out->len = 0;
    mem_free(&text);
}

void
origin_init(struct origin *origin, const struct smtp_envelope *envelope)
{
    struct span user = envelope->from_params == NULL
                           ? (struct span){NULL, 0}
                           : envelope_param(envelope->from_params, "AUTH");

    *origin = (struct origin){
        .address = forwarded(envelope, XFORWARD_ADDR, envelope->client),
        .name = forwarded(envelope, XFORWARD_NAME, NULL),
        .helo = forwarded(envelope, XFORWARD_HELO, envelope->helo),
        .user = span_is(user, "<>") ? mem_strdup("") : decode(user),
    };
    cut_prefix(origin->address);
    read_addr(origin->address, &origin->addr);
}

void
origin_clear(struct origin *origin)
{
    mem_free(&origin->address);
    mem_free(&origin->name);
    mem_free(&origin->helo);
    mem_free(&origin->user);
}
