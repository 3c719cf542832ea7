// SPDX-License-Identifier: BSD-2-Clause
#include "filters/skip.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/glob.h"

// "192.0.2.7", "IPv6:2001:db8::1" (Postfix's XFORWARD), "2001:db8::1"; "[UNAVAILABLE]" is none.
static bool
parse_client(const char *text, struct addr *addr_out)
{
    struct sockaddr_in *four = (struct sockaddr_in *)(void *)&addr_out->sa;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)(void *)&addr_out->sa;

    memset(addr_out, 0, sizeof(*addr_out));
    if (span_starts_nocase(span_of(text), "IPv6:"))
        text += strlen("IPv6:");
    if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        addr_out->len = sizeof(*four);
    } else if (inet_pton(AF_INET6, text, &six->sin6_addr) == 1) {
        six->sin6_family = AF_INET6;
        addr_out->len = sizeof(*six);
    }
    return addr_out->len > 0;
}

// Where Postfix tells of a client at all, the session's own is Postfix.
static const char *
client_of(const struct smtp_envelope *envelope)
{
    if (envelope->xforward[XFORWARD_ADDR] != NULL)
        return envelope->xforward[XFORWARD_ADDR];
    for (int i = 0; i < XFORWARD_COUNT; i++) {
        if (envelope->xforward[i] != NULL)
            return NULL;
    }
    return envelope->client;
}

static bool
has_client(const struct setting_list *nets, const struct smtp_envelope *envelope)
{
    const struct net *net = nets->items;
    const char *text = client_of(envelope);
    struct addr client;

    if (nets->count == 0 || text == NULL || !parse_client(text, &client))
        return false;
    for (size_t i = 0; i < nets->count; i++) {
        if (net_has(&net[i], &client))
            return true;
    }
    return false;
}

static bool
has_rcpt(const struct setting_list *globs, const char *path)
{
    char *const *glob = globs->items;

    for (size_t i = 0; i < globs->count; i++) {
        if (glob_match(span_of(glob[i]), span_of(path)))
            return true;
    }
    return false;
}

static bool
has_all_rcpts(const struct setting_list *globs, const struct smtp_envelope *envelope)
{
    for (size_t i = 0; i < envelope->rcpt_count; i++) {
        if (!has_rcpt(globs, envelope->rcpts[i].path))
            return false;
    }
    return envelope->rcpt_count > 0;
}

const char *
skip_reason(const struct filter_settings *settings, const struct smtp_envelope *envelope)
{
    if (has_client(&settings->skip_clients, envelope))
        return "skip_clients";
    return has_all_rcpts(&settings->skip_recipients, envelope) ? "skip_recipients" : NULL;
}

bool
skip_parts(const struct filter_settings *settings, const struct findings *findings)
{
    if (settings->type != FILTER_CLAMD || findings == NULL)
        return true; // rspamd reads no archives
    return settings->parts == FILTER_PARTS_NEVER ||
           (settings->parts == FILTER_PARTS_ODD && !findings->is_odd);
}
