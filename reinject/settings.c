// SPDX-License-Identifier: BSD-2-Clause
#include "reinject/settings.h"

#include <errno.h>
#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECOND UINT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

static const char *const protocols[] = {"smtp", "lmtp", NULL};
static const char *const tls_modes[] = {"no", "may", "require", NULL};
static const char *const reject_actions[] = {"bounce", "hold", NULL};

#define HOP(member) offsetof(struct hop_settings, member)

// The title is no row: who reads the section sets addr itself.
const struct setting_row hop_rows[] = {
    {
     .name = "backup",
     .type = SETTING_ADDRS,
     .offset = HOP(backup),
     .max = 15,
     .initial = "",
     .help = "Servers to try in this order where the one before cannot be reached.",
     },
    {
     .name = "name",
     .type = SETTING_TEXT,
     .offset = HOP(name),
     .max = 64,
     .initial = "",
     .help = "What listeners call this next hop; without it, its address.",
     },
    {
     .name = "protocol",
     .type = SETTING_CHOICE,
     .offset = HOP(protocol),
     .initial = "smtp",
     .choices = protocols,
     .help = "What the server speaks: smtp or lmtp.",
     },
    {
     .name = "tls",
     .type = SETTING_CHOICE,
     .offset = HOP(tls),
     .initial = "no",
     .choices = tls_modes,
     .help = "STARTTLS: no, may (where it is offered) or require (else mail waits).",
     },
    {.name = "tls_ca",
     .type = SETTING_TEXT,
     .offset = HOP(tls_ca),
     .max = 4095,
     .initial = "",
     .help =
         "File of the authorities that the server's certificate must come from; without it, the "
         "certificate is not verified."},
    {
     .name = "connections",
     .type = SETTING_NUMBER,
     .offset = HOP(connections),
     .min = 1,
     .max = 10000,
     .initial = "20",
     .help =
            "Connections at once of the whole Postern, to all servers of this next hop together.", },
    {
     .name = "connect_timeout",
     .type = SETTING_TIME,
     .offset = HOP(connect_timeout),
     .min = 100,
     .max = 10 * MINUTE,
     .initial = "10s",
     .help = "How long a connection may take to come about.",
     },
    {
     .name = "timeout",
     .type = SETTING_TIME,
     .offset = HOP(timeout),
     .min = 100,
     .max = HOUR,
     .initial = "300s",
     .help = "How long the server may take for one reply, or to take more of what is sent.",
     },
    {
     .name = "dot_timeout",
     .type = SETTING_TIME,
     .offset = HOP(dot_timeout),
     .min = 100,
     .max = HOUR,
     .initial = "600s",
     .help = "How long the server may take to answer the end of a message.",
     },
    {
     .name = "idle",
     .type = SETTING_TIME,
     .offset = HOP(idle),
     .min = 0,
     .max = HOUR,
     .initial = "30s",
     .help = "How long an unused connection is kept for the next message.",
     },
    {
     .name = "dead_time",
     .type = SETTING_TIME,
     .offset = HOP(dead_time),
     .min = 100,
     .max = DAY,
     .initial = "60s",
     .help = "How long a server that failed is left alone while another one works.",
     },
    {
     .name = "chunking",
     .type = SETTING_BOOL,
     .offset = HOP(chunking),
     .initial = "yes",
     .help = "Send messages with BDAT where the server offers CHUNKING.",
     },
};

const size_t hop_row_count = sizeof(hop_rows) / sizeof(hop_rows[0]);

#define DELIVERY(member) offsetof(struct delivery_settings, member)

const struct setting_row delivery_rows[] = {
    {.name = "relay_deadline",
     .type = SETTING_TIME,
     .offset = DELIVERY(relay_deadline),
     .min = SECOND,
     .max = DAY,
     .initial = "480s",
     .help =
         "With handoff = relay: how long the client may wait for the reply to a message; keep it "
         "below the time-out of Postfix (600s)."},
    {
     .name = "delay_warning",
     .type = SETTING_TIME,
     .offset = DELIVERY(delay_warning),
     .min = 0,
     .max = 30 * DAY,
     .initial = "0s",
     .help = "Tell the sender once that a message waits for so long already; 0 never does.",
     },
    {
     .name = "soft_bounce",
     .type = SETTING_BOOL,
     .offset = DELIVERY(soft_bounce),
     .initial = "no",
     .help = "Keep and retry what the next hop refuses for good, while a setup is being tried.",
     },
    {
     .name = "on_next_hop_reject",
     .type = SETTING_CHOICE,
     .offset = DELIVERY(on_next_hop_reject),
     .initial = "bounce",
     .choices = reject_actions,
     .help = "What happens to a message that the next hop refuses for good: bounce or hold.",
     },
};

const size_t delivery_row_count = sizeof(delivery_rows) / sizeof(delivery_rows[0]);

static int
check_backup(const struct hop_settings *hop, struct err *err)
{
    const struct addr *backup = hop->backup.items;
    char text[ADDR_TEXT_MAX];

    for (size_t i = 0; i < hop->backup.count; i++) {
        bool is_twice = addr_equal(&hop->addr, &backup[i]);

        for (size_t j = 0; j < i; j++)
            is_twice = is_twice || addr_equal(&backup[j], &backup[i]);
        if (!is_twice)
            continue;
        addr_format(&backup[i], text);
        return err_set(err, ERR_PERM, "backup: expected other servers, but \"%s\" is there twice",
                       text);
    }
    return 0;
}

static int
check_tls(const struct hop_settings *hop, struct err *err)
{
    struct stat status;

    if (hop->tls_ca[0] == '\0')
        return 0;
    // Whoever names authorities believes that the server is verified.
    if (hop->tls == HOP_TLS_NO)
        return err_set(err, ERR_PERM, "tls_ca: expected with tls = may or require only");
    if (stat(hop->tls_ca, &status) != 0)
        return err_sys(err, ERR_PERM, errno, "tls_ca: expected a file, \"%s\"", hop->tls_ca);
    if (!S_ISREG(status.st_mode))
        return err_set(err, ERR_PERM, "tls_ca: expected a plain file, not \"%s\"", hop->tls_ca);
    if (access(hop->tls_ca, R_OK) != 0)
        return err_sys(err, ERR_PERM, errno, "tls_ca: expected a readable file, \"%s\"",
                       hop->tls_ca);
    return 0;
}

int
hop_check(const struct hop_settings *hop, struct err *err)
{
    if (hop->addr.len == 0)
        return err_set(err, ERR_PERM,
                       "next_hop: expected an address such as \"inet:127.0.0.1:10025\"");
    if (!addr_is_unix(&hop->addr) && addr_port(&hop->addr) == 0)
        return err_set(err, ERR_PERM, "next_hop: expected an address with a port");
    if (check_backup(hop, err) != 0)
        return -1;
    return check_tls(hop, err);
}
