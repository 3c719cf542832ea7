// SPDX-License-Identifier: BSD-2-Clause
// control/layout.h - which rows stand in which section of a configuration, and where their values
// go.
#ifndef POSTERN_CONTROL_LAYOUT_H
#define POSTERN_CONTROL_LAYOUT_H

#include "control/settings.h"
#include "control/tree.h"

struct layout_part {     // one table of rows, of a section that is there once
    const char *section; // "" is the file itself
    struct tree_table table;
    size_t offset; // of its struct in struct settings
};

enum { LAYOUT_PARTS = 11 };

extern const struct layout_part layout_parts[LAYOUT_PARTS];
extern const struct tree_table layout_listen, layout_listen_tls, layout_next_hop;
extern const struct tree_table layout_filter, layout_rule, layout_http;
extern const struct tree_rules layout_rules; // of the whole file

struct settings *layout_new(const char *file); // all defaults; no listener and no next hop yet
void layout_derive(struct settings *settings); // host name and workers, where nothing is set
// title: the address as it is written, which is the name that the default gives.
struct smtp_listener_settings *layout_add_listener(struct settings *settings,
                                                   const struct addr *addr, const char *title);
struct hop_settings *layout_add_hop(struct settings *settings, const struct addr *addr,
                                    const char *title);
struct http_settings *layout_add_http(struct settings *settings, const struct addr *addr);
struct filter_settings *layout_add_filter(struct settings *settings, const char *name);
struct rule_settings *layout_add_rule(struct settings *settings, const char *name);
// What stands where the file has no listen, or no next_hop.
void layout_add_defaults(struct settings *settings);

#endif
