// SPDX-License-Identifier: BSD-2-Clause
#include "smtp/settings.h"

#include <stddef.h>

#define SECOND UINT64_C(1000)
#define HOUR (3600 * SECOND)
#define TERA (UINT64_C(1) << 40)
#define LOOPBACK "127.0.0.0/8, ::1"

#define LISTENER(member) offsetof(struct smtp_listener_settings, member)
#define GLOBAL(member) offsetof(struct smtp_settings, member)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const protocols[] = {
    [SMTP_PROTOCOL_SMTP] = "smtp", [SMTP_PROTOCOL_LMTP] = "lmtp", NULL};
static const char *const handoffs[] = {
    [SMTP_HANDOFF_SPOOL] = "spool", [SMTP_HANDOFF_RELAY] = "relay", NULL};
static const char *const own_handoffs[] = {"", [SMTP_HANDOFF_SPOOL + 1] = "spool",
                                           [SMTP_HANDOFF_RELAY + 1] = "relay", NULL};
static const char *const tls_modes[] = {
    [SMTP_TLS_NO] = "no", [SMTP_TLS_MAY] = "may", [SMTP_TLS_REQUIRE] = "require", NULL};
static const char *const newline_choices[] = {
    [SMTP_NEWLINES_NORMALISE] = "normalise", [SMTP_NEWLINES_REJECT] = "reject", NULL};
static const char *const route_choices[] = {
    [SMTP_ROUTES_REJECT] = "reject", [SMTP_ROUTES_STRIP] = "strip", NULL};

// One member a line: the alignment of arrays would spread them over the page.
// clang-format off
const struct setting_row smtp_listener_rows[] = {
    {.name = "name",
     .type = SETTING_TEXT,
     .offset = LISTENER(name),
     .min = 0,
     .max = 64,
     .initial = "",
     .help = "What logs and messages call this listener; empty: its address."},
    {.name = "timeout",
     .type = SETTING_TIME,
     .offset = LISTENER(timeout),
     .min = SECOND,
     .max = HOUR,
     .initial = "300s",
     .help = "How long a client may be silent."},
    {.name = "protocol",
     .type = SETTING_CHOICE,
     .offset = LISTENER(protocol),
     .initial = "smtp",
     .choices = protocols,
     .help = "What is spoken here; lmtp is the default on a UNIX socket, and the only one there."},
    {.name = "mode",
     .type = SETTING_MODE,
     .offset = LISTENER(mode),
     .initial = "0660",
     .help = "Access rights of a UNIX socket."},
    {.name = "group",
     .type = SETTING_TEXT,
     .offset = LISTENER(group),
     .max = 64,
     .initial = "",
     .help = "Group of a UNIX socket; empty: the daemon's own."},
    {.name = "next_hop",
     .type = SETTING_TEXT,
     .offset = LISTENER(next_hop),
     .max = 256,
     .initial = "",
     .help = "Name of the next_hop for mail from here; empty: the first."},
    {.name = "rules",
     .type = SETTING_TEXTS,
     .offset = LISTENER(rules),
     .max = 1000,
     .initial = "",
     .help = "Names of the rules that mail from here is read against; empty: all."},
    {.name = "handoff",
     .type = SETTING_CHOICE,
     .offset = LISTENER(handoff),
     .initial = "",
     .choices = own_handoffs,
     .help = "When mail from here is answered: spool or relay; empty: as set for all."},
    {.name = "chunking",
     .type = SETTING_BOOL,
     .offset = LISTENER(chunking),
     .initial = "no",
     .help = "Offer CHUNKING (BDAT)."},
    {.name = "clients",
     .type = SETTING_NETS,
     .offset = LISTENER(clients),
     .initial = LOOPBACK,
     .help = "Networks that may connect; a UNIX socket has its mode and group instead."},
    {.name = "xforward_clients",
     .type = SETTING_NETS,
     .offset = LISTENER(xforward_clients),
     .initial = LOOPBACK,
     .help = "Networks that may use XFORWARD; over a UNIX socket everybody may."},
};

const size_t smtp_listener_row_count = COUNT(smtp_listener_rows);

const struct setting_row smtp_listener_tls_rows[] = {
    {.name = "cert",
     .type = SETTING_TEXT,
     .offset = LISTENER(tls_cert),
     .max = 1024,
     .initial = "",
     .help = "PEM file with the certificate and those above it."},
    {.name = "key",
     .type = SETTING_TEXT,
     .offset = LISTENER(tls_key),
     .max = 1024,
     .initial = "",
     .help = "PEM file with the private key."},
    {.name = "client_ca",
     .type = SETTING_TEXT,
     .offset = LISTENER(tls_client_ca),
     .max = 1024,
     .initial = "",
     .help =
         "PEM file with the authorities that sign clients' certificates; empty: none is asked."},
    {.name = "mode",
     .type = SETTING_CHOICE,
     .offset = LISTENER(tls_mode),
     .initial = "no",
     .choices = tls_modes,
     .help = "STARTTLS: no, offered (may), or demanded before mail (require)."},
};

const size_t smtp_listener_tls_row_count = COUNT(smtp_listener_tls_rows);

const struct setting_row smtp_rows[] = {
    {.name = "hostname",
     .type = SETTING_TEXT,
     .offset = GLOBAL(hostname),
     .min = 0,
     .max = 255,
     .initial = "",
     .help = "Our name in the greeting, Received fields and bounces; empty: the host's name."},
    {.name = "max_size",
     .type = SETTING_SIZE,
     .offset = GLOBAL(max_size),
     .max = TERA,
     .initial = "100M",
     .help = "Size of a message at most; 0: no limit."},
    {.name = "max_recipients",
     .type = SETTING_NUMBER,
     .offset = GLOBAL(max_recipients),
     .min = 1,
     .max = 100000,
     .initial = "1000",
     .help = "Recipients of one message at most; more get a 452 and come with a next message."},
    {.name = "max_connections",
     .type = SETTING_NUMBER,
     .offset = GLOBAL(max_connections),
     .min = 1,
     .max = 100000,
     .initial = "1000",
     .help = "Connections at once, of all listeners and workers together."},
    {.name = "max_errors",
     .type = SETTING_NUMBER,
     .offset = GLOBAL(max_errors),
     .min = 1,
     .max = 10000,
     .initial = "20",
     .help = "Bad commands in a session before it is ended with a 421."},
    {.name = "max_session",
     .type = SETTING_TIME,
     .offset = GLOBAL(max_session),
     .min = SECOND,
     .max = 24 * HOUR,
     .initial = "1h",
     .help = "How long a session, and within it the transfer of one message, may last."},
    {.name = "bare_newlines",
     .type = SETTING_CHOICE,
     .offset = GLOBAL(bare_newlines),
     .initial = "normalise",
     .choices = newline_choices,
     .help = "What a bare CR or LF in a message gets: made a blank or CRLF, or a 550."},
    {.name = "source_routes",
     .type = SETTING_CHOICE,
     .offset = GLOBAL(source_routes),
     .initial = "reject",
     .choices = route_choices,
     .help = "What a path such as <@a:b@c> gets: a 501, or its route taken off."},
    {.name = "strict_paths",
     .type = SETTING_BOOL,
     .offset = GLOBAL(strict_paths),
     .initial = "no",
     .help = "Refuse paths beyond RFC 5321's limits and grammar that could be carried."},
    {.name = "trace",
     .type = SETTING_BOOL,
     .offset = GLOBAL(trace),
     .initial = "yes",
     .help = "Put one Received field of ours on top of each message."},
    {.name = "handoff",
     .type = SETTING_CHOICE,
     .offset = GLOBAL(handoff),
     .initial = "spool",
     .choices = handoffs,
     .help = "When mail is answered: once it is safe on disk (spool), or with the next hop's "
             "answer (relay)."},
};

// clang-format on

const size_t smtp_row_count = COUNT(smtp_rows);

void
smtp_listener_init(struct smtp_listener_settings *listener, const struct addr *addr)
{
    *listener = (struct smtp_listener_settings){.addr = *addr};
    setting_defaults(smtp_listener_rows, smtp_listener_row_count, listener);
    setting_defaults(smtp_listener_tls_rows, smtp_listener_tls_row_count, listener);
    if (addr_is_unix(addr)) // Postfix's smtp client knows no UNIX sockets, its lmtp client does
        listener->protocol = SMTP_PROTOCOL_LMTP;
}

static bool
is_set(const char *text)
{
    return text != NULL && text[0] != '\0';
}

// The name goes into spool files and logs, and stands alone in other settings.
static bool
is_plain(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text <= ' ' || *text >= 0x7f)
            return false;
    }
    return true;
}

int
smtp_listener_check(const struct smtp_listener_settings *listener, struct err *err)
{
    bool has_pair = is_set(listener->tls_cert) && is_set(listener->tls_key);

    if (addr_is_unix(&listener->addr) && listener->protocol != SMTP_PROTOCOL_LMTP)
        return err_set(err, ERR_PERM, "protocol: expected lmtp on a UNIX socket, not smtp");
    if (listener->mode > 0777)
        return err_set(err, ERR_PERM, "mode: expected access rights such as 0660");
    if (!addr_is_unix(&listener->addr) && is_set(listener->group))
        return err_set(err, ERR_PERM, "group: expected a UNIX socket where it is set");
    if (is_set(listener->name) && !is_plain(listener->name))
        return err_set(err, ERR_PERM, "name: expected printable ASCII without blanks");
    if (listener->tls_mode != SMTP_TLS_NO && !has_pair)
        return err_set(err, ERR_PERM, "%s: expected a file, since tls mode is %s",
                       is_set(listener->tls_cert) ? "key" : "cert", tls_modes[listener->tls_mode]);
    if (is_set(listener->tls_cert) != is_set(listener->tls_key))
        return err_set(err, ERR_PERM, "%s: expected a file, since %s is set",
                       is_set(listener->tls_cert) ? "key" : "cert",
                       is_set(listener->tls_cert) ? "cert" : "key");
    return 0;
}

int
smtp_settings_check(const struct smtp_settings *settings, struct err *err)
{
    if (is_set(settings->hostname) && !is_plain(settings->hostname))
        return err_set(err, ERR_PERM, "hostname: expected a host's name, without blanks");
    return 0;
}
