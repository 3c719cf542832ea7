// SPDX-License-Identifier: BSD-2-Clause
#include "tool/postfix_lines.h"

#include "base/mem.h"
#include "tests/unit/control/scratch.h"
#include "tests/unit/harness.h"

#define LISTEN(inside) "listen \"inet:127.0.0.1:10024\" { " inside " }\n"
#define HOP(inside) "next_hop \"inet:127.0.0.1:10025\" { " inside " }\n"

// clang-format off
static const struct {
    const char *name, *config, *filter, *in, *back; // in, back: how the services begin
    const char *has[3]; // anywhere in what is printed; NULL: nothing more
} rows[] = {
    {"defaults",
     "",
     "postern:[127.0.0.1]:10024",
     "postern unix - - n - 20 smtp -o smtp_send_xforward_command=yes -o ",
     "127.0.0.1:10025 inet n - n - 40 smtpd -o content_filter= -o ",
     {"postern_destination_concurrency_limit = 20\n",
      "postern_destination_recipient_limit = 1000\n", "smtp_data_done_timeout=1200s"}},
    {"LMTP on a UNIX socket",
     "listen \"unix:/run/x/lmtp.sock\" { }",
     "postern:unix:/run/x/lmtp.sock",
     "postern unix - - n - 20 lmtp -o lmtp_send_xforward_command=yes -o ",
     "127.0.0.1:10025 inet n - n - 40 smtpd -o content_filter= -o ",
     {"-o lmtp_generic_maps=", "-o lmtp_tls_security_level=none"}},
    {"LMTP over TCP",
     LISTEN("protocol = lmtp"),
     "postern:inet:127.0.0.1:10024",
     "postern unix - - n - 20 lmtp -o ",
     "127.0.0.1:10025 inet n - n - 40 smtpd -o ",
     {NULL}},
    {"IPv6",
     "listen \"inet:[::1]:24\" { }\nnext_hop \"inet:[::1]:26\" { }",
     "postern:[::1]:24",
     "postern unix - - n - 20 smtp -o ",
     "[::1]:26 inet n - n - 40 smtpd -o ",
     {NULL}},
    {"LMTP over IPv6",
     "listen \"inet:[::1]:24\" { protocol = lmtp }",
     "postern:inet:[::1]:24",
     "postern unix - - n - 20 lmtp -o ",
     "127.0.0.1:10025 inet n - n - 40 smtpd -o ",
     {NULL}},
    {"all addresses",
     "listen \"inet:0.0.0.0:24\" { }",
     "postern:[127.0.0.1]:24",
     "postern unix - - n - 20 smtp -o ",
     "127.0.0.1:10025 inet n - n - 40 smtpd -o ",
     {NULL}},
    {"all IPv6 addresses",
     "listen \"inet:[::]:24\" { }",
     "postern:[::1]:24",
     "postern unix - - n - 20 smtp -o ",
     "127.0.0.1:10025 inet n - n - 40 smtpd -o ",
     {NULL}},
    {"limits follow",
     HOP("connections = 7  dot_timeout = 100s") "relay_deadline = 1500ms\nmax_recipients = 50",
     "postern:[127.0.0.1]:10024",
     "postern unix - - n - 7 smtp -o ",
     "127.0.0.1:10025 inet n - n - 14 smtpd -o ",
     {"smtp_data_done_timeout=222s", "recipient_limit = 50\n",
      "initial_destination_concurrency = 7\n"}},
    {"no more than may come in",
     HOP("connections = 100") "max_connections = 10\nmax_recipients = 5000",
     "postern:[127.0.0.1]:10024",
     "postern unix - - n - 10 smtp -o ",
     "127.0.0.1:10025 inet n - n - 200 smtpd -o ",
     {"recipient_limit = 1000\n", "concurrency_limit = 10\n"}},
    {"TLS both ways",
     LISTEN("tls { cert = \"/bin/sh\" key = \"/bin/sh\" mode = require }") HOP("tls = require"),
     "postern:[127.0.0.1]:10024",
     "postern unix - - n - 20 smtp -o ",
     "127.0.0.1:10025 inet n - n - 40 smtpd -o ",
     {"smtp_tls_security_level=encrypt", "smtpd_tls_security_level=may"}},
    {"public socket back",
     "next_hop \"unix:/var/spool/postfix/public/reinject\" { }",
     "postern:[127.0.0.1]:10024",
     "postern unix - - n - 20 smtp -o ",
     "reinject unix n - n - 40 smtpd -o ",
     {NULL}},
    {"private socket back",
     "next_hop \"unix:/var/spool/postfix/private/reinject\" { }",
     "postern:[127.0.0.1]:10024",
     "postern unix - - n - 20 smtp -o ",
     "reinject unix - - n - 40 smtpd -o ",
     {NULL}},
};


static const struct {
    const char *name, *config, *error;
} bad[] = {
    {"another machine", "next_hop \"inet:192.0.2.1:25\" { }", "is not a loopback address"},
    {"LMTP back", HOP("protocol = lmtp"), "smtpd speaks SMTP"},
    {"a socket of ours", "next_hop \"unix:/run/x.sock\" { name = \"n\" }",
     "next_hop \"n\": Postfix "},
    {"a short path", "next_hop \"unix:/x\" { }", "listens in public/"},
};

// clang-format on

static struct settings *
load(const char *config)
{
    struct settings *settings = NULL;
    struct scratch scratch;
    char path[1024];
    struct err err;

    scratch_make(&scratch);
    scratch_write(&scratch, "postern.conf", config);
    scratch_name(&scratch, "postern.conf", path);
    if (settings_load(path, &settings, &err) != 0) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
    scratch_remove(&scratch);
    return settings;
}

static bool
begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static void
rows_hold(void)
{
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct settings *settings = load(rows[i].config);
        struct postfix_lines lines;
        struct buf out;

        buf_init(&out, POSTFIX_TEXT_MAX);
        CU_ASSERT_FATAL(postfix_lines_make(settings, &settings->listeners[0], &lines, NULL) == 0);
        postfix_lines_print(&lines, &out);
        UNIT_CHECK_ROW(rows[i].name, strcmp(lines.params[0].value, rows[i].filter) == 0);
        UNIT_CHECK_ROW(rows[i].name, begins(lines.services[0].line, rows[i].in));
        UNIT_CHECK_ROW(rows[i].name, begins(lines.services[1].line, rows[i].back));
        for (size_t j = 0; j < 3 && rows[i].has[j] != NULL; j++)
            UNIT_CHECK_ROW(rows[i].has[j], strstr(buf_text(&out), rows[i].has[j]) != NULL);
        buf_clear(&out);
        postfix_lines_clear(&lines);
        settings_free(&settings);
    }
}

static void
bad_rows_hold(void)
{
    for (size_t i = 0; i < UNIT_COUNT(bad); i++) {
        struct settings *settings = load(bad[i].config);
        struct postfix_lines lines;
        struct err err;

        UNIT_CHECK_ROW(bad[i].name,
                       postfix_lines_make(settings, &settings->listeners[0], &lines, &err) == -1);
        UNIT_CHECK_ROW(bad[i].name, err.kind == ERR_PERM && strstr(err.text, bad[i].error) != NULL);
        postfix_lines_clear(&lines);
        settings_free(&settings);
    }
}

// The lines as Postfix reads them: those that begin with a blank belong to the one before, none has
// a comment behind it, and joined they are what postconf is given.
static void
printed_lines_are_the_same(void)
{
    struct settings *settings = load("");
    struct postfix_lines lines;
    struct buf out, joined;

    buf_init(&out, POSTFIX_TEXT_MAX);
    buf_init(&joined, POSTFIX_TEXT_MAX);
    CU_ASSERT_FATAL(postfix_lines_make(settings, &settings->listeners[0], &lines, NULL) == 0);
    postfix_lines_print(&lines, &out);
    for (const char *at = buf_text(&out); *at != '\0'; at++) {
        if (at[0] == '\n' && at[1] == ' ')
            at++; // one of two blanks is left
        else
            buf_add_char(&joined, *at);
    }
    for (struct span rest = buf_span(&out); rest.len > 0;) {
        struct span line = span_cut(&rest, '\n');

        CU_ASSERT(line.len <= 98);
        CU_ASSERT(line.len == 0 || line.data[0] == '#' || memchr(line.data, '#', line.len) == NULL);
    }
    for (size_t i = 0; i < POSTFIX_SERVICES; i++)
        CU_ASSERT(strstr(buf_text(&joined), lines.services[i].line) != NULL);
    buf_clear(&joined);
    buf_clear(&out);
    postfix_lines_clear(&lines);
    settings_free(&settings);
}

static const struct unit_test tests[] = {
    {"rows hold",                  rows_hold                 },
    {"bad rows hold",              bad_rows_hold             },
    {"printed lines are the same", printed_lines_are_the_same},
};

UNIT_MAIN("tool/postfix_lines", tests)
