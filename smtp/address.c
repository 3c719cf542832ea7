// SPDX-License-Identifier: BSD-2-Clause
#include "smtp/address.h"

#include <string.h>

static int
fail(enum path_result result, bool is_reverse, struct smtp_reply *reply)
{
    const char *status = is_reverse ? "5.1.7" : "5.1.3";

    switch (result) {
    case PATH_OK:
        return 0;
    case PATH_BAD_SYNTAX:
        reply_set(reply, 501, status, "Bad %s address syntax", is_reverse ? "sender" : "recipient");
        break;
    case PATH_SOURCE_ROUTE:
        reply_set(reply, 501, status, "Source routes are not accepted");
        break;
    case PATH_TOO_LONG:
        reply_set(reply, 501, status, "Address is too long");
        break;
    case PATH_NOT_ASCII: // RFC 6531 3.5
        reply_set(reply, is_reverse ? 550 : 553, "5.6.7", "Address needs SMTPUTF8");
        break;
    }
    return -1;
}

int
address_read(struct span args, const struct path_rules *rules, struct path *path_out,
             struct smtp_reply *reply_out)
{
    const char *label = rules->is_reverse ? "FROM:" : "TO:";

    if (!span_starts_nocase(args, label)) {
        reply_set(reply_out, 501, "5.5.4", "Syntax: %s%s<address>",
                  rules->is_reverse ? "MAIL " : "RCPT ", label);
        return -1;
    }
    // RFC 5321 3.3 allows none, but enough clients put one there.
    args = span_trim(span_skip(args, strlen(label)));
    return fail(path_parse(args, rules, path_out), rules->is_reverse, reply_out);
}

struct span
address_for_log(struct span args)
{
    struct span path = args;
    struct span inside;

    span_cut(&path, ':');
    path = path.data == NULL ? args : span_trim(path);
    if (path.len == 0 || path.data[0] != '<')
        return path;
    inside = span_skip(path, 1);
    for (size_t i = inside.len; i > 0; i--) {
        if (inside.data[i - 1] == '>')
            return span_from(inside.data, i - 1);
    }
    return path;
}
