// SPDX-License-Identifier: BSD-2-Clause
#include "filters/settings.h"

#include <stddef.h>
#include <string.h>

#include "base/mem.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define FILTER(member) offsetof(struct filter_settings, member)
#define HOUR UINT64_C(3600000)
#define GIGA (UINT64_C(1) << 30)

enum { SERVERS_MAX = 32, WEIGHT_MAX = 1000 };

static const char *const types[] = {"", "clamd", "rspamd", NULL};
static const char *const error_actions[] = {"defer", "accept", "quarantine", "rules", NULL};
static const char *const unscannable_actions[] = {"quarantine", "hold", "accept", NULL};

static const char *const parts_choices[] = {"odd", "always", "never", NULL};

const struct setting_row filter_rows[] = {
    {
     .name = "type",
     .type = SETTING_CHOICE,
     .offset = FILTER(type),
     .initial = "",
     .choices = types,
     .help = "What the servers are: clamd or rspamd.",
     },
    {
     .name = "servers",
     .type = SETTING_ADDRS,
     .offset = FILTER(servers),
     .max = SERVERS_MAX,
     .initial = "",
     .help = "Asked in turn.",
     },
    {
     .name = "weights",
     .type = SETTING_TEXTS,
     .offset = FILTER(weights),
     .max = SERVERS_MAX,
     .initial = "",
     .help = "How often each server is asked, beside the others; empty: all alike.",
     },
    {
     .name = "backup",
     .type = SETTING_ADDRS,
     .offset = FILTER(backup),
     .max = SERVERS_MAX,
     .initial = "",
     .help = "Asked while none of the servers is alive.",
     },
    {
     .name = "connect_timeout",
     .type = SETTING_TIME,
     .offset = FILTER(connect_timeout),
     .min = 10,
     .max = 60000,
     .initial = "1s",
     .help = "Time to reach a server.",
     },
    {
     .name = "timeout",
     .type = SETTING_TIME,
     .offset = FILTER(timeout),
     .min = 100,
     .max = 600000,
     .initial = "20s",
     .help = "Time for one message, all tries together.",
     },
    {
     .name = "max_size",
     .type = SETTING_SIZE,
     .offset = FILTER(max_size),
     .min = 1024,
     .max = 16 * GIGA,
     .initial = "25M",
     .help = "A larger message is not scanned, which is not the same as clean; not above the "
                "scanner's own limits.", },
    {
     .name = "parts",
     .type = SETTING_CHOICE,
     .offset = FILTER(parts),
     .initial = "odd",
     .choices = parts_choices,
     .help =
            "When clamd is shown our decoded parts, too: odd (where mail readers may disagree), "
            "always or never; more than max_size of them is unscannable.", },
    {
     .name = "connections",
     .type = SETTING_NUMBER,
     .offset = FILTER(connections),
     .min = 1,
     .max = 10000,
     .initial = "50",
     .help = "Questions under way at once.",
     },
    {
     .name = "on_error",
     .type = SETTING_CHOICE,
     .offset = FILTER(on_error),
     .initial = "defer",
     .choices = error_actions,
     .help = "What a filter that gives no answer means: defer, accept, quarantine, or rules "
                "(their condition failed).", },
    {
     .name = "on_unscannable",
     .type = SETTING_CHOICE,
     .offset = FILTER(on_unscannable),
     .initial = "quarantine",
     .choices = unscannable_actions,
     .help = "What a message that cannot be scanned gets: quarantine, hold or accept.",
     },
    {
     .name = "retries",
     .type = SETTING_NUMBER,
     .offset = FILTER(retries),
     .max = 20,
     .initial = "2",
     .help = "Further tries, with the next server, after one that failed.",
     },
    {
     .name = "retry_delay",
     .type = SETTING_TIME,
     .offset = FILTER(retry_delay),
     .max = 60000,
     .initial = "100ms",
     .help = "Pause in front of the first of them; doubled for each further one.",
     },
    {
     .name = "max_errors",
     .type = SETTING_NUMBER,
     .offset = FILTER(max_errors),
     .min = 1,
     .max = 10000,
     .initial = "10",
     .help = "Errors of a server within error_time after which it counts as dead.",
     },
    {
     .name = "error_time",
     .type = SETTING_TIME,
     .offset = FILTER(error_time),
     .min = 100,
     .max = HOUR,
     .initial = "10s",
     .help = "See max_errors.",
     },
    {
     .name = "dead_time",
     .type = SETTING_TIME,
     .offset = FILTER(dead_time),
     .min = 100,
     .max = 24 * HOUR,
     .initial = "300s",
     .help = "How long a dead server is left alone, unless a probe finds it alive.",
     },
    {
     .name = "probe_interval",
     .type = SETTING_TIME,
     .offset = FILTER(probe_interval),
     .max = HOUR,
     .initial = "10s",
     .help = "Time between probes of a dead server; 0: none.",
     },
    {
     .name = "skip_clients",
     .type = SETTING_NETS,
     .offset = FILTER(skip_clients),
     .max = 1024,
     .initial = "",
     .help = "Networks whose mail this filter is not asked about.",
     },
    {
     .name = "skip_recipients",
     .type = SETTING_TEXTS,
     .offset = FILTER(skip_recipients),
     .max = 1024,
     .initial = "",
     .help = "Addresses; where all recipients are among them, this filter is not asked.",
     },
};

const size_t filter_row_count = COUNT(filter_rows);

void
filter_settings_init(struct filter_settings *settings, const char *name)
{
    *settings = (struct filter_settings){0};
    setting_defaults(filter_rows, filter_row_count, settings);
    settings->name = mem_strdup(name);
}

void
filter_settings_clear(struct filter_settings *settings)
{
    setting_clear(filter_rows, filter_row_count, settings);
    mem_free(&settings->name);
}

static int
check_weights(const struct filter_settings *settings, struct err *err)
{
    char *const *weights = settings->weights.items;
    uint64_t weight;

    if (settings->weights.count == 0)
        return 0;
    if (settings->weights.count != settings->servers.count)
        return err_set(err, ERR_PERM, "weights: expected one for each of the %zu servers",
                       settings->servers.count);
    for (size_t i = 0; i < settings->weights.count; i++) {
        if (str_parse_u64(span_of(weights[i]), WEIGHT_MAX, &weight) != 0 || weight == 0)
            return err_set(err, ERR_PERM, "weights: expected numbers from 1 to %d, not \"%s\"",
                           WEIGHT_MAX, weights[i]);
    }
    return 0;
}

int
filter_settings_check(const struct filter_settings *settings, struct err *err)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
    size_t len = strlen(settings->name);

    if (len == 0 || len > 64 || strspn(settings->name, letters) != len)
        return err_set(err, ERR_PERM,
                       "expected a name of at most 64 letters, digits, \"_\", \".\", \"-\"");
    if (strcmp(settings->name, "dissect") == 0)
        return err_set(err, ERR_PERM, "\"dissect\" is what rules call the look inside of mail");
    if (settings->type == FILTER_UNSET)
        return err_set(err, ERR_PERM, "type: expected clamd or rspamd");
    if (settings->servers.count == 0)
        return err_set(err, ERR_PERM, "servers: expected at least one");
    return check_weights(settings, err);
}
