// SPDX-License-Identifier: BSD-2-Clause
#include <arpa/inet.h>
#include <string.h>

#include "base/mem.h"
#include "smtp/verb.h"
#include "smtp/xtext.h"

enum { VALUE_MAX = 255, PROTO_MAX = 64 };

static bool
is_address(struct span value)
{
    struct in6_addr address;
    char text[INET6_ADDRSTRLEN + 8];

    if (value.len >= sizeof(text))
        return false;
    memcpy(text, value.data, value.len);
    text[value.len] = '\0';
    if (span_starts_nocase(value, "IPv6:"))
        return inet_pton(AF_INET6, text + 5, &address) == 1;
    return inet_pton(AF_INET, text, &address) == 1;
}

static bool
is_good(enum smtp_xforward attribute, struct span value)
{
    uint64_t port;

    if (value.len > VALUE_MAX || !xtext_is_printable(value))
        return false;
    if (span_is_nocase(value, "[UNAVAILABLE]"))
        return true;
    if (attribute == XFORWARD_ADDR)
        return is_address(value);
    if (attribute == XFORWARD_PORT)
        return str_parse_u64(value, UINT16_MAX, &port) == 0;
    if (attribute == XFORWARD_SOURCE)
        return span_is_nocase(value, "LOCAL") || span_is_nocase(value, "REMOTE");
    return attribute != XFORWARD_PROTO || value.len <= PROTO_MAX;
}

static int
find_attribute(struct span name)
{
    for (int i = 0; i < XFORWARD_COUNT; i++) {
        if (span_is_nocase(name, smtp_xforward_name((enum smtp_xforward)i)))
            return i;
    }
    return -1;
}

// Values by attribute; data NULL where it was not named.
static int
read_attributes(struct span args, struct span values[XFORWARD_COUNT])
{
    while (args.len > 0) {
        struct span value = span_cut(&args, ' ');
        struct span name;
        int attribute;

        if (value.len == 0)
            continue;
        name = span_cut(&value, '=');
        attribute = find_attribute(name);
        if (attribute < 0 || !is_good((enum smtp_xforward)attribute, value))
            return -1;
        values[attribute] = value;
    }
    return 0;
}

// Kept as received, for the next hop; a line is taken as a whole or not at all.
void
cmd_xforward(struct smtp_session *session, struct span args, struct smtp_reply *reply)
{
    struct span values[XFORWARD_COUNT] = {
        {NULL, 0}
    };

    if (!session->xforward_allowed) {
        reply_set(reply, 550, "5.7.0", "Not authorized to use XFORWARD");
        return;
    }
    if (args.len == 0 || read_attributes(args, values) != 0) {
        reply_set(reply, 501, "5.5.4", "Bad XFORWARD attribute or value");
        return;
    }
    for (size_t i = 0; i < XFORWARD_COUNT; i++) {
        if (values[i].data == NULL)
            continue;
        mem_free(&session->envelope.xforward[i]);
        session->envelope.xforward[i] = mem_strndup(values[i].data, values[i].len);
    }
    reply_set(reply, 250, "2.0.0", "Ok");
}
