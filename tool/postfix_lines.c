// SPDX-License-Identifier: BSD-2-Clause
#include "tool/postfix_lines.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "base/mem.h"

enum {
    COLUMNS = 98,          // where printed lines are broken
    RECIPIENTS_MAX = 1000, // smtpd_recipient_limit of the way back
    MARGIN_MS = 120000     // by which Postfix waits longer than Postern
};

// Of the client: "@" becomes smtp_ or lmtp_. On one machine a connection costs less than keeping
// it: each use would go through one process (scache), and begin with a round trip of its own
// (RSET).
static const char *const way_in[] = {
    "@send_xforward_command=yes",
    "disable_mime_output_conversion=yes",
    "@connection_cache_on_demand=no",
    "@line_length_limit=0",
    "@generic_maps=",
    "@header_checks=",
    "@body_checks=",
    "@mime_header_checks=",
    "@nested_header_checks=",
    "@sasl_auth_enable=no",
};

// A fallback relay of main.cf would get unfiltered mail as soon as Postern is down.
static const char *const smtp_only[] = {"smtp_fallback_relay=", "smtp_bind_address="};

// Without the empty content_filter mail would go round; what the first smtpd has checked, rewritten
// and counted is not to be checked, rewritten and counted once more.
static const char *const way_back[] = {
    "content_filter=",
    "receive_override_options=no_unknown_recipient_checks,no_header_body_checks,no_milters",
    "smtpd_client_restrictions=",
    "smtpd_helo_restrictions=",
    "smtpd_sender_restrictions=",
    "smtpd_relay_restrictions=",
    "smtpd_recipient_restrictions=permit_mynetworks,reject",
    "smtpd_data_restrictions=",
    "smtpd_end_of_data_restrictions=",
    "mynetworks=127.0.0.0/8,[::1]/128",
    "smtpd_authorized_xforward_hosts=127.0.0.0/8,[::1]/128",
    "local_header_rewrite_clients=",
    "smtpd_sasl_auth_enable=no",
    "smtpd_forbid_bare_newline=reject",
    "smtpd_forbid_bare_newline_exclusions=",
    "smtpd_forbid_unauth_pipelining=yes",
    "smtpd_error_sleep_time=0",
    "smtpd_client_connection_count_limit=0",
    "smtpd_client_connection_rate_limit=0",
    "syslog_name=postfix/reinject",
};

static uint64_t
least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void
add_option(struct buf *line, const char *protocol, const char *option)
{
    (void)buf_add_text(line, " -o ");
    if (option[0] == '@')
        (void)buf_printf(line, "%s_", protocol);
    (void)buf_add_text(line, option[0] == '@' ? option + 1 : option);
}

static char *
taken(struct buf *text)
{
    char *copy = mem_strdup(buf_text(text));

    buf_clear(text);
    return copy;
}

// "[127.0.0.1]:10024" for smtp, "inet:127.0.0.1:10024" for lmtp. Who listens on all addresses is
// reached at loopback's.
static char *
inet_text(const struct addr *addr, bool is_smtp)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)&addr->sa;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&addr->sa;
    unsigned port = addr_port(addr);
    char host[ADDR_TEXT_MAX];

    addr_format_host(addr, host);
    if (addr->sa.ss_family == AF_INET && v4->sin_addr.s_addr == htonl(INADDR_ANY))
        (void)snprintf(host, sizeof host, "127.0.0.1");
    if (addr->sa.ss_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr))
        (void)snprintf(host, sizeof host, "::1");
    if (is_smtp || addr->sa.ss_family == AF_INET6)
        return mem_printf("%s[%s]:%u", is_smtp ? "" : "inet:", host, port);
    return mem_printf("inet:%s:%u", host, port);
}

static void
make_way_in(const struct settings *settings, const struct smtp_listener_settings *listener,
            const struct hop_settings *hop, struct postfix_service *service)
{
    bool is_smtp = listener->protocol == SMTP_PROTOCOL_SMTP;
    const char *protocol = is_smtp ? "smtp" : "lmtp";
    // As long as the answer can take: until relaying is given up, and the last reply to the dot.
    uint64_t wait_ms = settings->delivery.relay_deadline + hop->dot_timeout + MARGIN_MS;
    struct buf line;

    buf_init(&line, POSTFIX_TEXT_MAX);
    (void)buf_printf(&line, POSTFIX_TRANSPORT " unix - - n - %llu %s",
                     (unsigned long long)least(hop->connections, settings->smtp.max_connections),
                     protocol);
    for (size_t i = 0; i < sizeof way_in / sizeof way_in[0]; i++)
        add_option(&line, protocol, way_in[i]);
    for (size_t i = 0; is_smtp && i < sizeof smtp_only / sizeof smtp_only[0]; i++)
        add_option(&line, protocol, smtp_only[i]);
    (void)buf_printf(&line, " -o %s_tls_security_level=%s -o %s_data_done_timeout=%llus", protocol,
                     listener->tls_mode == SMTP_TLS_REQUIRE ? "encrypt" : "none", protocol,
                     (unsigned long long)((wait_ms + 999) / 1000));
    service->id = mem_strdup(POSTFIX_TRANSPORT "/unix");
    service->line = taken(&line);
}

static void
make_params(const struct settings *settings, const struct smtp_listener_settings *listener,
            const struct hop_settings *hop, struct postfix_param params[POSTFIX_PARAMS])
{
    uint64_t recipients = least(settings->smtp.max_recipients, RECIPIENTS_MAX);
    uint64_t at_once = least(hop->connections, settings->smtp.max_connections);
    char path[ADDR_TEXT_MAX];
    char *next_hop;

    addr_format(&listener->addr, path);
    next_hop = addr_is_unix(&listener->addr)
                   ? mem_strdup(path)
                   : inet_text(&listener->addr, listener->protocol == SMTP_PROTOCOL_SMTP);
    params[0] =
        (struct postfix_param){"content_filter", mem_printf(POSTFIX_TRANSPORT ":%s", next_hop)};
    params[1] = (struct postfix_param){"receive_override_options", mem_strdup(POSTFIX_OVERRIDE)};
    params[2] = (struct postfix_param){POSTFIX_TRANSPORT "_destination_recipient_limit",
                                       mem_printf("%llu", (unsigned long long)recipients)};
    params[3] = (struct postfix_param){POSTFIX_TRANSPORT "_destination_concurrency_limit",
                                       mem_printf("%llu", (unsigned long long)at_once)};
    params[4] = (struct postfix_param){POSTFIX_TRANSPORT "_initial_destination_concurrency",
                                       mem_strdup(params[3].value)};
    params[5] = (struct postfix_param){
        POSTFIX_TRANSPORT "_destination_concurrency_failed_cohort_limit", mem_strdup("0")};
    mem_free(&next_hop);
}

// Postfix makes a service's socket in public/ or private/ of its queue folder.
static int
unix_service(const struct hop_settings *hop, struct buf *line, char **id_out, struct err *err)
{
    const char *path = ((const struct sockaddr_un *)&hop->addr.sa)->sun_path;
    const char *name = strrchr(path, '/'), *folder = name;
    bool is_public;

    while (folder > path && folder[-1] != '/')
        folder--;
    is_public = strncmp(folder, "public/", 7) == 0;
    if (!is_public && strncmp(folder, "private/", 8) != 0)
        return err_set(err, ERR_PERM,
                       "next_hop \"%s\": Postfix listens in public/ and private/ of its queue "
                       "folder only, not at %s",
                       hop->name, path);
    (void)buf_printf(line, "%s unix %s - n -", name + 1, is_public ? "n" : "-");
    *id_out = mem_printf("%s/unix", name + 1);
    return 0;
}

static int
inet_service(const struct hop_settings *hop, struct buf *line, char **id_out, struct err *err)
{
    struct net loopback4, loopback6;
    char text[ADDR_TEXT_MAX];

    (void)net_parse(SPAN_LITERAL("127.0.0.0/8"), &loopback4, NULL);
    (void)net_parse(SPAN_LITERAL("::1"), &loopback6, NULL);
    addr_format(&hop->addr, text);
    if (!net_has(&loopback4, &hop->addr) && !net_has(&loopback6, &hop->addr))
        return err_set(err, ERR_PERM,
                       "next_hop \"%s\": %s is not a loopback address: only the Postfix of this "
                       "machine can be set up",
                       hop->name, text);
    (void)buf_printf(line, "%s inet n - n -", text + strlen("inet:"));
    *id_out = mem_printf("%s/inet", text + strlen("inet:"));
    return 0;
}

static int
make_way_back(const struct hop_settings *hop, struct postfix_service *service, struct err *err)
{
    struct buf line;
    int result;

    if (hop->protocol != HOP_SMTP)
        return err_set(err, ERR_PERM,
                       "next_hop \"%s\": protocol is lmtp, but Postfix's smtpd speaks SMTP",
                       hop->name);
    buf_init(&line, POSTFIX_TEXT_MAX);
    result = addr_is_unix(&hop->addr) ? unix_service(hop, &line, &service->id, err)
                                      : inet_service(hop, &line, &service->id, err);
    if (result != 0) {
        buf_clear(&line);
        return -1;
    }
    // Twice: while one Postern drains, the next one has connections of its own.
    (void)buf_printf(&line, " %llu smtpd", (unsigned long long)hop->connections * 2);
    for (size_t i = 0; i < sizeof way_back / sizeof way_back[0]; i++)
        add_option(&line, "", way_back[i]);
    (void)buf_printf(&line, " -o smtpd_tls_security_level=%s",
                     hop->tls == HOP_TLS_NO ? "none" : "may");
    service->line = taken(&line);
    return 0;
}

int
postfix_lines_make(const struct settings *settings, const struct smtp_listener_settings *listener,
                   struct postfix_lines *lines_out, struct err *err)
{
    const struct hop_settings *hop = settings_find_hop(settings, listener->next_hop);

    memset(lines_out, 0, sizeof *lines_out);
    if (make_way_back(hop, &lines_out->services[1], err) != 0)
        return -1;
    make_way_in(settings, listener, hop, &lines_out->services[0]);
    make_params(settings, listener, hop, lines_out->params);
    return 0;
}

void
postfix_lines_clear(struct postfix_lines *lines)
{
    for (size_t i = 0; i < POSTFIX_PARAMS; i++)
        mem_free(&lines->params[i].value);
    for (size_t i = 0; i < POSTFIX_SERVICES; i++) {
        mem_free(&lines->services[i].id);
        mem_free(&lines->services[i].line);
    }
}

// Options on lines of their own, as many as have room.
static void
print_service(const struct postfix_service *service, struct buf *out)
{
    const char *rest = strstr(service->line, " -o ");
    size_t used = COLUMNS;

    (void)buf_add(out, service->line, (size_t)(rest - service->line));
    while (rest != NULL) {
        const char *next = strstr(rest + 1, " -o ");
        size_t len = next != NULL ? (size_t)(next - rest) : strlen(rest);

        if (used + len > COLUMNS) {
            (void)buf_add_text(out, "\n ");
            used = 1;
        }
        (void)buf_add(out, rest, len);
        used += len;
        rest = next;
    }
    (void)buf_add_char(out, '\n');
}

void
postfix_lines_print(const struct postfix_lines *lines, struct buf *out)
{
    (void)buf_add_text(out, "# main.cf: before the filter no alias expansion, after it there is\n");
    for (size_t i = 0; i < POSTFIX_PARAMS; i++)
        (void)buf_printf(out, "%s = %s\n", lines->params[i].name, lines->params[i].value);
    (void)buf_add_text(out, "\n# master.cf: the way in\n");
    print_service(&lines->services[0], out);
    (void)buf_add_text(out, "\n# master.cf: the way back\n");
    print_service(&lines->services[1], out);
}
