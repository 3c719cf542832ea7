// SPDX-License-Identifier: BSD-2-Clause
#include "track/maillog/maillog.h"

#include "tests/unit/harness.h"

#define NOW INT64_C(1793678706000) // 2026-11-03 04:05:06 UTC
#define AT "Nov  3 04:05:06 mx postfix/smtp[812]: "
#define TAIL "relay=127.0.0.1[127.0.0.1]:25, delay=0.02, delays=0/0.01/0/0.01, "
#define SENT TAIL "dsn=2.0.0, status=sent (250 2.0.0 Ok)"
#define FORGED                                                                                     \
    "Nov  3 04:05:06 mx postfix/smtp[1]: 4ABC123DEF: to=<victim@b.example>, relay=x[192.0.2.1]:25" \
    ", delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (ok"

struct row {
    const char *line;
    const char *service, *queue_id, *to, *orig_to, *relay, *dsn;
    enum maillog_status status;
    const char *text;
};

// clang-format off
static const struct row rows[] = {
    {AT "4jWwnR349tz1cXgD: to=<bob@example.com>, " SENT,
     "smtp", "4jWwnR349tz1cXgD", "bob@example.com", "", "127.0.0.1[127.0.0.1]:25", "2.0.0",
     MAILLOG_SENT, "250 2.0.0 Ok"},
    {AT "8F3A91C0B2: to=<a1@example.com>, orig_to=<two@example.com>, " SENT,
     "smtp", "8F3A91C0B2", "a1@example.com", "two@example.com", "127.0.0.1[127.0.0.1]:25", "2.0.0",
     MAILLOG_SENT, "250 2.0.0 Ok"},
    {AT "8F3A91: to=<postmaster@mx.example>, orig_to=<postmaster>, relay=mx.example[2001:db8::1]:25, "
     "conn_use=12, delay=61, delays=60/0.02/0/1, dsn=2.0.0, status=sent (250 Ok)",
     "smtp", "8F3A91", "postmaster@mx.example", "postmaster", "mx.example[2001:db8::1]:25", "2.0.0",
     MAILLOG_SENT, "250 Ok"},
    {"Nov 03 04:05:06 mx postfix/reinject/smtp[1]: 4jWwnR349tz1cXgD: to=<b@c>, " SENT,
     "smtp", "4jWwnR349tz1cXgD", "b@c", "", "127.0.0.1[127.0.0.1]:25", "2.0.0",
     MAILLOG_SENT, "250 2.0.0 Ok"},
    {"2026-11-03T05:05:06.000000+01:00 2001:db8::25 postfix-out/lmtp[4194304]: 4jWwnR349tz1cXgD: "
     "to=<b@c>, relay=mx.example[private/dovecot-lmtp], delay=0.1, delays=0.1/0/0/0, dsn=2.0.0, "
     "status=sent (250 2.0.0 <b@c> Saved)",
     "lmtp", "4jWwnR349tz1cXgD", "b@c", "", "mx.example[private/dovecot-lmtp]", "2.0.0",
     MAILLOG_SENT, "250 2.0.0 <b@c> Saved"},
    {"2026-11-03T04:05:06Z mx.example.com postfix/local[2]: 4jWwnR349tz1cXgD: to=<b@c>, relay=local, "
     "delay=0.1, delays=0.1/0/0/0, dsn=2.0.0, status=sent (forwarded as 4jWwnR37cXz1cXgq)",
     "local", "4jWwnR349tz1cXgD", "b@c", "", "local", "2.0.0",
     MAILLOG_SENT, "forwarded as 4jWwnR37cXz1cXgq"},
    {"Nov  3 04:05:06 mx postfix/virtual[2]: 4jWwnR349tz1cXgD: to=<b@c>, relay=virtual, delay=0.1, "
     "delays=0.1/0/0/0, dsn=4.2.2, status=deferred (mailbox is full)",
     "virtual", "4jWwnR349tz1cXgD", "b@c", "", "virtual", "4.2.2",
     MAILLOG_DEFERRED, "mailbox is full"},
    {"Nov  3 04:05:06 mx postfix/pipe[2]: 4jWwnR349tz1cXgD: to=<b@c>, relay=mailman, delay=0.1, "
     "delays=0.1/0/0/0, dsn=5.1.1, status=bounced (user unknown. Command output: \"no, (no\" )",
     "pipe", "4jWwnR349tz1cXgD", "b@c", "", "mailman", "5.1.1",
     MAILLOG_BOUNCED, "user unknown. Command output: \"no, (no\" "},
    {"Nov  3 04:05:06 mx postfix/error[2]: 4jWwnR349tz1cXgD: to=<b@c>, relay=none, delay=0.1, "
     "delays=0.1/0/0/0, dsn=4.3.0, status=deferred (address resolver failure)",
     "error", "4jWwnR349tz1cXgD", "b@c", "", "none", "4.3.0",
     MAILLOG_DEFERRED, "address resolver failure"},
    {"Nov  3 04:05:06 mx postfix/discard[2]: 4jWwnR349tz1cXgD: to=<b@c>, relay=none, delay=0.1, "
     "delays=0.1/0/0/0, dsn=2.0.0, status=sent (example.com)",
     "discard", "4jWwnR349tz1cXgD", "b@c", "", "none", "2.0.0", MAILLOG_SENT, "example.com"},
    {"Nov  3 04:05:06 mx postfix/qmgr[2]: 4jWwnR349tz1cXgD: to=<b@c>, relay=none, delay=0.1, "
     "delays=0.1/0/0/0, dsn=4.4.1, status=deferred (delivery temporarily suspended: x)",
     "qmgr", "4jWwnR349tz1cXgD", "b@c", "", "none", "4.4.1",
     MAILLOG_DEFERRED, "delivery temporarily suspended: x"},
    {"Nov  3 04:05:06 mx postfix/cleanup[2]: 4jWwnR349tz1cXgD: to=<b@c>, relay=none, delay=0.1, "
     "delays=0.1/0/0/0, dsn=5.4.6, status=bounced (loop)",
     "cleanup", "4jWwnR349tz1cXgD", "b@c", "", "none", "5.4.6", MAILLOG_BOUNCED, "loop"},
    {AT "4jWwnR349tz1cXgD: to=<b@c>, " TAIL "dsn=4.1.1, status=SOFTBOUNCE (no such user)",
     "smtp", "4jWwnR349tz1cXgD", "b@c", "", "127.0.0.1[127.0.0.1]:25", "4.1.1",
     MAILLOG_DEFERRED, "no such user"},
    {AT "4jWwnR349tz1cXgD: to=<b@c>, relay=mx[192.0.2.1]:25, delay=5.4, delays=0.08/0.01/3.5/1.9, "
     "tls=dane, dsn=2.0.0, status=sent (250 Ok)", // from release 3.11 on
     "smtp", "4jWwnR349tz1cXgD", "b@c", "", "mx[192.0.2.1]:25", "2.0.0", MAILLOG_SENT, "250 Ok"},
    {AT "4jWwnR349tz1cXgD: to=<b@c>, relay=mx[192.0.2.1]:25, delay=5.4, delays=0.08/0.01/3.5/1.9, "
     "tls=!verify/(disabled:requiretls)?, dsn=4.7.5, status=deferred (TLS is required)",
     "smtp", "4jWwnR349tz1cXgD", "b@c", "", "mx[192.0.2.1]:25", "4.7.5",
     MAILLOG_DEFERRED, "TLS is required"},
    {AT "4jWwnR349tz1cXgD: to=<b@c>, " TAIL "dsn=2.0.0, status=sent ()",
     "smtp", "4jWwnR349tz1cXgD", "b@c", "", "127.0.0.1[127.0.0.1]:25", "2.0.0", MAILLOG_SENT, ""},
 // addresses
    {AT "4jWwnR349tz1cXgD: to=<\"x>, relay=evil, delay=0, delays=0/0/0/0, dsn=2.0.0, status=sent (\""
     "@example.com>, " TAIL "dsn=4.0.0, status=deferred (later)",
     "smtp", "4jWwnR349tz1cXgD",
     "\"x>, relay=evil, delay=0, delays=0/0/0/0, dsn=2.0.0, status=sent (\"@example.com", "",
     "127.0.0.1[127.0.0.1]:25", "4.0.0", MAILLOG_DEFERRED, "later"},
    {AT "4jWwnR349tz1cXgD: to=<\"q\\\"uo\\\\te\"@example.com>, orig_to=<\"\\\\\\\"@b>, relay=\"@c>, "
     SENT,
     "smtp", "4jWwnR349tz1cXgD", "\"q\\\"uo\\\\te\"@example.com", "\"\\\\\\\"@b>, relay=\"@c",
     "127.0.0.1[127.0.0.1]:25", "2.0.0", MAILLOG_SENT, "250 2.0.0 Ok"},
    {AT "4jWwnR349tz1cXgD: to=<\"ctrl? x\"@example.com>, " SENT,
     "smtp", "4jWwnR349tz1cXgD", "\"ctrl? x\"@example.com", "", "127.0.0.1[127.0.0.1]:25", "2.0.0",
     MAILLOG_SENT, "250 2.0.0 Ok"},
    {AT "4jWwnR349tz1cXgD: to=<j\xc3\xbcrgen@ex\xc3\xa4mple.com>, " SENT,
     "smtp", "4jWwnR349tz1cXgD", "j\xc3\xbcrgen@ex\xc3\xa4mple.com", "", "127.0.0.1[127.0.0.1]:25",
     "2.0.0", MAILLOG_SENT, "250 2.0.0 Ok"},
    {AT "4jWwnR349tz1cXgD: to=<o'brien+tag=x%y!z/{}|~#@[IPv6:2001:db8::1]>, " SENT,
     "smtp", "4jWwnR349tz1cXgD", "o'brien+tag=x%y!z/{}|~#@[IPv6:2001:db8::1]", "",
     "127.0.0.1[127.0.0.1]:25", "2.0.0", MAILLOG_SENT, "250 2.0.0 Ok"},
    {AT "4jWwnR349tz1cXgD: to=<bob>, " SENT,
     "smtp", "4jWwnR349tz1cXgD", "bob", "", "127.0.0.1[127.0.0.1]:25", "2.0.0",
     MAILLOG_SENT, "250 2.0.0 Ok"},
 // replies
    {AT "4jWwnR349tz1cXgD: to=<a@c>, " TAIL "dsn=4.0.0, status=deferred (host x[192.0.2.1] said: 450 "
     "x) " FORGED ") (in reply to RCPT TO command))",
     "smtp", "4jWwnR349tz1cXgD", "a@c", "", "127.0.0.1[127.0.0.1]:25", "4.0.0", MAILLOG_DEFERRED,
     "host x[192.0.2.1] said: 450 x) " FORGED ") (in reply to RCPT TO command)"},
    {AT "4jWwnR349tz1cXgD: to=<a@c>, " TAIL "dsn=5.1.1, status=bounced (550 )))(((",
     NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL},
    {AT "4jWwnR349tz1cXgD: to=<a@c>, " TAIL "dsn=5.1.1, status=bounced (550 )))((()",
     "smtp", "4jWwnR349tz1cXgD", "a@c", "", "127.0.0.1[127.0.0.1]:25", "5.1.1",
     MAILLOG_BOUNCED, "550 )))((("},
    {AT "4jWwnR349tz1cXgD: to=<a@c>, " TAIL "dsn=4.1.1, status=deferred (450 t?w?o \xff\xc3 \\ \"x\")",
     "smtp", "4jWwnR349tz1cXgD", "a@c", "", "127.0.0.1[127.0.0.1]:25", "4.1.1",
     MAILLOG_DEFERRED, "450 t?w?o \xff\xc3 \\ \"x\""},
 // the queue manager gives up
    {"Nov  3 04:05:06 mx postfix/qmgr[2]: 4jWwnR349tz1cXgD: from=<a@b.example>, status=expired, "
     "returned to sender",
     "qmgr", "4jWwnR349tz1cXgD", "", "", "", "", MAILLOG_EXPIRED, ""},
    {"Nov  3 04:05:06 mx postfix/qmgr[2]: 4jWwnR349tz1cXgD: from=<>, status=force-expired, "
     "returned to sender",
     "qmgr", "4jWwnR349tz1cXgD", "", "", "", "", MAILLOG_EXPIRED, ""},
    {"Nov  3 04:05:06 mx postfix/oqmgr[2]: 8F3A91C0B2: from=<\"s>, status=expired\"@b>, "
     "status=expired, returned to sender",
     "oqmgr", "8F3A91C0B2", "", "", "", "", MAILLOG_EXPIRED, ""},
};

static const char *const others[] = {
    "",
    "Nov  3 04:05:06 mx postfix/smtpd[1]: connect from unknown[127.0.0.1]",
    "Nov  3 04:05:06 mx postfix/smtpd[1]: 4jWwnR349tz1cXgD: client=unknown[127.0.0.1]",
    "Nov  3 04:05:06 mx postfix/cleanup[1]: 4jWwnR349tz1cXgD: message-id=<a>, status=sent (@b>",
    "Nov  3 04:05:06 mx postfix/qmgr[1]: 4jWwnR349tz1cXgD: from=<a@b>, size=1, nrcpt=1 (queue active)",
    "Nov  3 04:05:06 mx postfix/qmgr[1]: 4jWwnR349tz1cXgD: from=<\"s>, status=expired, returned to "
    "sender\"@b>, size=1, nrcpt=1 (queue active)",
    "Nov  3 04:05:06 mx postfix/qmgr[1]: 4jWwnR349tz1cXgD: from=<a@b>, status=expired, returned to "
    "sender)",
    "Nov  3 04:05:06 mx postfix/smtp[1]: 4jWwnR349tz1cXgD: from=<a@b>, status=expired, returned to "
    "sender",
    "Nov  3 04:05:06 mx postfix/qmgr[1]: 4jWwnR349tz1cXgD: removed",
    "Nov  3 04:05:06 mx postfix/bounce[1]: 4jWwnR349tz1cXgD: sender non-delivery notification: "
    "4jWwnR37cXz1cXgq",
    "Nov  3 04:05:06 mx postfix/smtp[1]: connect to 127.0.0.1[127.0.0.1]:9: Connection refused",
    "Nov  3 04:05:06 mx postfix/smtp[1]: 4jWwnR349tz1cXgD: host x[192.0.2.1] said: 450 to=<b@c>, "
    SENT,
    "Nov  3 04:05:06 mx postfix/smtp[1]: warning: to=<b@c>, " SENT,
    "Nov  3 04:05:06 mx postfix/smtp[1]: NOQUEUE: to=<b@c>, " SENT,
    "Nov  3 04:05:06 mx postfix/smtp[1]: to=<b@c>, " SENT,
    "Nov  3 04:05:06 mx postfix/smtp[1]: : to=<b@c>, " SENT,
    "Nov  3 04:05:06 mx postfix/smtp[1]: 8F3A9: to=<b@c>, " SENT,
    "Nov  3 04:05:06 mx postfix/smtp[1]: 8f3a91c0b2: to=<b@c>, " SENT,
    "Nov  3 04:05:06 mx postfix/smtp[1]: 4jWwnR34z9t1cXg: to=<b@c>, " SENT,
    "Nov  3 04:05:06 mx postfix/smtp[1]: 4jWwnR349tz: to=<b@c>, " SENT,
    "Nov  3 04:05:06 mx postfix/smtp[1]: 4jWanR349tz1cXgD: to=<b@c>, " SENT,
    "Nov  3 04:05:06 mx postfix/smtp[1]: 123456789012345678901234567890123456789AB: to=<b@c>, " SENT,
    "Nov  3 04:05:06 mx postfix/smtpd[1]: 4jWwnR349tz1cXgD: to=<b@c>, " SENT,
    "Nov  3 04:05:06 mx smtp[1]: 4jWwnR349tz1cXgD: to=<b@c>, " SENT,
    "Nov  3 04:05:06 mx /smtp[1]: 4jWwnR349tz1cXgD: to=<b@c>, " SENT,
    "Nov  3 04:05:06 mx postfix/smtp: 4jWwnR349tz1cXgD: to=<b@c>, " SENT,
    "Nov  3 04:05:06 mx postfix/smtp[]: 4jWwnR349tz1cXgD: to=<b@c>, " SENT,
    "Nov  3 04:05:06 mx postfix/smtp[x]: 4jWwnR349tz1cXgD: to=<b@c>, " SENT,
    "Nov  3 04:05:06 mx post fix/smtp[1]: 4jWwnR349tz1cXgD: to=<b@c>, " SENT,
    "Nov  3 04:05:06 mx postfix>/smtp[1]: 4jWwnR349tz1cXgD: to=<b@c>, " SENT,
    "Nov  3 04:05:06 mx  postfix/smtp[1]: 4jWwnR349tz1cXgD: to=<b@c>, " SENT,
    "Nov  3 04:05:06 postfix/smtp[1]: 4jWwnR349tz1cXgD: to=<b@c>, " SENT,
    "Nov  3 04:05:06 mx sshd[1]: postfix/smtp[1]: 4jWwnR349tz1cXgD: to=<b@c>, " SENT,
    "Nov 31 04:05:06 mx postfix/smtp[1]: 4jWwnR349tz1cXgD: to=<b@c>, " SENT,
    "<22>Nov  3 04:05:06 mx postfix/smtp[1]: 4jWwnR349tz1cXgD: to=<b@c>, " SENT,
    " Nov  3 04:05:06 mx postfix/smtp[1]: 4jWwnR349tz1cXgD: to=<b@c>, " SENT,
    "Nov  3 04:05:06 mx postfix/smtp[1]: message repeated 2 times: [ 4jWwnR349tz1cXgD: to=<b@c>, "
    SENT "]",
 // fields that do not stand where Postfix puts them
    AT "4jWwnR349tz1cXgD: to=<>, " SENT,
    AT "4jWwnR349tz1cXgD: to=<b@c>, orig_to=<x@y>, orig_to=<b@c>, " SENT,
    AT "4jWwnR349tz1cXgD: orig_to=<b@c>, to=<b@c>, " SENT,
    AT "4jWwnR349tz1cXgD: to=b@c, " SENT,
    AT "4jWwnR349tz1cXgD: to=<b@c, " SENT,
    AT "4jWwnR349tz1cXgD: to=<b@c>" SENT,
    AT "4jWwnR349tz1cXgD: to=<b@c>, relay=, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (x)",
    AT "4jWwnR349tz1cXgD: to=<b@c>, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (x)",
    AT "4jWwnR349tz1cXgD: to=<b@c>, relay=a b, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (x)",
    AT "4jWwnR349tz1cXgD: to=<b@c>, relay=a, delays=0/0/0/1, dsn=2.0.0, status=sent (x)",
    AT "4jWwnR349tz1cXgD: to=<b@c>, relay=a, delay=1, dsn=2.0.0, status=sent (x)",
    AT "4jWwnR349tz1cXgD: to=<b@c>, relay=a, delays=0/0/0/1, delay=1, dsn=2.0.0, status=sent (x)",
    AT "4jWwnR349tz1cXgD: to=<b@c>, relay=a, delay=1, conn_use=2, delays=0, dsn=2.0.0, status=sent (x)",
    AT "4jWwnR349tz1cXgD: to=<b@c>, relay=a, delay=x, delays=0/0/0/1, dsn=2.0.0, status=sent (x)",
    AT "4jWwnR349tz1cXgD: to=<b@c>, relay=a, delay=1, delays=0/0/0/x, dsn=2.0.0, status=sent (x)",
    AT "4jWwnR349tz1cXgD: to=<b@c>, relay=a, conn_use=x, delay=1, delays=0, dsn=2.0.0, status=sent (x)",
    AT "4jWwnR349tz1cXgD: to=<b@c>, relay=a, delay=1, delays=0/0/0/1, status=sent (x)",
    AT "4jWwnR349tz1cXgD: to=<b@c>, relay=a, delay=1, delays=0/0/0/1, dsn=2.0, status=sent (x)",
    AT "4jWwnR349tz1cXgD: to=<b@c>, relay=a, delay=1, delays=0/0/0/1, dsn=2.0.0.0, status=sent (x)",
    AT "4jWwnR349tz1cXgD: to=<b@c>, relay=a, delay=1, delays=0/0/0/1, dsn=2.1000.0, status=sent (x)",
    AT "4jWwnR349tz1cXgD: to=<b@c>, relay=a, delay=1, delays=0/0/0/1, dsn=3.0.0, status=sent (x)",
    AT "4jWwnR349tz1cXgD: to=<b@c>, relay=a, delay=1, delays=0/0/0/1, tls=, dsn=2.0.0, status=sent (x)",
    AT "4jWwnR349tz1cXgD: to=<b@c>, relay=a, delay=1, delays=0/0/0/1, tls=a b, dsn=2.0.0, "
    "status=sent (x)",
    AT "4jWwnR349tz1cXgD: to=<b@c>, " TAIL "dsn=4.0.0, status=sent (x)",
    AT "4jWwnR349tz1cXgD: to=<b@c>, " TAIL "dsn=2.0.0, status=deferred (x)",
    AT "4jWwnR349tz1cXgD: to=<b@c>, " TAIL "dsn=2.0.0, status=deliverable (x)",
    AT "4jWwnR349tz1cXgD: to=<b@c>, " TAIL "dsn=2.0.0, status=SENT (x)",
    AT "4jWwnR349tz1cXgD: to=<b@c>, " TAIL "dsn=2.0.0, status=sent(x)",
    AT "4jWwnR349tz1cXgD: to=<b@c>, " TAIL "dsn=2.0.0, status=sent (x",
    AT "4jWwnR349tz1cXgD: to=<b@c>, " TAIL "dsn=2.0.0, status=sent (",
    AT "4jWwnR349tz1cXgD: to=<b@c>, " TAIL "dsn=2.0.0, status=sent",
    AT "4jWwnR349tz1cXgD: to=<b@c>, " SENT " ",
    AT "4jWwnR349tz1cXgD: to=<b@c>, " SENT "\r",
    AT "4jWwnR349tz1cXgD: to=<b@c>, " TAIL "dsn=2.0.0, status=sent (a\tb)",
    AT "4jWwnR349tz1cXgD: to=<b@c>, " TAIL "dsn=2.0.0, status=sent (a\x7f)",
    AT "4jWwnR349tz1cXgD: to=<b\x01@c>, " SENT,
    AT "4jWwnR349tz1cXgD: status=deferred (bounce failed)",
 // addresses that could be read in two ways
    AT "4jWwnR349tz1cXgD: to=<a b@c>, " SENT,
    AT "4jWwnR349tz1cXgD: to=<a@b@c>, " SENT,
    AT "4jWwnR349tz1cXgD: to=<@b:a@c>, " SENT,
    AT "4jWwnR349tz1cXgD: to=<@c>, " SENT,
    AT "4jWwnR349tz1cXgD: to=<\"a\"b@c>, " SENT,
    AT "4jWwnR349tz1cXgD: to=<a\"b\"@c>, " SENT,
    AT "4jWwnR349tz1cXgD: to=<\"a\\\"@c>, " SENT,
    AT "4jWwnR349tz1cXgD: to=<\"a@c>, " SENT,
    AT "4jWwnR349tz1cXgD: to=<a@[1>, " SENT "]>, " SENT,
    AT "4jWwnR349tz1cXgD: to=<a@[1>, " SENT,
    AT "4jWwnR349tz1cXgD: to=<a@[1]b>, " SENT,
    AT "4jWwnR349tz1cXgD: to=<a@b[1]>, " SENT,
    AT "4jWwnR349tz1cXgD: to=<a@\"c>, " SENT,
    AT "4jWwnR349tz1cXgD: to=<a@c d>, " SENT,
    AT "4jWwnR349tz1cXgD: to=<a,b@c>, " SENT,
    AT "4jWwnR349tz1cXgD: to=<a@b,c>, " SENT,
    AT "4jWwnR349tz1cXgD: to=<a\\>b@c>, " SENT,
};

// clang-format on

static enum maillog_result
parse(const char *text, struct maillog_line *line_out)
{
    return maillog_parse(span_of(text), NOW, line_out);
}

static void
deliveries_are_read(void)
{
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        const struct row *row = &rows[i];
        struct maillog_line line;
        enum maillog_result result = parse(row->line, &line);

        UNIT_CHECK_ROW(row->line, (result == MAILLOG_DELIVERY) == (row->queue_id != NULL));
        if (result != MAILLOG_DELIVERY || row->queue_id == NULL)
            continue;
        UNIT_CHECK_ROW(row->line, line.at_ms == NOW);
        UNIT_CHECK_ROW(row->line, span_is(line.service, row->service));
        UNIT_CHECK_ROW(row->line, span_is(line.queue_id, row->queue_id));
        UNIT_CHECK_ROW(row->line, span_is(line.to, row->to));
        UNIT_CHECK_ROW(row->line, span_is(line.orig_to, row->orig_to));
        UNIT_CHECK_ROW(row->line, span_is(line.relay, row->relay));
        UNIT_CHECK_ROW(row->line, span_is(line.dsn, row->dsn));
        UNIT_CHECK_ROW(row->line, line.status == row->status);
        UNIT_CHECK_ROW(row->line, span_is(line.text, row->text));
    }
}

static void
all_else_is_other(void)
{
    for (size_t i = 0; i < UNIT_COUNT(others); i++) {
        struct maillog_line line;

        UNIT_CHECK_ROW(others[i], parse(others[i], &line) == MAILLOG_OTHER);
    }
}

// Postfix prints 2,000 bytes behind its name; a line over MAILLOG_LINE_MAX is nobody's.
static void
a_line_that_postfix_has_cut(void)
{
    static char text[MAILLOG_LINE_MAX + 2];
    size_t head = strlen(AT);
    struct maillog_line line;

    (void)snprintf(text, sizeof text, "%s",
                   AT "4jWwnR349tz1cXgD: to=<b@c>, " TAIL "dsn=2.0.0, status=sent (250 ");
    memset(text + strlen(text), '(', sizeof text - strlen(text));
    CU_ASSERT(maillog_parse(span_from(text, head + 2000), NOW, &line) == MAILLOG_DELIVERY);
    CU_ASSERT(line.status == MAILLOG_SENT && line.text.data[line.text.len - 1] == '(');
    CU_ASSERT(line.text.data + line.text.len == text + head + 2000);
    CU_ASSERT(maillog_parse(span_from(text, head + 1999), NOW, &line) == MAILLOG_OTHER);
    CU_ASSERT(maillog_parse(span_from(text, MAILLOG_LINE_MAX), NOW, &line) == MAILLOG_DELIVERY);
    CU_ASSERT(maillog_parse(span_from(text, MAILLOG_LINE_MAX + 1), NOW, &line) == MAILLOG_OTHER);
    *strchr(text, 'b') = '"'; // cut within the address
    CU_ASSERT(maillog_parse(span_from(text, head + 2000), NOW, &line) == MAILLOG_OTHER);
}

// At every position: never anything but OTHER, and nothing behind the span is read.
static void
half_a_line_is_other(void)
{
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        size_t whole = strlen(rows[i].line);
        bool is_text = false;

        for (size_t len = 0; rows[i].queue_id != NULL && len < whole; len++) {
            char *copy = malloc(len + 1);
            struct maillog_line line;

            memcpy(copy, rows[i].line, len);
            is_text = is_text || (len > 7 && memcmp(copy + len - 7, "status=", 7) == 0);
            if (maillog_parse(span_from(copy, len), NOW, &line) == MAILLOG_DELIVERY) {
                // Only where the text has a parenthesis of its own.
                UNIT_CHECK_ROW(rows[i].line, is_text && copy[len - 1] == ')');
                UNIT_CHECK_ROW(rows[i].line, line.status == rows[i].status);
                UNIT_CHECK_ROW(rows[i].line, span_is(line.to, rows[i].to));
            }
            free(copy);
        }
    }
}

static const struct unit_test tests[] = {
    {"deliveries are read",         deliveries_are_read        },
    {"all else is other",           all_else_is_other          },
    {"a line that Postfix has cut", a_line_that_postfix_has_cut},
    {"half a line is other",        half_a_line_is_other       },
};

int
main(void)
{
    setenv("TZ", "UTC", 1);
    return unit_run("track/maillog/maillog", tests, UNIT_COUNT(tests));
}
