// SPDX-License-Identifier: BSD-2-Clause
#include "control/settings_check.h"

#include <string.h>

// The index-th section of that name; root where there is none (its settings are defaults).
static const struct tree_section *
place_of(const struct tree_section *root, const char *name, size_t index)
{
    for (size_t i = 0; i < root->section_count; i++) {
        if (strcmp(root->sections[i]->rules->name, name) == 0 && index-- == 0)
            return root->sections[i];
    }
    return root;
}

static int
check_listener(const struct settings *settings, size_t index, struct err *err)
{
    const struct smtp_listener_settings *listener = &settings->listeners[index];
    char text[ADDR_TEXT_MAX];

    for (size_t i = 0; i < index; i++) {
        addr_format(&listener->addr, text);
        if (addr_equal(&settings->listeners[i].addr, &listener->addr))
            return err_set(err, ERR_PERM, "listen: another one has the address \"%s\"", text);
        if (strcmp(settings->listeners[i].name, listener->name) == 0)
            return err_set(err, ERR_PERM, "name: another listen has the name \"%s\"",
                           listener->name);
    }
    if (settings_find_hop(settings, listener->next_hop) == NULL)
        return err_set(err, ERR_PERM, "next_hop: there is no next_hop with the name \"%s\"",
                       listener->next_hop);
    return smtp_listener_check(listener, err);
}

static int
check_hop(const struct settings *settings, size_t index, struct err *err)
{
    const struct hop_settings *hop = &settings->hops[index];

    for (size_t i = 0; i < index; i++) {
        if (strcmp(settings->hops[i].name, hop->name) == 0)
            return err_set(err, ERR_PERM, "name: another next_hop has the name \"%s\"", hop->name);
    }
    for (size_t i = 0; i < settings->listener_count; i++) {
        char text[ADDR_TEXT_MAX];

        if (!addr_equal(&settings->listeners[i].addr, &hop->addr))
            continue;
        addr_format(&hop->addr, text);
        return err_set(err, ERR_PERM,
                       "next_hop: mail to \"%s\" would come back to us: a listen "
                       "has that address",
                       text);
    }
    return hop_check(hop, err);
}

static int
check_control(const struct settings *settings, struct err *err)
{
    const struct addr *addr = &settings->control.socket;

    if (addr->len == 0 || !addr_is_unix(addr))
        return err_set(err, ERR_PERM, "socket: expected a UNIX socket, unix:/path");
    if (settings->control.mode > 0777)
        return err_set(err, ERR_PERM, "mode: expected access rights such as 0660");
    for (size_t i = 0; i < settings->listener_count; i++) {
        if (addr_equal(&settings->listeners[i].addr, addr))
            return err_set(err, ERR_PERM, "socket: a listen has that address");
    }
    return 0;
}

// Who else listens there?
static int
check_http(const struct settings *settings, size_t index, struct err *err)
{
    const struct addr *addr = &settings->https[index].addr;
    bool is_taken = addr_equal(&settings->control.socket, addr);

    for (size_t i = 0; i < index; i++)
        is_taken = is_taken || addr_equal(&settings->https[i].addr, addr);
    for (size_t i = 0; i < settings->listener_count; i++)
        is_taken = is_taken || addr_equal(&settings->listeners[i].addr, addr);
    return is_taken ? err_set(err, ERR_PERM, "http: something else listens on that address") : 0;
}

// What is told of mail, and to whom.
static int
check_telling(const struct settings *settings, const struct tree_section *root, struct err *err)
{
    if (track_settings_check(&settings->track, err) != 0)
        return tree_fail(place_of(root, "track", 0), err);
    if (redis_settings_check(&settings->redis, err) != 0)
        return tree_fail(place_of(root, "redis", 0), err);
    for (size_t i = 0; i < settings->http_count; i++) {
        if (check_http(settings, i, err) != 0)
            return tree_fail(place_of(root, "http", i), err);
    }
    return 0;
}

static int
check_log(const struct settings *settings, struct err *err)
{
    static const char *const facilities[] = {"mail",   "daemon", "local0", "local1", "local2",
                                             "local3", "local4", "local5", "local6", "local7"};
    const struct log_settings *log = &settings->log;

    if (strcmp(log->format, "text") != 0 && strcmp(log->format, "json") != 0)
        return err_set(err, ERR_PERM, "format: expected text or json, not \"%s\"", log->format);
    for (size_t i = 0; i < sizeof facilities / sizeof facilities[0]; i++) {
        if (strcmp(facilities[i], log->facility) == 0)
            return 0;
    }
    return err_set(err, ERR_PERM, "facility: expected mail, daemon or local0 to local7, not \"%s\"",
                   log->facility);
}

static int
check_global(const struct settings *settings, struct err *err)
{
    // A worker without a share of the connections would accept nothing.
    if (settings->smtp.max_connections < settings->daemon.workers)
        return err_set(err, ERR_PERM,
                       "max_connections: expected at least one for each of the %llu workers",
                       (unsigned long long)settings->daemon.workers);
    return smtp_settings_check(&settings->smtp, err);
}

static int
check_used_rules(const struct settings *settings, const struct smtp_listener_settings *listener,
                 struct err *err)
{
    char *const *names = listener->rules.items;

    for (size_t i = 0; i < listener->rules.count; i++) {
        if (rules_find(&settings->rules, names[i]) == SIZE_MAX)
            return err_set(err, ERR_PERM, "rules: there is no rule with the name \"%s\"", names[i]);
    }
    return 0;
}

static int
check_filters(const struct settings *settings, const struct tree_section *root, struct err *err)
{
    for (size_t i = 0; i < settings->filter_count; i++) {
        const struct filter_settings *filter = &settings->filters[i];

        if (filter_settings_check(filter, err) == 0 && filter->timeout <= settings->policy.deadline)
            continue;
        if (filter->timeout > settings->policy.deadline)
            err_set(err, ERR_PERM, "timeout: expected at most deadline");
        return tree_fail(place_of(root, "filter", i), err);
    }
    return 0;
}

static int
check_rules(struct settings *settings, const struct tree_section *root, struct err *err)
{
    size_t index = 0;

    if (rules_compile(settings->rule_texts, settings->rule_count, settings->filters,
                      settings->filter_count, &settings->rules, &index, err) != 0)
        return tree_fail(place_of(root, "rule", index), err);
    if (settings->rules.needs_findings && !settings->dissect.enabled) {
        err_set(err, ERR_PERM, "enabled: expected yes: there are rules on what is inside of mail");
        return tree_fail(place_of(root, "dissect", 0), err);
    }
    return 0;
}

static int
check_times(const struct settings *settings, struct err *err)
{
    if (settings->dissect.timeout > settings->policy.deadline)
        return err_set(err, ERR_PERM, "deadline: expected at least the timeout of dissect");
    return 0;
}

// Looking, asking and deciding.
static int
check_verdicts(struct settings *settings, const struct tree_section *root, struct err *err)
{
    if (check_times(settings, err) != 0 || policy_settings_check(&settings->policy, err) != 0)
        return tree_fail(root, err);
    if (dissect_settings_check(&settings->dissect, err) != 0)
        return tree_fail(place_of(root, "dissect", 0), err);
    if (check_filters(settings, root, err) != 0 || check_rules(settings, root, err) != 0)
        return -1;
    for (size_t i = 0; i < settings->listener_count; i++) {
        if (check_used_rules(settings, &settings->listeners[i], err) != 0)
            return tree_fail(place_of(root, "listen", i), err);
    }
    return 0;
}

int
settings_check(struct settings *settings, const struct tree_section *root, struct err *err)
{
    if (check_global(settings, err) != 0)
        return tree_fail(root, err);
    for (size_t i = 0; i < settings->listener_count; i++) {
        if (check_listener(settings, i, err) != 0)
            return tree_fail(place_of(root, "listen", i), err);
    }
    for (size_t i = 0; i < settings->hop_count; i++) {
        if (check_hop(settings, i, err) != 0)
            return tree_fail(place_of(root, "next_hop", i), err);
    }
    if (spool_settings_check(&settings->spool, err) != 0)
        return tree_fail(place_of(root, "spool", 0), err);
    if (check_control(settings, err) != 0)
        return tree_fail(place_of(root, "control", 0), err);
    if (check_log(settings, err) != 0)
        return tree_fail(place_of(root, "log", 0), err);
    if (check_telling(settings, root, err) != 0)
        return -1;
    return check_verdicts(settings, root, err);
}
