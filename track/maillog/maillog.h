// SPDX-License-Identifier: BSD-2-Clause
// track/maillog/maillog.h - one line of Postfix's log: what became of a recipient. Pure.
//
// The log is written by root's syslog daemon, but what stands in the lines came from strangers:
// addresses in quotes, replies of servers. Only a line whose every field stands where Postfix puts
// it is believed, read from the left with quotes and brackets observed; a text cannot forge a
// field. It must be a whole line from its beginning (track/maillog/follow.h), with addresses in
// quotes where they need them (info_log_address_format = external, the default). Times as in
// track/maillog/logtime.h.
#ifndef POSTERN_TRACK_MAILLOG_H
#define POSTERN_TRACK_MAILLOG_H

#include "base/str.h"

enum maillog_status { MAILLOG_SENT, MAILLOG_DEFERRED, MAILLOG_BOUNCED, MAILLOG_EXPIRED };

struct maillog_line { // spans into the line
    int64_t at_ms;
    struct span service;     // "smtp", "local", "qmgr", ...
    struct span queue_id;    // 4jWw3p5ZvJz1cY43, or the short form
    struct span to, orig_to; // without angle brackets; orig_to empty: none
    struct span relay, dsn;
    enum maillog_status status; // SOFTBOUNCE is deferred
    struct span text;           // in the parentheses behind it; any bytes but controls
};

enum { MAILLOG_LINE_MAX = 8192 };

enum maillog_result { MAILLOG_DELIVERY, MAILLOG_OTHER };

// line without its line feed. OTHER: anything else, and all that is not exactly so. qmgr's
// "status=expired, returned to sender" (or force-expired) has no to=: it is told with an empty
// `to`, and means all recipients of the queue id that are not final.
enum maillog_result maillog_parse(struct span line, int64_t now_ms, struct maillog_line *line_out);

#endif
